"""What every page shows around its own matter: who is here, what runs, on what, and which kinds of things can be made."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request

import digits
from digits.core.extensions import DatasetExtension, Entry, broken, installed
from digits.core.jobfolder import LISTED_KINDS
from digits.web.auth import user_of
from digits.web.modelkinds import of_route

if TYPE_CHECKING:
    from digits.core.settings import Settings
    from digits.store import Store


def link(request: Request, path: str) -> str:
    """Return ``path`` ("/models/...") below the prefix that a proxy serves us under."""
    prefix: str = settings(request).url_prefix
    return prefix.rstrip("/") + path


def settings(request: Request) -> Settings:
    """Return the server's settings."""
    found: Settings = request.app.state.settings
    return found


def store(request: Request) -> Store:
    """Return the store."""
    found: Store = request.app.state.store
    return found


def server_name(settings: Settings) -> str:
    """Return the name that the Info menu and index.json show."""
    return settings.server_name or platform.node() or "localhost"


@dataclass(frozen=True)
class MenuItem:
    """A line of the New Dataset or New Model menu."""

    category: str
    title: str
    help: str
    href: str


def _kinds() -> list[DatasetExtension]:
    """Return the installed kinds of dataset in the order of the menus: what is none of the others comes last."""
    found: dict[str, DatasetExtension] = installed("datasets")
    return sorted(found.values(), key=lambda kind: (kind.menu[0], kind.menu[1] == "Other"))


class Site:
    """The frame of a page; each value is looked up only when a template asks for it."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def url(self, path: str, **query: object) -> str:
        """Return the address of ``path`` with ``query`` behind it."""
        tail = "&".join(f"{quote(key)}={quote(str(value), safe='')}" for key, value in query.items())
        return link(self._request, path) + (f"?{tail}" if tail else "")

    @cached_property
    def user(self) -> str:
        """The name that is logged in, or ""."""
        return user_of(self._request)

    @cached_property
    def running(self) -> int:
        """Jobs of the lists that are not over: initialized, waiting or running."""
        return sum(count for kind, count in store(self._request).counts(running=True).items() if kind in LISTED_KINDS)

    @cached_property
    def hardware(self) -> str:
        """What the server computes on: "1/2 GPUs available", or "CPU, 2 cores"."""
        gpus = store(self._request).gpus()
        if gpus:
            free = sum(1 for gpu in gpus if not gpu.job_id)
            return f"{free}/{len(gpus)} GPUs available"
        cores = os.cpu_count() or 1
        return f"CPU, {cores} core{'s' if cores > 1 else ''}"

    @cached_property
    def dataset_menu(self) -> tuple[MenuItem, ...]:
        """What New Dataset offers: a line for each installed kind of dataset."""
        return tuple(MenuItem(*kind.menu, self.url(f"/datasets/{kind.route}/new")) for kind in _kinds())

    @cached_property
    def model_menu(self) -> tuple[MenuItem, ...]:
        """What New Model offers: a line for each kind of dataset that models are made of."""
        return tuple(
            MenuItem(*kind.menu, self.url(kind.model_form))
            for kind in _kinds()
            if kind.model_route and of_route(kind.model_route).main in (kind, None)
        )

    @cached_property
    def broken(self) -> tuple[Entry, ...]:
        """Installed extensions that cannot be used."""
        return tuple(broken())

    @cached_property
    def trust_network(self) -> bool:
        """Whether the server listens beyond this machine without passwords: every page warns of it."""
        return not settings(self._request).is_loopback

    @cached_property
    def server_name(self) -> str:
        """The server's name."""
        return server_name(settings(self._request))

    @cached_property
    def version(self) -> str:
        """The product's version."""
        return digits.__version__
