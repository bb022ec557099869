"""``import caffe`` for scripts and layers in circulation: the names of pycaffe, led to the modules of this folder."""

from __future__ import annotations

import sys
from importlib import import_module

MODULES = {
    "caffe": "digits.caffe",
    "caffe.io": "digits.caffe.io",
    "caffe.proto": "digits.caffe.proto",
    "caffe.proto.caffe_pb2": "digits.caffeproto.caffe_pb2",
    "caffe.pycaffe": "digits.caffe.net",
    "caffe.classifier": "digits.caffe.classifier",
    "caffe.coord_map": "digits.caffe.coord_map",
    "caffe.detector": "digits.caffe.detector",
    "caffe.net_spec": "digits.caffe.net_spec",
    "caffe.layers.detectnet.clustering": "digits.caffe.detectnet.clustering",
    "caffe.layers.detectnet.mean_ap": "digits.caffe.detectnet.mean_ap",
}


def install() -> None:
    """Make the names known, unless a module ``caffe`` is loaded already."""
    if "caffe" in sys.modules:
        return
    for name, target in MODULES.items():
        sys.modules[name] = import_module(target)
