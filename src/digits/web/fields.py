"""A form described for those who show it: templates draw these fields, and OpenAPI lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from digits.core.spec import Spec, upload_name
from digits.web.forms import Fields, Problems, defaults, shown
from digits.web.problems import bounds_of
from digits.web.shape import Choice, Leaf, Node, shape


@dataclass(frozen=True)
class FormField:
    """One field of a form, as a template needs it."""

    name: str
    """The flat name: what the form sends."""
    title: str
    description: str
    unit: str
    widget: str
    """text, path, number, checkbox, select, textarea, file, secret or hidden."""
    choices: tuple[tuple[str, str], ...]
    """(value, label) of a select."""
    placeholder: str
    default: str
    required: bool
    multiples: bool
    """Several comma-separated values may be given: one job each."""
    bounds: Mapping[str, Any]
    """ge, gt, le, lt, min_length, max_length, pattern: those that it has."""
    whole: bool
    """A whole number."""
    group: str
    """Where it stands in the spec: "" for the spec itself, "source.folder" for a branch."""
    branch: tuple[str, str] | None = None
    """(flat name of the choice, values with "|" between them): the field counts only while one of these is chosen."""

    @property
    def upload_name(self) -> str:
        """The form name that takes the id of an upload in the place of a file."""
        return upload_name(self.name)

    @property
    def attributes(self) -> dict[str, str]:
        """HTML's own attributes for the bounds: min, max, step, maxlength, required."""
        found: dict[str, str] = {}
        if self.widget == "number":
            found["step"] = "1" if self.whole else "any"
            for name, bound in (("min", "ge"), ("max", "le")):
                if bound in self.bounds:
                    found[name] = str(self.bounds[bound])
        if "max_length" in self.bounds:
            found["maxlength"] = str(self.bounds["max_length"])
        return found | ({"required": "required"} if self.required else {})

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the field in a form body."""
        names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum",
                 "min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"}  # fmt: skip
        kind = {"checkbox": "boolean", "number": "integer" if self.whole else "number"}.get(self.widget, "string")
        found: dict[str, Any] = {"type": kind, "title": self.title, "description": self._words()}
        found |= {names[name]: bound for name, bound in self.bounds.items()} if not self.multiples else {}
        if self.choices:
            found["enum"] = [value for value, _ in self.choices]
        if self.default:
            found["default"] = self.default
        if self.widget in ("file", "secret"):
            found["format"] = {"file": "binary", "secret": "password"}[self.widget]
        return found

    def _words(self) -> str:
        unit = f" Unit: {self.unit}." if self.unit else ""
        only = f" Only with {self.branch[0]}={self.branch[1]}." if self.branch else ""
        return (self.description + unit + only).strip()


@dataclass(frozen=True)
class FormView:
    """A form to be shown: its fields, what stands in them, and what is wrong, all by flat name."""

    fields: Mapping[str, FormField]
    values: Mapping[str, Sequence[str]]
    problems: Problems = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    """The files that are chosen already, each with ``value``, ``name`` and ``size``."""

    def value(self, name: str) -> str:
        """Return what stands in field ``name``."""
        return ", ".join(self.values.get(name, ()))

    def checked(self, name: str) -> bool:
        """Return whether check box ``name`` is ticked."""
        return self.value(name) not in ("", "false")

    def problem(self, name: str) -> str:
        """Return what is wrong with field ``name``, "" for nothing; ``problem("")`` is of the form as a whole."""
        return " ".join(self.problems.get(name, ()))

    def group(self, group: str) -> list[FormField]:
        """Return the fields of ``group``, in their order."""
        return [each for each in self.fields.values() if each.group == group]


def form_view(
    spec: type[Spec], fields: Fields | None = None, problems: Problems | None = None, *, submitted: bool = False
) -> FormView:
    """Return the form of ``spec``, filled with ``fields`` (of a refused form: ``submitted``; or of a clone), else with defaults."""
    values = shown(spec, fields, submitted=submitted) if fields else defaults(spec)
    return FormView(describe(spec), values, problems or {})


def describe(spec: type[Spec]) -> dict[str, FormField]:
    """Return every flat field of ``spec`` by name; a field that several branches share is described once, as the first has it."""
    found: dict[str, FormField] = {}
    for each in _describe(shape(spec), "", None):
        known = found.get(each.name)
        if known and known.branch and each.branch:
            each = replace(known, branch=(known.branch[0], f"{known.branch[1]}|{each.branch[1]}"))
        found[each.name] = each if known is None or each.branch else known
    return found


def _describe(node: Node, group: str, branch: tuple[str, str] | None) -> list[FormField]:
    found: list[FormField] = []
    for name, part in node.parts.items():
        inner = f"{group}.{name}".strip(".")
        if isinstance(part, Leaf):
            found.append(_field(part, group, branch))
        elif isinstance(part, Choice):
            found.append(_select(part, group, branch))
            for tag, each in part.branches.items():
                found += _describe(each, f"{inner}.{tag}", (part.flat, tag))
        else:
            found += _describe(part, inner, branch)
    return found


def _field(leaf: Leaf, group: str, branch: tuple[str, str] | None) -> FormField:
    extra = leaf.extra
    labels = extra.get("choices") or {}
    choices = tuple((str(value), str(labels.get(str(value), value))) for value in leaf.values)
    kinds = {"bool": "checkbox", "int": "number", "float": "number", "literal": "select"}
    multiples = bool(extra.get("multiples"))
    return FormField(
        name=leaf.flat,
        title=leaf.info.title or leaf.name,
        description=leaf.info.description or "",
        unit=str(extra.get("unit", "")),
        widget=str(extra.get("widget") or ("text" if multiples else kinds.get(leaf.kind, "text"))),
        choices=choices or tuple((str(value), str(label)) for value, label in labels.items()),
        placeholder=str(extra.get("placeholder", "")),
        default=", ".join(defaults_of(leaf)),
        required=leaf.info.is_required(),
        multiples=multiples,
        bounds=bounds_of(leaf),
        whole=leaf.kind == "int",
        group=group,
        branch=branch,
    )


def defaults_of(leaf: Leaf) -> list[str]:
    """Return the default of ``leaf`` as a form shows it."""
    value = leaf.default
    if leaf.kind == "ints":
        return [str(each) for each in value]
    return [] if value is None or value == "" else [_plain(value)]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _select(choice: Choice, group: str, branch: tuple[str, str] | None) -> FormField:
    infos = {tag: each.spec.model_fields[choice.discriminator] for tag, each in choice.branches.items()}
    titles = {tag: info.title or tag for tag, info in infos.items()}
    alike = len(set(titles.values())) == 1
    labels = {tag: tag.replace("_", " ").capitalize() for tag in titles} if alike else titles
    words = [each.spec.__doc__ or "" for each in choice.branches.values()]
    return FormField(
        name=choice.flat,
        title=next(iter(titles.values())) if alike else choice.name.replace("_", " ").capitalize(),
        description=" ".join(f"{labels[tag]}: {doc.splitlines()[0]}" for tag, doc in zip(titles, words, strict=True)),
        unit="",
        widget="select",
        choices=tuple(labels.items()),
        placeholder="",
        default=choice.default,
        required=False,
        multiples=False,
        bounds={},
        whole=False,
        group=group,
        branch=branch,
    )
