"""The shares of a source whose pictures are dealt among databases, and its bounds per class. Standard library alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from digits.core.spec import Spec
from digits.data.rules import DBS, UNDECIDED, Rules
from digits.extensions.datasets.classification.sources.dealt import DealtSource
from digits.extensions.datasets.classification.split import num_sets

SPLITS = {
    b"train": "train", b"training": "train", b"training_set": "train",
    b"val": "val", b"valid": "val", b"validation": "val", b"dev": "val",
    b"test": "test", b"testing": "test", b"test_set": "test", b"eval": "test",
}  # fmt: skip
"""Folder names, in lower case, that stand for a database."""


def wanted_dbs(pct_val: float, pct_test: float, given: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the databases that shares ask for, and those ``given`` by the source itself."""
    wanted = {"train": pct_val + pct_test < 100, "val": pct_val > 0, "test": pct_test > 0}
    return tuple(db for db in DBS if wanted[db] or db in given)


def least_for_training(source: Spec, pct_val: float, pct_test: float) -> int:
    """Return how many pictures a class needs: what was asked for, and one for each set."""
    return max(getattr(source, "train_min_per_class", None) or 1, num_sets(pct_val, pct_test))


@dataclass(frozen=True)
class Splits:
    """Which databases the parts of a source are for, by number; what it lacks is dealt from its training pictures, or from all."""

    present: frozenset[int]

    @classmethod
    def of(cls, dbs: Iterable[int]) -> Splits:
        """Return those of parts with these databases."""
        return cls(frozenset(dbs))

    def db(self, db: int) -> int:
        """Return the database of the pictures of a part: undecided where validation pictures are still to be taken from them."""
        return UNDECIDED if db == DBS.index("train") and DBS.index("val") not in self.present else db

    def shares(self, source: DealtSource) -> tuple[float, float]:
        """Return the shares of undecided pictures for validation and testing: none for what is there already."""
        has_val, has_test = (DBS.index(db) in self.present for db in ("val", "test"))
        return 0.0 if has_val else source.pct_val, 0.0 if has_test else source.pct_test

    def dbs(self, source: DealtSource) -> tuple[str, ...]:
        """Return the databases that a source fills: those that it tells apart, and those that shares ask for."""
        return wanted_dbs(*self.shares(source), given=tuple(DBS[db] for db in self.present if db != UNDECIDED))


def rules(source: Spec, pct_val: float, pct_test: float, *, dbs_given: bool = False) -> Rules:
    """Return how a source with bounds per class (``<db>_min_per_class``, ``<db>_max_per_class``) wants its pictures to be taken."""
    least = {db: getattr(source, f"{db}_min_per_class", None) or 1 for db in DBS}
    least["train"] = least_for_training(source, pct_val, pct_test)
    most = {db: getattr(source, f"{db}_max_per_class", None) for db in DBS}
    return Rules(pct_val=pct_val, pct_test=pct_test, least=least, most=most, dbs_given=dbs_given)
