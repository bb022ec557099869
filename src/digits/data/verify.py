"""Whether a finished dataset is what was written: each record held against its digest, and the index against the content hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from digits.core.errors import DataError, NotFoundError
from digits.core.files import read_json
from digits.core.work import StopCheck, StoppedError
from digits.data.contenthash import content_hash, read_digests
from digits.data.stored import StoredDb

REPORT_EACH = 100


@dataclass(frozen=True)
class Damage:
    """A record that is not what was written."""

    db: str
    row: int
    key: str
    path: str
    reason: str


def verify_db(stored: StoredDb) -> Iterator[Damage | None]:
    """Hold each record against the digest that was made when it was written; yield one result a record, None for a whole one.

    Raises:
        DataError: the database or its digests are gone.
    """
    digests = read_digests(stored.folder / "index" / stored.db)
    if len(digests) != len(stored):
        text = f"{stored.db} has {len(stored):,} records and {len(digests):,} digests."
        raise DataError(text, where=stored.folder.name, rule="RECORD_MISSING")
    for row in range(len(stored)):
        reason = _damage(stored, row, digests[row].tobytes())
        path = stored.index.paths[row].decode("utf-8", "replace")
        yield Damage(stored.db, row, stored.index.key(row).decode(), path, reason) if reason else None


def _damage(stored: StoredDb, row: int, digest: bytes) -> str:
    try:
        picture = stored.read(row)
    except DataError as error:
        return error.message
    if picture.label is not None and picture.label != stored.index.answer(row):
        return f"Its label is {picture.label}, and was {stored.index.answer(row)}."
    return "" if picture.digest == digest else "The picture is not the one that was written."


@dataclass
class Verified:
    """What was found in a whole dataset."""

    records: int
    content_hash: str | None
    damaged: list[Damage] = field(default_factory=list)
    index_whole: bool = False
    """Whether the index is the one that the content hash was made of."""

    @property
    def whole(self) -> bool:
        """Whether nothing is other than it was written."""
        return self.index_whole and not self.damaged


def verify(
    folder: Path, *, progress: Callable[[int, int], None] = lambda _done, _total: None, stop: StopCheck = lambda: False
) -> Verified:
    """Read every record of the dataset in the job folder ``folder``.

    Args:
        folder: a dataset's job folder.
        progress: told the number of records read and of all.
        stop: asked now and then.

    Raises:
        NotFoundError: it is no finished dataset.
        DataError: a database or its digests are gone.
        StoppedError: asked to stop.
    """
    try:
        facts = read_json(folder / "dataset.json")
    except OSError as error:
        raise NotFoundError("This job is no finished dataset.", where=folder.name) from error
    found = Verified(sum(int(each["entries"]) for each in facts["dbs"].values()), facts.get("content_hash"))
    done = 0
    for db in facts["dbs"]:
        with StoredDb(folder, db, facts) as stored:
            for damage in verify_db(stored):
                done += 1
                if damage:
                    found.damaged.append(damage)
                if done % REPORT_EACH == 0:
                    progress(done, found.records)
                    if stop():
                        raise StoppedError
    kind = facts.get("target_kind", "class")
    found.index_whole = content_hash(folder, list(facts["dbs"]), facts["labels"], kind) == found.content_hash
    return found
