"""Models taken elsewhere over HTTP; the inspector that writes the files is stood in for, and is real in its own tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digits.client import Client, RefusedError
from tests.web.conftest import World
from tests.web.standin import service
from tests.web.test_classify import forget


@pytest.fixture
def inspector(world: World) -> Iterator[list[Any]]:
    """An inspector that writes the words of its question; gives what it was asked."""

    def answer(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if question["format"] == "pt2":
            error = {"message": "Layer 'x' cannot.", "where": "deploy.prototxt:3", "hint": "Another."}
            return 400, {"error": error}
        file = world.site.settings.root / "spool" / f"export-1.{question['format']}"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{question['format']} of epoch {question['epoch']:g}")
        return 200, {"file": str(file)}

    with service(world.site.store, "inspect", answer) as asked:
        yield asked
    forget(world.site.store)


@pytest.mark.parametrize(("query", "epoch"), [("", 10), ("?epoch=3", 3)])
def test_a_model_goes_out_as_an_attachment_and_nothing_stays(
    world: World, inspector: list[Any], query: str, epoch: int
) -> None:
    job = world.ids["done"]

    answer = world.site.client.get(f"/models/{job}/export/onnx{query}")

    assert (answer.status_code, answer.text) == (200, f"onnx of epoch {epoch}")
    assert answer.headers["content-disposition"] == f'attachment; filename="{job}_epoch_{epoch}.onnx"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert [(path, each["framework"]) for path, each in inspector] == [("/export", "caffe")]
    deadline = time.monotonic() + 10
    while list((world.site.settings.root / "spool").glob("export-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_cannot_be_had_is_said(world: World, inspector: list[Any]) -> None:
    job, client = world.ids["done"], world.site.client

    unknown = client.get(f"/models/{job}/export/tflite", headers={"Accept": "application/json"})
    refused = client.get(f"/models/{job}/export/pt2", headers={"Accept": "application/json"})

    assert unknown.status_code == refused.status_code == 400
    assert "caffemodel, onnx, pt2, safetensors" in unknown.json()["error"]["hint"]
    assert refused.json()["error"]["where"] == "deploy.prototxt:3"
    assert client.get(f"/models/{job}/export/onnx?epoch=99").status_code == 404
    assert client.get("/models/20200101-000000-abcd/export/onnx").status_code == 404
    assert len(inspector) == 1


def test_the_client_writes_the_file_whole_or_not_at_all(world: World, inspector: list[Any], tmp_path: Path) -> None:
    job = world.ids["done"]

    with Client(world.site.address) as client:
        client.model.export(job, "onnx", tmp_path / "net.onnx", epoch=3)
        with pytest.raises(RefusedError, match="Layer 'x' cannot"):
            client.model.export(job, "pt2", tmp_path / "net.pt2")

    assert (tmp_path / "net.onnx").read_text() == "onnx of epoch 3"
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert len(inspector) == 2


def test_the_models_page_offers_its_formats(world: World) -> None:
    page = world.site.client.get(f"/models/{world.ids['done']}").text

    for name in ("caffemodel", "onnx", "pt2", "safetensors"):
        assert f"/models/{world.ids['done']}/export/{name}?epoch=10" in page
