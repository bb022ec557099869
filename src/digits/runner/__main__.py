"""``python -m digits.runner --root DIR``: the one runner of a root. Other settings come from ``DIGITS_*`` and ``digits.toml``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout

from digits.core import platform
from digits.core.errors import DigitsError
from digits.core.files import read_json
from digits.core.settings import load_settings
from digits.runner.loop import Runner
from digits.store.store import RUNNER_FILE

_log = logging.getLogger("digits.runner")
LOOK_AT_SERVER_S = 0.5


class JsonLines(logging.Formatter):
    """One JSON object a line: a name with a newline or a terminal escape in it forges nothing."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        fact = {"time": round(record.created, 3), "level": record.levelname, "logger": record.name}
        fact["message"] = record.getMessage()
        if record.exc_info:
            fact["trace"] = self.formatException(record.exc_info)
        return json.dumps(fact)


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C; return 0, or 2 where it cannot or another one runs already."""
    parser = argparse.ArgumentParser(prog="python -m digits.runner", description="Runs the jobs of one root.")
    parser.add_argument("--root", type=Path, help="jobs and database (default ~/.digits)")
    parser.add_argument("--server-pid", type=int, help="leave when this process is gone: the server that started us")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings(root=given.root)
        logging.basicConfig(level=settings.log_level)
        logging.getLogger().handlers[0].setFormatter(JsonLines())
        logging.getLogger("alembic").setLevel(logging.WARNING)
        settings.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(settings.root / "runner.lock", timeout=0)
        with lock:
            runner = Runner(settings)
            platform.on_stop(runner.stop)
            if given.server_pid:
                threading.Thread(target=_leave_with, args=(given.server_pid, runner), daemon=True).start()
            started = time.monotonic()
            runner.run()
            _log.info("runner stopped after %.0f s; running jobs go on", time.monotonic() - started)
    except Timeout:
        sys.stderr.write(f"Another runner{_who(settings.root)} works on {settings.root}; one is enough.\n")
        return 2
    except (DigitsError, OSError) as error:
        sys.stderr.write(f"The runner cannot start: {error}\n")
        return 2
    return 0


def _leave_with(pid: int, runner: Runner) -> None:
    """Stop ``runner`` when process ``pid`` is gone: a server that was killed must not leave one that nobody ends."""
    born = platform.process_start(pid)
    while born is not None and platform.process_start(pid) == born:
        time.sleep(LOOK_AT_SERVER_S)
    _log.info("the server that started this runner is gone")
    runner.stop()


def _who(root: Path) -> str:
    try:
        return f" (process {read_json(root / RUNNER_FILE)['pid']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


if __name__ == "__main__":
    sys.exit(main())
