"""pydantic's errors as sentences that a person filling in a form understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from digits.web.shape import Leaf

REQUIRED = "This field is required."
_BLANK = ("string_too_short", "string_pattern_mismatch", "int_parsing", "float_parsing")


def sentence(error: ErrorDetails, leaf: Leaf | None) -> str:
    """Return one sentence: the fact and the bound or the choices."""
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    if kind == "missing" or (isinstance(given, str) and not given.strip() and kind in _BLANK):
        return REQUIRED
    if kind in ("greater_than_equal", "greater_than", "less_than_equal", "less_than"):
        return _bounds(leaf, kind, context)
    if kind.startswith(("int_", "float_")) or kind == "finite_number":
        whole = "a whole number" if kind.startswith("int_") else "a number"
        return f"This is not {whole}: {_short(given)}."
    if kind in ("literal_error", "union_tag_invalid", "enum"):
        return _choices(leaf, error)
    if kind == "string_too_long":
        return f"At most {context['max_length']:,} characters."
    if kind == "string_too_short":
        return f"At least {context['min_length']:,} characters."
    if kind == "string_pattern_mismatch":
        return f"This is not of the right form: {_short(given)}."
    if kind == "extra_forbidden":
        return "There is no field of this name."
    if kind == "value_error":
        return str(context["error"])
    return f"{error['msg']}."


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "...'"


def bounds_of(leaf: Leaf) -> dict[str, Any]:
    """Return the bounds that the field declares: ge, gt, le, lt, min_length, max_length, pattern, as far as it has them."""
    names = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
    found = {name: getattr(each, name, None) for each in leaf.info.metadata for name in names if hasattr(each, name)}
    return {name: value for name, value in found.items() if value is not None}


def _bounds(leaf: Leaf | None, kind: str, context: dict[str, Any]) -> str:
    bounds = bounds_of(leaf) if leaf else {}
    unit = f" {leaf.extra['unit']}" if leaf and leaf.extra.get("unit") == "%" else ""
    if "ge" in bounds and "le" in bounds:
        return f"Must be between {bounds['ge']:,} and {bounds['le']:,}{unit}."
    words = {
        "greater_than_equal": ("at least", "ge"),
        "greater_than": ("greater than", "gt"),
        "less_than_equal": ("at most", "le"),
        "less_than": ("less than", "lt"),
    }
    word, name = words[kind]
    return f"Must be {word} {context[name]:,}{unit}."


def _choices(leaf: Leaf | None, error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if leaf is not None and leaf.values:
        labels = leaf.extra.get("choices") or {}
        known = ", ".join(
            f"{value} ({labels[str(value)]})" if labels.get(str(value), str(value)) != str(value) else str(value)
            for value in leaf.values
        )
        return f"This is no choice: {_short(error['input'])}. Choose one of {known}."
    known = str(context.get("expected_tags") or context.get("expected", ""))
    return f"This is no choice: {_short(context.get('tag', error['input']))}. Choose one of {known}."
