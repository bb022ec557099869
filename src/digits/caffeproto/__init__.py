"""Caffe's messages: text with a line map, binary files, the phase filter, limits. No torch here.

``caffe_pb2`` is compiled from ``caffe.proto`` beside it by ``scripts/compile-proto``; both are committed.
"""
