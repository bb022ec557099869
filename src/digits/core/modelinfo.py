"""``info.json`` of a downloaded model, or of an entry of a model store: DIGITS' keys, read with care.

``{"name": ..., "framework": "caffe", "snapshot file": "snapshot_iter_30.caffemodel", "model file": "original.prototxt", "labels file": ...}``
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from digits.core.errors import DigitsError
from digits.core.pretrainedspec import RESIZE_MODES

FILE = "info.json"
MAX_BYTES = 1_000_000
REQUIRED = ("snapshot file", "framework", "name")
OPTIONAL_FILES = {"labels_file": "labels file", "mean_file": "mean file", "python_layers_file": "python layer file",
                  "train_val_file": "train_val file"}  # fmt: skip
_STEP = re.compile(r"_iter_(\d{1,18})\.")
_PLAIN_NAME = re.compile(r"[^/\\\x00-\x1f]{1,255}")


class InfoError(DigitsError):
    """An ``info.json`` that cannot be used; its message is DIGITS' own."""

    code = "bad-info"


@dataclass(frozen=True)
class Described:
    """A model as its ``info.json`` tells it."""

    fields: Mapping[str, Any]
    """Of a ``PretrainedSpec``, without the files."""
    files: Mapping[str, str]
    """Field to the file's name."""


def parse(data: bytes) -> dict[str, Any]:
    """Return the object in an ``info.json``.

    Raises:
        InfoError: it is none.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InfoError("Missing or Incorrect json file", hint=f"{FILE} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InfoError("Missing or Incorrect json file", hint=f"{FILE} holds no object.")
    return found


def described(info: Mapping[str, Any], present: Collection[str] | None = None) -> Described:
    """Return the model that ``info`` tells of.

    Args:
        info: what ``parse`` returned.
        present: names of the files that are there; None where only fetching them tells (then files that may be missing are named too).

    Raises:
        InfoError: a key is missing, or a file that is named.
    """
    for key in REQUIRED:
        if not isinstance(info.get(key), str) or not info[key]:
            raise InfoError(f"Missing Key '{key}' in info.json")
    definition = next((info[key] for key in ("model file", "network file") if isinstance(info.get(key), str)), "")
    if not definition:
        raise InfoError("Missing model definition in info.json", hint="Its key is 'model file' or 'network file'.")
    files = {"weights_file": info["snapshot file"], "model_def_file": definition}
    for field, key in OPTIONAL_FILES.items():
        if isinstance(name := info.get(key), str) and name and (present is None or name in present):
            files[field] = name
    for name in files.values():
        if not _PLAIN_NAME.fullmatch(name) or name in (".", ".."):
            raise InfoError(f"info.json names {name[:80]!r}, which is no plain name of a file.")
        if present is not None and name not in present:
            raise InfoError(f"info.json names {name[:80]!r}, which is missing.", hint="All files lie side by side.")
    return Described(_fields(info), files)


def _fields(info: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": info["name"], "framework": info["framework"]}
    size = info.get("image dimensions")
    if isinstance(size, list) and len(size) == 3 and all(isinstance(each, int) for each in size):
        fields |= {"height": size[0], "width": size[1], "image_type": "1" if size[2] == 1 else "3"}
    if info.get("image resize mode") in RESIZE_MODES:
        fields["resize_mode"] = info["image resize mode"]
    if match := _STEP.search(info["snapshot file"]):
        fields["step"] = int(match[1])
    if isinstance(epoch := info.get("epoch"), int | float) and 0 <= epoch < 1e9:
        fields["epoch"] = float(epoch)
    more = info.get("preprocessing")
    if isinstance(more, dict):
        fields |= {name: more[name] for name in ("crop_size", "use_mean", "target_kind", "noise_seed") if name in more}
    return fields
