"""The server's own paths that a person may name: all on loopback, those below ``data_roots`` where that is set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from digits.core.errors import DigitsError
from digits.core.settings import Settings


def is_allowed(path: Path, roots: Sequence[Path], *, parents: bool = False) -> bool:
    """Whether ``path`` lies below one of ``roots`` once every link is followed; ``parents``: or on the way to one."""
    try:
        real = path.resolve()
        return any(
            real.is_relative_to(root.resolve()) or (parents and root.resolve().is_relative_to(real)) for root in roots
        )
    except (OSError, ValueError, RuntimeError):
        return False


def require_allowed(path: Path, settings: Settings) -> None:
    """Do nothing if ``path`` may be named.

    Raises:
        DigitsError: it lies outside ``data_roots``.
    """
    if settings.data_roots and not is_allowed(path, settings.data_roots):
        listed = ", ".join(str(root) for root in settings.data_roots)
        raise DigitsError("This path may not be named.", where=str(path), hint=f"Setting data_roots allows {listed}.")
