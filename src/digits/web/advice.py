"""What to try next with a training: rules over its curves, its settings and what is known of its dataset, each with the figures that led to it.

Every rule is a pure function. An advice is one sentence and one change: fields of the form in which the training is cloned, epochs that the
same training gets more, or a page of its dataset.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean

from digits.data.health.imbalance import EVEN_RATIO
from digits.web import boxadvice
from digits.web.advicefacts import LEAST_POINTS, Advice, Training
from digits.web.diagnosis import LOWER_RATE, findings, one_mask

__all__ = ["MOST", "Advice", "Training", "advise", "all_well", "is_telling"]

MOST = 4
"""More at once would not be tried."""
_LEAST_VALIDATIONS = 3  # fewer say nothing
_CURVE, _LONG_CURVE = 4, 6  # validations by which a turn, and a level, can be told
_WORSE, _GAP = 1.1, 0.6  # the validation loss against its best; the training loss against the validation loss
_LOW_LOSS = 0.05  # of the validation: nothing to mend
_LEVEL = 0.99  # of the best loss before: what falls less has come to a level
_STILL_FALLS = 0.98  # of the best loss before: what is less goes on falling
_SWING = 0.25  # of the mean loss, up and down from one validation to the next
_SLOW = (0.02, 0.3)  # of the loss at the start: fallen so little by now, but no standstill
_GOOD = 0.98  # accuracy from which levels and small classes are no matter
_POOR = 0.8
_UNSURE = 0.015  # standard error of the accuracy
_SMALL_CROP = 0.5  # of the picture's area
_WHOLE_CROP = 0.875  # of its side: AlexNet cuts 224 of 256
_DOUBTED = 0.01  # of the pictures
_LEAST_RATE = 0.001  # that is worth a try where the loss stands still


Rule = Callable[[Training], Advice | None]


def _other_rate(name: str, text: str, rate: float) -> Advice:
    shown = f"{rate:.4g}"
    return Advice(name, text, f"Train with a rate of {shown}", {"learning_rate": shown})


def broken(training: Training) -> Advice | None:
    """The loss is no number, or nothing is learned: what ``diagnosis`` says, as a change of the rate."""
    history, rate = training.history, training.rate
    found = next(iter(findings(history)), None)
    if one_mask(history) is not None:
        return None  # a rule of its own
    if not rate or (found is None and LOWER_RATE not in history.error):
        return None
    if found is not None and found.wants_larger:
        return _other_rate(
            "rate_low", f"{found.fact} At a rate of {rate:g} the loss hardly moves.", max(rate * 10, _LEAST_RATE)
        )
    fact = found.fact if found else "The training diverged."
    return _other_rate("rate_high", f"{fact} A rate of {rate:g} is too high for it.", rate / 10)


def one_class_everywhere(training: Training) -> Advice | None:
    """Every pixel is called the same class: weigh the classes, or where that is done learn at another rate."""
    found = one_mask(training.history)
    if found is None:
        return None
    if training.spec.get("class_balance", "none") == "none":
        rare = _rarest(training)
        return Advice("one_class", f"{found.fact}{rare}", "Train with a weighted loss", {"class_balance": "weights"})
    return _other_rate(
        "rate_low", f"{found.fact} A rate of {training.rate:g} did not lead out of there.", training.rate * 10
    )


def _rarest(training: Training) -> str:
    filled = [(count, place) for place, count in enumerate(training.train_pixels) if count]
    if len(filled) < 2 or len(training.history.labels) < len(training.train_pixels):
        return ""
    (small, rare), (large, common) = min(filled), max(filled)
    labels = training.history.labels
    return (
        f" {labels[common]} has {large / small:,.0f} times the training pixels of {labels[rare]}, and all count alike."
    )


def swings(training: Training) -> Advice | None:
    """The validation loss goes up and down."""
    late = training.history.loss()[-_LONG_CURVE:]
    if len(late) < _LONG_CURVE or not training.rate:
        return None
    moves = [after - before for before, after in pairwise(late)]
    turns = sum(one * other < 0 for one, other in pairwise(moves))
    swing, mean = fmean(abs(move) for move in moves), fmean(late)
    if turns < len(moves) - 2 or swing < _SWING * mean:
        return None
    return _other_rate(
        "rate_high",
        f"The validation loss goes up and down by {swing:.2g} about {mean:.2g} from one validation to the next, "
        f"so a rate of {training.rate:g} is too high to settle.",
        training.rate / 5,
    )


def overfitting(training: Training) -> Advice | None:
    """The pictures are learned by heart: the training loss has left the validation loss behind, which rises or stays."""
    text = _overfits(training)
    if not text:
        return None
    augmentation = training.spec.get("augmentation") or {}
    if not any(augmentation.get(name) not in (None, 0, 0.0, "none") for name in ("rot", "scale", "flip", "quad_rot")):
        is_grey = training.picture[2] == 1  # often signs, which a mirror changes
        change = {"aug_rot": "10", "aug_scale": "0.07"} | ({} if is_grey else {"aug_flip": "fliplr"})
        return Advice("overfitting", text, "Train with augmented pictures", change)
    if (training.spec.get("early_stop") or {}).get("patience") is None:
        return Advice("overfitting", text, "Train with an early stop", {"early_stop_patience": "5"})
    return Advice("overfitting", f"{text} More pictures help most.", "Make a dataset with more", page="dataset")


def _overfits(training: Training) -> str:
    losses, late = training.history.loss(), training.late_loss()
    if late is None or len(losses) < _CURVE or losses[-1] < _LOW_LOSS or late > _GAP * losses[-1]:
        return ""
    best = losses.index(min(losses))
    if losses[-1] > _WORSE * losses[best] and best <= len(losses) - 3:
        place = (
            f"epoch {training.epochs[best]:.4g}" if len(training.epochs) == len(losses) else f"validation {best + 1}"
        )
        how = f"was best at {place} with {losses[best]:.3g} and is {losses[-1]:.3g} now"
    elif late < _GAP / 2 * losses[-1] and min(losses[-2:]) > _STILL_FALLS * min(losses[:-2]):
        how = f"stays at {losses[-1]:.3g}"
    else:
        return ""
    return f"The validation loss {how}, while the training loss fell to {late:.3g}: the network learns its pictures by heart."


def too_slow(training: Training) -> Advice | None:
    """The training loss falls slowly and steadily."""
    values = training.history.training_loss()
    if len(values) < LEAST_POINTS or not training.rate:
        return None
    some = len(values) // 5
    middle = (len(values) - some) // 2
    first, half, last = fmean(values[:some]), fmean(values[middle : middle + some]), fmean(values[-some:])
    fallen = first - last
    if not _SLOW[0] * first < fallen < _SLOW[1] * first or half - last < 0.4 * fallen:
        return None
    return _other_rate(
        "rate_low",
        f"The training loss falls steadily but slowly, from {first:.3g} to {last:.3g} so far: a rate of {training.rate:g} may be too low.",
        training.rate * 3,
    )


def level(training: Training) -> Advice | None:
    """The validation loss has come to a level: lower the rate on the way, or where that is done, learn more."""
    text = _is_level(training)
    if not text or not training.rate:
        return None
    if (training.spec.get("lr") or {}).get("policy") == "fixed":
        change = {"lr_policy": "step", "lr_step_size": "33", "lr_step_gamma": "0.1"}
        return Advice(
            "plateau",
            f"{text} with a rate that stays at {training.rate:g}.",
            "Train with a rate that steps down",
            change,
        )
    losses, late, accuracy = training.history.loss(), training.late_loss(), training.last_accuracy()
    if accuracy is None or accuracy >= _POOR or late is None or late < 0.8 * losses[-1]:
        return None
    return _other_rate(
        "underfitting",
        f"{text}, no better than the training loss of {late:.3g}, and the accuracy is {_percent(accuracy)}: "
        "the network is too small, or a higher rate leads out of there.",
        training.rate * 3,
    )


def _is_level(training: Training) -> str:
    losses, accuracy = training.history.loss(), training.last_accuracy()
    if len(losses) < _LONG_CURVE or losses[-1] < _LOW_LOSS or (accuracy or 0) >= _GOOD:
        return ""
    third = len(losses) // 3
    if min(losses[-third:]) < _LEVEL * min(losses[:-third]):
        return ""
    return f"The validation loss has not fallen for {third} validations and is {losses[-1]:.3g}"


def still_improving(training: Training) -> Advice | None:
    """The last validation was the best, well ahead of the earlier ones."""
    losses, epochs = training.history.loss(), int(training.spec.get("train_epochs") or 0)
    if not training.is_done or not epochs or len(losses) < _LEAST_VALIDATIONS:
        return None
    before = min(losses[: -max(1, len(losses) // 5)])
    if losses[-1] > min(losses) or losses[-1] > _STILL_FALLS * before or losses[-1] < _LOW_LOSS / 5:
        return None
    more = max(1, epochs // 2)
    return Advice(
        "more_epochs",
        f"The validation loss was still falling at the end, from {before:.3g} to {losses[-1]:.3g} over the last "
        f"{max(1, len(losses) // 5)} of {len(losses)} validations.",
        f"Train {more} more epoch{'s' if more > 1 else ''}",
        epochs=epochs + more,
    )


def leaks(training: Training) -> Advice | None:
    """Pictures of the validation stand in the training set too."""
    count = training.health.get("leaks", 0)
    if not count:
        return None
    return Advice(
        "leaks", f"{_counted(count, 'picture')} of the dataset {'lie' if count > 1 else 'lies'} in more than one of train, val and test, "
        "so the accuracy looks better than it is.", "See the leaks", page="leaks",
    )  # fmt: skip


def doubted(training: Training) -> Advice | None:
    """Labels that contradict each other, or that a model doubts."""
    health, total = training.health, sum(training.train_counts) + sum(training.history.val_counts)
    if count := health.get("conflicts", 0):
        text = f"{_counted(count, 'picture')} of the dataset {'stand' if count > 1 else 'stands'} under more than one label."
        return Advice("labels", text, "See the conflicts", page="conflicts")
    count = health.get("suspects", 0)
    if not count or count < _DOUBTED * total:
        return None
    of = f" of {total:,}" if total else ""
    return Advice(
        "labels", f"A model doubts the labels of {count:,}{of} pictures.", "See the doubted labels", page="suspects"
    )


def from_published(training: Training) -> Advice | None:
    """A network that learns too few pictures, or learns too little, can begin with weights that know many."""
    total = sum(training.train_counts)
    is_poor = (training.last_accuracy() or 1) < _POOR
    if not training.published or not (is_poor or _overfits(training) or _is_level(training)):
        return None
    of = f" {total:,} pictures of {len(training.train_counts)} classes are few to learn all from." if total else ""
    return Advice(
        "pretrained", f"The network began with random weights, and weights trained on {training.published} are installed for it.{of}",
        "Begin with published weights", {"standard_pretrained": "true"},
    )  # fmt: skip


def imbalance(training: Training) -> Advice | None:
    """Classes have very unequal numbers of pictures, and nothing is done about it."""
    filled = [(count, place) for place, count in enumerate(training.train_counts) if count]
    if not filled or training.spec.get("class_balance", "none") != "none" or (training.last_accuracy() or 0) >= _GOOD:
        return None
    (small, rare), (large, common) = min(filled), max(filled)
    if large <= EVEN_RATIO * small:
        return None
    labels = training.history.labels
    names = [labels[place] if place < len(labels) else f"class {place}" for place in (common, rare)]
    return Advice(
        "imbalance",
        f"{names[0]} has {large / small:.1f} times the training pictures of {names[1]} ({large:,} to {small:,}), and all count alike.",
        "Train with a weighted loss",
        {"class_balance": "weights"},
    )


def small_validation(training: Training) -> Advice | None:
    """So few pictures validate that figures of two trainings cannot be told apart."""
    count, accuracy = sum(training.history.val_counts), training.last_accuracy()
    if not count or accuracy is None:
        return None
    error = math.sqrt(accuracy * (1 - accuracy) / count)
    if error < _UNSURE:
        return None
    return Advice(
        "small_validation",
        f"The accuracy of {_percent(accuracy)} is that of {count:,} pictures, so chance alone moves it by {100 * error:.1f} points either way: "
        "smaller gains cannot be told.",
        "Make the dataset with more for validation",
        page="dataset",
    )


def small_crop(training: Training) -> Advice | None:
    """The crop throws most of each picture away."""
    height, width, _ = training.picture
    crop = int(training.spec.get("crop_size") or 0)
    if not crop or not height * width or crop**2 >= _SMALL_CROP * height * width:
        return None
    wanted = round(_WHOLE_CROP * min(height, width))
    if wanted <= crop:
        return None
    return Advice(
        "crop",
        f"The crop of {crop} × {crop} shows the network {100 * crop**2 / (height * width):.0f} % of each picture of {width} × {height}.",
        f"Train with a crop of {wanted} × {wanted}",
        {"crop_size": str(wanted)},
    )


RULES: tuple[tuple[Rule, ...], ...] = (
    (broken, one_class_everywhere, swings, overfitting, too_slow, level, still_improving),
    (boxadvice.finds_nothing,),
    (leaks,),
    (from_published,),
    (boxadvice.small_boxes,),
    (boxadvice.few_boxes,),
    (imbalance,),
    (doubted,),
    (small_validation,),
    (small_crop,),
)
"""The most important first; of one row the first that holds is told, as the others are about the same curves."""


def advise(training: Training) -> list[Advice]:
    """Return what to try next, the most important first; nothing where all is well, or too early to tell."""
    if not is_telling(training):
        return []
    found = (next((each for rule in row if (each := rule(training))), None) for row in RULES)
    return [each for each in found if each is not None][:MOST]


def is_telling(training: Training) -> bool:
    """Whether the training has gone far enough to be judged, or failed."""
    history = training.history
    enough = len(history.loss()) >= _LEAST_VALIDATIONS or len(history.training_loss()) >= LEAST_POINTS
    return enough or bool(findings(history)) or LOWER_RATE in history.error


def all_well(training: Training) -> str:
    """Return the figures of a training about which there is nothing to say; "" where it has none yet."""
    losses, late, accuracy = training.history.loss(), training.late_loss(), training.last_accuracy()
    if not is_telling(training):
        return ""
    parts = [f"accuracy {_percent(accuracy)}"] if accuracy is not None else []
    parts += [f"mAP at IoU 0.50 {_percent(value)}" for value in training.history.finite("map50/val")[-1:]]
    parts += [f"validation loss {losses[-1]:.3g}"] if losses else []
    parts += [f"training loss {late:.3g}"] if late is not None else []
    return f"Nothing stands out: {', '.join(parts)}." if parts else ""


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count != 1 else ''}"
