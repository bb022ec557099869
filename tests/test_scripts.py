"""The pages about commands and scripts keep up with the commands, the client and the tutorial that is run by curl."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.commands import PAGE, client_of, commands, methods, page
from tests.web import test_tutorial as tutorial

HOWTO = Path(__file__).resolve().parents[1] / "docs/howto/scripts.md"
UNSPOKEN = {"uploads.send", "uploads.drop", "job.row", "job.status", "model.labels", "model.infer_extension"}
"""Of the client alone: a command does them on its way, or they take the fields of a kind of dataset."""


def test_the_page_of_the_commands_is_made_of_them() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m scripts.commands writes it anew"


def test_every_method_of_the_client_has_a_command() -> None:
    reached = {method for words, _ in commands() for method in client_of(words)}

    assert methods() - reached == UNSPOKEN


def test_the_curl_commands_are_those_that_a_test_runs() -> None:
    text = re.sub(r"\n +", "\n", HOWTO.read_text("utf-8"))

    for command in (
        tutorial.LOGIN, tutorial.DATASET, tutorial.DATASET_STATUS, tutorial.MODEL, tutorial.MODEL_STATUS, tutorial.ONE, tutorial.MANY,
        tutorial.DOWNLOAD, tutorial.DELETE,
    ):  # fmt: skip
        assert re.sub(r"\n +", "\n", command) in text


def test_the_commands_and_methods_that_it_shows_are_there() -> None:
    text = HOWTO.read_text("utf-8")

    known = {words: {flag for each in command.params for flag in each.opts} for words, command in commands()}
    for words, rest in re.findall(r"^    digits (\w+ [\w-]+)(.*)$", text, re.M):
        flags = set(re.findall(r"(?<= )--?[a-z][\w-]*", rest))
        assert words in known
        assert words.endswith("create") or flags <= known[words], (words, flags)
    assert set(re.findall(r"client\.(\w+\.\w+)\(", text)) <= methods()
