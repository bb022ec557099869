"""``digits network``: the standard networks and the layers of a definition, with no server and no dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from digits.cli.main import cli
from digits.core.errors import DigitsError, NetworkError
from digits.networks.standard import standard_networks, standard_text
from tests.shared import needs_shared, shared

KEYS = [
    "name", "type", "output", "parameters", "multiply_adds", "stride", "pad", "kernel", "receptive_field", "cumulative_scale",
]  # fmt: skip


def network(*arguments: str, fails: type[DigitsError] | None = None) -> Result:
    done = CliRunner().invoke(cli, ["network", *arguments])
    if fails:
        assert isinstance(done.exception, fails), done.exception
    elif done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def shown(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(network("show", *arguments, "--json").stdout)
    return found


def layer(found: dict[str, Any], name: str) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in found["layers"] if row["name"] == name)
    return row


def test_the_standard_networks_are_listed_with_what_they_learn() -> None:
    text, listed = network("ls").stdout, json.loads(network("ls", "--json").stdout)

    assert [row["name"] for row in listed] == list(standard_networks(suffix=None))
    found = {
        row["name"]: row["frameworks"] for row in json.loads(network("ls", "--framework", "torch", "--json").stdout)
    }
    assert "torch" in found["efficientnet_lite0"]
    assert "mobilenet" not in found
    assert "138,357,544" in text
    assert json.loads(network("ls", "--kind", "detection", "--json").stdout)[0]["name"] == "detectnet"


def test_the_layers_of_a_standard_network_have_the_keys_of_the_rest_api() -> None:
    found = shown("lenet")

    assert list(found) == ["layers", "parameters", "activations_bytes"]
    assert list(found["layers"][0]) == KEYS
    assert found["parameters"] == 431_080
    conv2 = layer(found, "conv2")
    assert (conv2["output"], conv2["kernel"]) == ([[64, 50, 8, 8]], [5, 5])
    assert (conv2["multiply_adds"], conv2["receptive_field"], conv2["cumulative_scale"]) == (
        1_600_000,
        [14, 14],
        [2, 2],
    )


def test_the_table_for_people_has_each_layer_and_the_totals() -> None:
    words = network("show", "lenet", "--num-classes", "26").stdout

    assert [line.split()[0] for line in words.splitlines()[2:6]] == ["input", "train-data", "val-data", "scale"]
    assert "softmax (deploy)" in words
    assert f"Parameters     {431_080 + 16 * 501:,}" in words


def test_a_file_of_ones_own_is_shown_at_the_sizes_that_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.prototxt"
    path.write_text(standard_text("lenet"))

    found = shown(str(path), "--channels", "3", "--height", "32", "--width", "40", "--num-classes", "5")

    assert layer(found, "ip2")["output"] == [[64, 5]]
    assert layer(found, "pool2")["output"] == [[64, 50, 5, 7]]


@needs_shared
def test_a_deploy_file_with_its_own_input_is_shown_as_it_stands() -> None:
    path = str(shared("data", "pretrained", "squeezenet_v1.0_deploy.prototxt"))

    found, larger = shown(path), shown(path, "--height", "300", "--width", "400")

    assert found["parameters"] == larger["parameters"] == 1_248_424
    assert layer(found, "conv_final")["output"] == [[1, 1000, 15, 15]]
    assert layer(larger, "conv_final")["output"] == [[1, 1000, 20, 26]]


def test_detectnet_answers_with_lists_of_boxes() -> None:
    found = shown("detectnet")

    assert found["parameters"] == 5_978_677
    assert layer(found, "coverage/sig")["output"] == [[1, 1, 24, 78]]
    assert layer(found, "cluster")["output"] == [[1, 50, 5]]


def test_layers_in_python_run_only_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "marker.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nraise SystemError\n"
    )
    path = tmp_path / "net.prototxt"
    path.write_text(
        'layer { name: "i" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 } } }\n'
        'layer { name: "p" type: "Python" bottom: "data" top: "p" python_param { module: "marker" layer: "L" } }\n'
    )

    network("show", str(path), fails=NetworkError)
    assert not (tmp_path / "ran").exists()
    network("show", str(path), "--run-python", fails=NetworkError)
    assert (tmp_path / "ran").exists()


def test_pictures_too_small_and_names_of_nothing_are_answered_with_what_to_do() -> None:
    small = network("show", "alexnet", "--height", "28", "--width", "28", fails=NetworkError)
    unknown = network("show", "lenot")

    assert isinstance(small.exception, NetworkError)
    assert (small.exception.where, small.exception.hint) == ("alexnet:163", "Is the picture too small?")
    assert unknown.exit_code == 2
    assert "`digits network ls`" in unknown.stderr


@pytest.mark.slow
def test_every_standard_network_is_shown() -> None:
    for name, card in standard_networks().items():
        assert shown(name)["parameters"] == card.parameters


def test_listing_loads_no_torch() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from digits.cli.main import cli; "
        "assert CliRunner().invoke(cli, ['network', 'ls']).exit_code == 0; sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
