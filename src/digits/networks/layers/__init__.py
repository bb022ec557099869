"""Caffe's layers, one file each: a function with ``@converter("Type")`` that says what torch does for the layer.

A new layer is a new file here and its test; the files are found by themselves (``registry.converters``). The first line of
a file's docstring is the layer's row in the documentation.
"""
