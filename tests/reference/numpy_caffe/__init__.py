"""Caffe's layers in plain numpy, written from their formulas without any speed in mind: what the layers in torch must equal."""

from __future__ import annotations

from tests.reference.numpy_caffe import losses, recurrent, shapes, values, windows
from tests.reference.numpy_caffe.net import LAYERS, Array, Reference

__all__ = ["LAYERS", "Array", "Reference", "losses", "recurrent", "shapes", "values", "windows"]
