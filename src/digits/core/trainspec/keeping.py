"""Which snapshots are kept, and when a training ends before its time."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator

from digits.core.spec import FieldError, Spec, field

_MEASURE = r"^\s*$|^\S+/val$"
_NAMED = "As its curve is called: accuracy/val, loss/val. Of accuracies and their like the highest is best, of losses the lowest."


class Keeping(Spec):
    """Which snapshots stay on the disk."""

    keep_snapshots: int | None = field(
        None,
        title="Keep snapshots",
        placeholder="all",
        description="Only so many of the newest stay, and the best one; blank for all.",
        ge=1,
        le=1_000_000,
    )
    best_metric: str = field(
        "",
        title="Best by",
        placeholder="loss/val",
        description=f"What the best snapshot is chosen by; blank for the validation loss. {_NAMED}",
        max_length=200,
        pattern=_MEASURE,
    )


class EarlyStop(Spec):
    """The training ends when validations get no better."""

    prefix: ClassVar[str] = "early_stop_"
    patience: int | None = field(
        None,
        title="Stop early after",
        unit="validations",
        placeholder="never",
        description="The training is Done after so many validations in a row without a new best; blank for never.",
        ge=1,
        le=1_000_000,
    )
    metric: str = field(
        "",
        title="Stop early by",
        placeholder="loss/val",
        description=f"What has to get better; blank for the validation loss. {_NAMED}",
        max_length=200,
        pattern=_MEASURE,
    )
    after: float = field(
        0.0,
        title="Not before",
        unit="epochs",
        description="Validations up to this epoch never count against the training.",
        may_be_blank=True,
        ge=0,
    )

    @model_validator(mode="after")
    def _needs_patience(self) -> EarlyStop:
        if self.metric.strip() and self.patience is None:
            raise FieldError("patience", "Say after how many validations without a new best it stops.")
        return self
