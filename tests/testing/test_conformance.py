"""The conformance suite passes what ships, and tells what an extension does wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ConfigDict

from digits.core import extensions
from digits.core.jobfolder import JobFolder
from digits.core.spec import DatasetSpec
from digits.networks.standard import standard_text
from digits.testing.datasets import check_dataset
from digits.testing.executors import check_executor
from digits.testing.frameworks import check_framework
from digits.testing.promises import check_import, check_spec

TORCH = """
from torch import nn


def build_model(params):
    return nn.Sequential(nn.Flatten(), nn.Linear(params["inputShape"][1] * params["inputShape"][2], params["nclasses"]))
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two folders of noise."""
    chance = np.random.default_rng(2)
    for label in ("a", "b"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(6):
            picture = chance.integers(0, 256, (9, 11, 3), np.uint8)
            cv2.imwrite(str(tmp_path / "pictures" / label / f"{number}.png"), picture)
    return tmp_path / "pictures"


def spec_of(train: object, **fields: Any) -> DatasetSpec:
    kind = extensions.extension("datasets", "image-classification")
    source = {"method": "folder", "train": str(train)}
    found: DatasetSpec = kind.spec.model_validate(
        {"name": "n", "resize_width": 8, "resize_height": 8, "random_seed": 1, "source": source} | fields
    )
    return found


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replaces what the extension of classification says of itself."""
    changes: dict[str, Any] = {}
    real = extensions.installed("datasets")
    kind = real["image-classification"]

    def installed(group: str) -> dict[str, Any]:
        return real | {"image-classification": replace(kind, **changes)}

    monkeypatch.setattr(extensions, "installed", installed)
    return changes


def test_the_dataset_kind_that_ships_holds_every_promise(pictures: Path, tmp_path: Path) -> None:
    built = check_dataset(
        "image-classification", spec_of(pictures), tmp_path / "jobs", refused=spec_of(tmp_path / "absent")
    )

    assert built.facts["labels"] == ["a", "b"]


def test_an_executor_that_ships_holds_every_promise(tmp_path: Path) -> None:
    check_executor("local", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "wrong"), [("caffe", standard_text("lenet"), "layer {"), ("torch", TORCH, "def build_model(:")]
)
def test_a_framework_that_ships_holds_every_promise(name: str, text: str, wrong: str, tmp_path: Path) -> None:
    model = check_framework(name, text, tmp_path, broken=wrong)

    assert len(model.snapshot_folders()) == 2


def test_a_check_that_finds_fault_with_what_can_be_built_is_told(
    broken: dict[str, Any], pictures: Path, tmp_path: Path
) -> None:
    broken["check"] = f"{__name__}:always_wrong"

    with pytest.raises(AssertionError, match="Nothing is found wrong with a spec that can be built"):
        check_dataset("image-classification", spec_of(pictures), tmp_path)


def test_a_mistake_that_no_check_tells_is_told(broken: dict[str, Any], pictures: Path, tmp_path: Path) -> None:
    broken["check"] = f"{__name__}:never_wrong"

    with pytest.raises(AssertionError, match="A mistake in the spec is told before a job exists"):
        check_dataset("image-classification", spec_of(pictures), tmp_path, refused=spec_of(tmp_path / "absent"))


def test_a_build_that_fails_is_told_in_its_own_words(broken: dict[str, Any], tmp_path: Path) -> None:
    broken["check"] = f"{__name__}:never_wrong"

    with pytest.raises(AssertionError, match=r"The build is done\. Found: .*absent"):
        check_dataset("image-classification", spec_of(tmp_path / "absent"), tmp_path)


def test_a_reader_of_another_count_than_the_facts_is_told(
    broken: dict[str, Any], pictures: Path, tmp_path: Path
) -> None:
    broken["reader"] = f"{__name__}:short_reader"

    with pytest.raises(AssertionError, match="as many records as"):
        check_dataset("image-classification", spec_of(pictures), tmp_path)


def test_a_package_that_loads_heavy_libraries_is_told() -> None:
    with pytest.raises(AssertionError, match="heavy work is named by strings"):
        check_import("digits.data.images")


def test_a_spec_that_takes_unknown_fields_is_told() -> None:
    class Open(DatasetSpec):
        model_config = ConfigDict(extra="ignore")

    with pytest.raises(AssertionError, match="refuses fields that it does not know"):
        check_spec(Open, Open(name="n"))


def always_wrong(spec: DatasetSpec, settings: object) -> dict[str, list[str]]:
    return {"name": ["No."]}


def never_wrong(spec: DatasetSpec, settings: object) -> dict[str, list[str]]:
    return {}


class _Short:
    target_kind = "class"

    def __len__(self) -> int:
        return 1


def short_reader(folder: JobFolder, db: str) -> _Short:
    assert json.loads((folder.path / "dataset.json").read_text())
    return _Short()
