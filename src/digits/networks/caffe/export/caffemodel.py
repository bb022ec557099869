"""An archive for Caffe and OpenCV: ``.caffemodel``, ``deploy.prototxt``, ``train_val.prototxt``, labels, mean, and a page that says how to use them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from digits.caffeproto import caffe_pb2
from digits.caffeproto.bvlc import clear_fork_fields, for_bvlc
from digits.caffeproto.caffemodel import write_caffemodel
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import to_text, without_source
from digits.caffeproto.upgrade import with_input_fields
from digits.core.errors import NetworkError
from digits.networks.caffe.build import build
from digits.networks.caffe.export.model import ExportModel
from digits.networks.caffe.windows import pool_size

DEPLOY, TRAIN_VAL, README = "deploy.prototxt", "train_val.prototxt", "README.txt"


def write(model: ExportModel, path: Path) -> None:
    """Write the archive. Weights hardly compress, and stand in it as they are.

    Raises:
        NetworkError: no other Caffe has such a layer; names its line.
    """
    given = [model.deploy] if model.training is None else [model.deploy, model.training]
    made = for_bvlc(given, model.weights, where=model.where, same_rounded_up=_same_rounded_up(model))
    deploy, *training = made.nets
    weights_name = f"{model.name}.caffemodel"
    texts = {
        README: _readme(model, weights_name, made.notes),
        DEPLOY: to_text(with_input_fields(deploy)),
    }
    if training:
        texts[TRAIN_VAL] = to_text(training[0])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text.encode("utf-8", "surrogateescape"), zipfile.ZIP_DEFLATED)
        for name, file in model.files.items():
            archive.write(file, name, zipfile.ZIP_DEFLATED)
        # Caffe's own snapshots hold the layers of the training: a further training takes all its weights from them.
        whole = filter_net(training[0], phase="TRAIN") if training else deploy
        archive.writestr(weights_name, write_caffemodel(_of_bvlc(whole), made.weights))


def _same_rounded_up(model: ExportModel) -> set[str]:
    """Return the Pooling layers whose output has the same size however it is rounded; none where the network cannot be built here."""
    try:
        net = build(model.deploy, model.input_shapes(), phase="TEST", where=model.where, device="meta")
    except NetworkError:  # a layer written in Python
        return set()
    found, shapes = set(), dict(net.input_shapes)
    for layer in net.layers:
        if layer.type == "Pooling":
            axes = zip(shapes[layer.bottoms[0]][2:], layer.kernel, layer.stride, layer.pad, strict=True)
            if layer.output_shapes[0][2:] == tuple(pool_size(*axis, up=True, clip=any(layer.pad)) for axis in axes):
                found.add(layer.name)
        shapes.update(zip(layer.tops, layer.output_shapes, strict=True))
    return found


def _of_bvlc(net: caffe_pb2.NetParameter) -> caffe_pb2.NetParameter:
    """Return a copy without any fork's field: in a binary file BVLC has other fields under some of their numbers."""
    copy = without_source(net)
    clear_fork_fields(copy)
    return copy


def _readme(model: ExportModel, weights_name: str, notes: tuple[str, ...]) -> str:
    shapes = model.input_shapes()
    name, shape = next(iter(shapes.items()))
    lines = [
        f"{model.deploy.name or 'A network'}, written by OpenDIGITS for Caffe and OpenCV (cv2.dnn, up to 4.x).",
        "",
        f"Input: {name}, {' x '.join(map(str, shape))} (pictures, channels, rows, columns).",
        "",
        "What happens to a picture first, in this order:",
        *(f"- {step}" for step in model.preprocessing.steps(shapes) or ["Nobody noted it."]),
    ]
    if "mean.binaryproto" in model.files:
        where = "; its centre is cut out too" if model.preprocessing.crop_px else ""
        lines.append(f"The mean picture is mean.binaryproto{where}.")
    lines += [
        "",
        "Caffe, in Python:",
        f'    net = caffe.Net("{DEPLOY}", "{weights_name}", caffe.TEST)',
        f"    net.blobs[{name!r}].data[...] = pictures",
        "    net.forward()",
        "OpenCV:",
        f'    net = cv2.dnn.readNetFromCaffe("{DEPLOY}", "{weights_name}")',
        "    net.setInput(pictures)",
        "    net.forward()",
    ]
    if notes:
        lines += ["", "Good to know:", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"
