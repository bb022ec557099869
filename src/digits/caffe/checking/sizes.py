"""Which shapes the data of a definition have: what its databases hold if they are here, else what crop_size and the like imply.

A layer that says nothing of its data is tried with the sizes that published networks have, small ones first.
"""

from __future__ import annotations

from collections.abc import Iterator

from digits.caffe.definitions import Definition
from digits.caffe.sources.feed import SELF_FED, Feed
from digits.caffeproto import caffe_pb2
from digits.core.errors import DigitsError
from digits.networks.detectnet.boxes import NUM_FACTS
from digits.networks.layers.registry import Phase, Shape

Layer = caffe_pb2.LayerParameter
USUAL: tuple[Shape, ...] = (
    (1, 28, 28), (3, 32, 32), (2, 28, 28), (3, 64, 64), (3, 224, 224), (3, 227, 227), (3, 256, 256), (3, 384, 384),
    (3, 384, 1248), (4,), (256,), (1000,),
)  # fmt: skip
"""MNIST, CIFAR, pairs of digits, photos, DetectNet's, and vectors."""
SMALL_BATCH = 2


def candidates(definition: Definition, phase: Phase) -> Iterator[dict[str, Shape]]:
    """Yield shapes of the inputs of a filtered definition, the likeliest first; {} where the definition says all."""
    real = _real(definition, phase)
    asked = [
        layer for layer in definition.message.layer if not layer.bottom and not all(top in real for top in layer.top)
    ]
    unsure = [layer for layer in asked if _says_nothing(layer)]
    for batch_is_small in (True, False):
        for usual in USUAL if unsure else USUAL[:1]:
            shapes = dict(real)
            for layer in asked:
                shapes.update(_implied(layer, usual, batch_is_small))
            yield shapes | _of_detectnet(definition, shapes, {top for layer in asked for top in layer.top})


def _real(definition: Definition, phase: Phase) -> dict[str, Shape]:
    """Return the shapes of data that can be opened, with a small batch."""
    found: dict[str, Shape] = {}
    for layer in definition.message.layer:
        if layer.bottom or layer.type in SELF_FED or layer.type == "WindowData":
            continue
        alone = Definition(caffe_pb2.NetParameter(layer=[layer]), definition.where, definition.folders)
        try:
            feed = Feed(alone, phase, seed=0)
        except DigitsError:
            continue
        shapes = feed.shapes
        feed.close()
        is_python = layer.type == "Python"
        found.update(
            {top: shape if is_python else (min(SMALL_BATCH, shape[0]), *shape[1:]) for top, shape in shapes.items()}
        )
    return found


def _says_nothing(layer: Layer) -> bool:
    if layer.transform_param.crop_size or layer.type in ("WindowData", "MemoryData", "DummyData"):
        return False
    if layer.type == "ImageData":
        return not layer.image_data_param.new_height
    return not layer.input_param.shape


def _implied(layer: Layer, usual: Shape, batch_is_small: bool) -> dict[str, Shape]:
    """Return the shapes of a data layer's tops; nothing for a layer that says them itself."""
    if layer.type in ("DummyData", "MemoryData") or layer.input_param.shape:
        return {}
    if layer.type == "Python":  # people's own: one picture at a time, and a class for each of its places
        places = (1, 1, *usual[1:]) if len(usual) == 3 else (1, *usual)
        return {top: places if index and _is_label(layer, top) else (1, *usual) for index, top in enumerate(layer.top)}
    size = next((value.batch_size for _, value in layer.ListFields() if hasattr(value, "batch_size")), 1) or 1
    batch = min(size, SMALL_BATCH) if batch_is_small else size
    crop, param = layer.transform_param.crop_size, layer.image_data_param
    shape: Shape = usual
    if crop:
        channels = 1 if len(layer.transform_param.mean_value) == 1 else 3
        shape = (channels, crop, crop)
    elif layer.type == "ImageData" and param.new_height and param.new_width:
        shape = (3 if param.is_color else 1, param.new_height, param.new_width)
    return {
        top: (batch,) if index and _is_label(layer, top) else (batch, *shape) for index, top in enumerate(layer.top)
    }


def _of_detectnet(definition: Definition, shapes: dict[str, Shape], asked: set[str]) -> dict[str, Shape]:
    """Return the shapes of pictures and labels that a DetectNetTransformation reads; with room for one box."""
    found: dict[str, Shape] = {}
    for layer in definition.message.layer:
        if layer.type == "DetectNetTransformation" and len(layer.bottom) == 2 and asked.issuperset(layer.bottom):
            ground, batch = layer.detectnet_groundtruth_param, shapes[layer.bottom[0]][0]
            found[layer.bottom[0]] = (batch, 3, ground.image_size_y, ground.image_size_x)
            found[layer.bottom[1]] = (batch, 1, 2, NUM_FACTS)
    return found


def _is_label(layer: Layer, top: str) -> bool:
    return layer.type not in ("HDF5Data", "Python") or any(word in top.lower() for word in ("label", "sem", "geo"))
