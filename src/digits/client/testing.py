"""Testing a model beyond classes: what happens in its layers, the pictures that look most like each class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from digits.client import answers
from digits.core.errors import DigitsError
from digits.core.files import write_text

if TYPE_CHECKING:
    from digits.client.client import Client

Files = dict[str, tuple[str, bytes]]
CLASSIFICATION, GENERIC = "/models/images/classification", "/models/images/generic"
LAYERS_FILE = "layers.json"


class Testing:
    """What ``client.model`` asks of a snapshot; everywhere ``epoch`` is that of the snapshot, the newest where it is None."""

    __test__ = False  # of no test runner
    _client: Client

    def top_n(
        self, job_id: str, list_file: Path | None = None, *, folder: str = "", dataset: str = "", db: str = "",
        limit: int | None = None, count: int = 9, epoch: float | str | None = None,
    ) -> answers.TopN:  # fmt: skip
        """Return for each class the ``count`` pictures of a list, or of a dataset's database, that look most like it.

        Raises:
            DigitsError: the list cannot be read.
            RefusedError: the server refused.
        """
        form: dict[str, Any] = {"job_id": self._client.find(job_id), "snapshot_epoch": epoch, "top_n": count}
        more, files = self._many(list_file, folder, dataset, db, limit)
        return self._client.post(f"{CLASSIFICATION}/top_n.json", as_=answers.TopN, form=form | more, files=files)

    def look(
        self, job_id: str, picture: Path | str, folder: Path | None = None, *, epoch: float | str | None = None
    ) -> answers.Looked:
        """Return every output for one picture with what each layer makes of it (``visualizations``).

        Args:
            job_id: a model.
            picture: a file here, or a path or an address for the server.
            folder: gets each layer's picture as a PNG, and all numbers as ``layers.json``.
            epoch: of the snapshot.

        Raises:
            DigitsError: the folder cannot be written to.
            RefusedError: the picture cannot be read.
        """
        form, files = one_picture(picture)
        form |= {"job_id": self._client.find(job_id), "snapshot_epoch": epoch, "show_visualizations": 1}
        found = self._client.post(f"{GENERIC}/infer_one.json", as_=answers.Looked, form=form, files=files)
        return found if folder is None else self._kept(found, folder)

    def _kept(self, found: answers.Looked, folder: Path) -> answers.Looked:
        """Write what was found into a folder, and return it with the names of the pictures."""
        prefix = urlsplit(self._client.address).path  # which the addresses in answers have already
        layers = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number, layer in enumerate(found.visualizations):
                file = f"{number:03d}-{_plain(layer.name)}-{layer.kind.lower()}.png" if layer.picture else None
                if file and layer.picture:
                    self._client.download(layer.picture.removeprefix(prefix), folder / file)
                layers.append(layer.model_copy(update={"file": file, "picture": None}))
            kept = found.model_copy(update={"visualizations": layers})
            write_text(folder / LAYERS_FILE, json.dumps(kept.as_json(), indent=1))
            return kept
        except OSError as error:
            raise DigitsError(f"The folder cannot be written to: {error.strerror}.", where=str(folder)) from error

    def _many(
        self, list_file: Path | None, folder: str, dataset: str, db: str, limit: int | None
    ) -> tuple[dict[str, Any], Files | None]:
        form: dict[str, Any] = {"num_test_images": limit}
        if list_file is None:
            return form | {"dataset_id": self._client.find(dataset), "db": db or None}, None
        try:
            return form | {"image_folder": folder}, {"image_list": (list_file.name, list_file.read_bytes())}
        except OSError as error:
            raise DigitsError(f"The list cannot be read: {error.strerror}.", where=str(list_file)) from error


def one_picture(picture: Path | str) -> tuple[dict[str, Any], Files | None]:
    """Return the fields of one picture: a file here is sent, anything else is the server's to find."""
    path = Path(picture)
    if path.is_file():
        return {}, {"image_file": (path.name, path.read_bytes())}
    return {"image_path": str(picture)}, None


def _plain(name: str) -> str:
    """Return a layer's name made fit for a file."""
    return "".join(each if each.isalnum() or each in "-_." else "_" for each in name)[:60]
