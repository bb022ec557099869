"""The client: one connection to one server, and its nouns ``dataset``, ``model``, ``evaluation``, ``pretrained``, ``store`` and ``job``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx

from digits.client import answers
from digits.client.datasets import Datasets
from digits.client.errors import NoServerError, RefusedError, refused
from digits.client.evaluations import Evaluations
from digits.client.jobs import Jobs
from digits.client.pretrained import Pretrained, Stores
from digits.client.testing import Testing, one_picture
from digits.client.uploads import Uploads
from digits.core import platform
from digits.core.errors import DigitsError, NotFoundError
from digits.core.files import atomic
from digits.core.jobfolder import JOB_ID

TIMEOUT_S = 600.0  # classifying a long list is one request
A = TypeVar("A", bound=answers.Answer)
Fields = Mapping[str, str | int | float | bool | Sequence[str] | None]


class Client:
    """A connection to one server.

    Args:
        address: "http://127.0.0.1:5000", with the prefix below which a proxy serves it, if any.
        username: whose jobs are made and changed; the name on this machine if not given.
    """

    def __init__(self, address: str, *, username: str = "") -> None:
        self.address = address.rstrip("/")
        self.username = username or user_name()
        self.is_local = httpx.URL(self.address).host in ("127.0.0.1", "localhost", "::1")
        """Whether the server is on this machine, and reads the files that are here."""
        # Between two programs on one machine a proxy from the environment has no business.
        self._http = httpx.Client(
            timeout=httpx.Timeout(TIMEOUT_S, connect=10.0),
            trust_env=not self.is_local,
            cookies={"username": self.username},
            headers={"Accept": "application/json"},
        )
        self.dataset = Datasets(self)
        self.model = Models(self)
        self.evaluation = Evaluations(self)
        self.pretrained = Pretrained(self)
        self.store = Stores(self)
        self.job = Jobs(self)
        self.uploads = Uploads(self)

    def __enter__(self) -> Client:
        """Use it as a context that closes the connection."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        form: Fields | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a request, its body a form with files or ``content`` as it is, and return the answer, if it is a good one.

        Raises:
            NoServerError: nothing answers.
            RefusedError: the server refused.
        """
        data = {name: _field(value) for name, value in (form or {}).items() if value is not None}
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            answer = self._http.request(
                method, self.address + path, params=asked or None, data=data or None, files=files, content=content
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from error
        if answer.status_code >= 400:
            raise refused(answer)
        return answer

    def download(self, path: str, file: Path, **query: Any) -> None:
        """Write what ``GET path`` answers to ``file``, whole or not at all.

        Raises:
            NoServerError: nothing answers, or it stops to.
            RefusedError: the server refused.
            DigitsError: the file cannot be written.
        """
        asked = {name: value for name, value in query.items() if value is not None}
        try:
            with self._http.stream("GET", self.address + path, params=asked or None) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise refused(answer)
                with atomic(file) as out:
                    for chunk in answer.iter_bytes():
                        out.write(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from error
        except OSError as error:
            raise DigitsError(f"The file cannot be written: {error.strerror}.", where=str(file)) from error

    def _silent(self, error: Exception) -> NoServerError:
        return NoServerError(
            f"No server answers at {self.address} ({error or type(error).__name__}).",
            hint="`digits-devserver` starts one; --server or DIGITS_SERVER names another.",
        )

    def get(self, path: str, *, as_: type[A], **query: Any) -> A:
        """Return what ``GET path`` answers, as ``as_``."""
        return as_.model_validate(self.parsed(self.request("GET", path, query=query)))

    def post(self, path: str, *, as_: type[A], form: Fields, files: Mapping[str, tuple[str, bytes]] | None = None) -> A:
        """Return what ``POST path`` answers, as ``as_``."""
        return as_.model_validate(self.parsed(self.request("POST", path, form=form, files=files)))

    def parsed(self, answer: httpx.Response) -> Any:
        """Return the JSON in ``answer``.

        Raises:
            RefusedError: there is none: this is some other server.
        """
        try:
            return json.loads(answer.text)  # DIGITS sends some of its JSON as text/html
        except ValueError:
            raise RefusedError(
                f"{answer.url} did not answer JSON: is this an OpenDIGITS server?",
                status=answer.status_code,
                problems={},
            ) from None

    def index(self) -> dict[str, Any]:
        """Return the server's name, version and jobs (``/index.json``)."""
        found: dict[str, Any] = self.parsed(self.request("GET", "/index.json"))
        return found

    def listing(self) -> answers.Listing:
        """Return all jobs as the home page lists them."""
        return self.get("/completed_jobs.json", as_=answers.Listing)

    def find(self, prefix: str) -> str:
        """Return the id of the one job whose id begins with ``prefix``.

        Raises:
            NotFoundError: none does, or several do.
        """
        if JOB_ID.fullmatch(prefix):
            return prefix
        found = [row for row in self.listing().all() if prefix and row.id.startswith(prefix)]
        if len(found) == 1:
            return found[0].id
        if not found:
            raise NotFoundError(f"No job's id begins with {prefix!r}.", hint="`digits dataset ls`, `digits model ls`.")
        ids = ", ".join(row.id for row in found[:5])
        raise NotFoundError(f"{len(found)} jobs' ids begin with {prefix!r}: {ids}{' ...' if len(found) > 5 else ''}.")


class Models(Testing):
    """``/models``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
        self, fields: Fields, *, route: str = "images/classification",
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> list[answers.Created]:  # fmt: skip
        """Queue a training, or one for each of several values; ``fields`` and ``files`` are those of the form, by their flat names.

        Raises:
            RefusedError: a field is wrong; ``problems`` says which.
        """
        body = self._client.parsed(self._client.request("POST", f"/models/{route}.json", form=fields, files=files))
        jobs = body["jobs"] if isinstance(body, dict) and "jobs" in body else [body]
        return [answers.Created.model_validate(each) for each in jobs]

    def labels(self, job_id: str) -> list[str]:
        """Return the names of a model's classes, in the order of their ids."""
        return self._client.request("GET", f"/files/{self._client.find(job_id)}/labels.txt").text.splitlines()

    def network_text(self, network: str, *, framework: str = "caffe") -> str:
        """Return the definition of a standard network, or of the model whose id is ``network``."""
        query = {"network": network, "framework": framework}
        return str(self._client.parsed(self._client.request("POST", "/models/customize", query=query))["network"])

    def to_fcn(
        self, job_id: str, *, skip: str = "none", num_classes: int | None = None, epoch: float | str | None = None
    ) -> answers.Convolved:
        """Return a model's network made fully convolutional: definition, table of factors, and how far its scores are from the model's.

        Raises:
            RefusedError: it cannot be made so; says which layer.
        """
        form = {"skip": skip, "num_classes": num_classes, "snapshot_epoch": epoch}
        return self._client.post(f"/models/{self._client.find(job_id)}/to_fcn.json", as_=answers.Convolved, form=form)

    def network_to_fcn(
        self,
        text: str,
        *,
        framework: str = "caffe",
        skip: str = "none",
        num_classes: int | None = None,
        **sizes: int | None,
    ) -> answers.Convolved:
        """Return a definition made fully convolutional; ``sizes`` are channels, height, width, crop_size of the classifier's pictures.

        Raises:
            RefusedError: it cannot be made so; says which layer.
        """
        form = {"framework": framework, "custom_network": text, "skip": skip, "num_classes": num_classes, **sizes}
        return self._client.post("/models/to-fcn.json", as_=answers.Convolved, form=form)

    def ls(self) -> list[answers.Row]:
        """Return all models, newest first."""
        return self._client.listing().of_type("model")

    def show(self, job_id: str) -> answers.Shown:
        """Return one model."""
        return self._client.get(f"/models/{self._client.find(job_id)}.json", as_=answers.Shown)

    def resume(self, job_id: str, *, epochs: int | None = None) -> answers.Created:
        """Let a training that is over go on as the same job; ``epochs`` is its new end, counted from its beginning.

        Raises:
            RefusedError: it cannot go on; says why.
        """
        form = {"train_epochs": epochs}
        return self._client.post(f"/models/{self._client.find(job_id)}/resume.json", as_=answers.Created, form=form)

    def delete_snapshot(self, job_id: str, epoch: float) -> str:
        """Delete one snapshot of a training that is over, and return the server's words."""
        return self._client.request("DELETE", f"/models/{self._client.find(job_id)}/snapshots/{epoch:g}").text.strip()

    def evaluate(
        self, job_id: str, *, dataset: str = "", db: str = "", epoch: float | str | None = None
    ) -> answers.Created:
        """Queue an evaluation on a whole database: by default the test set of the model's own dataset, or its validation set.

        Raises:
            RefusedError: there is no such database or snapshot, or the dataset is not one for the model.
        """
        form = {
            "dataset_id": self._client.find(dataset) if dataset else None,
            "db": db or None,
            "snapshot_epoch": epoch,
        }
        path = f"/models/{self._client.find(job_id)}/evaluations.json"
        return self._client.post(path, as_=answers.Created, form=form)

    def metrics(self, job_id: str, **query: Any) -> answers.Metrics:
        """Return the curves; ``series``, ``from``, ``to``, ``points`` and ``after`` narrow them down."""
        return self._client.get(f"/models/{self._client.find(job_id)}/metrics.json", as_=answers.Metrics, **query)

    def metrics_csv(self, job_id: str) -> str:
        """Return every point of every curve as CSV."""
        return self._client.request("GET", f"/models/{self._client.find(job_id)}/metrics.csv").text

    def report(self, job_id: str, file: Path) -> None:
        """Write all about a model to ``file``: one HTML page without outside references."""
        self._client.download(f"/models/{self._client.find(job_id)}/report.html", file)

    def compare(self, job_ids: Sequence[str]) -> answers.Compared:
        """Return 2 to 20 models side by side: settings that differ, what each curve came to.

        Raises:
            RefusedError: they are too few or too many, or one is no model.
        """
        ids = ",".join(self._client.find(each) for each in job_ids)
        return self._client.get("/models/compare.json", as_=answers.Compared, ids=ids)

    def export(self, job_id: str, format: str, file: Path, *, epoch: float | str | None = None) -> None:  # noqa: A002 - the route's name
        """Write the model to ``file`` as others read it: "onnx", "pt2", "safetensors", "caffemodel".

        Raises:
            RefusedError: the model has no such format or snapshot; says which it has.
        """
        self._client.download(f"/models/{self._client.find(job_id)}/export/{format}", file, epoch=epoch)

    def download(self, job_id: str, file: Path, *, epoch: float | str | None = None) -> None:
        """Write the trained model as one archive to ``file``, whose ending says which kind: .tar, .tar.gz, .tgz, .tar.bz2, .zip.

        Raises:
            RefusedError: the model has no such snapshot, or the ending is another.
        """
        kind = re.sub(r".*?\.(?=(?:tar\.)?\w+$)", "", file.name.lower(), count=1)
        self._client.download(f"/models/{self._client.find(job_id)}/download.{kind}", file, epoch=epoch)

    def to_pretrained(self, job_id: str, *, epoch: float | str | None = None) -> answers.Created:
        """Queue a pretrained model of a snapshot."""
        form = {"snapshot_epoch": epoch}
        return self._client.post(
            f"/models/{self._client.find(job_id)}/to_pretrained.json", as_=answers.Created, form=form
        )

    def classify(
        self,
        job_id: str,
        picture: Path | str,
        *,
        epoch: float | str | None = None,
        route: str = "images/classification",
    ) -> answers.Classified:
        """Return the classes of one picture: a file here is sent, anything else is a path or address for the server.

        Raises:
            RefusedError: the picture cannot be read, or the model has no snapshot.
        """
        form, files = one_picture(picture)
        form |= {"job_id": self._client.find(job_id), "snapshot_epoch": epoch}
        return self._client.post(f"/models/{route}/classify_one.json", as_=answers.Classified, form=form, files=files)

    def classify_many(
        self, job_id: str, list_file: Path | None = None, *, folder: str = "", dataset: str = "", db: str = "",
        epoch: float | str | None = None, limit: int | None = None, route: str = "images/classification",
    ) -> answers.ClassifiedMany:  # fmt: skip
        """Return the classes of every picture that ``list_file`` names or holds, in lines of ``path [label]`` or as an archive; or of a dataset.

        Raises:
            DigitsError: the list cannot be read.
            RefusedError: the server refused.
        """
        form, files = self._many(list_file, folder, dataset, db, limit)
        form |= {"job_id": self._client.find(job_id), "snapshot_epoch": epoch}
        return self._client.post(
            f"/models/{route}/classify_many.json", as_=answers.ClassifiedMany, form=form, files=files
        )

    def infer(self, job_id: str, picture: Path | str, *, epoch: float | str | None = None) -> answers.Inferred:
        """Return every output of the network for one picture, which is sent or named as in ``classify``."""
        form, files = one_picture(picture)
        form |= {"job_id": self._client.find(job_id), "snapshot_epoch": epoch}
        return self._client.post("/models/images/generic/infer_one.json", as_=answers.Inferred, form=form, files=files)

    def infer_many(
        self, job_id: str, list_file: Path | None = None, *, folder: str = "", dataset: str = "", db: str = "",
        epoch: float | str | None = None, limit: int | None = None,
    ) -> answers.InferredMany:  # fmt: skip
        """Return every output of the network for each picture of a list, an archive or a dataset, as in ``classify_many``."""
        form, files = self._many(list_file, folder, dataset, db, limit)
        form |= {"job_id": self._client.find(job_id), "snapshot_epoch": epoch}
        return self._client.post(
            "/models/images/generic/infer_many.json", as_=answers.InferredMany, form=form, files=files
        )

    def infer_extension(self, job_id: str, *, epoch: float | str | None = None, **fields: Any) -> answers.InferredMany:
        """Return every output of the network for what the fields of its dataset's kind ask for, by the keys of records."""
        form = {"job_id": self._client.find(job_id), "snapshot_epoch": epoch} | fields
        return self._client.post("/models/images/generic/infer_extension.json", as_=answers.InferredMany, form=form)

    def infer_db(self, job_id: str, db_path: str, *, epoch: float | str | None = None) -> answers.InferredMany:
        """Return every output of the network for each record of an LMDB on the server, by its key."""
        form = {"job_id": self._client.find(job_id), "db_path": db_path, "snapshot_epoch": epoch}
        return self._client.post("/models/images/generic/infer_db.json", as_=answers.InferredMany, form=form)


def _field(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def user_name() -> str:
    """Return ``DIGITS_USERNAME``, or the name of the person on this machine, made fit for DIGITS' rule."""
    name = os.environ.get("DIGITS_USERNAME") or platform.user_name()
    return re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9.\-_]", "-", name.lower())) or "digits"
