"""What a view has to hold: its declaration, what it makes of outputs, and its part of the page."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from importlib.resources import files

import cv2
import numpy as np
from jinja2 import Environment
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.extensions import ViewExtension, extension, load
from digits.core.spec import Spec
from digits.data.views import Outputs, Rendered, ViewFacts
from digits.testing.promises import check_import, check_name, check_spec, holds
from digits.web.app import templates
from digits.web.fields import form_view
from digits.web.views import Shown

PARTS = ("actions", "main", "side")
"""The places of the page that a view's template fills."""
HOSTILE = "<hostile onclick=x>"
"""A name, as somebody gave it to a picture or a class, that must come out as text."""
_CODE_TAGS = ("script", "style", "iframe", "object", "embed", "base", "hostile")
_PAGE = '{% import "_parts.html" as parts %}{% include "views/" ~ view.name %}'


def check_view(
    name: str,
    outputs: Outputs,
    picture_HWC: NDArray[np.uint8],
    *,
    spec: Spec | None = None,
    facts: ViewFacts | None = None,
    refused: Sequence[Outputs] = (),
) -> Rendered:
    """Hold the installed view ``name`` against everything that the pages rely on.

    Args:
        name: of its entry point in ``digits.views``.
        outputs: of a network for one picture, which the view can show; each with a batch axis of 1.
        picture_HWC: the picture, uint8 of 1 or 3 channels.
        spec: the view's settings, where the defaults do not do.
        facts: what is known beside; labels that nobody should be able to put code into where nothing is given.
        refused: outputs that the view cannot show, and must refuse in words.

    Returns:
        What it made of the outputs, for tests of one's own.

    Raises:
        AssertionError: a promise is broken; the words say which.
        NotFoundError: no extension of that name is installed.
    """
    kind: ViewExtension = extension("views", name)
    asked, known = spec or kind.spec(), facts or ViewFacts(labels=tuple(f"{HOSTILE}{each}" for each in range(1000)))
    _check_declaration(kind)
    check_spec(kind.spec, asked)
    render, pages = load(kind.render), templates()
    kept = {key: value.copy() for key, value in outputs.items()}, picture_HWC.copy()
    made: Rendered = render(outputs, picture_HWC, known, asked)
    holds(isinstance(made, Rendered), "A view gives what digits.plugin.views.Rendered is.", type(made).__name__)
    is_kept = np.array_equal(picture_HWC, kept[1]) and all(
        np.array_equal(value, kept[0][key], equal_nan=True) for key, value in outputs.items()
    )
    holds(is_kept, "A view leaves outputs and picture as they are.")
    _check_page(pages, kind, made, asked, picture_HWC)
    for other in (*refused, *_odd(outputs)):
        try:
            found = render(other, picture_HWC, known, asked)
        except DataError as error:
            holds(bool(error.message.strip()), "What cannot be shown is refused in words.")
        else:
            holds(not any(other is each for each in refused), "Outputs that cannot be shown are refused.", list(other))
            _check_page(pages, kind, found, asked, picture_HWC)
    return made


def _odd(outputs: Outputs) -> list[Outputs]:
    """Return what a network may answer as well: nothing, and numbers that are none."""
    return [{}, *({key: np.full_like(value, odd) for key, value in outputs.items()} for odd in (np.nan, np.inf, 0))]


def _check_declaration(kind: ViewExtension) -> None:
    check_name(kind.name, kind.title)
    check_import(kind.spec.__module__)
    holds(callable(load(kind.render)), "What is named as module:attribute is there.", kind.render)
    holds(kind.most >= 1, "At least one picture stands on a page.", kind.most)
    package, _, template = kind.template.partition(":")
    holds(files(package).joinpath(template).is_file(), "A view's template is in its package.", kind.template)
    for name in (kind.script, kind.style):
        holds(
            not name or files(package).joinpath("static").joinpath(name).is_file(),
            "Scripts and styles are in the folder static of the package.", name,
        )  # fmt: skip


def _check_page(
    pages: Environment, kind: ViewExtension, made: Rendered, spec: Spec, picture_HWC: NDArray[np.uint8]
) -> None:
    try:
        told = json.loads(json.dumps(dict(made.told)))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"What a view tells is JSON: {error}.") from error
    for name, png in made.pngs.items():
        is_png = isinstance(png, bytes) and png[:8] == b"\x89PNG\r\n\x1a\n"
        is_whole = is_png and cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) is not None
        holds(is_whole, "The pictures of a view are PNG files.", name)
    height, width = picture_HWC.shape[:2]
    pngs = {name: base64.b64encode(png).decode() for name, png in made.pngs.items()}
    answer = {"ok": True, "told": told, "pngs": pngs, "height": height, "width": width, "seconds": 0.01}
    row = Shown.of(answer, HOSTILE)
    fields = {name: [str(value)] for name, value in spec.model_dump(mode="json").items()}
    for part in PARTS:
        page = pages.from_string(_PAGE).render(
            part=part, row=row, rows=[row], view=kind, form=form_view(kind.spec, fields), val_iou={}, dataset=None,
            count=1, place=0, url=lambda path, **_query: path,
        )  # fmt: skip
        found = _Page()
        found.feed(page)
        holds(not found.wrong, "A page runs no code and takes no style but those of files.", ", ".join(found.wrong))
        holds(part != "main" or bool(page.strip()), "A view fills the part 'main' of the page.")


class _Page(HTMLParser):
    """Collects what the pages' content security policy would stop, and what was not escaped."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        if tag in _CODE_TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            is_code = name.startswith("on") or name == "style"
            leads_out = name in ("src", "href", "action") and re.match(r"\s*(https?:|//|javascript:)", value or "")
            if is_code or leads_out:
                self.wrong.append(f"<{tag} {name}>")
