"""Views over HTTP, of a network that says Sky everywhere, by the code of its worker: what is right is what the drawn labels hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digits.data.encode import encode_indexed_png, encode_png
from digits.data.masks import usual_palette
from digits.download.streets import CLASSES, draw_street
from digits.workers.pretrained import take_in
from tests.web.markup import read
from tests.web.test_trained_masks import Masks, answering, masks  # noqa: F401 - fixtures

BASE = "/models/images/generic"
SKY = 0


def ask(server: Masks, what: str = "infer_one", **parts: Any) -> Any:
    files = parts.pop("files", None)
    return server.site.client.post(f"{BASE}/{what}", data={"job_id": server.model, **parts}, files=files)


def sky_of(at: int) -> str:
    """Return the share of Sky in a validation picture, in words."""
    label_HW = draw_street(64, 48, seed=(0, 1, at)).label_HW
    return f"{100 * (label_HW == SKY).mean():.1f}"


def figures(page: str) -> list[str]:
    return [each.text.split()[0] for each in read(page).one("div", **{"class": "panel-body figures"}).find("b")]


def test_a_record_is_shown_beside_its_label_in_the_view_of_masks(answering: Masks) -> None:  # noqa: F811
    page = ask(answering, dataset_id=answering.dataset, db="val", record="1").text

    assert figures(page)[0] == sky_of(1)
    rows = {
        row.attributes["data-class"]: row
        for row in read(page).one(id="seg-classes").find("tr")
        if "data-class" in row.attributes
    }
    assert rows["0"].find("td")[2].text == "100.0", "the share of pixels that it says are Sky"
    assert rows["0"].find("td")[3].text == sky_of(1), "its intersection over union"
    told = answering.site.client.post(
        f"{BASE}/infer_one.json",
        data={"job_id": answering.model, "dataset_id": answering.dataset, "db": "val", "record": "1"},
    ).json()
    assert np.shape(told["outputs"]["softmax"]) == (1, len(CLASSES), 48, 64)


def test_a_label_that_is_sent_is_held_against_the_answer_and_resized_with_its_picture(answering: Masks) -> None:  # noqa: F811
    street = draw_street(128, 96, seed=(0, 1, 0))
    label_HW = street.label_HW.astype(np.uint8)
    files = {
        "image_file": ("street.png", encode_png(street.image_HWC)),
        "label_file": ("label.png", encode_indexed_png(label_HW, usual_palette())),
    }
    small = cv2.resize(label_HW, (64, 48), interpolation=cv2.INTER_NEAREST_EXACT)

    resized, whole = ask(answering, files=files).text, ask(answering, files=files, dont_resize="1").text

    assert figures(resized)[0] == f"{100 * (small == SKY).mean():.1f}"
    assert figures(whole)[0] == f"{100 * (label_HW == SKY).mean():.1f}"
    assert "64 × 48" in resized
    assert "128 × 96" in whole


def test_another_view_and_the_next_picture_need_no_new_upload(answering: Masks) -> None:  # noqa: F811
    client = answering.site.client
    page = ask(answering, "infer_many", dataset_id=answering.dataset, db="val").text
    (look,) = set(re.findall("/models/looks/(look-[0-9a-f]{32})", page))

    second = client.get(f"/models/looks/{look}", params={"place": 1}).text
    numbers = client.get(f"/models/looks/{look}", params={"view_extension_id": "all-raw-data"}).text

    assert figures(page)[0] == sky_of(0)
    assert figures(second)[0] == sky_of(1)
    assert numbers.count("1 × 11 × 48 × 64") == 2


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"view_extension_id": "image-bounding-boxes"}, 400, "No output is a list of boxes"),
        ({"colormap": "rainbow"}, 400, "colormap"),
        ({"record": "2"}, 404, "no such record"),
    ],
)
def test_what_cannot_be_shown_is_said(answering: Masks, fields: dict[str, str], status: int, words: str) -> None:  # noqa: F811
    answer = ask(answering, **{"dataset_id": answering.dataset, "db": "val", "record": "1"} | fields)

    assert answer.status_code == status
    assert words in answer.text


def test_the_settings_and_the_files_of_a_view_have_addresses(masks: Masks) -> None:  # noqa: F811
    client = masks.site.client

    fragment = client.get("/models/view-config/image-segmentation").text

    assert {each.attributes["name"] for each in read(fragment).find("select")} == {"colormap", "background"}
    script = client.get("/extension-static/view/image-segmentation/segmentation.js")
    assert (script.status_code, script.headers["content-type"].split(";")[0]) == (200, "text/javascript")
    for other in (
        "image-segmentation/render.py",
        "image-segmentation/..%2frender.py",
        "hologram/x.js",
        "all-raw-data/",
    ):
        assert client.get(f"/extension-static/view/{other}").status_code == 404


def test_layers_are_told_below_the_answer_where_they_are_asked_for(answering: Masks, tmp_path: Path) -> None:  # noqa: F811
    picture = tmp_path / "street.png"
    picture.write_bytes(encode_png(draw_street(64, 48, seed=(0, 1, 0)).image_HWC))

    page = read(ask(answering, image_path=str(picture), show_visualizations="1").text)
    whole = read(ask(answering, image_path=str(picture), show_visualizations="1", dont_resize="1").text)

    rows = page.one(id="layers").find("tr")[1:]
    assert [row.find("th")[0].find("b")[0].text for row in rows][:2] == ["data", "colours"]
    assert page.one("input", name="show_visualizations").attributes.get("checked") is not None
    assert not whole.find(id="layers")
    assert "No layers to show." in whole.text


def test_a_pretrained_model_of_masks_is_asked_for_all_that_it_answers(answering: Masks) -> None:  # noqa: F811
    site = answering.site
    answer = site.client.post(f"/models/{answering.model}/to_pretrained.json", data={"epoch": "2"})
    assert answer.status_code == 200, answer.text
    kept = str(answer.json()["id"])
    answering.run(kept, take_in)

    page = read(site.client.get(f"/pretrained_models/{kept}").text).one(id="tests")

    assert [form.attributes["action"].rpartition("/")[2] for form in page.find("form")] == ["infer_one", "infer_many"]
    views = page.one("select", id="view_extension_id").find("option")
    assert [each.text for each in views if "selected" in each.attributes] == ["Image Segmentation"]
    assert "Classify" not in page.text
