"""The table of which weights were, or would be, copied into which layers, as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORDS = {
    "copied": "copied",
    "new": "starts anew",
    "unfit": "starts anew",
    "classes": "starts anew",
    "ignored": "not used",
}
WHY = {
    "new": "no file has a layer of this name",
    "unfit": "of the same name, and of another shape",
    "classes": "for the dataset's own classes",
    "ignored": "the network has no layer of this name",
}  # fmt: skip


@dataclass(frozen=True)
class CopyLine:
    """A row of the table; what does not apply is ""."""

    layer: str
    outcome: str
    """copied, new, unfit, classes or ignored."""
    words: str
    why: str
    shape: str
    source_shape: str
    source: str


@dataclass(frozen=True)
class Copies:
    """The table with its sum: "52 layers copied, 1 started anew, 1 not used"."""

    summary: str
    files: list[str]
    lines: list[CopyLine]
    warnings: list[tuple[str, str]]
    unfit: list[str]
    """Layers to be renamed, if it is meant that they start anew."""


def view(found: Mapping[str, Any] | None, *, done: bool = False) -> Copies | None:
    """Return what is shown of a copying; None where nothing was to be copied.

    Args:
        found: ``weights.json``, or the inspector's answer.
        done: it has been; else it would be.
    """
    if not found or not found.get("files"):
        return None
    anew = int(found["new"]) + int(found["unfit"]) + int(found.get("classes", 0))
    copied = int(found["copied"])
    parts = [
        f"{copied:,} {'layer' if copied == 1 else 'layers'} {'copied' if done else 'will be copied'}",
        f"{anew:,} {'started' if done else 'will start'} anew" if anew else "",
        f"{found['ignored']:,} not used" if found["ignored"] else "",
    ]
    lines = [_line(row) for row in found["layers"]]
    warnings = [(str(fact), str(hint)) for fact, hint in found.get("warnings", ())]
    if not copied and not found["unfit"] and not warnings:
        warnings = [("No layer of the weights has a name of this network.", "Everything began with random weights.")]
    return Copies(
        ", ".join(filter(None, parts)), list(found["files"]), lines, warnings,
        [row["layer"] for row in found["layers"] if row["outcome"] == "unfit"],
    )  # fmt: skip


def _line(row: Mapping[str, Any]) -> CopyLine:
    outcome = str(row["outcome"])
    return CopyLine(
        layer=row["layer"], outcome=outcome, words=WORDS[outcome], why=WHY.get(outcome, ""), shape=_shapes(row["shapes"]),
        source_shape=_shapes(row["source_shapes"]), source=row["source"],
    )  # fmt: skip


def _shapes(shapes: Sequence[Sequence[int]]) -> str:
    """Return the shape of the weights, not of the bias beside them: "20 × 1 × 5 × 5"."""
    return " × ".join(map(str, shapes[0])) if shapes else ""
