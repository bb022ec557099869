"""``caffe.proto``: the package that holds ``caffe_pb2``, as scripts import it."""

from digits.caffeproto import caffe_pb2

__all__ = ["caffe_pb2"]
