"""Files of weights for networks in Python: safetensors, and torch's own without any code in them. Workers alone read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import torch
from numpy.typing import NDArray

from digits.caffeproto.files import form_of
from digits.core.errors import WeightsError


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a file by torch's names, "layer1.0.conv1.weight"; whole numbers (counters) are left out.

    Raises:
        WeightsError: it is no file of weights, or one that would run code.
    """
    try:
        with path.open("rb") as file:
            form = form_of(file.read(4096))
        if form == "safetensors":
            return _floats(safetensors.numpy.load_file(path))
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    except Exception as error:  # torch raises what its unpickler does
        raise WeightsError(
            "This is no file of weights for a network in Python.", where=str(path),
            hint="Give .safetensors, or a state_dict that torch.save wrote (.pth); files that hold whole models run code and are not read.",
        ) from error  # fmt: skip
    while isinstance(found, Mapping) and len(inner := [found[key] for key in ("state_dict", "model") if key in found]):
        found = inner[0]
    if not isinstance(found, Mapping) or not all(isinstance(each, torch.Tensor) for each in found.values()):
        raise WeightsError("The file holds no state_dict.", where=str(path))
    return _floats({str(name): each.float().numpy() for name, each in found.items() if each.is_floating_point()})


def _floats(found: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    return {name: np.asarray(each, np.float32) for name, each in found.items() if each.dtype.kind == "f"}
