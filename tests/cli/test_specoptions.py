"""Flags made of specs: every field of the form has one, and nothing is lost between flag and form."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner

from digits.cli.speccommand import spec_command
from digits.cli.specoptions import flag, form_of, in_flags, local_path, spec_options
from digits.client.errors import RefusedError
from digits.core.errors import NotFoundError
from digits.core.extensions import installed
from digits.core.spec import DatasetSpec, Spec, field
from digits.core.trainspec import TrainSpec
from digits.web.fields import describe
from digits.web.forms import parse

ONE_OF = {"DetectionSpec": {"train_label_folder": "x"}, "PairsSpec": {"image_folder": "x"}}
"""Of specs that want one of several fields: one of them."""
SPECS: list[type[Spec]] = [TrainSpec, *(kind.spec for kind in installed("datasets").values())]


class Other(DatasetSpec):
    """Another kind."""

    sharpness: float = field(1.5, title="Sharpness", description="How sharp.", unit="px")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_every_field_of_a_form_has_its_flag(spec: type[Spec]) -> None:
    flags = {name for option in spec_options(spec) for name in option.opts}

    assert {flag(name) for name, each in describe(spec).items() if each.widget != "hidden"} <= flags


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_a_command_without_flags_asks_for_the_defaults(spec: type[Spec]) -> None:
    required = {name: "x" for name, each in describe(spec).items() if each.required} | ONE_OF.get(spec.__name__, {})

    sent = {name: [_sent(value)] for name, value in form_of(spec, required).items()}
    by_command = parse(spec, sent)
    known = spec.model_validate(_required(spec))

    assert by_command.problems == {}
    assert by_command.spec is not None
    differing = {
        name for name in type(known).model_fields
        if getattr(known, name) != getattr(by_command.spec, name) and name not in ("source", *_required(spec))
    }  # fmt: skip
    assert differing == set()


def _sent(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _required(spec: type[Spec]) -> dict[str, Any]:
    if spec is TrainSpec:
        return {"name": "x", "dataset": "x"}
    if "source" in spec.model_fields:
        return {"name": "x", "source": {"method": "folder", "train": "/x"}}
    return {name: "x" for name, each in spec.model_fields.items() if each.is_required()} | ONE_OF.get(spec.__name__, {})


def command() -> click.Command:
    def spec_of(kind: str) -> type[Spec]:
        if kind not in ("one", "other"):
            raise NotFoundError("no such kind")
        return {"one": DatasetSpec, "other": Other}[kind]

    @click.command(cls=spec_command(spec_of, option="--type", aliases={"dataset_name": "name"}))
    @click.option("--type", "kind", type=click.Choice(["one", "other"]), default="one")
    def make(kind: str, **given: Any) -> None:
        click.echo(f"{kind} {sorted((name, value) for name, value in given.items() if value is not None)}")

    return make


@pytest.mark.parametrize("words", [["--type", "other"], ["--type=other"]])
def test_the_chosen_kind_brings_its_own_flags(words: list[str]) -> None:
    done = CliRunner().invoke(command(), [*words, "--sharpness", "2", "--name", "n"])

    assert done.output == "other [('dataset_name', 'n'), ('sharpness', '2')]\n"


def test_a_flag_of_another_kind_is_wrong_use() -> None:
    done = CliRunner().invoke(command(), ["--sharpness", "2"])

    assert done.exit_code == 2
    assert "--sharpness" in done.output


def test_help_says_default_unit_and_description() -> None:
    done = CliRunner().invoke(command(), ["--type", "other", "--help"])

    assert "How sharp. Unit: px. [default: 1.5]" in " ".join(done.output.split())


def test_an_unknown_kind_is_wrong_use_and_lists_the_kinds() -> None:
    done = CliRunner().invoke(command(), ["--type", "third"])

    assert done.exit_code == 2
    assert "'one'" in done.output


def test_problems_of_fields_are_told_in_flags() -> None:
    error = RefusedError("", status=400, problems={"resize_width": ["Too small."], "": ["Nothing fits."]})

    assert str(in_flags(error)) == "--resize-width: Too small. Nothing fits."


def test_paths_become_absolute_and_addresses_stay() -> None:
    assert local_path("pictures").endswith("/pictures")
    assert local_path("pictures").startswith("/")
    assert local_path("http://host/pictures/") == "http://host/pictures/"


def test_several_paths_of_this_machine_are_sent_as_absolute_ones() -> None:
    sent = form_of(TrainSpec, {"custom_network_snapshot": "a.caffemodel:/b"})

    assert sent["custom_network_snapshot"] == f"{local_path('a.caffemodel')}:/b"
