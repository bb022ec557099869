"""Weights written as a text NetParameter. The long runs of numbers are read by numpy, and only what is left by protobuf.

protobuf's text parser needs a second a megabyte, and its own parsing would make a limit on the size necessary that no weights fit in.
"""

from __future__ import annotations

import re
import secrets

import numpy as np
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2, limits
from digits.caffeproto.blob import blob_to_array
from digits.caffeproto.scan import NotANetworkError
from digits.caffeproto.text import parse_net
from digits.caffeproto.upgrade import upgrade_net
from digits.core.errors import NetworkError, WeightsError

MAX_CHARACTERS = 500_000_000

_NUMBER = r"[-+]?(?:[0-9][0-9.]*|\.[0-9]+|inf|nan)(?:[eE][-+]?[0-9]+)?"
_RUN = re.compile(
    rf"(?<![\w.])data\s*:\s*\[?\s*{_NUMBER}[fF]?(?![\w.])(?:[\s,;]*(?:data\s*:\s*)?{_NUMBER}[fF]?(?![\w.:]))*+\s*\]?"
)
"""``data: 1 data: 2`` or ``data: [1, 2]``; what stands before keeps ``double_data`` and ``float_data`` out."""
_VALUE = re.compile(rf"(?<=[\s:,\[;])({_NUMBER})[fF]?(?![\w.])")
_FEW = 200  # characters: shorter runs are left to protobuf


def weights_from_text(text: str, *, where: str) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a text weight file by "<layer name>:<blob index>".

    Raises:
        WeightsError: the text is no NetParameter, or one without any blob: a definition.
    """
    if len(text) > MAX_CHARACTERS:
        raise WeightsError(f"The text has more than {MAX_CHARACTERS:,} characters.", where=where)
    runs: dict[bytes, NDArray[np.float32]] = {}
    secret = secrets.token_hex(8)  # so that no file can name a run by itself

    def kept(match: re.Match[str]) -> str:
        if len(match.group()) < _FEW:
            return match.group()
        name = f"{secret} {len(runs)}"
        runs[name.encode()] = _values(match.group(), where)
        return f"raw_data: '{name}'" + "\n" * match.group().count("\n")

    short = _RUN.sub(kept, text)
    try:
        parsed = parse_net(short, where=where, max_bytes=limits.MAX_TEXT_BYTES + short.count("\n"))
        net = upgrade_net(parsed.message, where=where)
    except NotANetworkError as error:
        raise WeightsError(
            f"This text holds no weights: {error.message}", where=error.where, hint=error.hint
        ) from error
    except NetworkError as error:
        raise WeightsError(error.message, where=error.where, hint=error.hint) from error
    weights = dict[str, NDArray[np.float32]]()
    for layer in net.layer:
        for index, blob in enumerate(layer.blobs):
            if blob.raw_data in runs:
                blob.raw_data, blob.raw_data_type = runs[blob.raw_data].tobytes(), caffe_pb2.FLOAT
            weights[f"{layer.name}:{index}"] = blob_to_array(blob, where=f"{where}, layer {layer.name!r}")
    if not weights:
        raise definition_error(where)
    return weights


def definition_error(where: str) -> WeightsError:
    """Return the error of a file that was given for weights and holds none."""
    return WeightsError(
        "This is a definition without weights.",
        where=where,
        hint="The weights are in another file, mostly named .caffemodel.",
    )


def _values(run: str, where: str) -> NDArray[np.float32]:
    try:
        return np.array(_VALUE.findall(run), np.float32)
    except ValueError as error:
        raise WeightsError(f"A value of a blob is no number: {error}.", where=where) from error
