"""Networks over HTTP: the table of layers, the drawing, the lines of a mistake, and the way to Netron, for texts and for models."""

from __future__ import annotations

import base64
import re
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from digits.networks.caffe.describe import describe
from digits.networks.standard import standard_text
from tests.web.conftest import World
from tests.web.standin import service
from tests.web.test_classify import forget

LAYER_KEYS = [
    "name", "type", "output", "parameters", "multiply_adds", "stride", "pad", "kernel", "receptive_field", "cumulative_scale",
]  # fmt: skip
BAD = 'name: "net"\n# a slip\nlayer { name: "pool1" type: "Polling" }\n'


def inspector(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answer /network as the inspector does, in this process; a text of the tests' own is refused."""
    assert path == "/network"
    if "Polling" in question.get("text", ""):
        error = {"message": "Layer 'pool1' has type 'Polling'.", "where": "line 3", "hint": "Did you mean 'Pooling'?"}
        return 400, {"error": error}
    known = {name: value for name, value in question.items() if name != "framework"}
    if known.get("text", "").startswith("# original"):  # what the made-up models have
        known["text"] = standard_text("lenet")
    return 200, describe(known)


def ask(world: World, path: str, **data: str) -> Any:
    """POST with an inspector at hand."""
    with service(world.site.store, "inspect", inspector):
        answer = world.site.client.post(path, params={"framework": "caffe"}, data=data, headers={"Accept": "text/html"})
    forget(world.site.store)
    return answer


def netron_links(html: str) -> dict[str, str]:
    """Return title to address of the links to Netron."""
    return {
        title: href.replace("&amp;", "&")
        for href, title in re.findall(r'<a href="(/netron/[^"]+)"[^>]*>([^<]+)<', html)
    }


@pytest.mark.parametrize("fields", [{"standard_network": "lenet"}, {"custom_network": standard_text("lenet")}])
def test_the_table_has_the_keys_of_the_api_and_no_others(world: World, fields: dict[str, str]) -> None:
    answer = ask(world, "/models/network-table", **fields, channels="1", height="28", width="28", num_classes="10")

    table = answer.json()
    assert list(table) == ["layers", "parameters", "activations_bytes"]
    assert all(list(layer) == LAYER_KEYS for layer in table["layers"])
    assert table["parameters"] == 431_080
    conv2 = next(layer for layer in table["layers"] if layer["name"] == "conv2")
    assert conv2 == {
        "name": "conv2", "type": "Convolution", "output": [[64, 50, 8, 8]], "parameters": 25_050, "multiply_adds": 1_600_000,
        "stride": [1, 1], "pad": [0, 0], "kernel": [5, 5], "receptive_field": [14, 14], "cumulative_scale": [2, 2],
    }  # fmt: skip


def test_the_table_takes_its_sizes_from_a_dataset_and_tells_the_form_more(world: World) -> None:
    fields = {"standard_network": "lenet", "dataset_id": world.ids["mnist"], "crop_size": "24", "batch_size": "7"}

    answer = ask(world, "/models/network-table.json", **fields, details="true")

    table = answer.json()
    assert table["layers"][0]["output"] == [[7, 1, 24, 24]]
    assert (table["batch_size"], table["warnings"]) == (7, [])
    assert next(layer["line"] for layer in table["layers"] if layer["name"] == "conv2") == 49


def test_visualize_answers_with_an_image_the_layers_and_a_way_to_netron(world: World) -> None:
    d6 = {"dataset_id": world.ids["mnist"], "solver_type": "SGD", "use_mean": "image", "crop_size": "", "num_gpus": "1"}
    text = standard_text("lenet")

    answer = ask(world, "/models/visualize-network", custom_network=text, **d6)

    assert answer.status_code == 200
    image = re.search(r'<img [^>]*src="data:image/svg\+xml;base64,([^"]+)"', answer.text)
    assert image is not None
    assert base64.b64decode(image[1]).startswith(b"<svg")
    rows = re.findall(r"<tr>(<td.*?)</tr>", answer.text)
    cells = [
        re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", next(row for row in rows if "conv2" in row))
    ]
    assert cells == ["conv2", "Convolution", "50 × 8 × 8", "25,050", "1,600,000", "5", "1", "0", "14", "2"]
    address = urlsplit(netron_links(answer.text)["this text"])
    assert parse_qs(address.query) == {"identifier": ["network.prototxt"]}
    assert base64.b64decode(address.fragment.partition(",")[2]).decode() == text  # nothing of it reaches a server


def test_a_mistake_comes_back_at_its_line_as_a_fragment(world: World) -> None:
    answer = ask(world, "/models/visualize-network", custom_network=BAD + "# <script>\n")

    assert answer.status_code == 400
    assert "<html" not in answer.text
    assert "Polling" in answer.text
    assert "Did you mean" in answer.text
    bad = re.findall(r'<span class="bad"><i>(\d+)</i>(.*?)</span>', answer.text)
    assert bad == [("3", "layer { name: &#34;pool1&#34; type: &#34;Polling&#34; }")]
    assert "# &lt;script&gt;" in answer.text
    no_framework = world.site.client.post("/models/visualize-network", data={"custom_network": "x"})
    assert no_framework.status_code == 400
    assert "framework not provided" in no_framework.text


def test_a_models_page_of_its_network_has_layers_graph_and_netron_for_each_file(world: World) -> None:
    job = world.ids["done"]
    with service(world.site.store, "inspect", inspector) as asked:
        page = world.site.client.get(f"/models/{job}/network", headers={"Accept": "text/html"})
        table = world.site.json(f"/models/{job}/network.json")
    forget(world.site.store)

    assert (asked[0][1]["height"], asked[0][1]["num_classes"], asked[0][1]["batch_size"]) == (28, 10, 64)
    assert '<img class="graph-image"' in page.text
    assert "431,080" in page.text
    assert list(table["layers"][0]) == LAYER_KEYS
    links = netron_links(page.text)
    weights = parse_qs(urlsplit(links["weights"]).query)
    assert weights == {"url": [f"/files/{job}/snapshot_iter_7040.caffemodel"]}
    assert parse_qs(urlsplit(links["deploy"]).query) == {"url": [f"/files/{job}/deploy.prototxt"]}


def test_without_netron_the_links_are_absent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netron", None)

    answer = ask(world, "/models/visualize-network", custom_network=standard_text("lenet"))

    assert answer.status_code == 200
    assert "Netron" not in answer.text
