"""Caffe ``HDF5Data``: brings arrays of HDF5 files into the net, each top the array of its name; the training feeds them."""

from __future__ import annotations

from digits.networks.layers.registry import Layer, Source, converter


@converter("HDF5Data", bottoms=0, tops=(1, None))
def hdf5_data(layer: Layer) -> Source:
    """No bottom; the shapes are those of the arrays, which the caller knows. There is no transformation, as in Caffe."""
    if layer.message.transform_param.ListFields():
        raise layer.error("arrays of HDF5 files cannot be transformed.", "transform_param")
    return Source(tuple(None for _ in layer.message.top))
