"""Which fields a folder stands for, by the names of what it holds. It runs in the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digits.core.errors import DataError

_GIVEN = ("noisy", "input", "inputs", "features", "a", "low", "blurred", "images")
_WANTED = ("clean", "target", "targets", "labels", "b", "high", "sharp")


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words``: two folders in it, or itself twice, for an autoencoder.

    Raises:
        DataError: it is no folder, or cannot be read.
    """
    root = path.expanduser()
    try:
        folders = {each.name.lower(): each for each in sorted(root.iterdir()) if each.is_dir()}
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=str(path)) from error
    given, wanted = (next((folders[name] for name in names if name in folders), None) for names in (_GIVEN, _WANTED))
    feature, label = (given, wanted) if given and wanted else (root, root)
    fields = {"feature_folder": [str(feature)], "label_folder": [str(label)]}
    words = "Pictures, and what is to be made of them" if given and wanted else "Pictures for an autoencoder"
    return {"format": "folder", "fields": fields, "words": words}
