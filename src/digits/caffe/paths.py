"""Files that definitions and solvers name: as Caffe, from the working folder, else beside the file that names them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digits.core.errors import NotFoundError


@dataclass(frozen=True)
class Folders:
    """Where relative paths are looked for, the first one that has the file wins."""

    beside: tuple[Path, ...] = ()

    @classmethod
    def of(cls, *files: Path) -> Folders:
        """Return the folders of ``files``, the nearest first."""
        return cls(tuple(dict.fromkeys(file.resolve().parent for file in files)))

    def also(self, file: Path) -> Folders:
        """Return these folders after that of another file."""
        return Folders(tuple(dict.fromkeys((file.resolve().parent, *self.beside))))

    @property
    def all(self) -> tuple[Path, ...]:
        """The working folder, then those beside the files."""
        return tuple(dict.fromkeys((Path.cwd(), *self.beside)))

    def find(self, name: str, *, what: str, where: str = "") -> Path:
        """Return the path of the file or folder ``name``.

        Raises:
            NotFoundError: no folder has it; ``what`` names it in the words, ``where`` says who wants it.
        """
        for folder in self.all:
            if name and (path := folder / name).exists():
                return path
        places = ", ".join(str(folder) for folder in self.all)
        raise NotFoundError(f"There is no {what} {name!r}.", where=where, hint=f"Looked in {places}.")
