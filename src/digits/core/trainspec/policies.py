"""How the learning rate changes over a training: DIGITS' policies, their parameters in percent of the training."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from digits.core.spec import Spec, field


class FixedPolicy(Spec):
    """The rate stays as it is."""

    policy: Literal["fixed"] = field("fixed", title="Policy", flat="lr_policy")


class StepPolicy(Spec):
    """The rate falls by a factor every so often."""

    prefix: ClassVar[str] = "lr_step_"
    policy: Literal["step"] = field("step", title="Policy", flat="lr_policy")
    size: float = field(
        33.0,
        title="Step size",
        unit="% of training",
        description="The rate falls each time this share of the training has passed.",
        gt=0,
    )
    gamma: float = field(0.1, title="Gamma", description="The factor at each step.", ge=0)


class MultistepPolicy(Spec):
    """The rate falls by a factor at chosen moments."""

    prefix: ClassVar[str] = "lr_multistep_"
    policy: Literal["multistep"] = field("multistep", title="Policy", flat="lr_policy")
    values: str = field(
        "50,85",
        title="Step values",
        unit="% of training",
        description="Comma-separated shares of the training.",
        pattern=r"^\s*\d+(\.\d+)?(\s*,\s*\d+(\.\d+)?)*\s*$",
    )
    gamma: float = field(0.5, title="Gamma", description="The factor at each step.", ge=0)


class ExpPolicy(Spec):
    """The rate falls exponentially."""

    prefix: ClassVar[str] = "lr_exp_"
    policy: Literal["exp"] = field("exp", title="Policy", flat="lr_policy")
    gamma: float = field(0.95, title="Gamma", description="The factor at each percent of the training.", gt=0)


class InvPolicy(Spec):
    """The rate falls as an inverse power."""

    prefix: ClassVar[str] = "lr_inv_"
    policy: Literal["inv"] = field("inv", title="Policy", flat="lr_policy")
    gamma: float = field(0.1, title="Gamma", description="How fast: base × (1 + gamma × percent) ^ −power.", ge=0)
    power: float = field(0.5, title="Power", description="The exponent.")


class PolyPolicy(Spec):
    """The rate falls to 0 at the end as a power of what is left."""

    prefix: ClassVar[str] = "lr_poly_"
    policy: Literal["poly"] = field("poly", title="Policy", flat="lr_policy")
    power: float = field(3.0, title="Power", description="The exponent of (1 − percent / 100).", ge=0)


class SigmoidPolicy(Spec):
    """The rate falls along an S."""

    prefix: ClassVar[str] = "lr_sigmoid_"
    policy: Literal["sigmoid"] = field("sigmoid", title="Policy", flat="lr_policy")
    step: float = field(
        50.0, title="Step", unit="% of training", description="Where the rate has fallen by half.", ge=0
    )
    gamma: float = field(0.1, title="Gamma", description="How steep the fall is.")


class CosinePolicy(Spec):
    """The rate falls to 0 at the end along half a cosine."""

    policy: Literal["cosine"] = field("cosine", title="Policy", flat="lr_policy")


LrPolicy = Annotated[
    FixedPolicy | StepPolicy | MultistepPolicy | ExpPolicy | InvPolicy | PolyPolicy | SigmoidPolicy | CosinePolicy,
    Field(discriminator="policy"),
]
