"""The runner's facts in words for people."""

from __future__ import annotations

from pathlib import Path

from digits.core.executor import Status
from digits.core.platform import signal_name
from digits.store import Trouble

LAST_LINES = 20
_TAIL_BYTES = 65_536


def ordinal(number: int) -> str:
    """Return '1st', '2nd', '3rd', '11th' ..."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def gigabytes(num_bytes: int) -> str:
    """Return '2 GB', '0.5 GB'."""
    return f"{num_bytes / 1e9:.3g} GB"


def last_lines(path: Path) -> str:
    """Return the last lines of a log; '' where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-LAST_LINES:])


def died(status: Status, log: Path) -> Trouble:
    """Return how a process ended that did not say so itself, with the last lines of its log."""
    code = status.code
    hint = ""
    if code is None:
        message = "The process ended without a last word, while no server watched it."
    elif code < 0:
        message = f"The process was killed by {signal_name(-code)}."
        if signal_name(-code) == "SIGKILL":
            hint = "The system does this when memory runs out; a person can, too."
    else:
        message = f"The process ended with exit code {code} before its work was done."
    return Trouble(message, hint=hint, trace=last_lines(log))
