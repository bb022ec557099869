"""Which weights would be copied into which layers of a network: told before a training is made. No weight stays in memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.caffeproto.files import read_weights_file
from digits.networks.caffe.copying import copy_by_name, copy_table, warnings_of
from digits.networks.caffe.describe import answer_of, build_empty, picture_shape, prepared, python_layers_in


def copies(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of what would become of each layer.

    Args:
        question: what ``describe`` takes, and "weights": a list of {"path", "name"}.

    Returns:
        files, layers (rows with ``CopiedLayer``'s fields), the counts copied, new, unfit and ignored, and "warnings": lists of fact and hint.

    Raises:
        DigitsError: the definition cannot be built, or a file holds no weights.
    """
    definition = prepared(question)
    with python_layers_in(question):
        picture = picture_shape(definition)
        net = build_empty(definition.train, picture, phase="TRAIN", answer=answer_of(question, picture))
    files = [(str(each["name"]), Path(each["path"])) for each in question["weights"]]
    rows = copy_by_name(net, [(name, _empty(path)) for name, path in files], unfit="keep")
    names = [name for name, _ in files]
    return copy_table(rows, names) | {"warnings": warnings_of(rows, names)}


def _empty(path: Path) -> Mapping[str, NDArray[np.float32]]:
    facts = path.stat() if path.exists() else None
    return _shapes(path, facts and (facts.st_mtime_ns, facts.st_size))


@lru_cache(maxsize=32)
def _shapes(path: Path, _version: tuple[int, int] | None) -> Mapping[str, NDArray[np.float32]]:
    """Return the arrays of a file as views of a single zero: of their shapes, and of no size. A form asks again at every keystroke."""
    zero = np.zeros((), np.float32)
    return {name: np.broadcast_to(zero, array.shape) for name, array in read_weights_file(path).items()}
