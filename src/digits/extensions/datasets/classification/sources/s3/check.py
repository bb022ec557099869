"""What is said of a bucket before a job exists. It runs in the web process; the bucket is not asked."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.remote.buckets import checked
from digits.extensions.datasets.classification.sources.s3.spec import S3Source
from digits.extensions.datasets.classification.sources.shares import wanted_dbs

WORDS = ("A bucket with one prefix for each class", "A bucket for {dbs}")


def dbs(source: S3Source) -> tuple[str, ...]:
    """Return the databases that the shares ask for."""
    return wanted_dbs(source.pct_val, source.pct_test)


def check(source: S3Source, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field."""
    problems: dict[str, list[str]] = {}
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", source.bucket):
        problems["bucket"] = [
            "Name the bucket: letters, digits, dots and hyphens." if source.bucket else "Name the bucket."
        ]
    if "::" in source.path or "\0" in source.path:
        problems["path"] = ["A path has no :: and no NUL character."]
    if bool(source.accesskey) != bool(source.secretkey):
        problems["secretkey" if source.accesskey else "accesskey"] = ["Give both keys, or neither."]
    try:
        checked("s3://bucket/", settings, endpoint=source.endpoint_url)
    except DataError as error:
        problems["endpoint_url"] = [str(error)]
    if find_spec("s3fs") is None:
        problems["bucket"] = [
            "S3 needs a library that is not installed: pip install 'opendigits[s3]' beside the server."
        ]
    return problems


def recognise(_path: Path) -> None:
    """Return None: nothing on this machine's disk is a bucket."""
