"""``python -m digits.workers.apart``: one question answered in a process of its own, because the answer may run code of a user's.

That code may print, exit, hang or change modules: the inspector, which goes on, must not notice.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from digits.core.beginning import PYTHON_LAYERS
from digits.core.errors import DigitsError, NetworkError
from digits.core.extensions import load
from digits.core.jobfolder import JobFolder

MOST_S = 60.0
EXPORT_S = 600.0
"""A large network is written, run and compared in this time."""


def ask_apart(
    reference: str, question: dict[str, Any], *, python: str = sys.executable, most_s: float = MOST_S
) -> dict[str, Any]:
    """Return what the function that ``reference`` names answers to ``question``.

    Its "python_source", if it has one, is there as a module of the folder that the function is told as "python_layers".

    Raises:
        NetworkError: it refuses, does not come to an end, or ends the process.
    """
    asked = json.dumps({"reference": reference, "question": question}).encode()
    try:
        done = subprocess.run(
            [python, "-m", "digits.workers.apart"],
            input=asked,
            capture_output=True,
            timeout=most_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NetworkError(f"The network's Python code did not end after {most_s:.0f} seconds.") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise NetworkError(f"The network's Python code ended the process: {last}".rstrip(": ")) from None
    if "error" in answer:
        raise NetworkError(**answer["error"])
    found: dict[str, Any] = answer["answer"]
    return found


def export(question: dict[str, Any]) -> dict[str, str]:
    """Return the "file" that the function "write" wrote of a model's "folder" and "epoch", at the path "stem" with an ending of its own."""
    write = load(question["write"])
    return {"file": str(write(JobFolder(Path(question["folder"])), question["epoch"], Path(question["stem"])))}


def main() -> int:
    """Answer the question on standard input."""
    out = os.dup(1)
    os.dup2(2, 1)  # what a user's code prints is no answer
    asked = json.loads(sys.stdin.buffer.read())
    with TemporaryDirectory() as folder:
        answer = _answer(asked["reference"], asked["question"], Path(folder))
    with open(out, "wb") as file:
        file.write(json.dumps(answer).encode())
    return 0


def _answer(reference: str, question: dict[str, Any], folder: Path) -> dict[str, Any]:
    source = question.pop("python_source", "")
    if source:
        (folder / PYTHON_LAYERS).write_text(source, encoding="utf-8")
    try:
        return {"answer": load(reference)(question | {"python_layers": str(folder) if source else ""})}
    except DigitsError as error:
        # The folder goes: its name would tell nobody anything.
        message = error.message.replace(f"{folder}{os.sep}", "")
        return {"error": {"message": message, "where": error.where, "hint": error.hint}}


if __name__ == "__main__":
    sys.exit(main())
