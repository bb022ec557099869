"""``/pretrained_models`` and ``/store`` as a client sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from digits.client import answers
from digits.client.uploads import Tell, untold
from digits.core.spec import upload_name

if TYPE_CHECKING:
    from digits.client.client import Client, Fields


class Pretrained:
    """``/pretrained_models``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, fields: Fields, *, files: Mapping[str, Path], tell: Tell = untold) -> answers.Created:
        """Queue a pretrained model of files that were trained elsewhere; ``fields`` and ``files`` are those of the form, by their flat names.

        Raises:
            DigitsError: a file cannot be read.
            RefusedError: a field is wrong; ``problems`` says which.
        """
        sent = {upload_name(flat): self._client.uploads.send(path, tell) for flat, path in files.items()}
        return self._client.post("/pretrained_models/new.json", as_=answers.Created, form={**fields, **sent})

    def upload(self, archive: Path, tell: Tell = untold) -> answers.Created:
        """Queue a pretrained model of an archive with ``info.json``, such as a model's download.

        Raises:
            DigitsError: the file cannot be read.
            RefusedError: it is no archive, or lacks something; says what.
        """
        form = {"archive_upload": self._client.uploads.send(archive, tell)}
        return self._client.post("/pretrained_models/upload_archive.json", as_=answers.Created, form=form)

    def ls(self) -> list[answers.Row]:
        """Return all pretrained models, newest first."""
        return self._client.listing().of_type("pretrained_model")

    def show(self, job_id: str) -> answers.Shown:
        """Return one pretrained model."""
        return self._client.get(f"/pretrained_models/{self._client.find(job_id)}.json", as_=answers.Shown)


class Stores:
    """``/store``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ls(self, *, refresh: bool = False) -> dict[str, answers.ModelStore]:
        """Return what each store offers, by its address; with ``refresh`` read anew."""
        query = {"refresh": "1"} if refresh else {}
        found = self._client.parsed(self._client.request("GET", "/store/models.json", query=query))
        return {base: answers.ModelStore.model_validate(each) for base, each in found.items()}

    def get(self, entry_id: str) -> answers.Created:
        """Queue the import of the entry of that id.

        Raises:
            RefusedError: no store has it, or it lacks something.
        """
        query = {"id": entry_id}
        return answers.Created.model_validate(
            self._client.parsed(self._client.request("POST", "/store/push.json", query=query))
        )
