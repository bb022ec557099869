"""The fields of a manifest source."""

from __future__ import annotations

from typing import ClassVar, Literal

from digits.core.spec import field
from digits.extensions.datasets.classification.sources.dealt import DealtSource

_ROWS = "A .csv, .jsonl or .parquet table: columns image (path or address), label (name or number) and, if you like, split (train, val, test)."
_NAMES = (
    "The names of the classes, one a line: the first is that of class 0. None: the labels of the table are the names."
)


class ManifestSource(DealtSource):
    """A table with a row for each picture."""

    prefix: ClassVar[str] = "manifest_"
    method: Literal["manifest"] = field("manifest", title="Manifest", flat="method")
    file: str = field("", title="Table", widget="file", description=_ROWS)
    path: str = field(
        "",
        title="Table on the server",
        widget="path",
        description=f"{_ROWS} Relative paths begin beside it.",
        max_length=4096,
    )
    labels_file: str = field("", title="Labels (optional)", widget="file", description=_NAMES)
    labels_path: str = field(
        "", title="Labels on the server (optional)", widget="path", description=_NAMES, max_length=4096
    )
