"""The documentation keeps up with the code: what a test can walk, no one forgets to write down."""

from __future__ import annotations

import ast
import pkgutil
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import digits
from digits.cli.main import COMMANDS
from digits.core.errors import DigitsError
from digits.core.extensions import load
from digits.core.refusals import REFUSALS, page

SRC = Path(digits.__file__).parent
DOCS = Path(__file__).resolve().parents[1] / "docs"


def every_error() -> set[type[DigitsError]]:
    for module in pkgutil.walk_packages(digits.__path__, "digits."):
        is_extra = "tensorflow" in module.name and find_spec("keras") is None
        if not is_extra and not re.search(r"__main__$|\.migrations|\.layers\.|\.tests", module.name):
            import_module(module.name)
    found, queue = set(), [DigitsError]
    while queue:
        found.add(error := queue.pop())
        queue += error.__subclasses__()
    return found


def test_every_error_code_is_a_heading_with_a_cause_and_an_action() -> None:
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", (DOCS / "errors.md").read_text("utf-8"), re.M | re.S))

    missing = {error.code for error in every_error()} - sections.keys()

    assert not missing
    assert all("**Cause.**" in text for text in sections.values())


def every_rule() -> set[str]:
    """Rules that are named anywhere in the code."""
    return {
        str(keyword.value.value)
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "rule" and isinstance(keyword.value, ast.Constant) and keyword.value.value
    }


def test_every_rule_that_refuses_something_has_its_words_and_no_other_has() -> None:
    assert every_rule() == {name for rules in REFUSALS.values() for name in rules}


def test_the_page_of_the_rules_is_made_of_them() -> None:
    assert (DOCS / "reference/refusals.md").read_text("utf-8") == page(), "python -m scripts.refusals writes it anew"


def test_every_command_of_the_pages_is_there() -> None:
    texts = "\n".join(path.read_text("utf-8") for path in sorted((DOCS / "howto").glob("*.md")))
    named = set(re.findall(r"digits (dataset|model|job|store) ([a-z][a-z-]+)", texts))

    missing = [f"{noun} {verb}" for noun, verb in sorted(named) if verb not in load(COMMANDS[noun][0]).commands]

    assert len(named) > 20
    assert not missing
