"""A service that needs no model: started in place of ``digits.workers.infer`` and ``inspect``, so that tests are quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from digits.core import platform
from digits.core.errors import WeightsError
from digits.core.executor import Command, Handle
from digits.extensions.executors.local.executor import LocalExecutor, environment
from digits.workers.service import Handler, run_service


class StandInExecutor(LocalExecutor):
    """Starts this file whatever service is asked for; all the rest is the real thing."""

    def start(self, command: Command) -> Handle | None:
        """Start the stand-in."""
        arguments = [sys.executable, __file__, str(command.folder), *command.arguments]
        assert command.output is not None
        child = platform.start_detached(
            arguments, output=command.output, folder=command.folder, environment=environment(command)
        )
        self._children[child.pid] = child
        return Handle(pid=child.pid, created=platform.process_start(child.pid) or "ended")


def _setup() -> dict[str, Handler]:
    if "--epoch" in sys.argv and sys.argv[sys.argv.index("--epoch") + 1] == "13.0":
        raise WeightsError("The snapshot is damaged.", where="epoch_13", hint="Take another.")
    return {"/pid": lambda _: {"pid": os.getpid(), "arguments": sys.argv[1:]}}


if __name__ == "__main__":
    idle_s = float(os.environ.get("STANDIN_IDLE_S", "600"))
    sys.exit(run_service(Path(sys.argv[sys.argv.index("--service") + 1]), _setup, idle_s))
