"""Label pictures of segmentation: class ids as they are, ids with a palette, or colours that stand for classes.

Legend: HW = height, width of class ids; HWC = height, width, 3 channels of RGB.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.decode import Limits, check_size, open_image
from digits.data.resize import Plan
from digits.data.sniff import HEAD_BYTES, sniff

_EXACT = ("PNG", "BMP", "GIF", "PPM")
"""Formats that keep every value."""
_SAVE = "Save them as PNG."
MOST_CLASSES = 256


@dataclass(frozen=True)
class LabelPicture:
    """A label as its file has it."""

    values: NDArray[np.uint8]
    """Class ids [H, W], or colours [H, W, 3]."""
    palette: NDArray[np.uint8] | None = None
    """The colours of the ids, [up to 256, 3], where the file has some."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def is_colour(self) -> bool:
        """Whether it holds colours alone."""
        return self.values.ndim == 3

    def colours(self) -> NDArray[np.uint8]:
        """Return all its colours [N, 3], ids without a palette as greys; no order is promised."""
        if self.is_colour:
            codes = np.unique(codes_of(self.values))
            return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], 1).astype(np.uint8)
        return (_greys() if self.palette is None else padded(self.palette))[np.unique(self.values)]


def read_label(data: bytes, *, limits: Limits) -> LabelPicture:
    """Return the label in the file ``data``.

    Raises:
        DataError: it is a JPEG or another format that changes values (LABEL_LOSSY), no picture, too large, or of a kind that holds no ids.
    """
    kind = sniff(data[:HEAD_BYTES])
    if kind not in _EXACT:
        what = "changes colours, and with them classes" if kind in ("JPEG", "WEBP") else "is not read for labels"
        raise DataError(f"The label is a {kind} file, which {what}.", hint=_SAVE, rule="LABEL_LOSSY")
    try:
        with open_image(io.BytesIO(data)) as image:
            check_size(image.height, image.width, limits)
            image.load()
            mode, pixels = image.mode, np.asarray(image)
            palette = image.getpalette("RGB") if mode == "P" else None
    except DataError:
        raise
    except Exception as error:  # a decoder may raise anything on a file made to break it
        raise DataError(f"The {kind} data is damaged.", rule="IMG_BROKEN") from error
    if palette is not None:
        return LabelPicture(np.asarray(pixels, np.uint8), np.array(palette, np.uint8).reshape(-1, 3))
    return LabelPicture(_values(mode, pixels))


def _values(mode: str, pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return ids or colours of a label without a palette."""
    if mode in ("1", "L", "RGB"):
        return np.asarray(pixels, np.uint8)
    if mode in ("LA", "RGBA"):
        clear = pixels[:, :, -1] != 255
        if clear.any():
            raise DataError(f"The label is transparent at {first_pixel(clear)}.", hint=_SAVE, rule="LABEL_MODE")
        return np.asarray(pixels[:, :, 0] if mode == "LA" else pixels[:, :, :3], np.uint8)
    if mode.startswith("I"):
        numbers = np.asarray(pixels, np.int64)
        large = (numbers >= MOST_CLASSES) | (numbers < 0)
        if large.any():
            raise DataError(
                f"The label has the value {numbers[large][0]} at {first_pixel(large)}; class ids are 0 to 255.",
                hint="Give the classes smaller numbers.", rule="LABEL_VALUE",
            )  # fmt: skip
        return numbers.astype(np.uint8)
    raise DataError(f"A label of kind {mode!r} has no class ids.", hint=_SAVE, rule="LABEL_MODE")


def first_pixel(where_HW: NDArray[np.bool_]) -> str:
    """Return the first true pixel, row by row, in words: "x 3, y 0"."""
    y, x = np.unravel_index(int(where_HW.argmax()), where_HW.shape)
    return f"x {x}, y {y}"


def codes_of(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return colours [..., 3] as numbers, 0xRRGGBB."""
    wide = colours.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _greys() -> NDArray[np.uint8]:
    return np.repeat(np.arange(MOST_CLASSES, dtype=np.uint8)[:, None], 3, axis=1)


def padded(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a palette of 256 colours, black where it has none."""
    return np.concatenate([palette, np.zeros((MOST_CLASSES - len(palette), 3), np.uint8)])


def usual_palette() -> NDArray[np.uint8]:
    """Return 256 colours for classes that have none: those of Pascal VOC, the bits of an id spread over the three channels."""
    ids = np.arange(MOST_CLASSES)
    colours = np.zeros((MOST_CLASSES, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((ids >> channel & 1) << 7 - bit).astype(np.uint8)
        ids = ids >> 3
    return colours


class ColourMap:
    """Which colour is which class: its place in the list."""

    def __init__(self, colours: NDArray[np.uint8], source: str) -> None:
        """Take ``colours`` [N, 3], all different; ``source`` says for messages where they are from."""
        codes = codes_of(colours)
        self.colours, self._source = colours, source
        self._order = np.argsort(codes).astype(np.uint8)
        self._codes = codes[self._order]

    def ids(self, label: LabelPicture) -> NDArray[np.uint8]:
        """Return the classes of a label by its colours [H, W].

        Raises:
            DataError: it has a colour that is not in the map (LABEL_COLOUR).
        """
        if label.is_colour:
            return self._looked_up(label.values, label.values)
        table = _greys() if label.palette is None else padded(label.palette)
        return self._looked_up(table[label.values], table[label.values])

    def _looked_up(self, colours_HWC: NDArray[np.uint8], shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
        codes = codes_of(colours_HWC)
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        unknown = self._codes[places] != codes
        if unknown.any():
            y, x = np.unravel_index(int(unknown.argmax()), unknown.shape)
            colour = " ".join(str(value) for value in shown[y, x].tolist())
            raise DataError(
                f"The label has the colour {colour} at {first_pixel(unknown)}, which is not in {self._source}.",
                hint="Add a line for it, or mend the label.", rule="LABEL_COLOUR",
            )  # fmt: skip
        return self._order[places]


def same_palette(label: LabelPicture, first: NDArray[np.uint8] | None) -> None:
    """Do nothing if every class id of ``label`` has the colour that it has in the palette of the first label.

    Raises:
        DataError: one has another (LABEL_PALETTE).
    """
    if label.palette is None or first is None:
        return
    own, other = padded(label.palette), padded(first)
    differs = (own != other).any(axis=1)[label.values]
    if differs.any():
        value = int(label.values[differs][0])
        texts = [" ".join(map(str, table[value].tolist())) for table in (own, other)]
        raise DataError(
            f"The palette differs from the first label's: value {value}, at {first_pixel(differs)}, is {texts[0]} here and {texts[1]} there.",
            hint="Save all labels with one palette, or choose another way to tell the colours.", rule="LABEL_PALETTE",
        )  # fmt: skip


def check_values(mask_HW: NDArray[np.uint8], num_classes: int, ignore_label: int | None) -> None:
    """Do nothing if every value is a class or to be ignored.

    Raises:
        DataError: one is neither (LABEL_VALUE).
    """
    wrong = mask_HW >= num_classes
    if ignore_label is not None:
        wrong &= mask_HW != ignore_label
    if wrong.any():
        raise DataError(
            f"The label has the value {mask_HW[wrong][0]} at {first_pixel(wrong)}; there are {num_classes} classes, from 0.",
            hint="Name all classes, or give the value as the ignore label.", rule="LABEL_VALUE",
        )  # fmt: skip


def resize_mask(mask_HW: NDArray[np.uint8], steps: Plan, fill: int) -> NDArray[np.uint8]:
    """Return a mask scaled and cut as its picture is: each pixel takes the class nearest to its centre, padding is ``fill``."""
    height, width = steps.scaled
    if mask_HW.shape != steps.scaled:
        mask_HW = np.asarray(cv2.resize(mask_HW, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    (top, left), size = steps.start, steps.size
    cut = mask_HW[max(top, 0) : max(top, 0) + size[0], max(left, 0) : max(left, 0) + size[1]]
    if cut.shape == size:
        return np.ascontiguousarray(cut)
    canvas = np.full(size, fill, np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + cut.shape[0], x : x + cut.shape[1]] = cut
    return canvas


def parse_names(lines: Sequence[str]) -> list[str]:
    """Return the names of classes, a line each; blank lines at the end do not count."""
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    return names
