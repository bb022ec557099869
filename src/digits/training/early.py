"""Whether a training gets no better any more. All that it needs stands in the curves, so a resumed training ends where an unbroken one does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from digits.core.errors import TrainingError
from digits.core.events import Warned
from digits.core.measures import best, chosen
from digits.core.metrics import points
from digits.training.run import Run

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


def warn_if_blind(run: Run) -> None:
    """Say that nothing can stop a training early that has nothing to validate with."""
    if run.spec.early_stop.patience is not None and run.test is None:
        run.emit(Warned(message="The training cannot stop early: the dataset has no validation pictures."))


def check_measures(run: Run) -> None:
    """Refuse names of measures that the validation does not give, before hours have passed.

    Raises:
        TrainingError: there is no such measure.
    """
    stop, best_by = run.spec.early_stop, run.spec.keeping.best_metric.strip()
    asked = {"choose its best snapshot": best_by} if best_by else {}
    if stop.patience is not None:
        asked["stop early"] = stop.metric.strip()
    for what, name in asked.items():
        if chosen(name, run.last_validation) is None:
            raise TrainingError(
                f"The training cannot {what} by {name or 'the validation loss'}: the validation does not measure it.",
                hint=f"It measures: {', '.join(sorted(run.last_validation)) or 'nothing'}.",
            )


def ended(run: Run) -> EarlyEnd | None:
    """Return why the training ends with the validation that was just done, None where it goes on.

    A validation counts if it came after the best one and after the epoch up to which none counts.
    """
    stop = run.spec.early_stop
    measure = chosen(stop.metric.strip(), run.last_validation)
    if stop.patience is None or measure is None:
        return None
    found = points(run.folder.metrics, measure)
    place = best([value for _, _, value in found], measure)
    if place is None:
        return None
    later = [epoch for _, epoch, _ in found[place + 1 :] if round(epoch, _DECIMALS) > stop.after]
    if len(later) < stop.patience:
        return None
    _, best_epoch, value = found[place]
    return EarlyEnd(found[-1][1], measure, value, best_epoch, len(later))
