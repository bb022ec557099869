"""Whether a training gets no better any more. All that it needs stands in the curves, so a resumed training ends where an unbroken one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from digits.core.errors import TrainingError
from digits.core.jobfolder import JobFolder
from digits.core.measures import best, chosen
from digits.core.metrics import points
from digits.core.trainspec import EarlyStop, TrainSpec

_DECIMALS = 3  # of epochs, as snapshots are called


@dataclass(frozen=True)
class EarlyEnd:
    """Why a training ended before its time; ``Done.facts["stopped_early"]``."""

    epoch: float
    measure: str
    best: float
    best_epoch: float
    validations: int
    """How many came after the best one."""

    def as_facts(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"Stopped early at epoch {self.epoch:.4g}: {self.measure} was best at epoch {self.best_epoch:.4g} ({self.best:.4g}), "
            f"and {self.validations} validations after it were no better."
        )


def check_measures(spec: TrainSpec, validation: Mapping[str, float]) -> None:
    """Refuse names of measures that the validation does not give, before hours have passed.

    Raises:
        TrainingError: there is no such measure.
    """
    stop, best_by = spec.early_stop, spec.keeping.best_metric.strip()
    asked = {"choose its best snapshot": best_by} if best_by else {}
    if stop.patience is not None:
        asked["stop early"] = stop.metric.strip()
    for what, name in asked.items():
        if chosen(name, validation) is None:
            raise TrainingError(
                f"The training cannot {what} by {name or 'the validation loss'}: the validation does not measure it.",
                hint=f"It measures: {', '.join(sorted(validation)) or 'nothing'}.",
            )


def ended(stop: EarlyStop, folder: JobFolder, validation: Mapping[str, float]) -> EarlyEnd | None:
    """Return why the training ends with the validation that was just done, None where it goes on.

    A validation counts if it came after the best one and after the epoch up to which none counts.
    """
    measure = chosen(stop.metric.strip(), validation)
    if stop.patience is None or measure is None:
        return None
    found = points(folder.metrics, measure)
    place = best([value for _, _, value in found], measure)
    if place is None:
        return None
    later = [epoch for _, epoch, _ in found[place + 1 :] if round(epoch, _DECIMALS) > stop.after]
    if len(later) < stop.patience:
        return None
    _, best_epoch, value = found[place]
    return EarlyEnd(found[-1][1], measure, value, best_epoch, len(later))
