"""Whether a file may hold weights for a network in Python, told by its first bytes: the web process reads no more of it. No torch here."""

from __future__ import annotations

from pathlib import Path

from digits.caffeproto.files import form_of
from digits.core.errors import WeightsError

_SAVED = (b"PK\x03\x04", b"\x80\x02")
"""What ``torch.save`` writes: an archive since 2020, a bare pickle before; a worker reads either without running any of its code."""


def check_weights_file(path: Path) -> None:
    """Do nothing if ``path`` looks like weights.

    Raises:
        WeightsError: there is no such file, or it is none of weights.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise WeightsError(f"The weight file cannot be read: {error.strerror}.", where=str(path)) from error
    if form_of(head) != "safetensors" and not head.startswith(_SAVED):
        raise WeightsError(
            "This is no file of weights for a network in Python.", where=str(path), hint="Give .safetensors, or a state_dict that torch.save wrote (.pth)."
        )  # fmt: skip
