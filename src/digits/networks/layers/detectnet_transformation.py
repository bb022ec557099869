"""NVCaffe ``DetectNetTransformation``: pictures with boxes to changed pictures, and to the grid that DetectNet learns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.networks.detectnet.augment import NUM_DRAWS, augmented, cut
from digits.networks.detectnet.boxes import NUM_FACTS, boxes_of
from digits.networks.detectnet.grid import grid_of, grid_shape
from digits.networks.layers.registry import Layer, Lowered, converter

Array = NDArray[np.float32]
_NOT_TAKEN = ("mean_file", "crop_size", "mirror")


@converter("DetectNetTransformation", bottoms=2, tops=2, output_free=True)
def detectnet_transformation(layer: Layer) -> Lowered:
    """Pictures (N, 3, H, W), BGR, and labels (N, 1, boxes + 1, 16) to pictures of ``image_size`` and grids (N, 8 + classes, ..., ...).

    The first row of a label holds the number of boxes. In TRAIN each picture is changed by chance, drawn from torch's generator; in TEST it is cut,
    or filled up with black, at the right and the bottom. Then comes ``transform_param``'s mean and scale. No gradient passes. What
    lies outside the picture after a change is black; a turned box becomes the upright one around its corners.
    """
    ground, (pictures, labels) = layer.message.detectnet_groundtruth_param, layer.in_shapes
    if len(pictures) != 4 or pictures[1] != 3:
        raise layer.error(f"its pictures must be (N, 3, H, W), and are {pictures}.", "bottom")
    if len(labels) < 2 or labels[-1] != NUM_FACTS or labels[0] != pictures[0]:
        words = f"its labels must be ({pictures[0]}, 1, boxes + 1, {NUM_FACTS}), and are {labels}."
        raise layer.error(words, "bottom")
    if not ground.stride or min(grid_shape(ground)) < 1:
        raise layer.error("stride and image_size make no grid.", "detectnet_groundtruth_param")
    if not 0 < ground.scale_cvg <= 1:
        raise layer.error(f"scale_cvg {ground.scale_cvg:g} is not in (0, 1].", "detectnet_groundtruth_param.scale_cvg")
    transform = layer.message.transform_param
    for name in _NOT_TAKEN:
        if transform.HasField(name):
            raise layer.error(f"it takes no {name}, only mean_value and scale.", f"transform_param.{name}")
    if len(transform.mean_value) not in (0, 1, 3):
        raise layer.error("give one mean_value, or three.", "transform_param.mean_value")
    return Lowered(DetectNetTransformation(layer.message, augments=layer.phase == "TRAIN"))


class DetectNetTransformation(nn.Module):
    """Makes the grids, on the processor, a thread a picture, and puts both tops where the pictures were."""

    def __init__(self, message: caffe_pb2.LayerParameter, *, augments: bool) -> None:
        super().__init__()
        self.ground, self.changes = message.detectnet_groundtruth_param, message.detectnet_augmentation_param
        self.size = (self.ground.image_size_y, self.ground.image_size_x)
        self.augments = augments
        self.mean = np.array(message.transform_param.mean_value or [0.0], np.float32)
        self.scale = np.float32(message.transform_param.scale)

    @torch.compiler.disable  # type: ignore[untyped-decorator] # torch's own
    def forward(self, pictures: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return pictures and grids."""
        count = len(pictures)
        shapes = (count, 3, *self.size), (count, *grid_shape(self.ground))
        if pictures.is_meta:
            return torch.empty(shapes[0], device="meta"), torch.empty(shapes[1], device="meta")
        images, grids = (np.empty(shape, np.float32) for shape in shapes)
        draws = torch.rand(count, NUM_DRAWS, dtype=torch.float64).tolist() if self.augments else [[]] * count
        stored = pictures.detach().to("cpu", torch.float32).numpy()
        tables = labels.detach().to("cpu", torch.float32).reshape(count, -1, NUM_FACTS).numpy()

        def make(index: int) -> None:
            images[index], grids[index] = self._one(stored[index], tables[index], draws[index])

        with ThreadPoolExecutor(min(count, torch.get_num_threads())) as pool:
            list(pool.map(make, range(count)))
        return torch.from_numpy(images).to(pictures.device), torch.from_numpy(grids).to(pictures.device)

    def _one(self, planes: Array, label: Array, draws: list[float]) -> tuple[Array, Array]:
        """Return a picture (3, H, W) and its grid."""
        picture, boxes = planes.transpose(1, 2, 0), boxes_of(label)
        if self.augments:
            picture, boxes = augmented(picture, boxes, self.changes, self.size, draws)
        else:
            picture, boxes = cut(picture, boxes, self.size)
        return ((picture - self.mean) * self.scale).transpose(2, 0, 1), grid_of(boxes, self.ground)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{self.size}, stride={self.ground.stride}, augments={self.augments}"
