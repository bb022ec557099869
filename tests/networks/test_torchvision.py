"""Networks of torchvision by name: with a stand-in for the package, as it cannot be required, and in words without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from digits.core.errors import NetworkError, NotFoundError
from digits.core.trainspec import StandardNetwork, TrainSpec
from digits.extensions.frameworks.torch.check import check
from digits.networks.torch.describe import describe
from digits.networks.torch.text import is_standard, standard_text

MODELS = """
from torch import nn

def get_model(name, *, weights, num_classes):
    if name != "tiny" or weights is not None:
        raise ValueError(f"Unknown model {name}")
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a stand-in of the package on the path."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").touch()
    (tmp_path / "torchvision" / "models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(str(tmp_path))
    former = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "torchvision"}
    yield
    for name in ("torchvision", "torchvision.models"):
        sys.modules.pop(name, None)
    sys.modules.update(former)


def described(name: str) -> int:
    return int(describe({"standard": name, "channels": 3, "height": 20, "width": 20, "num_classes": 5})["parameters"])


def spec(name: str) -> TrainSpec:
    return TrainSpec(dataset="d", name="m", framework="torch", network=StandardNetwork(name=name))


@pytest.mark.usefixtures("package")
def test_a_network_of_an_installed_torchvision_is_chosen_by_name_and_runs_where_texts_of_users_may_not() -> None:
    assert check(spec("torchvision:tiny"), {}) == {}
    assert described("torchvision:tiny") == 4 * 28 + 5 * 5
    text = standard_text("torchvision:tiny")
    assert is_standard(text.replace("\n", "\r\n"))
    assert not is_standard(text.replace("weights=None", "weights=open('/etc/passwd')"))
    assert not is_standard(text.replace('get_model("tiny"', 'get_model("other"'))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("name", ["torchvision:none", 'torchvision:tiny") or exit("', "torchvision:"])
def test_a_name_that_it_does_not_have_is_refused_in_words(name: str) -> None:
    with pytest.raises((NetworkError, NotFoundError), match=r"Unknown model none|is no network of torchvision"):
        described(name)


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_without_torchvision_the_form_says_what_is_missing() -> None:
    (problem,) = check(spec("torchvision:resnet18"), {})["network.name"]

    assert "needs torchvision, which is not installed here" in problem
