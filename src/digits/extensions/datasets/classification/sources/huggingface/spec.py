"""The fields of a Hugging Face source."""

from __future__ import annotations

from typing import ClassVar, Literal

from digits.core.spec import field
from digits.extensions.datasets.classification.sources.dealt import DealtSource


class HuggingFaceSource(DealtSource):
    """A folder as the Hugging Face libraries have it."""

    prefix: ClassVar[str] = "huggingface_"
    method: Literal["huggingface"] = field("huggingface", title="Hugging Face", flat="method")
    path: str = field(
        "",
        title="Folder",
        widget="path",
        description="A folder of Parquet files with an image column, one that save_to_disk wrote, or pictures with a metadata.csv "
        "or metadata.jsonl. Its splits are the databases.",
        placeholder="/data/beans",
        max_length=4096,
    )
