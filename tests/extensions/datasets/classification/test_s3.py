from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.secretfiles import read_secrets, remove_secrets, write_secrets
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data.refused import read_refused
from digits.extensions.datasets.classification.check import check
from digits.extensions.datasets.classification.inspect import inspect_source
from tests.extensions.datasets.classification.folders import Built, draw, spec_of

KEY, SECRET = "AKIAEXAMPLE", "very-secret-value"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of S3 on this machine, with a bucket of two classes."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    import boto3

    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    address = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    )
    client.create_bucket(Bucket="pictures")
    folder = tmp_path_factory.mktemp("drawn")
    for number, name in enumerate(["big_cat/0.png", "big_cat/1.png", "big_cat/deep/2.png", "dog/0.png", "dog/1.png"]):
        data = draw(folder / f"{number}.png", number).read_bytes()
        client.put_object(Bucket="pictures", Key=f"set/{name}", Body=data)
    client.put_object(Bucket="pictures", Key="set/dog/", Body=b"")
    client.put_object(Bucket="pictures", Key="set/dog/notes.txt", Body=b"hello")
    client.put_object(Bucket="pictures", Key="set/dog/bad.png", Body=b"no picture")
    yield address
    server.stop()


def fields(endpoint: str, **more: Any) -> dict[str, Any]:
    return {"method": "s3", "endpoint_url": endpoint, "bucket": "pictures", "path": "/set/", "pct_val": 0} | more


def test_a_bucket_becomes_a_dataset_and_its_keys_are_in_no_file_of_the_job(tmp_path: Path, endpoint: str) -> None:
    job = "20260101-000000-0001"
    write_secrets(tmp_path / "secrets", job, {"source.accesskey": KEY, "source.secretkey": SECRET})

    built = Built(
        tmp_path / job,
        spec_of(fields(endpoint, keepcopiesondisk=True)),
        settings=WorkerSettings(num_threads=2, secrets=str(tmp_path / "secrets")),
    )

    assert built.facts["labels"] == ["big cat", "dog"]
    assert built.facts["dbs"]["train"]["class_counts"] == [3, 2]
    assert "s3://pictures/set/big_cat/deep/2.png 0" in built.lines("train.txt")
    rows = {row.path.rpartition("/")[2]: row.rule for row in read_refused(built.path / "refused.csv")}
    assert rows == {"bad.png": "IMG_NOT_A_PICTURE", "notes.txt": "IMG_NOT_A_PICTURE"}
    assert sorted(path.name for path in (built.path / "copies" / "big_cat").rglob("*.png")) == [
        "0.png",
        "1.png",
        "2.png",
    ]
    said = "\n".join(event.model_dump_json() for event in built.events)
    assert SECRET not in said
    assert not [path for path in built.path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_the_folder_source_takes_the_address_of_a_bucket(
    tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": endpoint,
    }.items():
        monkeypatch.setenv(name, value)

    built = Built(tmp_path / "job", spec_of({"train": "s3://pictures/set", "pct_val": 0}))

    assert built.facts["dbs"]["train"]["class_counts"] == [3, 2]


def test_a_look_into_a_bucket_needs_no_job(endpoint: str) -> None:
    told, _ = inspect_source(source=fields(endpoint, accesskey=KEY, secretkey=SECRET))

    assert [(each["label"], each["count"]) for each in told["classes"]] == [("big cat", 3), ("dog", 2)]


def test_a_bucket_that_is_not_there_ends_the_build_with_words(tmp_path: Path, endpoint: str) -> None:
    source = fields(endpoint, bucket="nowhere", accesskey=KEY, secretkey=SECRET)

    with pytest.raises(DataError, match=r"s3://nowhere/set: It could not be read") as caught:
        Built(tmp_path / "job", spec_of(source))

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"bucket": ""}, "bucket", "Name the bucket."),
        ({"bucket": "a/b"}, "bucket", "letters, digits"),
        ({"accesskey": "x"}, "secretkey", "both keys"),
        ({"endpoint_url": "ftp://x"}, "endpoint_url", "The endpoint is an address"),
        ({"endpoint_url": "http://169.254.169.254"}, "endpoint_url", "metadata"),
        ({"path": "a::b"}, "path", "no ::"),
    ],
)
def test_the_form_says_what_is_wrong(given: dict[str, Any], field: str, said: str) -> None:
    problems = check(spec_of(fields("", **given)), Settings())

    assert said in problems[f"source.{field}"][0]


def test_a_server_for_others_asks_buckets_that_the_setting_names_alone() -> None:
    spec = spec_of(fields(""))

    closed = check(spec, Settings(host="0.0.0.0", trust_network=True))
    opened = check(spec, Settings(host="0.0.0.0", trust_network=True, url_hosts=("s3.amazonaws.com",)))

    assert "url_hosts" in closed["source.endpoint_url"][0]
    assert opened == {}


def test_secrets_are_for_the_servers_user_alone(tmp_path: Path) -> None:
    write_secrets(tmp_path / "secrets", "job", {"a": "b"})

    assert read_secrets(tmp_path / "secrets", "job") == {"a": "b"}
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "secrets" / "job.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    remove_secrets(tmp_path / "secrets", "job")
    assert read_secrets(tmp_path / "secrets", "job") == {}
