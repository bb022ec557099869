"""``digits caffe export``: a network of an old Caffe project, with its weights, as a file for other programs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.caffe.definitions import State, read_net
from digits.caffeproto.files import read_weights_file
from digits.core.errors import DataError, NotFoundError, WeightsError
from digits.data.mean import read_mean
from digits.networks.caffe.build import build
from digits.networks.caffe.copying import copy_by_name
from digits.networks.caffe.export.formats import suffix_of, write
from digits.networks.caffe.export.model import ExportModel
from digits.networks.caffe.export.preprocessing import Preprocessing, mean_colour
from digits.networks.caffe.python_layer import python_layers_from


def export(
    net: Path,
    *,
    weights: Sequence[Path],
    output: Path,
    format: str,  # noqa: A002 - the flag's name
    state: State,
    labels: Path | None = None,
    mean: str = "",
) -> list[str]:
    """Write the network of a deploy file in ``format`` to ``output``, whole or not at all; return what there is to say about it.

    Args:
        net: its prototxt, of any age.
        weights: files of any form, copied by the names of layers one after the other.
        output: the file to write.
        format: a name out of ``digits.networks.caffe.export.formats``.
        state: which of its layers are meant.
        labels: a file of one class a line.
        mean: "104,117,123" (blue, green, red), or the path of a ``mean.binaryproto``.

    Raises:
        DigitsError: the network cannot be built, the weights lack a layer, or the format cannot carry it; in words.
    """
    suffix_of(format)  # before anything is read
    definition = read_net(net).only(state)
    bare = ExportModel(name=output.name.partition(".")[0], deploy=definition.message, where=str(net), weights={})
    with python_layers_from(*definition.folders.all):
        built = build(definition.message, bare.input_shapes(), phase="TEST", where=str(net))
    rows = copy_by_name(built, [(str(path), read_weights_file(path)) for path in weights])
    lacking = [row.layer for row in rows if row.outcome == "new"]
    if lacking:
        raise WeightsError(
            f"No weight file has layer {', '.join(map(repr, lacking[:5]))}.",
            hint="Are these the weights of another network?" if weights else "Name them with --weights.",
        )
    files, subtracted = {}, _mean(mean)
    if labels is not None:
        if not labels.is_file():
            raise NotFoundError("There is no such file.", where=str(labels))
        files["labels.txt"] = labels
    if subtracted is not None and subtracted.ndim == 3:
        files["mean.binaryproto"] = Path(mean)
    model = ExportModel(
        name=bare.name,
        deploy=bare.deploy,
        where=bare.where,
        weights=built.state(),
        preprocessing=_preprocessing(bare, subtracted),
        labels=tuple(labels.read_text("utf-8", "replace").splitlines()) if labels else (),
        files=files,
    )
    written = write(format, model, output.with_name(f".{output.name}.{secrets.token_hex(4)}"))
    os.replace(written, output)
    return [f"{row.layer}: {row.words}" for row in rows if row.outcome != "copied"]


def _mean(text: str) -> NDArray[np.float32] | None:
    """Return a colour or a picture.

    Raises:
        DataError: it is neither numbers nor a mean file.
    """
    if Path(text).is_file():
        return read_mean(Path(text))
    try:
        return mean_colour(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise DataError(
            "The mean is no file, and no numbers.", where=text, hint="--mean 104,117,123, or a mean.binaryproto."
        ) from None


def _preprocessing(model: ExportModel, mean: NDArray[np.float32] | None) -> Preprocessing:
    """Return what the files say: a mean picture larger than the input means that the input is its centre."""
    shape = next(iter(model.input_shapes().values()))
    if mean is None or mean.ndim == 1:
        return Preprocessing(mean=mean)
    resized = (mean.shape[1], mean.shape[2])
    crop = shape[-1] if len(shape) == 4 and shape[-2] == shape[-1] and resized != shape[-2:] else 0
    return Preprocessing(resize_HW=resized, resize_mode="squash", crop_px=crop, mean=mean)
