"""The fields of an S3 source, as DIGITS 6 has them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from digits.core.spec import Spec, field
from digits.extensions.datasets.classification.sources.dealt import check_bounds


class S3Source(Spec):
    """Pictures in a bucket, below one prefix for each class."""

    prefix: ClassVar[str] = "s3_"
    method: Literal["s3"] = field("s3", title="S3", flat="method")
    endpoint_url: str = field(
        "",
        title="Endpoint",
        description="The address of a server that speaks S3. Blank: Amazon's.",
        placeholder="https://s3.amazonaws.com",
        max_length=2048,
    )
    bucket: str = field("", title="Bucket", description="The bucket of the pictures.", max_length=255)
    path: str = field(
        "",
        title="Path",
        description="What is before the names of the classes: with pictures/train, those of cat lie below pictures/train/cat/.",
        max_length=1024,
    )
    accesskey: str = field(
        "",
        title="Access key",
        widget="secret",
        description="It is kept apart from the job and goes with it. Blank: the bucket is open to all, or the server's own keys are used.",
        max_length=1024,
    )
    secretkey: str = field(
        "",
        title="Secret key",
        widget="secret",
        description="It is kept apart from the job and goes with it. No page shows it again.",
        max_length=1024,
    )
    keepcopiesondisk: bool = field(
        False,
        title="Keep copies on disk",
        description="The fetched files stay in the job's folder, in copies/.",
    )
    pct_val: float = field(
        25,
        title="% for validation",
        unit="%",
        description="The share of the pictures kept to measure the training by.",
        ge=0,
        le=100,
    )
    pct_test: float = field(
        0,
        title="% for testing",
        unit="%",
        description="The share of the pictures kept for the test at the end.",
        ge=0,
        le=100,
    )
    train_min_per_class: int | None = field(
        2,
        title="Minimum samples per class",
        description="A class with fewer pictures is left out.",
        placeholder="1",
        ge=1,
    )
    train_max_per_class: int | None = field(
        None,
        title="Maximum samples per class",
        description="Pictures beyond this number are left out, at random.",
        placeholder="no limit",
        ge=1,
    )

    @model_validator(mode="after")
    def _bounds(self) -> S3Source:
        check_bounds(self)
        return self

    @property
    def address(self) -> str:
        """The bucket and path as one address."""
        return f"s3://{self.bucket}/{self.path.strip('/')}".rstrip("/")
