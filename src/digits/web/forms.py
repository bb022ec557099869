"""Specs as DIGITS' flat forms: the only place where flat names exist.

``fold`` builds the nested spec from flat fields, ``flatten`` makes the flat fields of a spec; each undoes the other. Only the
chosen branch of a choice is looked at, unknown fields are passed over (old clients send them), "" counts as not given (of a
number that there must be, as a mistake), and every problem comes back under the flat name a person sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Annotated, Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from digits.core.errors import DigitsError
from digits.core.spec import Spec
from digits.web.problems import sentence
from digits.web.shape import Choice, Leaf, Loc, Node, dotted, flat_at, shape

Fields = Mapping[str, Sequence[str]]
Problems = dict[str, list[str]]
FALSE = frozenset({"", "false"})
MOST_IN_SWEEP = 200
S = TypeVar("S", bound=Spec)
V = TypeVar("V")


@dataclass(frozen=True)
class Parsed(Generic[S]):
    """A form as read: the spec, or what is wrong with it by flat name ("" for the form as a whole)."""

    spec: S | None
    problems: Problems = field(default_factory=dict)


def parse(spec: type[S], fields: Fields) -> Parsed[S]:
    """Return the spec that flat ``fields`` ask for, or the problems."""
    nested = fold(shape(spec), fields)
    try:
        return Parsed(spec.model_validate(nested))
    except ValidationError as error:
        return Parsed(None, problems_of(shape(spec), error))


def parse_part(spec: type[Spec], name: str, fields: Fields) -> tuple[Spec | None, Problems]:
    """Return the part ``name`` of a spec that flat ``fields`` ask for, or its problems; the rest of the form does not matter."""
    node, info = shape(spec), spec.model_fields[name]
    annotation: Any = Annotated[info.annotation, info]
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    try:
        part: Spec = adapter.validate_python(fold(node, fields)[name])
    except ValidationError as error:
        return None, problems_of(node, error, at=(name,))
    return part, {}


def mend(spec: type[S], fields: Fields, problems: Problems) -> S | None:
    """Return the spec that a form's good fields ask for, with defaults in the place of those that have ``problems``.

    It is there to be checked further, so that all problems are told at once; None where the form makes no sense without them.
    """
    good = {name: texts for name, texts in fields.items() if name not in problems}
    for leaf in shape(spec).leaves():
        if leaf.flat in problems and leaf.kind == "str" and not leaf.extra.get("widget"):
            good[leaf.flat] = ["-"]  # a name, as a rule
    numbers = {leaf.flat for leaf in shape(spec).leaves() if leaf.kind in ("int", "float")}
    words = {name: texts for name, texts in good.items() if name not in numbers}
    return parse(spec, good).spec or parse(spec, words).spec


def parse_json(spec: type[S], body: Mapping[str, Any]) -> Parsed[S]:
    """Return the spec of a nested JSON object, where a name that the spec does not know is a problem; problems by dotted path."""
    try:
        return Parsed(spec.model_validate(dict(body)))
    except ValidationError as error:
        problems: Problems = {}
        for one in error.errors():
            problems.setdefault(dotted(shape(spec), one["loc"]), []).append(sentence(one, None))
        return Parsed(None, problems)


def problems_of(node: Node, error: ValidationError, at: Loc = ()) -> Problems:
    """Return pydantic's errors as sentences by flat name; ``at``: where in ``node`` what was validated stands."""
    leaves = {leaf.flat: leaf for leaf in node.leaves()}
    problems: Problems = {}
    for one in error.errors():
        loc = (*at, *one["loc"])
        cause = one.get("ctx", {}).get("error")
        name = getattr(cause, "field", "")  # a digits.core.spec.FieldError says which field of its spec is meant
        flat = flat_at(node, (*loc, name) if name else loc)
        text = sentence(one, leaves.get(flat))
        if text not in problems.setdefault(flat, []):
            problems[flat].append(text)
    return problems


def by_flat_name(spec: Spec, problems: Mapping[str, Sequence[str]]) -> Problems:
    """Return problems that an extension's ``check`` found by dotted path ("source.train"), by flat name."""
    node = shape(type(spec))
    found: Problems = {}
    for path, texts in problems.items():
        found.setdefault(flat_at(node, tuple(path.split(".")) if path else (), spec), []).extend(texts)
    return found


def fold(node: Node, fields: Fields) -> dict[str, Any]:
    """Return the nested values that flat ``fields`` give; what is not given is left out."""
    nested: dict[str, Any] = {}
    for name, part in node.parts.items():
        if isinstance(part, Leaf):
            given, value = _read(part, _texts(part, fields))
            if given:
                nested[name] = value
        elif isinstance(part, Choice):
            tag = next((text for text in fields.get(part.flat, ()) if text), part.default)
            branch = part.branches.get(tag)
            nested[name] = {part.discriminator: tag} | (fold(branch, fields) if branch else {})
        else:
            nested[name] = fold(part, fields)
    return nested


def _texts(leaf: Leaf, fields: Fields) -> Sequence[str] | None:
    """Return what was given for ``leaf``: under the name that another field's value makes up, else under its own."""
    if leaf.extra.get("also"):
        values = {name: texts[0].strip() if texts else "" for name, texts in fields.items()}
        named = fields.get(re.sub(r"{(\w+)}", lambda match: values.get(match[1], ""), str(leaf.extra["also"])))
        if named is not None:
            return named
    return fields.get(leaf.flat)


def _read(leaf: Leaf, texts: Sequence[str] | None) -> tuple[bool, Any]:
    """Return whether the field is given, and its value: text where pydantic reads it, else the value itself."""
    if leaf.kind == "bool":
        if not texts:
            return True, bool(leaf.extra.get("absent", False))
        return True, any(text not in FALSE for text in texts)
    if leaf.kind == "ints":
        parts = [part.strip() for text in texts or () for part in text.split(",")]
        return texts is not None, [part for part in parts if part]
    if not texts:
        return False, None
    text = texts[0]
    if leaf.kind != "str":
        text = text.strip()
    elif leaf.extra.get("widget") == "textarea":
        text = text.replace("\r\n", "\n")
    if text == "":
        if leaf.nullable:
            return True, None
        return leaf.kind in ("int", "float") and not leaf.extra.get("may_be_blank"), text
    if leaf.kind == "literal":
        return True, {str(value): value for value in leaf.values}.get(text, text)
    return True, text


def flatten(spec: Spec) -> dict[str, list[str]]:
    """Return the flat fields that ask for ``spec``."""
    return flatten_stored(type(spec), spec.model_dump())


def flatten_stored(spec: type[Spec], stored: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the flat fields of a spec as ``job.json`` has it; names that this version does not know are passed over."""
    return _flatten(shape(spec), stored)


def _flatten(node: Node, stored: Mapping[str, Any]) -> dict[str, list[str]]:
    flat: dict[str, list[str]] = {}
    for name, part in node.parts.items():
        if name not in stored:
            continue
        value = stored[name]
        if isinstance(part, Leaf):
            flat[part.flat] = [_text(each) for each in value] if part.kind == "ints" else [_text(value)]
        elif isinstance(part, Choice) and isinstance(value, Mapping):
            tag = str(value.get(part.discriminator, part.default))
            flat[part.flat] = [tag]
            if tag in part.branches:
                flat |= _flatten(part.branches[tag], value)
        elif isinstance(part, Node) and isinstance(value, Mapping):
            flat |= _flatten(part, value)
    return flat


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def defaults(spec: type[Spec]) -> dict[str, list[str]]:
    """Return what an empty form shows: the default of every flat field, those of all branches too."""
    node = shape(spec)
    shown = {leaf.flat: _shown(leaf) for leaf in node.leaves()}
    return shown | _tags(node)


def _shown(leaf: Leaf) -> list[str]:
    value = leaf.default
    return [_text(each) for each in value] if leaf.kind == "ints" else [_text(value)]


def _tags(node: Node) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in node.parts.values():
        if isinstance(part, Choice):
            found[part.flat] = [part.default]
            for branch in part.branches.values():
                found |= _tags(branch)
        elif isinstance(part, Node):
            found |= _tags(part)
    return found


def shown(spec: type[Spec], fields: Fields, *, submitted: bool) -> dict[str, list[str]]:
    """Return what a form shows for ``fields``: what was typed, as typed, else the default.

    Args:
        spec: the form's spec.
        fields: flat fields, of a refused form or of a clone.
        submitted: a check box that is absent was not ticked; else it has its default.
    """
    values = defaults(spec)
    for leaf in shape(spec).leaves():
        if leaf.kind == "bool" and (leaf.flat in fields or submitted):
            values[leaf.flat] = [_text(_read(leaf, fields.get(leaf.flat))[1])]
    typed = {name: list(texts) for name, texts in fields.items() if name in values}
    for leaf in shape(spec).leaves():
        texts = _texts(leaf, fields)
        if leaf.kind == "bool":
            typed.pop(leaf.flat, None)
        elif leaf.extra.get("widget") == "secret":
            typed.pop(leaf.flat, None)  # it is typed again: no page has it
        elif texts is not None:
            typed[leaf.flat] = list(texts)
    return values | typed


def sweep(spec: type[Spec], fields: Fields) -> list[tuple[dict[str, Sequence[str]], dict[str, str]]]:
    """Return the forms that one form with comma-separated values stands for: the product of its lists.

    Each comes with the values that set it apart from the others; a form without lists comes back alone, with none.

    Raises:
        DigitsError: they are more than ``MOST_IN_SWEEP``; ``where`` is the field.
    """
    axes: list[list[tuple[str, str]]] = []
    for leaf in shape(spec).leaves():
        text = (list(fields.get(leaf.flat, ())) or [""])[0]
        if leaf.extra.get("multiples") and re.search(r"[,\[\]]", text):
            values = [value.strip() for value in text.strip().strip("[]").split(",") if value.strip()]
            axes.append([(leaf.flat, value) for value in dict.fromkeys(values)] or [(leaf.flat, "")])
    return [
        (dict(fields) | {name: [value] for name, value in values.items()}, apart)
        for values, apart in _combinations(axes)
    ]


def sweep_json(spec: type[Spec], body: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return the objects that one JSON object with lists in the place of single values stands for, as ``sweep`` does."""
    axes: list[list[tuple[str, Any]]] = []
    for leaf in shape(spec).leaves():
        values = body.get(leaf.name) if leaf.extra.get("multiples") else None
        if isinstance(values, list) and values and all(isinstance(each, str | int | float) for each in values):
            axes.append([(leaf.name, value) for value in dict.fromkeys(values)])
    return [(dict(body) | values, apart) for values, apart in _combinations(axes)]


def _combinations(axes: list[list[tuple[str, V]]]) -> Iterator[tuple[dict[str, V], dict[str, str]]]:
    """Yield the product of lists of (name, value), each with the texts that set it apart from the others."""
    axes.sort(key=lambda axis: axis[0][0] != "learning_rate")  # DIGITS' order of jobs and of name suffixes
    distinct = {axis[0][0] for axis in axes if len(axis) > 1}
    if prod(len(axis) for axis in axes) > MOST_IN_SWEEP:
        raise DigitsError(
            f"The lists ask for more than {MOST_IN_SWEEP} trainings.", where=axes[0][0][0],
            hint="Give fewer values; several smaller sweeps may share a group name.",
        )  # fmt: skip
    for combination in product(*axes):
        values = dict(combination)
        yield values, {name: _text(value) for name, value in values.items() if name in distinct}
