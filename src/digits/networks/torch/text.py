"""The text of a network in Python, looked at without running it. No torch here: the web process asks."""

from __future__ import annotations

import ast

from digits.core.errors import DigitsError, NetworkError
from digits.core.pythontext import parse_python
from digits.networks.standard import StandardTexts
from digits.networks.torch import torchvision

NETWORK_FILE = "network.py"
BUILD = "build_model"
_OWN = StandardTexts("py")


def standard_text(name: str) -> str:
    """Return the definition of a standard network, or of one of torchvision's ("torchvision:resnet18") where that is installed.

    Raises:
        NotFoundError: there is none of that name.
    """
    return torchvision.text_of(name) if torchvision.is_name(name) else _OWN.text(name)


def is_standard(text: str) -> bool:
    """Whether a text is one of those, unchanged: that one may run where no other may."""
    return _OWN.holds(text) or torchvision.is_own(text.replace("\r\n", "\n").strip())


def check_text(text: str, *, where: str = "") -> None:
    """Check that a text is Python and defines ``build_model(params)``.

    Raises:
        NetworkError: it does not; with its line, "network.py:12" or, where no file is named, "line 12".
    """
    try:
        tree = parse_python(text, where=where)
    except DigitsError as error:
        raise NetworkError(error.message, where=error.where, hint=error.hint) from error
    found = next((each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == BUILD), None)
    if found is None:
        raise NetworkError(
            f"The text has no function {BUILD!r}.", where=where,
            hint=f"Write: def {BUILD}(params): ... return an nn.Module, or a dict with one under 'model'.",
        )  # fmt: skip
    given = found.args
    least = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    if least > 1 or (not given.args and not given.posonlyargs and given.vararg is None):
        place = f"{where}:{found.lineno}" if where else f"line {found.lineno}"
        raise NetworkError(f"{BUILD!r} takes one argument, the parameters.", where=place)


def refit(text: str, *, num_classes: int, rename: bool) -> str:  # noqa: ARG001 - one shape for all frameworks
    """Return the text for a dataset with other classes: the same, as it asks its parameters for their number.

    A classifier of another shape then begins anew by itself; what else is to happen, its ``fine_tune_hook`` says.
    """
    return text


def rename_layer(text: str, layer: str) -> str:
    """Refuse: which attributes and strings of a program name a layer cannot be told from its text.

    Raises:
        NetworkError: always.
    """
    del text
    raise NetworkError(f"{layer!r} cannot be renamed by itself in Python.", hint="Rename the attribute in the text.")
