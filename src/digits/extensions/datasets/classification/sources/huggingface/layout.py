"""What a Hugging Face folder is made of: tables, and the split of each. Standard library alone: the form's check looks, too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.data.rules import DBS, UNDECIDED
from digits.data.tables import Columns, open_table
from digits.extensions.datasets.classification.sources.columns import wanted
from digits.extensions.datasets.classification.sources.shares import SPLITS

_METADATA = ("metadata.jsonl", "metadata.csv")
_MAX_DEPTH = 3
_MAX_JSON_BYTES = 16 << 20


@dataclass(frozen=True)
class Part:
    """One table, and the number of the database that its place tells."""

    path: Path
    db: int = UNDECIDED


@dataclass(frozen=True)
class Layout:
    """A folder's tables."""

    parts: tuple[Part, ...]
    features: dict[str, Any] = field(default_factory=dict)
    """What the folder says of columns, for tables that do not say it themselves."""
    skipped: tuple[str, ...] = ()
    """Splits that are no database."""

    @property
    def needs_pyarrow(self) -> bool:
        """Whether the tables are Parquet or Arrow files."""
        return any(part.path.suffix in (".parquet", ".arrow") for part in self.parts)


def layout(root: Path) -> Layout | None:
    """Return what the folder ``root`` is made of; None where it is none of the Hugging Face libraries.

    Raises:
        DataError: it is one, and a part is not there; or it holds several configurations.
        OSError: it cannot be listed.
    """
    if (root / "dataset_dict.json").is_file():
        return _saved_dict(root)
    if (root / "state.json").is_file():
        found = _saved(root, UNDECIDED)
        return Layout(tuple(found), _features(root))
    parquet = sorted(_below(root, ".parquet"))
    if parquet:
        return _parquet(root, parquet)
    metadata = [Part(path, _db(path.parent.name) if path.parent != root else UNDECIDED) for path in _metadata(root)]
    return Layout(tuple(metadata)) if metadata else None


def _saved_dict(root: Path) -> Layout:
    splits = _json(root / "dataset_dict.json").get("splits")
    if not isinstance(splits, list) or not all(isinstance(name, str) for name in splits):
        raise DataError("It names no splits.", where=str(root / "dataset_dict.json"), rule="TABLE_DAMAGED")
    known = [name for name in splits if _db(name) != UNDECIDED]
    if not known:
        raise DataError(
            f"None of its splits is a database: {', '.join(splits)[:200]}.",
            hint="Name the folder of one split, or call them train, validation and test.",
            rule="SPLIT_UNKNOWN",
        )
    parts = [part for name in known for part in _saved(root / name, _db(name))]
    return Layout(tuple(parts), _features(root / known[0]), tuple(name for name in splits if name not in known))


def _saved(folder: Path, db: int) -> Iterator[Part]:
    state = _json(folder / "state.json")
    if state.get("_indices_data_files"):
        raise DataError(
            "The dataset was saved with a selection of its rows beside it.",
            where=str(folder),
            hint="Save it again with flatten_indices().",
            rule="TABLE_UNKNOWN",
        )
    files = state.get("_data_files")
    names = [each.get("filename") for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    if not names or not all(isinstance(name, str) and re.fullmatch(r"[^/\\\0]+", name) for name in names):
        raise DataError("It names no files of data.", where=str(folder / "state.json"), rule="TABLE_DAMAGED")
    for name in map(str, names):
        if not (folder / name).is_file():
            raise DataError("This part of the dataset is not there.", where=str(folder / name), rule="TABLE_DAMAGED")
        yield Part(folder / name, db)


def _features(folder: Path) -> dict[str, Any]:
    path = folder / "dataset_info.json"
    features = _json(path).get("features") if path.is_file() else None
    return features if isinstance(features, dict) else {}


def _parquet(root: Path, paths: list[Path]) -> Layout:
    """Return the layout of Parquet files: train-00000-of-00002.parquet, data/train-..., validation/0000.parquet ..."""
    configurations = {
        "/".join(name for name in path.parent.relative_to(root).parts if _db(name) == UNDECIDED) for path in paths
    }
    if len(configurations) > 1:
        listed = ", ".join(sorted(name or "." for name in configurations))[:200]
        raise DataError(
            f"There are Parquet files of several configurations: {listed}.",
            hint="Name one of them.",
            rule="TABLE_UNKNOWN",
        )
    return Layout(tuple(Part(path, _db_of_file(path, root)) for path in paths))


def _db_of_file(path: Path, root: Path) -> int:
    db = _db(re.split(r"[-_.]", path.name, maxsplit=1)[0])
    for folder in path.parents:
        if db != UNDECIDED or folder == root:
            break
        db = _db(folder.name)
    return db


def _below(root: Path, suffix: str, depth: int = 0) -> Iterator[Path]:
    for each in root.iterdir():
        if each.name.startswith("."):
            continue
        if each.suffix == suffix and each.is_file():
            yield each
        elif depth < _MAX_DEPTH - 1 and each.is_dir() and (depth or not _has_many_files(each)):
            yield from _below(each, suffix, depth + 1)


def _has_many_files(folder: Path) -> bool:
    """Whether a folder begins with pictures: the folder of a class, which holds no tables, and perhaps a million files."""
    first = next((each for each in folder.iterdir() if each.is_file()), None)
    return first is not None and first.suffix.lower() in (
        ".png",
        ".jpg",
        ".jpeg",
        ".bmp",
        ".ppm",
        ".webp",
        ".gif",
        ".tif",
    )


def _metadata(root: Path) -> Iterator[Path]:
    """Yield the tables of an image folder that name classes: its own, or those of its splits."""
    folders = [root, *(root / name for name in sorted(each.name for each in root.iterdir()) if _db(name) != UNDECIDED)]
    for folder in folders:
        path = next((folder / name for name in _METADATA if (folder / name).is_file()), None)
        if path and _names_classes(path):
            yield path


def _names_classes(path: Path) -> bool:
    try:
        wanted(open_table(path).columns)
    except DataError:
        return False  # captions, boxes ...: the folders name the classes
    return True


def columns_of(columns: Columns, layout: Layout) -> Columns:
    """Return a table's columns with the features that it or the folder says."""
    return Columns(columns.names, columns.features or layout.features)


def _db(name: str) -> int:
    db = SPLITS.get(name.lower().encode("utf-8", "replace"))
    return DBS.index(db) if db else UNDECIDED


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise DataError("The file is absurdly long.", where=str(path), rule="TABLE_DAMAGED")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"It cannot be read: {error.strerror or error}.", where=str(path), rule="TABLE_DAMAGED"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError("This is no JSON.", where=str(path), rule="TABLE_DAMAGED") from error
    return found if isinstance(found, dict) else {}
