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

    def find(self, name: str, *, what: str, where: str = "", above: bool = False, is_file: bool = False) -> Path:
        """Return the path of the file or folder ``name``; of a file alone, with ``is_file``.

        Raises:
            NotFoundError: no folder has it, and, with ``above``, none that these lie in (files of a project name each other from its root);
                ``what`` names it in the words, ``where`` says who wants it.
        """
        higher = [parent for folder in self.beside if above for parent in folder.parents]
        for folder in (*self.all, *higher):
            if name and ((path := folder / name).is_file() or (path.exists() and not is_file)):
                return path
        places = ", ".join(str(folder) for folder in self.all)
        raise NotFoundError(
            f"There is no {what} {name!r}.", where=where, hint=f"Looked in {places}{' and above' if above else ''}."
        )
