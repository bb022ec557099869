"""Files of named numpy arrays (``.npz``): what the commands take in and give out."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, SetupError


def load_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a file as float32.

    Raises:
        DataError: it is no such file, or holds other things than numbers.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name], np.float32) for name in file.files}
    except (OSError, ValueError, AttributeError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        words = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise DataError("No arrays can be read from this file.", where=str(path), hint=f"{words}.") from error


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays under their names.

    Raises:
        SetupError: the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type] # numpy's types take the names for its own options
    except OSError as error:
        raise SetupError(f"The arrays cannot be written: {error.strerror}.", where=str(path)) from error
