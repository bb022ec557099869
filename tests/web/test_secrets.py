from __future__ import annotations

import json
import time
from importlib.util import find_spec

import pytest

from tests.web.serving import Serving

pytestmark = pytest.mark.skipif(find_spec("s3fs") is None, reason="s3fs is not installed")
SECRET = "wJalrXUtnFEMI-very-secret"
FIELDS = {
    "dataset_name": "bucket", "method": "s3", "s3_bucket": "pictures", "s3_accesskey": "AKIAEXAMPLE",
    "s3_secretkey": SECRET, "s3_endpoint_url": "http://127.0.0.1:1",
}  # fmt: skip
ROUTE = "/datasets/images/classification"


def test_keys_of_a_bucket_lie_apart_from_their_job_and_go_with_it(empty: Serving) -> None:
    empty.login("ana")
    job_id = empty.client.post(f"{ROUTE}.json", data=FIELDS).json()["id"]
    folder, kept = empty.settings.jobs / job_id, empty.settings.root / "secrets" / f"{job_id}.json"

    assert json.loads(kept.read_text()) == {"source.accesskey": "AKIAEXAMPLE", "source.secretkey": SECRET}
    assert not [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    for page in (f"/datasets/{job_id}", f"/datasets/{job_id}.json", f"{ROUTE}/new?clone={job_id}"):
        answer = empty.client.get(page)
        assert answer.status_code == 200
        assert SECRET not in answer.text
        assert "AKIAEXAMPLE" not in answer.text

    clone = empty.client.post(f"{ROUTE}.json?clone={job_id}", data={"s3_accesskey": "other", "s3_secretkey": "more"})
    again = empty.settings.root / "secrets" / f"{clone.json()['id']}.json"
    assert json.loads(again.read_text()) == {"source.accesskey": "other", "source.secretkey": "more"}

    assert empty.client.delete(f"/jobs/{job_id}").status_code == 200
    deadline = time.monotonic() + 10
    while kept.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not kept.exists()


def test_a_form_that_is_refused_does_not_show_its_secret_again(empty: Serving) -> None:
    empty.login("ana")

    answer = empty.client.post(ROUTE, data=FIELDS | {"s3_bucket": "a/b"})
    told = empty.client.post(f"{ROUTE}.json", data=FIELDS | {"s3_bucket": "a/b"})

    assert (answer.status_code, told.status_code) == (400, 400)
    assert "s3_bucket" in told.json()["errors"]
    assert SECRET not in answer.text + told.text
