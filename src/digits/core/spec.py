"""What a person asks for, declared once: the same class is the web form, the REST body, the CLI flags, ``job.json`` and the docs.

A spec is nested where a choice brings fields of its own: a union told apart by a ``Literal`` field, each branch a
``Spec`` with a ``prefix``. DIGITS' flat form names (``folder_pct_val``) are made from these by ``digits.web.forms`` alone.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField

Widget = Literal["text", "path", "paths", "number", "checkbox", "select", "textarea", "file", "hidden", "secret"]


class Spec(BaseModel):
    """A frozen declaration; a name that it does not know is an error.

    ``prefix`` goes before the flat form names of a branch's own fields (``folder_`` + ``train``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)
    prefix: ClassVar[str] = ""


class FieldError(ValueError):
    """Raised by a validator of a whole spec to say which of its fields the problem is to be shown at."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def upload_name(flat: str) -> str:
    """Return the form name that takes the id of an upload in the place of the file ``flat``: archive_file, archive_upload."""
    return re.sub("(_file)?$", "_upload", flat, count=1)


def field(
    default: Any = ...,
    *,
    title: str,
    description: str = "",
    flat: str = "",
    also: str = "",
    unit: str = "",
    choices: dict[Any, str] | None = None,
    widget: Widget | None = None,
    placeholder: str = "",
    absent: Any = None,
    multiples: bool = False,
    may_be_blank: bool = False,
    **bounds: Any,
) -> Any:
    """Declare one field of a spec.

    Args:
        default: the value when nothing is given; required without it.
        title: its label on the page.
        description: what the "?" beside it says; also its row in the docs and its CLI help.
        flat: DIGITS' form name where it is not ``prefix + name``.
        also: a form name made of the value of another field, "{previous_networks}-snapshot"; it wins over ``flat``.
        unit: shown inside the field at the right.
        choices: value -> label, where the field is a list to choose from.
        widget: how the form shows it, where the type does not say it.
        placeholder: shown while the field is empty.
        absent: the value of a boolean that a form does not send, where that is not false.
        multiples: a form may give several values, comma-separated: one job each (a sweep).
        may_be_blank: a number that a form sends blank has its default; it is refused else, so that nobody gets one unawares.
        bounds: pydantic's ``ge``, ``le``, ``min_length`` ... and ``default_factory``.
    """
    extra: dict[str, Any] = {
        key: value
        for key, value in {
            "flat": flat,
            "also": also,
            "unit": unit,
            "choices": {str(value): label for value, label in choices.items()} if choices else None,
            "widget": widget,
            "placeholder": placeholder,
            "absent": absent,
            "multiples": multiples or None,
            "may_be_blank": may_be_blank or None,
        }.items()
        if value not in (None, "")
    }
    if "default_factory" not in bounds:
        bounds["default"] = default
    return PydanticField(title=title, description=description, json_schema_extra=extra, **bounds)


class DatasetSpec(Spec):
    """What every kind of dataset has; an extension adds the rest."""

    name: str = field(
        title="Dataset Name",
        flat="dataset_name",
        description="How the dataset is called on every page.",
        min_length=1,
        max_length=500,
        pattern=r"\S",
    )
    group: str = field(
        "",
        title="Group Name",
        flat="group_name",
        description="Jobs of one group fold together on the home page.",
        max_length=500,
    )
    check_health: bool = field(
        False,
        title="Check health when it is done",
        flat="check_health",
        description="Looks for duplicates, leaks between train and val, conflicting labels and odd pictures.",
    )
