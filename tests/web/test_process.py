"""The server as a process of its own: what it loads, and what it takes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from digits.core.errors import SetupError
from digits.core.platform import mapped_files, private_bytes
from digits.core.settings import Settings
from digits.web.app import create_app
from tests.web.fixture_site import fill
from tests.web.working import start

MOST_BYTES = 150_000_000


def test_the_server_loads_no_torch_and_stays_small_whatever_it_is_asked(tmp_path: Path) -> None:
    ids = fill(Settings(root=tmp_path))
    process, address = start(tmp_path)
    try:
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            client.post("/login", data={"username": "ana"})
            paths = [
                "/", "/index.json", "/completed_jobs.json", f"/datasets/{ids['mnist']}", f"/models/{ids['running']}",
                f"/models/{ids['running']}/metrics.json", f"/models/{ids['running']}/metrics.csv", "/openapi.json", "/docs",
                "/datasets/images/classification/new", "/models/images/classification/new", "/login",
                f"/jobs/{ids['running']}/events", f"/files/{ids['mnist']}/train.txt", "/readyz",
            ]  # fmt: skip
            for path in paths * 3:
                assert client.get(path).status_code in (200, 302, 503), path
            client.post("/models/visualize-lr", data={"lr_policy": "exp"})
            client.post("/models/customize?network=lenet&framework=caffe")
            form = {"model_name": "net", "dataset": ids["mnist"], "standard_networks": "lenet"}
            assert client.post("/models/images/classification.json", data=form).status_code == 200
            form = {"dataset_name": "x", "folder_train": str(tmp_path)}
            assert client.post("/datasets/images/classification.json", data=form).status_code == 400

        if sys.platform != "darwin":
            libraries = [path for path in mapped_files(process.pid) if not path.startswith(str(tmp_path))]
            loaded = [path for path in libraries if re.search(r"torch|libcu|opencv|cv2", path)]
            assert loaded == []
        used = private_bytes(process.pid)
        assert used < MOST_BYTES, f"{used:,} bytes"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)


def test_what_the_server_imports_at_its_start_is_little(tmp_path: Path) -> None:
    program = (
        "import sys; from digits.web.app import create_app; create_app(); "
        "print(','.join(name for name in ('torch', 'cv2', 'PIL', 'google.protobuf', 'alembic') if name in sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"DIGITS_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == ""


def test_a_wrong_setting_is_said_in_one_line(tmp_path: Path) -> None:
    program = "from digits.web.app import create_app; create_app()"

    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"DIGITS_ROOT": str(tmp_path), "DIGITS_PORT": "70000"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "Setting 'port'" in done.stderr.splitlines()[-1]


def test_a_server_open_to_the_network_must_be_told_that_it_may(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="trust"):
        create_app(Settings(root=tmp_path, host="0.0.0.0"))

    assert create_app(Settings(root=tmp_path, host="0.0.0.0", trust_network=True))


def test_two_servers_share_one_root(tmp_path: Path) -> None:
    first, one = start(tmp_path)
    second, two = start(tmp_path)
    try:
        with httpx.Client(trust_env=False) as client:
            client.post(one + "/login", data={"username": "ana"})
            for address in (one, two):
                deadline = time.monotonic() + 10
                while client.get(address + "/index.json").status_code != 200:
                    assert time.monotonic() < deadline
            assert client.get(one + "/index.json").json() == client.get(two + "/index.json").json()
    finally:
        for process in (first, second):
            process.terminate()
            process.wait(15)


@pytest.mark.parametrize("prefix", ["/digits"])
def test_behind_a_proxy_every_address_has_its_prefix(tmp_path: Path, prefix: str) -> None:
    process, address = start(tmp_path, DIGITS_URL_PREFIX=prefix)
    try:
        with httpx.Client(base_url=address, trust_env=False) as client:
            for path in ("/login", f"{prefix}/login"):  # a proxy may or may not take the prefix off
                page = client.get(path)
                assert page.status_code == 200
                assert not re.search(rf'(href|src|action)="/(?!{prefix[1:]})', page.text)
            answer = client.post("/login", data={"username": "ana"})
            assert answer.headers["location"] == f"{prefix}/"
            assert f"Path={prefix}" in answer.headers["set-cookie"]
            led = client.get("/datasets/images/classification/new", headers={"Cookie": ""})
            assert led.status_code == 302
            assert led.headers["location"].startswith(f"{prefix}/login?next=")
    finally:
        process.terminate()
        process.wait(15)
