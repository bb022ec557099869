"""The dataset of a training or of a trained model, found from the model's job folder. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from digits.core.errors import NotFoundError
from digits.core.extensions import extension, load
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder, find_job_folder
from digits.data.reader import Records

Mean = Literal["none", "image", "pixel"]
MEAN_FILE, LABELS_FILE = "mean.binaryproto", "labels.txt"
HDF5_LIST = "list.txt"


@dataclass(frozen=True)
class Dataset:
    """A finished dataset job; ``facts`` is its dataset.json."""

    folder: JobFolder
    extension: str
    facts: dict[str, Any]

    @classmethod
    def open(cls, model: JobFolder, dataset_id: str) -> Dataset:
        """Return the dataset whose job folder lies beside the model's.

        Raises:
            NotFoundError: there is none of that id, or it is not finished.
        """
        try:
            folder = find_job_folder(model.path.parent, dataset_id)
            return cls(folder, folder.record().extension, read_json(folder.path / "dataset.json"))
        except (NotFoundError, OSError) as error:
            raise NotFoundError(f"The dataset {dataset_id} is gone or not finished.") from error

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.facts["labels"])

    @property
    def size(self) -> tuple[int, int, int]:
        """(channels, height, width) of the pictures."""
        image = self.facts["image"]
        return image["channels"], image["height"], image["width"]

    @property
    def backend(self) -> Literal["lmdb", "hdf5"]:
        """The kind of its databases."""
        return "hdf5" if self.facts.get("backend") == "hdf5" else "lmdb"

    def database(self, db: str) -> Path:
        """Return what a data layer names as its source: the database, or the list of its HDF5 files."""
        folder = self.folder.path / f"{db}_db"
        return folder / HDF5_LIST if self.backend == "hdf5" else folder

    def has(self, db: str) -> bool:
        """Whether the dataset has a database with at least one record."""
        return bool(self.facts["dbs"].get(db, {}).get("entries"))

    def reader(self, db: str) -> Records:
        """Open a database."""
        reader: Records = load(extension("datasets", self.extension).reader)(self.folder, db)
        return reader

    def key(self, db: str) -> str:
        """Return a name of the database's content, for what is kept of it in a cache: databases are never changed, only built anew."""
        files = [path.stat() for path in sorted((self.folder.path / f"{db}_db").rglob("*")) if path.is_file()]
        return f"{db}-{sum(each.st_size for each in files):x}-{max(each.st_mtime_ns for each in files):x}"

    @property
    def cache(self) -> Path:
        """Where decoded pictures are kept."""
        return self.folder.path / "cache"
