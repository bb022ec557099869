"""Decodes pictures that could take for ever or break a decoder in processes of their own, with little memory and time each.

A thread cannot be stopped, and a decoder that crashes takes its process with it. A child that decodes one picture at a time can be killed,
and costs that picture only. Which pictures go there is for ``decode`` to say; docs/adr/0063 has the reasons and the cost.

A message, either way: the lengths of its two parts, then JSON, then bytes.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from dataclasses import asdict
from functools import partial
from typing import IO, Any

import numpy as np

from digits.core.errors import DataError
from digits.core.platform import ResourceLimits
from digits.data.decode import Decoded, Limits, decode_here

SECONDS = 10
"""Of processor time a picture: what counts is not the clock, so that a busy machine refuses nothing."""
_PATIENCE = 12  # times as long by the clock: a child that sleeps is no use either
_BASE_BYTES, _BYTES_A_PIXEL = 512_000_000, 16
_HEAD = struct.Struct(">IQ")


class GuardedDecoder:
    """Children that wait for pictures, as many as are asked at once; they end with this process."""

    def __init__(self, seconds: int = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._owner = os.getpid()

    def decode(self, data: bytes, kind: str, limits: Limits, need: tuple[int, int] | None) -> Decoded:
        """Return what ``decode_here`` returns in a child.

        Raises:
            DataError: the picture cannot be used, takes too long (IMG_SLOW), or ended the child (IMG_BROKEN).
        """
        child = self._child()
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            child.kill()

        timer = threading.Timer(self._seconds * _PATIENCE, kill)
        timer.daemon = True
        timer.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            _send(child.stdin, {"kind": kind, "limits": asdict(limits), "need": need, "seconds": self._seconds}, data)
            told, pixels = _receive(child.stdout)
        except (OSError, EOFError) as error:
            child.kill()
            code = child.wait()
            raise _ended(killed.is_set() or ResourceLimits.was_out_of_time(code), self._seconds, kind) from error
        except BaseException:
            child.kill()
            child.wait()
            raise
        finally:
            timer.cancel()
        with self._lock:
            self._idle.append(child)
        if "error" in told:
            raise DataError(**told["error"])
        image_HWC = np.frombuffer(pixels, np.uint8).reshape(told["shape"])
        return Decoded(image_HWC, told["format"], tuple(told["size"]), tuple(told["notes"]))

    def _child(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._owner != os.getpid():  # a fork must not share its parent's pipes
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                child = self._idle.pop()
                if child.poll() is None:
                    return child
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "digits.data.guard"],  # -P: no module from the folder it starts in
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | threads,
        )  # fmt: skip


def _ended(is_slow: bool, seconds: int, kind: str) -> DataError:
    if is_slow:
        return DataError(
            f"Decoding it takes more than {seconds} s of processor time.", hint="Save it anew.", rule="IMG_SLOW"
        )
    return DataError(f"The {kind} data is damaged so that its decoder broke.", hint="Save it anew.", rule="IMG_BROKEN")


def _send(file: IO[bytes], told: dict[str, Any], payload: bytes) -> None:
    text = json.dumps(told).encode()
    file.write(_HEAD.pack(len(text), len(payload)) + text)
    file.write(payload)
    file.flush()


def _receive(file: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    text_bytes, payload_bytes = _HEAD.unpack(_exactly(file, _HEAD.size))
    told: dict[str, Any] = json.loads(_exactly(file, text_bytes))
    return told, _exactly(file, payload_bytes)


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _always(need: tuple[int, int], _size: tuple[int, int]) -> tuple[int, int]:
    return need


def main() -> None:
    """Decode what comes until nothing does any more: the child."""
    resources = ResourceLimits()
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            told, data = _receive(stdin)
        except EOFError:
            return
        limits, need = Limits(**told["limits"]), told["need"]
        enough = partial(_always, tuple(need)) if need else None
        resources.allow(_BASE_BYTES + _BYTES_A_PIXEL * limits.max_pixels, told["seconds"])
        try:
            decoded = decode_here(data, told["kind"], limits, enough)
        except DataError as error:
            _send(stdout, {"error": {"message": error.message, "hint": error.hint, "rule": error.rule}}, b"")
        else:
            facts = {
                "shape": decoded.image_HWC.shape,
                "format": decoded.format,
                "size": decoded.size,
                "notes": decoded.notes,
            }
            _send(stdout, facts, decoded.image_HWC.tobytes())


if __name__ == "__main__":
    main()
