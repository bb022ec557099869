"""The formats by name, each with the ending of its files; a format's module is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from digits.core.errors import DigitsError
from digits.networks.caffe.export.model import ExportModel

SUFFIXES: Mapping[str, str] = {
    "caffemodel": ".caffemodel.zip",
    "onnx": ".onnx",
    "pt2": ".pt2",
    "safetensors": ".safetensors",
}


def suffix_of(name: str) -> str:
    """Return the ending of files in the format ``name``.

    Raises:
        DigitsError: there is no such format.
    """
    if name not in SUFFIXES:
        raise DigitsError(f"There is no format {name!r}.", hint=f"Formats: {', '.join(SUFFIXES)}.")
    return SUFFIXES[name]


def write(name: str, model: ExportModel, stem: Path) -> Path:
    """Write ``model`` in the format ``name`` to ``stem`` with the format's ending, and return that path; nothing stays of a failure.

    Raises:
        DigitsError: there is no such format, or it cannot carry the model; in words.
    """
    path = stem.with_name(stem.name + suffix_of(name))
    module = import_module(f"digits.networks.caffe.export.{name}")
    try:
        module.write(model, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
