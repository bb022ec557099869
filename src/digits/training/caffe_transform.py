"""What a model's data layers do to pictures, read from its ``train_val.prototxt``: training, validation and answers must agree."""

from __future__ import annotations

from pathlib import Path

import torch

from digits.caffeproto import caffe_pb2
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.core.jobfolder import JobFolder
from digits.training.mean import mean_of
from digits.training.transform import Transform

TRAIN_VAL_FILE = "train_val.prototxt"


def read_train_val(folder: JobFolder) -> caffe_pb2.NetParameter:
    """Return the network of ``train_val.prototxt``, both phases of it.

    Raises:
        NetworkError: the file is not what it was.
    """
    text = (folder.path / TRAIN_VAL_FILE).read_text(encoding="utf-8")
    return upgrade_net(parse_net(text, where=TRAIN_VAL_FILE).message, where=TRAIN_VAL_FILE)


def answering_param(net: caffe_pb2.NetParameter) -> caffe_pb2.TransformationParameter:
    """Return what happens to a picture that is classified: as in validation, else as in training."""
    for phase in (caffe_pb2.TEST, caffe_pb2.TRAIN):
        kept = filter_net(net, phase="TEST" if phase == caffe_pb2.TEST else "TRAIN")
        for layer in kept.layer:
            if not layer.bottom and layer.HasField("transform_param"):
                return layer.transform_param
    return caffe_pb2.TransformationParameter()


def transform_of(
    param: caffe_pb2.TransformationParameter, folder: Path, *, device: torch.device | None = None, whiten: bool = False
) -> Transform:
    """Return what a data layer does to pictures; its mean picture lies in ``folder``; ``whiten`` is the form's."""
    mean = None
    if param.HasField("mean_file"):
        mean = mean_of(folder / param.mean_file, "image")
    elif param.mean_value:
        mean = torch.tensor(list(param.mean_value), dtype=torch.float32)[:, None, None]
    return Transform(
        mean_CHW=mean, crop_px=param.crop_size, scale=param.scale, mirror=param.mirror, device=device, whiten=whiten
    )
