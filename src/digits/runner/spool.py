"""The spool: files on their way between web processes and services. Who asked for one removes it; who was killed left it."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

KEPT_S = 24 * 3600.0  # no request takes a day


def clean(spool: Path, *, now: float | None = None) -> int:
    """Remove what nobody has touched for ``KEPT_S``; return how many entries went."""
    now = time.time() if now is None else now
    count = 0
    with contextlib.suppress(OSError):  # there is none yet
        for path in list(spool.iterdir()):
            with contextlib.suppress(OSError):  # its owner was quicker
                if now - path.lstat().st_mtime < KEPT_S:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                count += 1
    return count
