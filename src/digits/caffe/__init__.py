"""What ``digits caffe ...`` runs, and the face that pycaffe's users know: ``Net``, ``Classifier``, ``io``, solvers, layers in Python.

``from digits import caffe`` stands for ``import caffe``; ``digits caffe run SCRIPT.py`` runs scripts that say the latter.
"""

from digits.caffe import io, proto
from digits.caffe.classifier import Classifier
from digits.caffe.detector import Detector
from digits.caffe.mode import (
    has_nccl,
    init_log,
    log,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_random_seed,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from digits.caffe.net import TEST, TRAIN, Net
from digits.caffe.net_spec import NetSpec, layers, params, to_proto
from digits.caffe.pysolver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)
from digits.networks.caffe.python_layer import Layer
from digits.networks.layers.registry import converters

__version__ = "1.0.0"
"""The release of Caffe whose face this is."""


def layer_type_list() -> list[str]:
    """Return the names of all layer types."""
    return list(converters())


__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Classifier",
    "Detector",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "get_solver",
    "has_nccl",
    "init_log",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "params",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]
