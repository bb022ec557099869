"""Tables for spreadsheets."""

from __future__ import annotations

_FORMULA = tuple("=+-@\t\r")


def harmless(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value
