"""What a check found, as files: ``findings.json`` for programs and the page, and one CSV a finding that holds all of it.

The JSON holds the first ``MOST`` of each list, and how many there are in ``counts``.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from digits.core.files import write_json, write_text
from digits.core.healthspec import FINDINGS_FILE, LISTS
from digits.core.tables import harmless
from digits.data.health.duplicates import Duplicates, Group
from digits.data.health.looks import Item, Looks
from digits.data.health.outliers import Outlier
from digits.data.health.suspects import Suspect
from digits.data.refused import read_refused

MOST = 2000
MOST_MEMBERS = 100
"""Pictures of one group in the JSON."""
_ITEM = ("db", "key", "label", "path")


def write_findings(
    folder: Path,
    looks: Looks,
    duplicates: Duplicates,
    outliers: Sequence[Outlier],
    suspects: Sequence[Suspect],
    more: dict[str, Any],
) -> dict[str, int]:
    """Write all files into ``folder`` and return the counts; ``more`` stands in the JSON as it is.

    ``suspects`` name pictures by their place in ``looks``.
    """
    groups = {
        "leaks": duplicates.leaks,
        "conflicts": duplicates.conflicts,
        "exact_duplicates": duplicates.exact,
        "near_duplicates": duplicates.near,
    }
    found: dict[str, Any] = {}
    for name, listed in groups.items():
        found[name] = [[asdict(looks.item(place)) for place in group[:MOST_MEMBERS]] for group in listed[:MOST]]
        _write_csv(folder / f"{name}.csv", ("group", *_ITEM), _group_rows(looks, listed))
    found["outliers"] = [_outlier(looks, each) for each in outliers[:MOST]]
    found["suspects"] = [_suspect(looks, each) for each in suspects[:MOST]]
    rows = ((*_named(looks.item(each.place)), each.kind, round(each.value, 3), each.words) for each in outliers)
    _write_csv(folder / "outliers.csv", (*_ITEM, "kind", "value", "words"), rows)
    _write_csv(
        folder / "suspects.csv",
        (*_ITEM, "suggested", "given_probability", "suggested_probability"),
        (_suspect_row(looks, each) for each in suspects),
    )
    counts = {name: len(listed) for name, listed in groups.items()}
    counts |= {"outliers": len(outliers), "suspects": len(suspects)}
    shown = {"pictures": len(looks), "counts": counts, "sizes": _group_sizes(groups)}
    write_json(folder / FINDINGS_FILE, shown | {name: found[name] for name in LISTS} | more)
    return counts


def odd_files(folder: Path, notes: Sequence[str]) -> dict[str, Any]:
    """Return what a dataset in ``folder`` refused, counted by rule, and what was done to odd files."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for row in read_refused(folder / "refused.csv"):
        counts[row.rule] += 1
        examples.setdefault(row.rule, row.reason)
    refused = [{"rule": rule, "count": count, "example": examples[rule]} for rule, count in counts.most_common()]
    return {"refused": refused, "notes": list(notes)}


def _group_sizes(groups: dict[str, list[Group]]) -> dict[str, int]:
    """Return how many pictures the groups of each kind hold."""
    return {name: sum(map(len, listed)) for name, listed in groups.items()}


def _named(item: Item) -> tuple[str, ...]:
    return item.db, item.key, item.label, item.path


def _group_rows(looks: Looks, groups: Sequence[Group]) -> Iterable[tuple[object, ...]]:
    return ((number, *_named(looks.item(place))) for number, group in enumerate(groups) for place in group)


def _outlier(looks: Looks, each: Outlier) -> dict[str, Any]:
    return asdict(looks.item(each.place)) | {"kind": each.kind, "value": round(each.value, 3), "words": each.words}


def _suspect(looks: Looks, each: Suspect) -> dict[str, Any]:
    return asdict(looks.item(each.place)) | {
        "suggested": looks.labels[each.suggested],
        "suggested_id": each.suggested,
        "given_probability": round(each.given_probability, 4),
        "suggested_probability": round(each.suggested_probability, 4),
    }


def _suspect_row(looks: Looks, each: Suspect) -> tuple[object, ...]:
    given, suggested = round(each.given_probability, 4), round(each.suggested_probability, 4)
    return (*_named(looks.item(each.place)), looks.labels[each.suggested], given, suggested)


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(tuple(map(harmless, row)) for row in rows)
    write_text(path, out.getvalue())
