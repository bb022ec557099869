"""Plugins that are broken, or there twice: real distributions on the path of this process."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digits.core import extensions
from digits.core.errors import NotFoundError, SetupError
from digits.core.settings import Settings
from tests.cli.running import called
from tests.web.serving import serving

MODULES = ("broken", "stranger")
Install = Callable[..., None]
GOOD = """
from dataclasses import replace
from digits.extensions.datasets.regression import EXTENSION as OURS
EXTENSION = replace(OURS, name={name!r}, title="A Stranger's Dataset", route={route!r})
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with one extension on the path; what is known of extensions is forgotten before and after."""

    def forget() -> None:
        extensions.entries.cache_clear()
        extensions.installed.cache_clear()
        for module in MODULES:
            sys.modules.pop(module, None)

    def add(distribution: str, name: str, code: str, group: str = "datasets") -> None:
        site = tmp_path / f"site-{distribution}"
        info = site / f"{distribution}-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[digits.{group}]\n{name} = {distribution}:EXTENSION\n")
        (site / f"{distribution}.py").write_text(code)
        monkeypatch.syspath_prepend(str(site))
        forget()

    yield add
    monkeypatch.undo()
    forget()


def test_a_good_plugin_is_found_with_its_distribution(install: Install) -> None:
    install("stranger", "their-kind", GOOD.format(name="their-kind", route="images/theirs"))

    (entry,) = (each for each in extensions.entries("datasets") if each.name == "their-kind")
    assert (entry.distribution, entry.problem) == ("stranger 1.5", "")
    assert extensions.extension("datasets", "their-kind").title == "A Stranger's Dataset"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_module_here", "broken:EXTENSION cannot be loaded: ModuleNotFoundError: No module named"),
        ("EXTENSION = 1 / 0", "ZeroDivisionError"),
        ("", "AttributeError"),
        ("EXTENSION = 'a text'", "broken:EXTENSION is no DatasetExtension"),
        (GOOD.format(name="other-name", route="images/theirs"), "is called 'their-kind', the extension 'other-name'"),
    ],
)
def test_a_broken_plugin_is_left_out_and_the_others_stay(install: Install, code: str, words: str) -> None:
    before = set(extensions.installed("datasets"))

    install("broken", "their-kind", code)

    assert set(extensions.installed("datasets")) == before
    (entry,) = extensions.broken()
    assert words in entry.problem
    with pytest.raises(NotFoundError, match=r"\(broken 1\.5\) cannot be used"):
        extensions.extension("datasets", "their-kind")


def test_a_broken_plugin_is_told_at_the_start_in_the_menus_by_doctor_and_in_the_list(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install("broken", "their-kind", "import no_such_module_here")

    with caplog.at_level(logging.WARNING), serving(Settings(root=tmp_path / "root")) as site:
        page = site.client.get("/").text
    doctor, listed = (called(*words, root=tmp_path / "root") for words in (["doctor"], ["extensions", "ls"]))

    assert "their-kind of datasets (broken 1.5) is left out: broken:EXTENSION cannot be loaded" in caplog.text
    assert "their-kind, broken 1.5" in page
    assert "No module named &#39;no_such_module_here&#39;" in page
    assert "/datasets/images/classification/new" in page
    assert "no_such_module_here" in "".join(doctor.stdout.split())
    assert "their-kind" in listed.stdout
    assert listed.returncode == 1


def test_two_of_one_name_stop_the_start_and_both_are_named(install: Install, tmp_path: Path) -> None:
    install("stranger", "image-regression", GOOD.format(name="image-regression", route="images/theirs"))

    done = called("serve", "-p", "0", root=tmp_path)

    assert done.returncode == 2
    assert "Two distributions bring an extension 'image-regression' of datasets: " in done.stderr
    assert "opendigits " in done.stderr
    assert "stranger 1.5" in done.stderr


def test_two_of_one_route_stop_the_start(install: Install) -> None:
    install("stranger", "their-kind", GOOD.format(name="their-kind", route="images/regression"))

    with pytest.raises(SetupError, match=r"datasets at /datasets/images/regression: opendigits .* and stranger 1\.5"):
        extensions.installed("datasets")


def test_a_plugins_classes_are_trained_by_the_form_of_classifiers(install: Install, tmp_path: Path) -> None:
    code = GOOD.replace("route={route!r}", "route={route!r}, model_route='images/classification', target_kind='class'")
    install("stranger", "a-kind", code.format(name="a-kind", route="images/theirs"))

    with serving(Settings(root=tmp_path)) as site:
        site.login("fred")
        page = site.client.get("/models/images/classification/new")
        form = site.client.get("/datasets/images/theirs/new")

    assert page.status_code == 200
    assert "New Image Classification Model" in page.text
    assert page.text.count('class="menu-item" href="/models/images/classification/new"') == 1
    assert form.status_code == 200
    assert 'href="/datasets/images/theirs/new"' in form.text
