"""Long looks at folders, taken in threads: an answer within a moment, "running" or done, and the same to all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from digits.core.work import StopCheck

WAIT_S = 0.7  # a page may wait this long before it shows a count
KEEP_S = 60.0
FORSAKEN_S = 10.0  # a form asks several times a second; one that was closed does not

Progress = Callable[[int], None]
Look = Callable[[Progress, StopCheck], dict[str, Any]]


class _Scan:
    def __init__(self, look: Look) -> None:
        self.done = 0
        self.asked = time.monotonic()
        self.result: dict[str, Any] | None = None
        self.error: BaseException | None = None
        self.finished = threading.Event()
        self.finished_at = 0.0
        threading.Thread(target=self._run, args=(look,), daemon=True).start()

    @property
    def is_forsaken(self) -> bool:
        return time.monotonic() - self.asked > FORSAKEN_S

    @property
    def is_old(self) -> bool:
        return self.finished.is_set() and time.monotonic() - self.finished_at > KEEP_S

    def _run(self, look: Look) -> None:
        try:
            self.result = look(self._progress, lambda: self.is_forsaken)
        except BaseException as error:  # handed to those who ask
            self.error = error
        self.finished_at = time.monotonic()
        self.finished.set()

    def _progress(self, done: int) -> None:
        self.done = done


class Scans:
    """What is being looked at, and what was a minute ago."""

    def __init__(self) -> None:
        self._scans: dict[Hashable, _Scan] = {}
        self._lock = threading.Lock()

    def ask(self, what: Hashable, look: Look) -> dict[str, Any]:
        """Return ``{"state": "running", "done": n}``, or the result with ``"state": "done"``; an error is raised once.

        One that nobody has asked about for ``FORSAKEN_S`` is told to stop.
        """
        with self._lock:
            self._scans = {key: scan for key, scan in self._scans.items() if not scan.is_old}
            scan = self._scans.get(what)
            if scan is None or (scan.is_forsaken and scan.result is None):
                scan = self._scans[what] = _Scan(look)
            scan.asked = time.monotonic()
        if not scan.finished.wait(WAIT_S):
            return {"state": "running", "done": scan.done}
        if scan.error is not None:
            with self._lock:
                if self._scans.get(what) is scan:
                    del self._scans[what]
            raise scan.error
        assert scan.result is not None
        return {"state": "done", **scan.result}
