"""Files of weights for Keras networks: safetensors with arrays by path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from digits.caffeproto.files import form_of
from digits.core.errors import WeightsError


def check_weights_file(path: Path) -> None:
    """Check that a file is safetensors, by its first bytes.

    Raises:
        WeightsError: it is not, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            is_safetensors = form_of(file.read(4096)) == "safetensors"
    except OSError as error:
        raise WeightsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    if not is_safetensors:
        raise WeightsError(
            "This is no file of weights for a Keras network.", where=str(path), hint="Give .safetensors."
        )


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a file, "conv1/kernel".

    Raises:
        WeightsError: it is no file of weights.
    """
    try:
        found = safetensors.numpy.load_file(path)
    except OSError as error:
        raise WeightsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    except Exception as error:  # safetensors' own class is not public
        raise WeightsError("This is no file of weights for a Keras network.", where=str(path), hint="Give .safetensors.") from error  # fmt: skip
    return {name: np.asarray(each, np.float32) for name, each in found.items()}
