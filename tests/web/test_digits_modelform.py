"""The form of a model as scripts written for DIGITS meet it: its fields, each mistake at its name, the curve of the rate."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digits.store import Job
from tests.web.conftest import World, build_dataset, draw_pictures
from tests.web.serving import Serving

ROUTE = "/models/images/classification"


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    """Make a small dataset; fred is logged in."""
    empty.login("fred")
    return build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))


def form_for(trained_on: str, **more: Any) -> dict[str, Any]:
    return {"model_name": "net", "dataset": trained_on, "method": "standard", "standard_networks": "lenet",
            "framework": "caffe", "train_epochs": "1"} | more  # fmt: skip


def test_the_page_of_the_form_has_its_heading_and_every_field_of_digits(world: World) -> None:
    world.site.login("ana")

    page = world.site.client.get(f"{ROUTE}/new").text

    assert "New Image Classification Model" in page
    names = set(re.findall(r'name="([^"]+)"', page))
    missing = {
        "dataset", "model_name", "group_name", "train_epochs", "snapshot_interval", "val_interval", "random_seed", "batch_size",
        "batch_accumulation", "solver_type", "rms_decay", "learning_rate", "lr_policy", "lr_step_size", "lr_step_gamma",
        "lr_multistep_values", "lr_multistep_gamma", "lr_exp_gamma", "lr_inv_gamma", "lr_inv_power", "lr_poly_power",
        "lr_sigmoid_step", "lr_sigmoid_gamma", "crop_size", "use_mean", "aug_flip", "aug_quad_rot", "aug_rot", "aug_scale", "aug_noise",
        "aug_hsv_use", "aug_hsv_h", "aug_hsv_s", "aug_hsv_v", "aug_contrast", "aug_whitening", "shuffle", "method", "framework",
        "standard_networks", "previous_networks", "custom_network", "custom_network_snapshot", "python_layer_from_client",
        "python_layer_client_file", "python_layer_server_file",
    } - names  # fmt: skip
    assert missing == set()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_name", ""), ("train_epochs", "0"), ("train_epochs", "many"), ("snapshot_interval", "-1"), ("val_interval", "-0.5"),
        ("random_seed", "-1"), ("random_seed", "4294967296"), ("batch_size", "0"), ("batch_size", "8,x"), ("batch_accumulation", "0"),
        ("solver_type", "SGDD"), ("rms_decay", "-1"), ("learning_rate", "-0.1"), ("lr_policy", "odd"), ("crop_size", "0"),
        ("crop_size", "300"), ("use_mean", "median"), ("aug_flip", "both"), ("aug_quad_rot", "rot45"), ("aug_rot", "181"),
        ("aug_scale", "1.5"), ("aug_noise", "2"), ("aug_hsv_h", "0.6"), ("aug_contrast", "6"), ("dataset", ""), ("dataset", "x"),
        ("framework", "lua"), ("standard_networks", "lenet9"), ("method", "guess"), ("select_gpu_count", "0"),
    ],
)  # fmt: skip
def test_each_bad_field_is_a_400_at_its_name_and_the_page_keeps_the_form(
    empty: Serving, dataset: Job, field: str, value: str
) -> None:
    fields = form_for(
        dataset.id, **{"aug_hsv_use": "true", "model_name": "kept <name>", "solver_type": "RMSPROP"} | {field: value}
    )

    told = empty.client.post(f"{ROUTE}.json", data=fields)
    page = empty.client.post(ROUTE, data=fields)

    assert (told.status_code, page.status_code) == (400, 400), told.text
    assert list(told.json()["errors"]) == [field]
    assert all(isinstance(text, str) and text for text in told.json()["errors"][field])
    assert re.search(r'<div[^>]*class="[^"]*alert-danger', page.text)
    assert field == "model_name" or 'value="kept &lt;name&gt;"' in page.text
    assert empty.store.jobs(kind="model") == []


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        ("fixed", {}), ("step", {"lr_step_size": "20", "lr_step_gamma": "0.2"}),
        ("multistep", {"lr_multistep_values": "25,75", "lr_multistep_gamma": "0.3"}), ("exp", {"lr_exp_gamma": "0.9"}),
        ("inv", {"lr_inv_gamma": "0.2", "lr_inv_power": "0.7"}), ("poly", {"lr_poly_power": "2"}),
        ("sigmoid", {"lr_sigmoid_step": "40", "lr_sigmoid_gamma": "0.2"}),
    ],
)  # fmt: skip
def test_the_curve_of_each_policy_is_digits_formula(world: World, policy: str, fields: dict[str, str]) -> None:
    rates: dict[str, Callable[[int], float]] = {  # of a base rate of 1
        "fixed": lambda i: 1,
        "step": lambda i: float(0.2 ** (i // 20)),
        "multistep": lambda i: float(0.3 ** sum(i >= step for step in (25, 75))),
        "exp": lambda i: float(0.9**i),
        "inv": lambda i: float((1 + 0.2 * i) ** -0.7),
        "poly": lambda i: float((1 - i / 100) ** 2),
        "sigmoid": lambda i: 1 / (1 + math.exp(0.2 * (i - 40))),
    }

    answer = world.site.client.post(
        "/models/visualize-lr", data={"lr_policy": policy, "learning_rate": "[0.1, 0.01]"} | fields
    )

    assert answer.headers["content-type"].startswith("text/html")
    columns = json.loads(answer.text)["data"]["columns"]
    assert [column[0] for column in columns] == ["Learning Rate 0", "Learning Rate 1"]
    for base, (_, *values) in zip((0.1, 0.01), columns, strict=True):
        assert values == pytest.approx([base * rates[policy](i) for i in range(101)], rel=1e-9)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/models/visualize-lr?lr_policy=odd", "Invalid policy"),
        ("/models/customize", "network not provided"),
        ("/models/customize?network=lenet", "framework not provided"),
        ("/models/visualize-network", "framework not provided"),
        ("/models/visualize-network?framework=caffe", "custom_network is a required field"),
    ],
)
def test_what_helps_with_the_form_says_what_it_lacks(world: World, path: str, words: str) -> None:
    path, _, query = path.partition("?")
    data = dict(pair.split("=") for pair in query.split("&")) if "lr_policy" in query else {}

    answer = world.site.client.post(
        path, params=query if not data else "", data=data, headers={"Accept": "application/json"}
    )

    assert (answer.status_code, words in answer.json()["error"]["description"]) == (400, True)
