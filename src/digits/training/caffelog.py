"""``caffe_output.log``: the lines that Caffe would have written, for people who know them. No program reads it here."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO


class CaffeLog:
    """Appends lines to a log in Caffe's words: to a file, or to a stream that is open already."""

    def __init__(self, target: Path | TextIO) -> None:
        self._file = target.open("a", encoding="utf-8", buffering=1) if isinstance(target, Path) else target

    def say(self, text: str) -> None:
        """Append one line with the time before it."""
        now = time.time()
        stamp = time.strftime("%m%d %H:%M:%S", time.localtime(now))
        self._file.write(f"I{stamp}.{int(now % 1 * 1e6):06d} {os.getpid()}] {text}\n")

    def iteration(self, step: int, loss: float, rate: float) -> None:
        """Say the loss and the learning rate of an iteration."""
        self.say(f"Iteration {step}, loss = {loss:.6g}")
        self.say(f"Iteration {step}, lr = {rate:.6g}")

    def outputs(self, net: str, values: Mapping[str, float], weights: Mapping[str, float]) -> None:
        """Say the outputs of net "Train" or "Test"; ``weights`` holds the loss weights of those that are losses."""
        self.scores(net, values.items(), weights)

    def scores(self, net: str, values: Iterable[tuple[str, float]], weights: Mapping[str, float]) -> None:
        """Say the outputs, of which a name may have several."""
        for number, (name, value) in enumerate(values):
            weight = weights.get(name, 0.0)
            loss = f" (* {weight:g} = {weight * value:.6g} loss)" if weight else ""
            self.say(f"    {net} net output #{number}: {name} = {value:.6g}{loss}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
