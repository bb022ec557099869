"""What scripts written for DIGITS ask of any network: all of its outputs, for a picture, a list, an LMDB; by Caffe and by Torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.web.conftest import World
from tests.web.scripts import Script

ROUTE = "/models/images/generic"


@pytest.mark.parametrize(("view", "status"), [("all-raw-data", 200), ("hologram", 404)])
def test_the_settings_of_a_view_are_a_fragment(world: World, view: str, status: int) -> None:
    answer = world.site.client.get(f"/models/view-config/{view}")

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert status != 200 or "<html" not in answer.text


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestInferred:
    """A trained network, asked for all that it says."""

    def test_one_picture(self, script: Script, bars_model: str, bars: Path) -> None:
        picture = bars / "class_2" / "00.png"
        fields = {"job_id": bars_model, "image_path": picture}

        told = script.post(f"{ROUTE}/infer_one.json", fields).json()
        sent = script.post(
            f"{ROUTE}/infer_one.json", {"job_id": bars_model}, {"image_file": ("a", picture.read_bytes())}
        ).json()
        own = script.post(f"{ROUTE}/infer_one.json", fields | {"dont_resize": "y"}).json()
        layers = script.post(f"{ROUTE}/infer_one.json", fields | {"show_visualizations": "y"}).json()
        keyed = script.post(f"{ROUTE}/infer_extension.json", fields).json()

        ((name, values),) = told["outputs"].items()
        assert np.shape(values) == (1, 3)  # the batch axis stays
        assert int(np.argmax(values)) == 2
        assert told == sent == own
        assert layers["outputs"] == told["outputs"]
        assert "visualizations" in layers
        assert keyed["outputs"] == {"000000000": {name: values}}

    def test_a_list_and_a_database(self, script: Script, bars_model: str, bars_dataset: str, bars: Path) -> None:
        pictures = sorted(bars.rglob("*.png"))
        listed = {"image_list": ("l.txt", "".join(f"{path.relative_to(bars)} 0\n" for path in pictures).encode())}
        fields = {"job_id": bars_model, "image_folder": bars}

        many = script.post(f"{ROUTE}/infer_many.json", fields, listed).json()["outputs"]
        few = script.post(f"{ROUTE}/infer_many.json", fields | {"num_test_images": 5}, listed).json()["outputs"]
        path = script.root / "jobs" / bars_dataset / "val_db"
        stored = script.post(f"{ROUTE}/infer_db.json", {"job_id": bars_model, "db_path": path}).json()["outputs"]

        assert list(many) == [str(each) for each in pictures]
        assert list(few) == list(many)[:5]
        assert [int(np.argmax(next(iter(each.values())))) for each in many.values()] == [0] * 8 + [1] * 8 + [2] * 8
        assert len(stored) == 6
        for key, outputs in stored.items():
            assert int(np.argmax(next(iter(outputs.values())))) == int(key.partition("_")[2])

    @pytest.mark.parametrize("what", ["infer_one", "infer_many", "infer_db", "infer_extension"])
    def test_each_is_a_page_too(
        self, script: Script, bars_model: str, bars_dataset: str, bars: Path, what: str
    ) -> None:
        picture = bars / "class_0" / "00.png"
        fields = {"job_id": bars_model, "image_path": picture, "db_path": script.root / "jobs" / bars_dataset / "val_db",
                  "view_extension_id": "all-raw-data"}  # fmt: skip

        page = script.post(f"{ROUTE}/{what}", fields, {"image_list": ("l", f"{picture}\n".encode())})

        assert page.status_code == 200
        assert "softmax" in page.text

    def test_what_is_missing_is_said(self, script: Script, bars_model: str) -> None:
        for what, words in (
            ("infer_one", "must provide image_path or image_file"), ("infer_extension", "must provide image_path or image_file"),
            ("infer_many", "image_list is a required field"), ("infer_db", "db_path is a required field"),
        ):  # fmt: skip
            for answer in (
                script.post(f"{ROUTE}/{what}.json", {"job_id": bars_model}),
                script.client.get(f"{ROUTE}/{what}.json", params={"job_id": bars_model}),
            ):
                assert (answer.status_code, answer.json()["error"]["description"]) == (400, words)
            assert (
                script.post(f"{ROUTE}/{what}.json", {}).json()["error"]["description"] == "job_id is a required field"
            )
            assert script.post(f"{ROUTE}/{what}.json", {"job_id": "20201124-000000-abcd"}).status_code == 404
