"""The text of a Keras network, looked at without running it. No TensorFlow here: the web process asks."""

from __future__ import annotations

import ast

from digits.core.errors import DigitsError, NetworkError
from digits.core.pythontext import parse_python
from digits.networks.standard import StandardTexts

NETWORK_FILE = "network.py"
USER_MODEL, BUILD = "UserModel", "build_model"


_OWN = StandardTexts("keras.py")
standard_text, is_standard = _OWN.text, _OWN.holds


def check_text(text: str, *, where: str = "") -> None:
    """Check that a text is Python and defines ``class UserModel(Tower)`` or ``build_model(params)``.

    Raises:
        NetworkError: it does not; with its line, "network.py:12" or, where no file is named, "line 12".
    """
    try:
        tree = parse_python(text, where=where)
    except DigitsError as error:
        raise NetworkError(error.message, where=error.where, hint=error.hint) from error
    for each in tree.body:
        if isinstance(each, ast.ClassDef) and each.name == USER_MODEL:
            _check_tower(each, where)
            return
        if isinstance(each, ast.FunctionDef) and each.name == BUILD:
            return
    raise NetworkError(
        f"The text has no class {USER_MODEL!r} and no function {BUILD!r}.", where=where,
        hint=f"Write: class {USER_MODEL}(Tower) with a property 'inference', or def {BUILD}(params) that returns a keras.Model.",
    )  # fmt: skip


def _check_tower(tower: ast.ClassDef, where: str) -> None:
    names = {each.name for each in tower.body if isinstance(each, ast.FunctionDef)}
    if "inference" not in names:
        place = f"{where}:{tower.lineno}" if where else f"line {tower.lineno}"
        raise NetworkError(
            f"{USER_MODEL!r} has no property 'inference'.", where=place,
            hint="Write: @model_property, then def inference(self): ... return the scores.",
        )  # fmt: skip
