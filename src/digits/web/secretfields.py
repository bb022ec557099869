"""Secrets that come with a form: they go into a file beside the jobs, and nothing of them stays in the spec."""

from __future__ import annotations

from typing import TypeVar

from digits.core.spec import Spec
from digits.web.formfiles import change_files
from digits.web.shape import shape

S = TypeVar("S", bound=Spec)


def taken_out(spec: S) -> tuple[S, dict[str, str]]:
    """Return ``spec`` without its secrets, and those by dotted path."""
    found: dict[str, str] = {}

    def take(path: str, _flat: str, value: str) -> str:
        found[path] = value
        return ""

    return change_files(spec, take, widget="secret"), found


def without(spec: type[Spec], fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the flat ``fields`` of a stored spec without those of secrets, which it does not have."""
    secret = {leaf.flat for leaf in shape(spec).leaves() if leaf.extra.get("widget") == "secret"}
    return {name: texts for name, texts in fields.items() if name not in secret}
