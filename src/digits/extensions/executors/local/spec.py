"""What can be set about workers on this machine."""

from digits.core.spec import Spec, field


class LocalSpec(Spec):
    """Processes of this machine."""

    nice: int = field(
        0,
        title="Niceness",
        description="How far workers stand back for other programs of this machine: 0 not at all, 19 the most.",
        ge=0,
        le=19,
    )
