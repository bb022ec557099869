"""``/datasets`` as a client sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digits.client import answers
from digits.client.uploads import Tell, untold
from digits.core.spec import upload_name

if TYPE_CHECKING:
    from digits.client.client import Client, Fields


class Datasets:
    """``/datasets``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
        self, fields: Fields, *, route: str = "images/classification", files: Mapping[str, Path] | None = None,
        tell: Tell = untold,
    ) -> answers.Created:  # fmt: skip
        """Queue a new dataset; ``fields`` are those of the form, by their flat names, and so are ``files``, which are sent in pieces.

        Raises:
            DigitsError: a file cannot be read.
            RefusedError: a field is wrong; ``problems`` says which.
        """
        sent = {upload_name(flat): self._client.uploads.send(path, tell) for flat, path in (files or {}).items()}
        return self._client.post(f"/datasets/{route}.json", as_=answers.Created, form={**fields, **sent})

    def recognise(self, path: str, *, extension: str = "image-classification") -> dict[str, str]:
        """Return the form's fields for what lies at ``path`` on the server.

        Raises:
            RefusedError: nothing that is known lies there.
        """
        form: Fields = {"path": path, "extension": extension, "brief": True}
        found = self._client.parsed(self._client.request("POST", "/datasets/inspect.json", form=form))
        return {name: texts[0] for name, texts in found["fields"].items() if texts}

    def inspect(
        self, path: str = "", *, upload: str = "", extension: str = "image-classification",
        tell: Callable[[int], None] | None = None,
    ) -> answers.Inspected:  # fmt: skip
        """Return what the source at ``path`` on the server holds, or an archive that was sent; ``tell`` hears of pictures so far.

        Raises:
            RefusedError: it cannot be read, or is nothing that is known.
        """
        form: dict[str, Any] = {"extension": extension, "wait": 1, "again": time.time()}
        form |= {"method": "archive", "archive_upload": upload} if upload else {"path": path}
        while True:
            found = self._client.parsed(self._client.request("POST", "/datasets/inspect.json", form=form))
            if found.get("state") != "running":
                return answers.Inspected.model_validate(found)
            if tell:
                tell(int(found.get("done", 0)))

    def ls(self) -> list[answers.Row]:
        """Return all datasets, newest first."""
        return self._client.listing().of_type("dataset")

    def show(self, job_id: str) -> answers.Shown:
        """Return one dataset."""
        return self._client.get(f"/datasets/{self._client.find(job_id)}.json", as_=answers.Shown)

    def explore(
        self, job_id: str, *, db: str = "train", page: int = 0, size: int = 25, label: int | None = None, search: str = "",
        route: str = "images/classification",
    ) -> answers.Explored:  # fmt: skip
        """Return one page of the records in ``db``."""
        return self._client.get(
            f"/datasets/{route}/explore.json", as_=answers.Explored, job_id=self._client.find(job_id), db=db, page=page,
            size=size, label=label, search=search or None,
        )  # fmt: skip

    def resume(self, job_id: str) -> answers.Created:
        """Let a dataset that was stopped or failed go on as the same job; shards that are whole are not made again.

        Raises:
            RefusedError: it cannot go on; says why.
        """
        return self._client.post(f"/datasets/{self._client.find(job_id)}/resume.json", as_=answers.Created, form={})

    def refused(self, job_id: str) -> list[answers.Refusal]:
        """Return the files that the dataset left out, and why."""
        path = f"/datasets/{self._client.find(job_id)}/refused.json"
        found = self._client.parsed(self._client.request("GET", path))
        return [answers.Refusal.model_validate(each) for each in found]

    def verify(self, job_id: str, *, tell: Callable[[int], None] | None = None) -> answers.Verified:
        """Hold every record against what was written; ``tell`` hears of records so far.

        Raises:
            RefusedError: the dataset is not finished, or has no digests.
        """
        path, form = f"/datasets/{self._client.find(job_id)}/verify.json", {"wait": 1, "again": time.time()}
        while True:
            found = self._client.parsed(self._client.request("POST", path, form=form))
            if found.get("state") != "running":
                return answers.Verified.model_validate(found)
            if tell:
                tell(int(found.get("done", 0)))

    def check_health(self, job_id: str, *, model: str = "", epoch: float | str | None = None) -> answers.Created:
        """Queue a check of the dataset; with ``model`` its predictions are held against the labels.

        Raises:
            RefusedError: another check is under way, or the model does not fit.
        """
        form = {"model": self._client.find(model) if model else None, "snapshot_epoch": epoch}
        path = f"/datasets/{self._client.find(job_id)}/health.json"
        return self._client.post(path, as_=answers.Created, form=form)

    def extend(self, job_id: str, fields: Fields) -> answers.Created:
        """Queue a dataset made of this one: with the pictures of a source, with others (``merge``), with other names (``rename``).

        Raises:
            RefusedError: a field is wrong; ``problems`` says which.
        """
        return self._client.post(f"/datasets/{self._client.find(job_id)}/extend.json", as_=answers.Created, form=fields)

    def relabel(
        self, job_id: str, changes: Sequence[Mapping[str, str | int | None]], *, name: str | None = None
    ) -> answers.Created:
        """Queue a dataset made of this one with other labels: ``{db, key, label}`` each; label None leaves the record out.

        Raises:
            RefusedError: a change does not fit.
        """
        form = {"changes": json.dumps(list(changes)), "dataset_name": name}
        return self._client.post(f"/datasets/{self._client.find(job_id)}/relabel.json", as_=answers.Created, form=form)

    def export(self, job_id: str, format: str, path: str, *, overwrite: bool = False) -> answers.Created:  # noqa: A002 - the route's name
        """Queue an export into the server's folder ``path``: "imagefolder", "webdataset", "lmdb".

        Raises:
            RefusedError: the folder may not be written to, or holds something.
        """
        form: Fields = {"format": format, "path": path, "overwrite": overwrite}
        return self._client.post(f"/datasets/{self._client.find(job_id)}/export.json", as_=answers.Created, form=form)

    def health(self, job_id: str) -> answers.Health:
        """Return what the newest check of the dataset found."""
        return self._client.get(f"/datasets/{self._client.find(job_id)}/health.json", as_=answers.Health)
