"""Flags made of a spec: the same fields as the web form's, under the same names (``--folder-pct-val`` for ``folder_pct_val``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from digits.client.errors import RefusedError
from digits.core.beginning import split_paths
from digits.core.spec import Spec
from digits.web.fields import FormField, describe


def spec_options(
    spec: type[Spec], *, aliases: Mapping[str, str] | None = None, skip: frozenset[str] = frozenset()
) -> list[click.Parameter]:
    """Return an option for every flat field of ``spec``.

    Args:
        spec: what is asked for.
        aliases: flat name -> a shorter flag that means the same.
        skip: flat names that the command asks for in another way.
    """
    fields = [each for name, each in describe(spec).items() if name not in skip and each.widget != "hidden"]
    return [_option(each, (aliases or {}).get(each.name)) for each in fields]


def flag(name: str) -> str:
    """Return the flag of the flat field ``name``."""
    return "--" + name.replace("_", "-")


def _option(each: FormField, alias: str | None) -> click.Option:
    names = [flag(each.name)] + ([f"--{alias}"] if alias else [])
    if each.widget == "checkbox":
        declared = [f"{name}/--no-{name[2:]}" for name in names]
        return click.Option([*declared, each.name], default=None, help=_help(each))
    kind: click.ParamType[str] = click.STRING
    if each.widget == "select":
        kind = click.Choice([value for value, _ in each.choices])
    return click.Option([*names, each.name], type=kind, metavar=_metavar(each), default=None, help=_help(each))


def _metavar(each: FormField) -> str | None:
    if each.widget == "select":
        return None
    return {"number": "N", "path": "PATH", "paths": "PATH:PATH", "file": "FILE"}.get(
        each.widget, "N,N,..." if each.multiples else "TEXT"
    )


def _help(each: FormField) -> str:
    default = (
        {"true": "yes", "false": "no"}.get(each.default, each.default) if each.widget == "checkbox" else each.default
    )
    parts = [
        each.description or each.title + ".",
        f"Unit: {each.unit}." if each.unit else "",
        f"Only with {flag(each.branch[0])}={each.branch[1]}." if each.branch and each.branch[1] else "",
        "Required." if each.required else "",
        f"[default: {default}]" if default else "",
    ]
    return " ".join(part for part in parts if part)


def form_of(spec: type[Spec], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form fields to send: what was given, and every check box, because a form says "no" by leaving it out."""
    fields = describe(spec)
    form: dict[str, Any] = {}
    for name, each in fields.items():
        value = given.get(name)
        if each.widget == "checkbox":
            form[name] = (each.default == "true") if value is None else bool(value)
        elif value is not None and each.widget != "file":
            form[name] = _LOCAL.get(each.widget, str)(value)
    return form


def files_of(spec: type[Spec], given: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files to send, by the form's names."""
    fields = describe(spec).values()
    return {
        each.name: Path(given[each.name]).expanduser()
        for each in fields
        if each.widget == "file" and given.get(each.name)
    }


def local_path(text: str) -> str:
    """Return a path of this machine as an absolute one, since the server works elsewhere; addresses stay as they are."""
    return text if "://" in text or not text else str(Path(text).expanduser().absolute())


def local_paths(text: str) -> str:
    """Return several paths of this machine, separated by ':', as absolute ones."""
    return ":".join(map(local_path, split_paths(text)))


_LOCAL: dict[str, Callable[[str], str]] = {"path": local_path, "paths": local_paths}


def in_flags(error: RefusedError) -> RefusedError:
    """Return a form's problems with flags in the place of field names."""
    if not error.problems:
        return error
    words = [f"{flag(name)}: {' '.join(texts)}" if name else " ".join(texts) for name, texts in error.problems.items()]
    return RefusedError(" ".join(words), status=error.status, problems=error.problems)
