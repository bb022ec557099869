"""The fields of a WebDataset source."""

from __future__ import annotations

from typing import ClassVar, Literal

from digits.core.spec import field
from digits.extensions.datasets.classification.sources.dealt import DealtSource


class WebDatasetSource(DealtSource):
    """Tar shards with a picture and its class under each key."""

    prefix: ClassVar[str] = "webdataset_"
    method: Literal["webdataset"] = field("webdataset", title="WebDataset", flat="method")
    path: str = field(
        "",
        title="Shards",
        widget="path",
        description="A folder of .tar files, or a pattern: /data/train-{000000..000099}.tar, /data/*.tar. Under each key lie a picture "
        "and its class (key.cls, key.txt or key.json). Folders or file names that begin with train, val or test tell the databases.",
        placeholder="/data/shards",
        max_length=4096,
    )
