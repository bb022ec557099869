"""torchvision's classifiers by name, ``torchvision:resnet18``, where that package is installed; it is never required, and nothing here imports it."""

from __future__ import annotations

import re
from importlib.util import find_spec

from digits.core.errors import NotFoundError

_NAME = re.compile(r"torchvision:([a-z0-9_]{1,60})")
_TEXT = '''"""torchvision's {name}, as the installed package has it."""

from torchvision import models


def build_model(params):
    return models.get_model("{name}", weights=None, num_classes=params.num_classes)
'''
_OWN = re.compile(
    re.escape(_TEXT.strip()).replace(re.escape("{name}"), "([a-z0-9_]{1,60})", 1).replace(re.escape("{name}"), r"\1")
)


def is_name(name: str) -> bool:
    """Whether a name asks for a network of torchvision."""
    return name.startswith("torchvision:")


def text_of(name: str) -> str:
    """Return the definition of one of torchvision's networks.

    Raises:
        NotFoundError: that is no name, or torchvision is not installed.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise NotFoundError(f"{name[:100]!r} is no network of torchvision.", hint='Write "torchvision:resnet18".')
    if find_spec("torchvision") is None:
        raise NotFoundError(
            f"{name!r} needs torchvision, which is not installed here.",
            hint="Install the torchvision that belongs to the installed torch, or choose a standard network.",
        )
    return _TEXT.format(name=found[1])


def is_own(text: str) -> bool:
    """Whether a text is one of these, unchanged: it runs nothing but torchvision's code."""
    return _OWN.fullmatch(text) is not None
