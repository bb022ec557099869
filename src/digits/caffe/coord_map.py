"""``caffe.coord_map``: where the values of one top lie on another, and the Crop that lays them over each other."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from digits.caffe.net_spec import Function, Top, layers
from digits.networks.caffe.places import SAME, SAME_PLACE, Map, of_window, through

_WINDOWS = {"Convolution": "convolution_param", "Deconvolution": "convolution_param", "Pooling": "pooling_param",
            "Im2col": "convolution_param"}  # fmt: skip


class UndefinedMapException(Exception):
    """A layer on the way moves values to no place that could be told."""


class AxisMismatchException(Exception):
    """The two tops differ in scale, or their places by no whole number."""


def crop(top_from: Top, top_to: Top) -> Top:
    """Return a Crop of ``top_from`` to what ``top_to`` covers.

    Raises:
        AxisMismatchException: the two have another scale, or their places differ by no whole number or by less than 0.
        UndefinedMapException: nothing both come from is known.
    """
    cropped: Top = layers.Crop(top_from, top_to, crop_param={"axis": 2, "offset": offset(top_from, top_to)})
    return cropped


def offset(top_from: Top, top_to: Top) -> int:
    """Return the place on ``top_from`` that lies under the first of ``top_to``; for ``crop``'s errors see there."""
    ours, theirs = _ancestors(top_from), _ancestors(top_to)
    common = next((top for top in ours if top in theirs), None)
    if common is None:
        raise UndefinedMapException("The two tops come from nothing that both have in common.")
    (scale, shift), (other_scale, other_shift) = ours[common], theirs[common]
    if scale != other_scale:
        raise AxisMismatchException(f"The two tops have scales {scale} and {other_scale}.")
    place = (other_shift - shift) / scale
    if place.denominator != 1 or place < 0:
        raise AxisMismatchException(f"The two tops lie {float(place):g} apart, which no crop undoes.")
    return int(place)


def coord_map(fn: Function) -> Map:
    """Return how a layer takes places of its top to its (first) bottom.

    Raises:
        UndefinedMapException: it moves them to none that could be told.
    """
    if fn.type_name in SAME_PLACE:
        return SAME
    if fn.type_name == "Crop":
        return Fraction(1), Fraction(_one(_params(fn, "crop_param").get("offset", 0)))
    if fn.type_name not in _WINDOWS:
        raise UndefinedMapException(f"A {fn.type_name} layer has no map of places.")
    params = _params(fn, _WINDOWS[fn.type_name])
    kernel, stride, pad, dilation = (
        _one(params.get(name, default))
        for name, default in (("kernel_size", 1), ("stride", 1), ("pad", 0), ("dilation", 1))
    )
    return of_window(kernel, stride, pad, dilation, transposed=fn.type_name == "Deconvolution")


def _ancestors(top: Top) -> dict[Top, Map]:
    """Return everything ``top`` comes from, itself too, with the map of places, the nearest first."""
    found: dict[Top, Map] = {top: SAME}
    waiting = [top]
    while waiting:
        current = waiting.pop(0)
        try:
            step = coord_map(current.fn)
        except UndefinedMapException:
            continue
        bottoms = current.fn.inputs[:1] if current.fn.type_name == "Crop" else current.fn.inputs
        for bottom in bottoms:
            if bottom not in found:
                found[bottom] = through(step, found[current])
                waiting.append(bottom)
    return found


def _params(fn: Function, holder: str) -> Mapping[str, Any]:
    return {**fn.params.get(holder, {}), **fn.params}


def _one(value: Any) -> int:
    return int(value[0] if isinstance(value, (list, tuple)) else value)
