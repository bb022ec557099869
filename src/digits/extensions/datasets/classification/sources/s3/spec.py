"""The fields of an S3 source, as DIGITS 6 has them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from digits.core.spec import Spec, field
from digits.extensions.datasets.classification.sources.dealt import (
    check_bounds,
    least_per_class,
    most_per_class,
    share_for_testing,
    share_for_validation,
)


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
    pct_val: float = share_for_validation()
    pct_test: float = share_for_testing()
    train_min_per_class: int | None = least_per_class()
    train_max_per_class: int | None = most_per_class()

    @model_validator(mode="after")
    def _bounds(self) -> S3Source:
        check_bounds(self)
        return self

    @property
    def address(self) -> str:
        """The bucket and path as one address."""
        return f"s3://{self.bucket}/{self.path.strip('/')}".rstrip("/")
