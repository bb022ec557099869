"""How a training tells what it does: every point of the curves goes to ``metrics/``, events are few."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from digits.core.events import Emit, Metric, Progress
from digits.core.measures import of_class
from digits.core.metrics import MetricsWriter

TASK = "train"
_EVENT_INTERVAL_S = 0.5  # the page needs no more than two a second
_RATE_WINDOW_S = 2.0  # shorter ones jump about


class Report:
    """Speaks of the one task of a training.

    Args:
        emit: takes events.
        metrics: takes points.
        steps_per_epoch: iterations in an epoch.
        epochs: the training's end.
        facts: what the task is about: parameters, batch size, device; sent with the progress.
        begun: epochs that were done before it went on.
    """

    def __init__(
        self, emit: Emit, metrics: MetricsWriter, *, steps_per_epoch: int, epochs: int, facts: dict[str, Any],
        begun: float = 0.0,
    ) -> None:  # fmt: skip
        self._emit = emit
        self._metrics = metrics
        self._steps_per_epoch = steps_per_epoch
        self._epochs = epochs
        self._facts = facts
        self._begun = begun
        self._newest: dict[str, float] = {}
        self._unsaid = False
        self._next_event = 0.0
        self._images = 0
        self._since = self._counted = time.monotonic()
        self.rate: float | None = None

    def epoch(self, step: int) -> float:
        """Return how many epochs ``step`` iterations are."""
        return step / self._steps_per_epoch

    def points(self, step: int, values: Mapping[str, float]) -> None:
        """Keep a point of each curve ("loss/train")."""
        for name, value in values.items():
            self._metrics.append(name, step=step, epoch=self.epoch(step), value=value)
        self._newest.update(values)
        self._unsaid = True

    def trained(self, num_images: int) -> None:
        """Count pictures for the rate."""
        self._images += num_images
        self._counted = time.monotonic()

    def paused(self) -> None:
        """Leave what happened since the last count out of the rate: a validation, a snapshot."""
        moment = time.monotonic()
        self._since += moment - self._counted  # not begun anew: validations may come faster than the window is long
        self._counted = moment

    def progress(self, step: int, *, now: bool = False) -> None:
        """Tell how far the training is, at most twice a second unless it must be ``now``."""
        moment = time.monotonic()
        if not now and moment < self._next_event:
            return
        self._next_event = moment + _EVENT_INTERVAL_S
        if moment - self._since >= _RATE_WINDOW_S and self._images:
            self.rate = self._images / (moment - self._since)
            self._images, self._since = 0, moment
        self.flush(step)
        epoch = self.epoch(step)
        self._emit(
            Progress(
                task=TASK,
                done=epoch,
                total=self._epochs,
                unit="epochs",
                text=f"Epoch {epoch:.1f} of {self._epochs}",
                rate=self.rate,
                state="done" if epoch >= self._epochs else "running",
                facts=self._facts | {"step": step},
            )
        )

    def flush(self, step: int) -> None:
        """Tell the newest values of all curves, if they were not told."""
        if self._unsaid:
            self._emit(Metric(step=step, epoch=self.epoch(step), values=self._newest))
            self._newest = {name: value for name, value in self._newest.items() if of_class(name) is None}  # told once
            self._unsaid = False

    def reading(self, done: int, total: int) -> None:
        """Tell how many pictures are decoded before the training starts."""
        moment = time.monotonic()
        if moment >= self._next_event:
            self._next_event = moment + _EVENT_INTERVAL_S
            text = f"Reading pictures: {done:,} of {total:,}"
            self._emit(
                Progress(
                    task=TASK,
                    done=self._begun,
                    total=self._epochs,
                    unit="epochs",
                    text=text,
                    rate=None,
                    facts=self._facts,
                )
            )
