"""Caffe networks that find boxes, as DetectNet: labels as their transformation wants them, and their lists for whoever counts boxes.

Legend: N pictures, M rows of boxes; a label is DIGITS' table, [N, 1, M + 1, 16], whose first row has the number of boxes and of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from digits.caffeproto.caffe_pb2 import NetParameter
from digits.core.errors import TrainingError
from digits.networks.caffe.net import CaffeNet
from digits.networks.detectnet.grid import classes_of
from digits.training.parts import Training

_TRANSFORMATION = "DetectNetTransformation"
_LISTS = "ClusterDetections"
_COLUMNS = 16


def check_classes(job: Training, net: NetParameter) -> None:
    """Say which classes of the dataset the network learns, and whether its pictures have another size.

    Raises:
        TrainingError: it learns none of them.
    """
    ids, labels = list(job.dataset.facts["class_ids"]), job.dataset.labels
    _, height, width = job.dataset.size
    for layer in net.layer:
        if layer.type != _TRANSFORMATION:
            continue
        ground = layer.detectnet_groundtruth_param
        wanted = classes_of(ground)
        learned = [label for label, number in zip(labels, ids, strict=True) if number in wanted]
        if not learned:
            raise TrainingError(
                f"The network learns boxes of class {', '.join(map(str, wanted))}, and the dataset has "
                f"{', '.join(f'{label} ({number})' for label, number in zip(labels, ids, strict=True))}.",
                where=layer.name,
                hint="Name the classes in object_class of detectnet_groundtruth_param, or build the dataset with custom classes.",
            )  # fmt: skip
        if left_out := [label for label in labels if label not in learned]:
            job.warn(
                f"The network learns {', '.join(learned)} alone: boxes of {', '.join(left_out)} are passed over, and count as missed.",
                "Each class needs a list: object_class, channels of coverage and tops of ClusterDetections.",
            )
        if any(ids.index(source) != place for source, place in wanted.items() if source in ids):
            job.warn(
                "map50 takes the first list for the first class of the dataset, and the network has them otherwise."
            )
        if (ground.image_size_y, ground.image_size_x) != (height, width):
            job.warn(
                f"The network cuts its pictures to {ground.image_size_x} x {ground.image_size_y}, and those of the dataset are "
                f"{width} x {height}.",
                "Write the size of the pictures as image_size_x and image_size_y; what is beyond a picture is black.",
            )  # fmt: skip


def show_lists(net: NetParameter) -> None:
    """Let the network give its lists of boxes as outputs, too, where other layers take them; it is changed in place."""
    taken = {bottom for layer in net.layer for bottom in layer.bottom}
    lists = [top for layer in net.layer if layer.python_param.layer == _LISTS for top in layer.top if top in taken]
    for place, top in enumerate(lists):
        net.layer.add(name=f"found:{place}", type="Split", bottom=[top], top=[f"found:{place}"])


def feed_tables(net: CaffeNet, blob: str, facts: dict[str, Any]) -> None:
    """Let the network take targets, [N, M, 6], in the place of its labels."""
    place, ids, ignored = net.inputs.index(blob), list(facts["class_ids"]), int(facts.get("dontcare_id") or 0)

    def as_tables(_: torch.nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (*inputs[:place], tables_of(inputs[place], ids, ignored), *inputs[place + 1 :])

    net.module.register_forward_pre_hook(as_tables)


def tables_of(targets_NM6: Tensor, class_ids: Sequence[int], ignored_id: int) -> Tensor:
    """Return DIGITS' labels of boxes (class, left, top, right, bottom, ignored); ``class_ids`` are DIGITS' ids of the classes."""
    is_box = targets_NM6[:, :, 0] >= 0
    order = (~is_box).to(torch.uint8).argsort(dim=1, stable=True)  # a move may have taken some away between others
    rows = targets_NM6.gather(1, order[:, :, None].expand_as(targets_NM6))
    count = is_box.sum(1)
    ids = torch.tensor(class_ids, device=rows.device, dtype=rows.dtype)[rows[:, :, 0].clamp(min=0).long()]
    tables = rows.new_zeros(len(rows), 1, rows.shape[1] + 1, _COLUMNS)
    tables[:, 0, 0, 0], tables[:, 0, 0, 1] = count.to(rows.dtype), _COLUMNS
    tables[:, 0, 1:, 0:2] = rows[:, :, 1:3]
    tables[:, 0, 1:, 2:4] = rows[:, :, 3:5] - rows[:, :, 1:3]
    tables[:, 0, 1:, 5] = torch.where(rows[:, :, 5] > 0, float(ignored_id), ids)
    there = torch.arange(rows.shape[1], device=rows.device) < count[:, None]
    tables[:, 0, 1:] *= there[:, :, None]
    return tables
