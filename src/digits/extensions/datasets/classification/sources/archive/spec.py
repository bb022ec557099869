"""The fields of an archive source: the archive, and what becomes of its pictures."""

from __future__ import annotations

from typing import ClassVar, Literal

from digits.core.spec import field
from digits.extensions.datasets.classification.sources.dealt import DealtSource


class ArchiveSource(DealtSource):
    """An archive of class folders."""

    prefix: ClassVar[str] = "archive_"
    method: Literal["archive"] = field("archive", title="Upload an Archive", flat="method")
    file: str = field(
        "",
        title="Archive",
        widget="file",
        description="A .zip or .tar (.gz, .bz2, .xz) with one folder for each class, perhaps below train, val and test.",
    )
    path: str = field(
        "",
        title="Archive on the server",
        widget="path",
        description="The same, where it lies on the server already.",
        max_length=4096,
    )
