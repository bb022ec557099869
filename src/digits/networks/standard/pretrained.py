"""Published weights of a standard network that a Python package holds. The package is found, and never imported. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Pretrained:
    """Where the weights are, and what they were trained on."""

    framework: str
    """Whose definition has their names."""
    package: str
    """As Python imports it."""
    file: str
    """Below the package's folder."""
    sha256: str
    """Of the file: another one is not what was checked, and is refused when a training reads it."""
    title: str
    """What they were trained on: "ImageNet, 1,000 classes"."""
    install: str
    """The command that brings the package."""

    def path(self) -> Path | None:
        """Return the file, None where the package is not installed."""
        found = find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            return None
        path = Path(found.submodule_search_locations[0]) / self.file
        return path if path.is_file() else None
