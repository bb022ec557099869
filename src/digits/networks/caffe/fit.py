"""Whether a layer has as many bottoms and tops as its type takes, and whether it may write to its own bottom."""

from __future__ import annotations

from digits.caffeproto.place import shown
from digits.networks.layers.registry import Converter, Count, Layer, Shape


def check_counts(layer: Layer, converter: Converter) -> None:
    """Do nothing if the layer has as many bottoms and tops as its type takes.

    Raises:
        NetworkError: it has more or fewer.
    """
    bottoms, tops = len(layer.message.bottom), len(layer.message.top)
    for what, number, allowed in (("bottom", bottoms, converter.bottoms), ("top", tops, converter.tops)):
        least, most = allowed if isinstance(allowed, tuple) else (allowed, allowed)
        if number < least or (most is not None and number > most):
            raise layer.error(
                f"type {layer.message.type!r} takes {_count_text(allowed, what)}, and it has {number}.", what
            )
    if converter.each and bottoms != tops:
        raise layer.error(f"it has {bottoms} bottoms and {tops} tops; there must be one top for each bottom.", "top")


def check_place(layer: Layer, shapes: tuple[Shape, ...]) -> None:
    """Do nothing unless a layer writes to its own bottom what is of another shape.

    Raises:
        NetworkError: it does.
    """
    for bottom, top, before, after_ in zip(
        layer.message.bottom, layer.message.top, layer.in_shapes, shapes, strict=False
    ):
        if bottom == top and before != after_:
            sizes = [" x ".join(map(str, shape)) or "()" for shape in (before, after_)]
            raise layer.error(
                f"it cannot work in place: {shown(top)} is {sizes[0]}, and would become {sizes[1]}.", "top",
                hint="Give its top a name of its own.",
            )  # fmt: skip


def _count_text(allowed: Count, what: str) -> str:
    if isinstance(allowed, int):
        return f"{allowed or 'no'} {what}{'' if allowed == 1 else 's'}"
    least, most = allowed
    number = f"at least {least}" if most is None else f"{least} to {most}"
    return f"{number} {what}{'' if (least, most) == (1, None) else 's'}"
