"""Pictures and labels of the same name, and how they are shared out among the databases."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from digits.core.errors import DataError
from digits.data.refused import RefusedWriter
from digits.data.walk import walk

T = TypeVar("T")


class PairFolders(Protocol):
    """A spec that names a folder of pictures and one of labels, and two for validation or a share."""

    feature_folder: str
    label_folder: str
    folder_pct_val: float
    has_val_folder: bool
    validation_feature_folder: str
    validation_label_folder: str


Pair = tuple[bytes, bytes]
"""The paths of a picture and of its label."""


def find_parts(
    spec: PairFolders, seed: int, refused: RefusedWriter, tick: Callable[[int], None]
) -> dict[str, list[Pair]]:
    """Return the pairs by database, each in the order of :func:`find_pairs`; ``seed`` draws the share for validation.

    Raises:
        DataError: folders for training or validation have not one pair.
    """
    pairs = find_pairs(spec.feature_folder, spec.label_folder, "", refused, tick)
    if not spec.has_val_folder:
        return shared_out(pairs, spec.folder_pct_val, seed)
    given = spec.validation_feature_folder, spec.validation_label_folder
    return {"train": pairs, "val": find_pairs(*given, "val", refused, tick)}


def find_pairs(features: str, labels: str, db: str, refused: RefusedWriter, tick: Callable[[int], None]) -> list[Pair]:
    """Return the pictures below ``features`` with the labels below ``labels``, sorted; those without a partner are refused.

    A label has its picture's path but for the ending; where no label of the whole folder does, the picture's name with one and the same
    addition (``street_L.png``, ``street_mask.png``) or the name alone, without its sub-folder, will do.

    Raises:
        DataError: there is not one pair.
    """
    pictures, masks = (_files(folder, db, refused, tick) for folder in (features, labels))
    pairs = _matched(pictures, masks)
    matched = {picture for picture, _ in pairs}, {label for _, label in pairs}
    if not pairs:
        raise DataError(
            f"No picture has a label of its name: {len(pictures):,} pictures, {len(masks):,} labels.",
            where=f"{features} and {labels}",
            hint=f"The first are {_first(pictures)} and {_first(masks)}; both must be called alike but for the ending.",
            rule="PAIR_MISSING",
        )  # fmt: skip
    for stems, known, has, other in (
        (pictures, matched[0], "picture", "label"),
        (masks, matched[1], "label", "picture"),
    ):
        for path in sorted(stems.values()):
            if path not in known:
                refused.add(db, path, DataError(f"The {has} has no {other} of its name.", rule="PAIR_MISSING"))
    return sorted(pairs)


def _matched(pictures: dict[bytes, bytes], masks: dict[bytes, bytes]) -> list[Pair]:
    same = [(pictures[stem], masks[stem]) for stem in pictures.keys() & masks.keys()]
    if same or not pictures or not masks:
        return same
    if tail := _addition(pictures, masks):
        return [(path, masks[stem + tail]) for stem, path in pictures.items() if stem + tail in masks]
    short = [{os.path.basename(stem): path for stem, path in each.items()} for each in (pictures, masks)]
    if any(len(names) < len(each) for names, each in zip(short, (pictures, masks), strict=True)):
        return []
    tail = _addition(*short)
    return [(path, short[1][stem + tail]) for stem, path in short[0].items() if stem + tail in short[1]]


def _addition(pictures: dict[bytes, bytes], masks: dict[bytes, bytes]) -> bytes:
    """Return what stands behind the first picture's name in that of a label; empty where there is no such label."""
    first = min(pictures)
    tails = sorted(stem.removeprefix(first) for stem in masks if stem.startswith(first))
    return next((tail for tail in tails if tail[:1] in b"_-."), b"")


def _first(stems: dict[bytes, bytes]) -> str:
    return os.fsdecode(os.path.basename(min(stems.values()))) if stems else "none"


def _files(folder: str, db: str, refused: RefusedWriter, tick: Callable[[int], None]) -> dict[bytes, bytes]:
    """Return the files below a folder by their paths within it without the ending."""
    root = os.fsencode(Path(folder).expanduser())
    found: dict[bytes, bytes] = {}
    for each in walk(root, root):
        if isinstance(each, tuple):
            refused.add(db, *each)
        else:
            stem = os.path.splitext(os.path.relpath(each, root))[0]
            if stem in found:
                error = DataError(f"{os.fsdecode(found[stem])} has the same name.", rule="PAIR_TWICE")
                refused.add(db, each, error)
            else:
                found[stem] = each
        tick(len(found))
    return found


def shared_out(pairs: list[T], pct_val: float, seed: int) -> dict[str, list[T]]:
    """Return the pairs by database; the share for validation is drawn by ``seed``, and each keeps their order."""
    count = round(len(pairs) * pct_val / 100)
    if 0 < pct_val < 100 and len(pairs) > 1:
        count = min(max(count, 1), len(pairs) - 1)
    chosen = set(np.random.default_rng(seed).permutation(len(pairs))[:count].tolist())
    parts = {
        "train": [each for at, each in enumerate(pairs) if at not in chosen],
        "val": [each for at, each in enumerate(pairs) if at in chosen],
    }
    return {db: items for db, items in parts.items() if items}
