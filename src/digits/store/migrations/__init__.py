"""Steps from one form of the database to the next: one file each in ``versions``, named ``vNNNN_what.py``.

A step is written once and never changed. It spells its tables out, as ``digits.store.schema`` moves on.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def head() -> str:
    """Return the name of the newest step, without loading Alembic."""
    return max(path.stem for path in (FOLDER / "versions").glob("v*.py"))
