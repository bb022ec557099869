"""Trained Caffe networks on their way out: one file a format, each with ``write(model, path)``."""
