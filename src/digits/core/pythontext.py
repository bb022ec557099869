"""Python that people write, looked at without running it."""

from __future__ import annotations

import ast

from digits.core.errors import DigitsError


def parse_python(text: str, *, where: str) -> ast.Module:
    """Return the syntax tree of ``text``.

    Raises:
        DigitsError: it is no Python that this server runs; with its line.
    """
    try:
        return ast.parse(text)
    except SyntaxError as error:
        hint = "It is Python 2: write print(...) for print ..." if "print" in str(error.msg) else ""
        place = f"{where}:{error.lineno}" if where else f"line {error.lineno}"
        raise DigitsError(f"This is no Python 3: {error.msg}.", where=place, hint=hint) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise DigitsError(f"This cannot be read as Python: {error}.", where=where) from error
