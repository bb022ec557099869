"""What is wrong with a training, told by its curves and its dataset's counts: rules over plain numbers, each with the figures that led to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from digits.core.measures import chosen

LOWER_RATE = "Try decreasing your learning rate"
STUCK_MARGIN = 1.25
"""Accuracy below so many times that of guessing, after two validations, is worth a word."""
_SAME_IN_A_ROW = 3  # validations: a network on its way through the level of one class does not stay there so long
_SAME_MASKS = 2  # validations
_SAME = 0.002  # of a share of pixels: what is as near is the same
_FLAT_POINTS = 20  # of the training loss; fewer say nothing
_FALLEN = 0.02  # of the loss at the start: less is no learning
_STILL = 0.001  # of the loss: less is no movement
_ENDS = 5  # the first and the last fifth of a curve are compared


@dataclass(frozen=True)
class History:
    """How a training went so far, in numbers."""

    curves: Mapping[str, Sequence[float | None]]
    """Values by name of the curve, oldest first."""
    num_classes: int = 0
    """0 where unknown, or where pictures have no class."""
    labels: Sequence[str] = ()
    val_counts: Sequence[int] = ()
    """Validation pictures of each class."""
    val_pixels: Sequence[int] = ()
    """Validation pixels of each class, of a dataset of masks."""
    error: str = ""

    def finite(self, name: str | None) -> list[float]:
        """Return the values of a curve that are numbers; none where there is no such curve."""
        values = self.curves.get(name or "", ())
        return [value for value in values if value is not None and math.isfinite(value)]

    def accuracy(self) -> list[float]:
        """Return the accuracies of the validations; of several outputs those of the one with the shortest name."""
        names = [name for name in self.curves if "accuracy" in name and name.endswith("/val")]
        return self.finite(min(names, key=len, default=None))

    def loss(self) -> list[float]:
        """Return the losses of the validations."""
        return self.finite(chosen("", self.curves))

    def training_loss(self) -> list[float]:
        """Return the losses of the training steps."""
        name = chosen("", self.curves) or "loss/val"
        return self.finite(f"{name.rpartition('/')[0]}/train")


@dataclass(frozen=True)
class Finding:
    """Something about a training that a person should know, and what to do."""

    kind: str
    """"bad" or "warn"."""
    fact: str
    text: str
    wants_larger: bool = False
    """A larger learning rate is what it asks for, and not a smaller one."""


Rule = Callable[[History], Finding | None]


def diverged(history: History) -> Finding | None:
    """The training ended with numbers that are none."""
    if not any(sign in history.error for sign in ("NaN", "nan", "infinit", "diverge")) or LOWER_RATE in history.error:
        return None
    return Finding("bad", "The training diverged.", f"{LOWER_RATE}.")


def one_class(history: History) -> Finding | None:
    """Several validations in a row were right for exactly the pictures of one class: it is predicted for everything."""
    total, last = sum(history.val_counts), history.accuracy()[-_SAME_IN_A_ROW:]
    if history.num_classes < 2 or not total or len(last) < _SAME_IN_A_ROW or "diverge" in history.error:
        return None
    right = {round(value * total) for value in last}
    if len(right) > 1 or any(abs(value * total - round(value * total)) > 0.01 for value in last):
        return None
    (count,) = right
    fitting = [index for index, each in enumerate(history.val_counts) if each == count]
    if not count or count == total or not fitting:
        return None
    which = f", those of {history.labels[fitting[0]]!r}" if len(fitting) == 1 and history.labels else ""
    return Finding(
        "warn",
        "One class is predicted for everything.",
        f"Each of the last {_SAME_IN_A_ROW} validations was right for {count:,} of {total:,} pictures, as many as one class has{which}. "
        f"{LOWER_RATE}, or balance the classes.",
    )


def one_mask(history: History) -> Finding | None:
    """The share of right pixels is that of one class, and the mean overlap what follows from it: it is said of every pixel."""
    accuracy, overlap, total = (
        history.finite("pixel_accuracy/val"),
        history.finite("mean_iou/val"),
        sum(history.val_pixels),
    )
    last = list(zip(accuracy, overlap, strict=False))[-_SAME_MASKS:]
    if len(last) < _SAME_MASKS or not total:
        return None
    present = sum(count > 0 for count in history.val_pixels)
    for label, count in zip(history.labels, history.val_pixels, strict=False):
        share = count / total
        if present > 1 and all(abs(p - share) < _SAME and abs(m - share / present) < _SAME for p, m in last):
            return Finding(
                "warn",
                f"It says {label} everywhere.",
                f"{share:.3f} of the validation pixels are {label}, and so many are right: the pixel accuracy is {last[-1][0]:.3f}, and the mean IoU "
                f"{last[-1][1]:.3f}, which is {share:.3f} / {present} classes. Begin with pretrained weights, weigh the rare classes, or try "
                "another learning rate.",
            )
    return None


def guesses(history: History) -> Finding | None:
    """The accuracy is that of guessing."""
    accuracy = history.accuracy()
    if len(accuracy) < 2 or history.num_classes < 2:
        return None
    share, count = accuracy[-1], history.num_classes
    if share >= STUCK_MARGIN / count or share >= 0.9:
        return None
    text = f"Its accuracy of {100 * share:.2f} % is that of guessing one of {count} classes"
    loss = history.loss()
    if loss and abs(loss[-1] - math.log(count)) < 0.1:
        text += f", its loss that of knowing nothing (ln {count} = {math.log(count):.2f})"
    is_still = len(loss) > 2 and max(loss) - min(loss) < _STILL * max(loss)
    if is_still:
        advice = f"Its validation loss has hardly moved from {loss[0]:.4g}: try a larger learning rate"
    else:
        advice = f"{LOWER_RATE}, or give it more epochs"
    return Finding("warn", "The network has learned nothing so far.", f"{text}. {advice}.", is_still)


def flat_loss(history: History) -> Finding | None:
    """The training loss is where it began."""
    values = history.training_loss()
    if len(values) < _FLAT_POINTS:
        return None
    some = len(values) // _ENDS
    first, last = fmean(values[:some]), fmean(values[-some:])
    if first <= 0 or last < first * (1 - _FALLEN):
        return None
    rises = last > first * (1 + _FALLEN)
    verb = "rises" if rises else "does not fall"
    advice = LOWER_RATE if rises else "Try another learning rate: a larger one first, then a smaller one"
    return Finding(
        "warn", f"The training loss {verb}.", f"It was {first:.4g} at first and is {last:.4g} by now, both means over a fifth of the training. {advice}.",
        not rises,
    )  # fmt: skip


RULES: tuple[Rule, ...] = (diverged, one_class, one_mask, guesses, flat_loss)
"""From the surest to the most general; the first that holds is told."""


def findings(history: History) -> list[Finding]:
    """Return what should be said of a training: the first rule that holds, as the others would say it again."""
    found = (rule(history) for rule in RULES)
    return [each for each in found if each is not None][:1]
