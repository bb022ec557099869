"""Looks: which pictures a model was asked about from a page, kept for a day, so that another view or the next picture needs no new upload.

A look is a folder of the spool with ``look.json`` and the files that came with the form. Who knows its name was given it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.requests import Request

from digits.core.errors import NotFoundError
from digits.core.files import read_json, write_json
from digits.web.reading import spool_folder
from digits.web.site import settings

_NAME = re.compile("look-[0-9a-f]{32}")
_FILE = "look.json"


@dataclass(frozen=True)
class Look:
    """Some pictures, and the model that is asked about them."""

    name: str
    job_id: str
    epoch: float
    whole: bool = False
    """Pictures keep their size."""
    paths: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    """What people know the pictures at ``paths`` by."""
    label_path: str = ""
    """Of one picture: a file that says what it should be."""
    records: Mapping[str, Any] | None = None
    """Or records of a dataset: its ``folder``, the ``db``, the ``first`` and their ``count``."""
    dataset_id: str = ""
    """Of ``records``."""
    db_path: str = ""
    """Or all records of this LMDB."""
    refused: list[list[str]] = field(default_factory=list)
    """[path, reason] of those that may not be looked at."""

    @property
    def count(self) -> int | None:
        """How many pictures there are; None where the worker counts them."""
        if self.db_path:
            return None
        return int(self.records["count"]) if self.records else len(self.paths)

    def question(self, first: int, most: int) -> dict[str, Any]:
        """Return what the worker is asked for ``most`` pictures from ``first`` on."""
        asked: dict[str, Any] = {"whole": self.whole}
        if self.db_path:
            return asked | {"db_path": self.db_path, "first": first, "count": most}
        if self.records:
            count = max(0, min(most, int(self.records["count"]) - first))
            return asked | {"records": {**self.records, "first": self.records["first"] + first, "count": count}}
        asked["paths"] = self.paths[first : first + most]
        return asked | ({"label_path": self.label_path} if self.label_path else {})

    def title(self, place: int, name: str) -> str:
        """Return what people know the picture at ``place`` by, which the worker calls ``name``."""
        return self.titles[place] if place < len(self.titles) else name


def begin(request: Request, look: Look) -> Look:
    """Return ``look`` with a name of its own, and make its folder."""
    name = f"look-{secrets.token_hex(16)}"
    folder_of(request, name).mkdir(mode=0o700)
    return replace(look, name=name)


def keep(request: Request, look: Look) -> None:
    """Write a look to its folder."""
    write_json(folder_of(request, look.name) / _FILE, asdict(look))


def find(request: Request, name: str) -> Look:
    """Return the look ``name``.

    Raises:
        NotFoundError: there is none, or its day is over.
    """
    try:
        return Look(**read_json(folder_of(request, name) / _FILE))
    except OSError as error:
        raise NotFoundError("These pictures are kept no more.", hint="Test the model with them again.") from error


def folder_of(request: Request, name: str) -> Path:
    """Return the folder of the look ``name``.

    Raises:
        NotFoundError: it is no look's name.
    """
    if not _NAME.fullmatch(name):
        raise NotFoundError("There is no such look.")
    return spool_folder(settings(request)) / name
