"""The second half of the surgery, in Caffe: scores of other classes at each place, enlarged to the picture they came from.

What one layer after the other made small, a Deconvolution that is filled bilinearly enlarges in one step (FCN-32s), or in several, between which
scores of earlier and finer blobs are added (FCN-16s, FCN-8s). J. Long and others, 2015.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile
from math import floor
from typing import Literal

from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.caffe.heads import heads
from digits.networks.fcn.spans import AXES, places, sizes, window_of

Layer = caffe_pb2.LayerParameter
Skip = Literal["none", "16s", "8s"]
SKIPS: dict[Skip, int] = {"none": 0, "16s": 16, "8s": 8}
"""By what is asked for: the factor of the last enlargement, 0 for that of the whole network."""
DATA = "data"
SCORE, UPSCORE, PIXELS = "score", "upscore", "score_pixels"
"""Names of the layer that scores the classes, of the last enlargement, and of the scores of every pixel."""
FIRST_PADS = (100, 200, 400, 800)
"""Of the first layer, so that even the largest kernel finds a place on a small picture: 100 in the paper."""
SMALLEST = 64
"""Side of a picture, in pixels, that is to be answered for; a smaller one may be."""
_SCORE_STD = 0.01


@dataclass(frozen=True)
class Segmented:
    """A network that scores every pixel."""

    layers: list[Layer]
    factor: int
    """How much smaller than the picture its last blob is."""
    first_pad: int | None
    """What the first layer pads now; None where that was left alone."""
    off_by: Fraction
    """Pixels of the picture that the answer lies off it, where no crop of whole pixels lays it right."""


def segment(layers: Sequence[Layer], *, skip: Skip, num_classes: int | None) -> Segmented:
    """Return the layers of a convolved classifier with scores of ``num_classes`` for each pixel of its picture.

    Args:
        layers: what ``convolve`` made; they take the blob "data".
        skip: which finer scores are added.
        num_classes: None leaves ``num_output`` out, so that the dataset says it.

    Raises:
        NetworkError: there is nothing to score, or the network is not deep enough for ``skip``.
    """
    answering = heads(layers)
    if not answering:
        raise NetworkError(
            "The network has no layer that weighs anything.", hint="Its last one becomes the score of each class."
        )
    head = answering[-1]
    kept = list(_before(layers, head))
    factor = _factor(kept, head.bottom[0])
    finer = _finer(kept, head.bottom[0], factor, SKIPS[skip])
    for pad in (None, *FIRST_PADS):
        builder = _Builder(_padded(kept, pad), factor, num_classes)
        builder.score(head)
        made = builder.finished(finer)
        if made is not None:
            return Segmented(made, factor, pad, builder.off_by)
    raise NetworkError(
        f"No padding up to {FIRST_PADS[-1]} lets its scores cover the picture.", hint="Are its kernels meant?"
    )


def _before(layers: Sequence[Layer], head: Layer) -> Iterator[Layer]:
    """Yield the layers that ``head`` takes something from, in order."""
    wanted, found = {head.bottom[0]}, list[Layer]()
    for layer in reversed(list(takewhile(lambda each: each is not head, layers))):
        if wanted.intersection(layer.top):
            found.append(layer)
            wanted.update(layer.bottom)
    return reversed(found)


def _factor(layers: Sequence[Layer], blob: str) -> int:
    """Return how many pixels two neighbours of ``blob`` lie apart.

    Raises:
        NetworkError: it is no whole number, or another along the other axis, or a layer on the way is of no known kind.
    """
    found = {places(layers, axis, data=DATA).get(blob, (Fraction(0), Fraction(0)))[0] for axis in AXES}
    factor = found.pop()
    if factor == 0:
        raise NetworkError(
            f"Nothing tells where the values of {blob!r} lie on the picture.", hint="A layer on the way moves them."
        )
    if found or factor.denominator != 1:
        raise NetworkError(f"{blob!r} is not smaller than the picture by one whole number along both sides.")
    return int(factor)


def _finer(layers: Sequence[Layer], last: str, factor: int, least: int) -> list[tuple[int, str]]:
    """Return (factor, blob) of the blobs whose scores are added, the coarsest first.

    A blob that a Pooling made small is the Pooling's own, as in the paper; otherwise it is the last one before the next becomes smaller.

    Raises:
        NetworkError: the network's last blob is as fine already, or there is no blob of a factor.
    """
    if not least:
        return []
    if factor <= least:
        raise NetworkError(
            f"The network makes the picture {factor} times smaller, so there is no finer step than that for {least}s.",
            hint="Choose none, or a finer one." if factor > SKIPS["8s"] else "Choose none.",
        )  # fmt: skip
    found, wanted = [], factor // 2
    where = places(layers, 0, data=DATA)
    while wanted >= least:
        at = [(layer, top) for layer in layers for top in layer.top if where.get(top, (0,))[0] == wanted]
        shrinking = [(layer, top) for layer, top in at if (window := window_of(layer)) and max(window.stride) > 1]
        if not at:
            raise NetworkError(
                f"No blob of the network is {wanted} times smaller than the picture.", hint="Choose none."
            )
        pooled = all(layer.type == "Pooling" for layer, _ in shrinking)
        name = shrinking[-1][1] if shrinking and pooled else at[-1][1]
        if name != last:
            found.append((wanted, name))
        wanted //= 2
    return found


def _padded(layers: Sequence[Layer], pad: int | None) -> list[Layer]:
    """Return copies; with ``pad`` the first layers that slide pad so much."""
    copies, first = [], {DATA}
    for layer in layers:
        copy = Layer()
        copy.CopyFrom(layer)
        copies.append(copy)
        reads_first = first.intersection(layer.bottom)
        if reads_first and window_of(layer) is None:
            first.update(layer.top)
        elif reads_first and pad is not None and layer.type == "Convolution":
            param = copy.convolution_param
            for name in ("pad_h", "pad_w"):
                param.ClearField(name)
            param.pad[:] = [pad]
    return copies


class _Builder:
    """Adds layers to those of a classifier; ``last`` is the blob that comes next."""

    def __init__(self, layers: list[Layer], factor: int, num_classes: int | None) -> None:
        self.layers = layers
        self.factor = factor
        self.num_classes = num_classes
        self.last = ""
        self.fits = True
        """Whether every crop begins inside of what it cuts."""
        self.off_by = Fraction(0)

    def score(self, head: Layer) -> None:
        """Add the scores of the classes in the place of ``head``."""
        made = Layer()
        made.CopyFrom(_scoring(SCORE, head.bottom[0], self.num_classes))
        window = window_of(head)
        assert window is not None
        if max(window.kernel) > 1:
            made.convolution_param.CopyFrom(head.convolution_param)
            made.convolution_param.ClearField("num_output")
            if self.num_classes:
                made.convolution_param.num_output = self.num_classes
        self._add(made)

    def finished(self, finer: Sequence[tuple[int, str]]) -> list[Layer] | None:
        """Return all layers; None where the scores do not cover every picture."""
        factor = self.factor
        for step, blob in finer:
            up = self._enlarge(f"upscore_{blob}", factor // step)
            factor = step
            self._add(_scoring(f"score_{blob}", blob, self.num_classes))
            self._fuse(blob, up, self.last)
        self._crop(PIXELS, self._enlarge(UPSCORE, factor), DATA)
        return self.layers if self.fits and self._covers(SMALLEST) else None

    def _fuse(self, blob: str, up: str, fine: str) -> None:
        """Add the enlarged and the finer scores: whichever reaches farther is cut to the other."""
        before = list(self.layers)
        for larger, smaller in ((fine, up), (up, fine)):
            self.layers = list(before)
            cropped = self._crop(f"crop_{blob}", larger, smaller)
            if self.fits and self._covers(SMALLEST):
                break
            self.fits = larger is fine
        self._add(Layer(name=f"fuse_{blob}", type="Eltwise", bottom=[smaller, cropped], top=[f"fuse_{blob}"]))

    def _covers(self, smallest: int) -> bool:
        """Whether pictures of every size are covered: sizes repeat after the factor."""
        every = range(smallest, smallest + self.factor + 1)
        return all(sizes(self.layers, axis, size, data=DATA) is not None for axis in AXES for size in every)

    def _add(self, layer: Layer) -> str:
        self.layers.append(layer)
        self.last = layer.top[0]
        return self.last

    def _enlarge(self, name: str, factor: int) -> str:
        made = Layer(name=name, type="Deconvolution", bottom=[self.last], top=[name])
        made.param.add(lr_mult=0, decay_mult=0)
        param = made.convolution_param
        if self.num_classes:
            param.num_output = param.group = self.num_classes
        param.kernel_size.append(2 * factor - 1)
        param.stride.append(factor)
        param.bias_term = False
        param.weight_filler.type = "bilinear"
        return self._add(made)

    def _apart(self, of: str, under: str) -> list[Fraction]:
        """Return the place on ``of`` that lies under the first of ``under``, along each axis."""
        found = []
        for axis in AXES:
            where = places(self.layers, axis, data=DATA)
            found.append((where[under][1] - where[of][1]) / where[of][0])
        return found

    def _crop(self, name: str, of: str, like: str) -> str:
        apart = self._apart(of, like)
        whole = [floor(each) for each in apart]
        scale = places(self.layers, 0, data=DATA)[of][0]
        self.off_by = max(self.off_by, *(scale * (each - cut) for each, cut in zip(apart, whole, strict=True)))
        made = Layer(name=name, type="Crop", bottom=[of, like], top=[name])
        made.crop_param.axis = 2
        made.crop_param.offset[:] = [max(each, 0) for each in (whole[:1] if len(set(whole)) == 1 else whole)]
        self.fits = self.fits and min(whole) >= 0
        return self._add(made)


def _scoring(name: str, bottom: str, num_classes: int | None) -> Layer:
    made = Layer(name=name, type="Convolution", bottom=[bottom], top=[name])
    made.param.add(lr_mult=1, decay_mult=1)
    made.param.add(lr_mult=2, decay_mult=0)
    param = made.convolution_param
    if num_classes:
        param.num_output = num_classes
    param.kernel_size.append(1)
    param.weight_filler.type = "gaussian"
    param.weight_filler.std = _SCORE_STD
    return made
