"""A Caffe classifier made fully convolutional: definition in, definition out, and the proof that nothing was lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from digits.caffeproto import caffe_pb2
from digits.caffeproto.files import read_weights_file
from digits.caffeproto.text import parse_net, to_text
from digits.caffeproto.upgrade import upgrade_net
from digits.core.errors import NetworkError
from digits.networks.caffe.definition import CaffeDefinition, fill_classes, prepare
from digits.networks.caffe.describe import build_empty
from digits.networks.fcn.convolved import Convolved, convolve
from digits.networks.fcn.equality import largest_difference
from digits.networks.fcn.segmented import DATA, PIXELS, SKIPS, Segmented, segment
from digits.networks.fcn.table import factor_table

Layer = caffe_pb2.LayerParameter
LABEL = "label"
_TOLERANCE = 1e-5


def to_fcn(question: Mapping[str, Any]) -> dict[str, Any]:
    """Make a classifier fully convolutional.

    Args:
        question: "text"; "channels", "height", "width", "crop_size" and "num_classes" of the classifier; "skip" ("none", "16s", "8s");
            "score_classes", the classes to score, None to leave them to the dataset; "weights", the path of its weights, "" for random ones.

    Returns:
        network: the definition; table: see ``factor_table``; checked_max_difference; factor; converted, averaged: names of layers; renamed: by
        the new name the old one; notes: what a person should know.

    Raises:
        NetworkError: the definition is no classifier that can be made so; with its line.
        WeightsError: the weights are another network's.
    """
    skip = question.get("skip") or "none"
    if skip not in SKIPS:
        raise NetworkError(f"There is no skip {skip!r}.", hint=f"Known: {', '.join(SKIPS)}.")
    definition = _classifier(question)
    layers = list(definition.deploy.layer)
    picture = tuple(layers[0].input_param.shape[0].dim)
    made = convolve(layers, build_empty(definition.deploy, picture, phase="TEST").layers)
    weights = read_weights_file(Path(question["weights"])) if question.get("weights") else None
    difference = largest_difference(layers, made, picture[1:], weights)
    found = segment(made.layers, skip=skip, num_classes=question.get("score_classes"))
    text = _text(definition, found, skip)
    return {
        "network": text,
        "table": _table(found.layers, picture, int(question["num_classes"])),
        "checked_max_difference": difference,
        "factor": found.factor,
        "converted": made.converted,
        "averaged": made.averaged,
        "renamed": made.names,
        "notes": list(_notes(made, found, difference)),
    }


def _classifier(question: Mapping[str, Any]) -> CaffeDefinition:
    text = str(question["text"])
    own = _own_shape(text)
    channels, height, width = own or [int(question[name]) for name in ("channels", "height", "width")]
    return prepare(
        text, where="", num_classes=int(question["num_classes"]), channels=channels, height=height, width=width,
        crop_size=None if own else question.get("crop_size") or None, use_mean="none", target_kind="classes",
    )  # fmt: skip


def _own_shape(text: str) -> list[int]:
    """Return (channels, height, width) where a definition says them itself, as one that answers does; else nothing."""
    net = upgrade_net(parse_net(text, where="").message, where="")
    inputs = [
        layer.input_param.shape[0].dim for layer in net.layer if layer.type == "Input" and layer.input_param.shape
    ]
    return list(inputs[0][1:]) if inputs and len(inputs[0]) == 4 else []


def _table(layers: Sequence[Layer], picture: Sequence[int], num_classes: int) -> list[dict[str, Any]]:
    """Return the table, with as many classes as the classifier has where the dataset is to say it."""
    data = Layer(name="input", type="Input", top=[DATA])
    net = build_empty(
        caffe_pb2.NetParameter(layer=[data, *fill_classes(layers, num_classes)]), tuple(picture), phase="TEST"
    )
    return factor_table([asdict(info) for info in net.layers])


def _text(definition: CaffeDefinition, found: Segmented, skip: str) -> str:
    """Return the whole definition: records in, every layer, and loss and accuracy over the pixels."""
    name = definition.deploy.name or "Network"
    made = caffe_pb2.NetParameter(name=f"{name}-FCN-{skip if skip != 'none' else f'{found.factor}s'}")
    given = parse_net(definition.original_text, where="").message.layer
    scale = next((each.transform_param.scale for each in given if each.transform_param.HasField("scale")), None)
    for stage in ("train", "val"):
        data = made.layer.add(name=f"{stage}-data", type="Data", top=[DATA, LABEL])
        data.include.add().stage.append(stage)
        data.data_param.batch_size = 1
        if scale is not None:
            data.transform_param.scale = scale
    made.layer.extend(found.layers)
    loss = made.layer.add(name="loss", type="SoftmaxWithLoss", bottom=[PIXELS, LABEL], top=["loss"])
    loss.exclude.add().stage.append("deploy")
    accuracy = made.layer.add(name="accuracy", type="Accuracy", bottom=[PIXELS, LABEL], top=["accuracy"])
    accuracy.include.add().stage.append("val")
    answer = made.layer.add(name="softmax", type="Softmax", bottom=[PIXELS], top=["softmax"])
    answer.include.add().stage.append("deploy")
    head = f"# {name} made fully convolutional: a class at each pixel, of pictures of any size.\n"
    return head + to_text(made)


def _notes(made: Convolved, found: Segmented, difference: float) -> Iterator[str]:
    if made.averaged:
        yield f"{', '.join(made.averaged)} went, so that scores stay at their places; for the check they were averaged."
    if difference > _TOLERANCE:
        yield (
            f"Its scores differ from the classifier's by {difference:.3g}: something between the mean over all places and the scores is no "
            "weighted sum, and so does not go with an average."
        )
    if found.first_pad is not None:
        yield f"After the check the first layer was set to pad {found.first_pad}, so that scores cover the whole picture."
    if found.off_by:
        yield f"The answer lies {float(found.off_by):g} pixel off the picture: kernels of even size have no middle."
