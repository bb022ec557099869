"""A spec as a form sees it: leaves with DIGITS' flat names, and choices whose branches bring fields of their own.

``ClassificationSpec.source.pct_val`` is the flat field ``folder_pct_val``: the branch's ``prefix`` and the field's name, or what its
``flat`` says. ``forms`` folds and flattens along this tree; ``fields`` describes it to templates and OpenAPI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from digits.core.spec import Spec

Kind = Literal["bool", "int", "float", "str", "literal", "ints"]
Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Leaf:
    """One flat field."""

    name: str
    flat: str
    kind: Kind
    nullable: bool
    values: tuple[Any, ...]
    """What a field of kind "literal" may be."""
    info: FieldInfo

    @property
    def extra(self) -> Mapping[str, Any]:
        """What ``digits.core.spec.field`` was told beyond pydantic's own: unit, widget, choices ..."""
        extra = self.info.json_schema_extra
        return extra if isinstance(extra, Mapping) else {}

    @property
    def default(self) -> Any:
        """The value where nothing is given, None where something must be."""
        value = self.info.get_default(call_default_factory=True, validated_data={})
        return None if value is PydanticUndefined else value


@dataclass(frozen=True)
class Choice:
    """A union told apart by a field: one branch holds."""

    name: str
    discriminator: str
    flat: str
    branches: Mapping[str, Node]
    default: str


@dataclass(frozen=True)
class Node:
    """The fields of one spec."""

    name: str
    spec: type[Spec]
    parts: Mapping[str, Leaf | Choice | Node]

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf, those of all branches too, in the order of declaration."""
        for part in self.parts.values():
            if isinstance(part, Leaf):
                yield part
            elif isinstance(part, Node):
                yield from part.leaves()
            else:
                for branch in part.branches.values():
                    yield from branch.leaves()


@cache
def shape(spec: type[Spec]) -> Node:
    """Return the tree of ``spec``."""
    return _node("", spec, without="")


def _node(name: str, spec: type[Spec], without: str) -> Node:
    parts = {field: _part(field, info, spec.prefix) for field, info in spec.model_fields.items() if field != without}
    return Node(name, spec, parts)


def _part(name: str, info: FieldInfo, prefix: str) -> Leaf | Choice | Node:
    annotation = info.annotation
    members = [each for each in _members(annotation) if each is not NoneType]
    if all(isinstance(each, type) and issubclass(each, Spec) for each in members):
        if len(members) == 1:
            return _node(name, members[0], without="")
        return _choice(name, info, members)
    assert len(members) == 1, f"{name}: a form has no widget for {annotation}"
    kind, values = _kind(members[0])
    extra = info.json_schema_extra
    flat = extra.get("flat") if isinstance(extra, dict) else None
    return Leaf(name, str(flat or prefix + name), kind, NoneType in _members(annotation), values, info)


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _kind(annotation: Any) -> tuple[Kind, tuple[Any, ...]]:
    if get_origin(annotation) is Literal:
        return "literal", get_args(annotation)
    if annotation == tuple[int, ...]:
        return "ints", ()
    kinds: dict[Any, Kind] = {bool: "bool", int: "int", float: "float", str: "str"}
    assert annotation in kinds, f"a form has no widget for {annotation}"
    return kinds[annotation], ()


def _choice(name: str, info: FieldInfo, members: list[type[Spec]]) -> Choice:
    discriminator = info.discriminator
    assert isinstance(discriminator, str), f"{name}: a union needs a discriminator"
    branches: dict[str, Node] = {}
    for member in members:
        tag = str(get_args(member.model_fields[discriminator].annotation)[0])
        branches[tag] = _node(tag, member, without=discriminator)
    first = members[0].model_fields[discriminator].json_schema_extra
    flat = str(first.get("flat") or discriminator) if isinstance(first, dict) else discriminator
    given = info.get_default(call_default_factory=True, validated_data={})
    default = str(getattr(given, discriminator)) if isinstance(given, Spec) else next(iter(branches))
    return Choice(name, discriminator, flat, branches, default)


def dotted(node: Node, loc: Loc) -> str:
    """Return pydantic's location as a path of attributes: "source.train", without the branch's tag that pydantic puts between."""
    part: Leaf | Choice | Node | None = node
    steps: list[str] = []
    for step in map(str, loc):
        if isinstance(part, Choice) and step in part.branches:
            part = part.branches[step]
            continue
        steps.append(step)
        part = part.parts.get(step) if isinstance(part, Node) else None
    return ".".join(steps)


def flat_at(node: Node, loc: Loc, spec: Spec | None = None) -> str:
    """Return the flat name of what stands at ``loc``; for a whole branch, that of its discriminator; "" for the whole form.

    Args:
        node: the tree to walk.
        loc: pydantic's location, with a branch's tag in it; or, with ``spec`` given, plain attribute names without tags.
        spec: the spec that chooses the branches.
    """
    part: Leaf | Choice | Node = node
    nearest = ""
    for step in loc:
        if isinstance(part, Choice):
            nearest = part.flat
            tag = str(step) if spec is None else str(getattr(spec, part.discriminator))
            branch = part.branches.get(tag)
            if branch is None or (spec is not None and step == part.discriminator):
                return part.flat
            if spec is None:
                part = branch
                continue
            part = branch
        if isinstance(part, Leaf):
            break
        child = part.parts.get(str(step))
        if child is None:
            return nearest
        part = child
        if spec is not None and not isinstance(part, Leaf):
            spec = getattr(spec, str(step))
    return part.flat if isinstance(part, Leaf | Choice) else nearest or _first_flat(part)


def _first_flat(node: Node) -> str:
    return next((leaf.flat for leaf in node.leaves()), "") if node.name else ""
