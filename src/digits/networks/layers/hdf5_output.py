"""Caffe ``HDF5Output``: takes two blobs to be saved in a file; the command that runs the net writes it, the net itself never does."""

from __future__ import annotations

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("HDF5Output", bottoms=2, tops=0)
def hdf5_output(layer: Layer) -> Lowered:
    """Data and labels in, none out. A definition comes from anybody, so building or running one writes no file."""
    if layer.in_shapes[0][:1] != layer.in_shapes[1][:1]:
        raise layer.error("its bottoms must hold as many pictures.", "bottom")
    return Lowered(None)
