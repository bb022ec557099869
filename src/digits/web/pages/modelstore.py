"""The page of the model stores: a table of what they offer, each with a button that brings it in."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from digits.data.modelstore.catalogue import Entry
from digits.store import Job
from digits.web import modelstore
from digits.web.answers import redirect, render
from digits.web.pages import joblists
from digits.web.reading import argument
from digits.web.site import Site, link, settings, store


@dataclass(frozen=True)
class StoreRow:
    """An entry as the table shows it."""

    entry: Entry
    name: str
    contributor: str
    logo: str
    note: str
    dataset: str
    licence: str
    framework: str
    have: tuple[str, str] | None
    """Name and address of the pretrained model that was made of it, if any."""


@dataclass(frozen=True)
class Shelf:
    """A store as the page shows it."""

    title: str
    message: str
    problem: str
    rows: list[StoreRow]


def show(request: Request) -> Response:
    """``GET /store/list?refresh=1``: the stores; with ``refresh`` read anew, then without it in the address."""
    if argument(request, "refresh") == "1":
        modelstore.catalogues(settings(request), refresh=True)
        return redirect(request, "/store/list")
    made = {str(job.spec.get("store_entry")): job for job in reversed(store(request).jobs(kind="pretrained_model"))}
    shelves = [
        Shelf(
            modelstore.title_of(each.base_url), each.welcome_msg, each.problem,
            [_row(request, entry, made.get(entry.place)) for entry in each.model_list],
        )
        for each in modelstore.catalogues(settings(request))
    ]  # fmt: skip
    return render(request, "pretrained/store.html", shelves=shelves, may_push=bool(Site(request).user))


def _row(request: Request, entry: Entry, job: Job | None) -> StoreRow:
    info, aux = entry.info, entry.aux
    licence = info.get("license") or aux.get("license_name") or aux.get("license")
    return StoreRow(
        entry, _text(info.get("name")) or entry.dir_name, _text(info.get("username")), _logo(aux), _text(info.get("note")),
        _text(aux.get("dataset")), _text(licence), _text(info.get("framework")).capitalize(),
        (job.name, link(request, joblists.path_of(job))) if job else None,
    )  # fmt: skip


def _logo(aux: dict[str, object]) -> str:
    """Return an affiliate's picture as a data address, as it was read with the list."""
    found = aux.get("logo_data", "")
    return (
        found
        if isinstance(found, str) and found.startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
        else ""
    )


def _text(value: object) -> str:
    return value[:2000] if isinstance(value, str) else ""
