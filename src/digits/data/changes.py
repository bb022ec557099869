"""Changes of a dataset's labels, as people send them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.data.index import Index

MAX_CHANGES = 1_000_000


@dataclass(frozen=True)
class Changes:
    """Changes of a dataset's records: by database, row to new class id, or None to leave it out."""

    by_db: Mapping[str, Mapping[int, int | None]]

    @property
    def count(self) -> int:
        """Number of changed records."""
        return sum(map(len, self.by_db.values()))


def read_changes(text: str | bytes, folder: Path, facts: Mapping[str, Any]) -> Changes:
    """Return the changes in ``text`` of the dataset in ``folder``, whose ``dataset.json`` is ``facts``.

    Args:
        text: JSON, a list of ``{db, key, label}``: a label is the name of a class or its id, or null.
        folder: the dataset's job folder.
        facts: what its ``dataset.json`` says.

    Raises:
        DataError: it is no such list, or names a database, record or class that is not there.
    """
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise DataError(f"The changes are no JSON: {error}.", rule="CHANGES") from error
    if not isinstance(rows, list) or not rows:
        raise DataError("The changes are a list of {db, key, label}, with one at least.", rule="CHANGES")
    if len(rows) > MAX_CHANGES:
        raise DataError(f"There are {len(rows):,} changes, more than {MAX_CHANGES:,}.", rule="CHANGES")
    labels: list[str] = facts["labels"]
    kind = facts.get("target_kind", "class")
    ids = {label: number for number, label in enumerate(labels)}
    indexes = {db: Index(folder / "index" / db, kind) for db in facts["dbs"]}
    found: dict[str, dict[int, int | None]] = {}
    for number, row in enumerate(rows):
        where = f"change {number}"
        if not isinstance(row, dict) or {"db", "key", "label"} - row.keys():
            raise DataError("A change has db, key and label.", where=where, rule="CHANGES")
        db = str(row["db"])
        if db not in indexes:
            raise DataError(
                f"There is no database {db[:40]!r}; there are {', '.join(indexes)}.", where=where, rule="CHANGES"
            )
        place = _row(indexes[db], str(row["key"]), where)
        found.setdefault(db, {})[place] = _label(row["label"], labels, ids, kind, where)
    return Changes(found)


def _row(index: Index, key: str, where: str) -> int:
    digits = key.partition("_")[0]
    row = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else -1
    if not 0 <= row < len(index) or index.key(row).decode() != key:
        raise DataError(f"There is no record {key[:60]!r}.", where=where, rule="CHANGES")
    return row


def _label(label: object, labels: Sequence[str], ids: Mapping[str, int], kind: str, where: str) -> int | None:
    if label is None:
        return None
    if kind != "class":
        text = "Pictures of this dataset have no single class, and can be left out only."
        raise DataError(text, where=where, hint="Give null as the label.", rule="CHANGES")
    if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(labels):
        return label
    if isinstance(label, str) and label in ids:
        return ids[label]
    near = difflib.get_close_matches(str(label), labels, 1)
    hint = f"Did you mean {near[0]!r}?" if near else "Its classes are on the dataset's page."
    raise DataError(f"There is no class {str(label)[:60]!r}.", where=where, hint=hint, rule="CHANGES")
