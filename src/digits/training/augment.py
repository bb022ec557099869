"""Pictures of a training changed by chance, a whole batch at a time, on the device.

What chance decides for batch ``k`` is a function of the seed and ``k`` alone, as is everything of a batch (``sources``).
The order is: turned and scaled in one sampling, mirrored, quarter turns, hue, saturation and value, contrast, noise; then ``transform``
takes off the mean and, where it is asked for, whitens. An option that is switched on leaves what chance decides for the others as it was.

Legend: N pictures, H height, W width, C channels, BGR where there are 3; values 0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from digits.core.errors import TrainingError
from digits.core.trainspec.augmentation import Augmentation
from digits.training.transform import Places

_CHANCE = 4  # what a generator is for: 0, 2 and 3 are of the order of records, 1 of crops and mirrors
_LARGEST = 255.0
_COLOURS = 3
_SMALLEST_FACTOR = 0.25
_TURNS = {"none": (0,), "rot90": (0, 1, 3), "rot180": (0, 2), "rotall": (0, 1, 2, 3)}


@dataclass(frozen=True)
class Chance:
    """What was decided for a batch: one value a picture, [N]; ``hsv`` is [N, 3]."""

    angles_deg: NDArray[np.float64]
    factors: NDArray[np.float64]
    mirrored: NDArray[np.bool_]
    upside_down: NDArray[np.bool_]
    quarter_turns: NDArray[np.int64]
    hsv: NDArray[np.float64]
    contrasts: NDArray[np.float64]

    @classmethod
    def draw(cls, spec: Augmentation, chance: np.random.Generator, count: int) -> Chance:
        """Draw for ``count`` pictures; always as many numbers in the same order."""
        angles, factors, flips, turns, hsv, contrasts = (
            chance.uniform(-1, 1, count), chance.standard_normal(count), chance.random((2, count)) < 0.5,
            chance.random(count), chance.standard_normal((count, 3)), chance.random(count),
        )  # fmt: skip
        known = np.array(_TURNS[spec.quad_rot])
        least = max(0.0, 1 - spec.contrast)
        return cls(
            angles_deg=angles * spec.rot,
            factors=np.maximum(1 + factors * spec.scale, _SMALLEST_FACTOR),
            mirrored=flips[0] & (spec.flip in ("fliplr", "fliplrud")),
            upside_down=flips[1] & (spec.flip in ("flipud", "fliplrud")),
            quarter_turns=known[(turns * len(known)).astype(np.int64)],
            hsv=hsv * (spec.hsv_h, spec.hsv_s, spec.hsv_v) if spec.hsv_use else np.zeros_like(hsv),
            contrasts=least + contrasts * (1 + spec.contrast - least),
        )

    def of(self, own: slice) -> Chance:
        """Return what was decided for those pictures."""
        return Chance(**{each.name: getattr(self, each.name)[own] for each in fields(self)})


class Augmenter:
    """Changes the pictures of a training by chance.

    Args:
        spec: what may happen.
        seed: of chance.
        device: where it is done.
        crop_px: side of the square that is cut out of each picture; 0 for none.
    """

    def __init__(self, spec: Augmentation, *, seed: int, device: torch.device, crop_px: int = 0) -> None:
        self._spec = spec
        self._seed = seed
        self._device = device
        self._crop_px = crop_px

    @property
    def warps(self) -> bool:
        """Whether it takes whole pictures and cuts them out itself: what a turn brings into a square comes from around it."""
        return bool(self._spec.rot or self._spec.scale)

    @property
    def moves(self) -> bool:
        """Whether pixels change their places."""
        return self.warps or self._spec.flip != "none" or self._spec.quad_rot != "none"

    def chance(self, number: int, count: int, own: slice = slice(None)) -> Chance:
        """Return what is decided for ``own`` of the ``count`` pictures of batch ``number``."""
        return Chance.draw(self._spec, np.random.default_rng((self._seed, _CHANCE, number)), count).of(own)

    @torch.no_grad()
    def __call__(
        self,
        images_NCHW: Tensor,
        places: Places | None,
        number: int,
        *,
        of: int | None = None,
        own: slice = slice(None),
    ) -> Tensor:
        """Return batch ``number`` changed: float32 [N, C, H, W] on the device, 0 to 255.

        Args:
            images_NCHW: uint8; whole where this ``warps``, else cut out where ``places`` says so.
            places: where to cut, or where they were cut out.
            number: of the batch.
            of: pictures in the whole batch, where these are ``own`` of it; what chance decides is drawn for all of them.
            own: which of the batch these are.

        Raises:
            TrainingError: quarter turns of pictures that are not square.
        """
        spec = self._spec
        count = of or len(images_NCHW)
        chance = self.chance(number, count, own)
        data_NCHW = images_NCHW.to(self._device, non_blocking=True).to(torch.float32)
        if self.warps:
            data_NCHW = warp(data_NCHW, chance.angles_deg, chance.factors, places, self._crop_px)
        data_NCHW = self._turned(data_NCHW, chance)
        if spec.hsv_use:
            data_NCHW = shift_hsv(data_NCHW, self._each(chance.hsv))
        if spec.contrast:
            middle = data_NCHW.mean((2, 3), keepdim=True)
            data_NCHW = torch.lerp(middle, data_NCHW, self._each(chance.contrasts)[:, None, None, None])
        if spec.noise:
            noise = self._noise((count, *data_NCHW.shape[1:]), number)[own]
            data_NCHW = data_NCHW + noise * (spec.noise * _LARGEST)
        return data_NCHW.clamp_(0, _LARGEST) if spec.contrast or spec.noise else data_NCHW

    def _turned(self, data_NCHW: Tensor, chance: Chance) -> Tensor:
        for axis, chosen in ((3, chance.mirrored), (2, chance.upside_down)):
            if chosen.any():
                mask = torch.from_numpy(chosen).to(self._device)[:, None, None, None]
                data_NCHW = torch.where(mask, data_NCHW.flip(axis), data_NCHW)
        if self._spec.quad_rot in ("rot90", "rotall") and data_NCHW.shape[2] != data_NCHW.shape[3]:
            height, width = data_NCHW.shape[2:]
            raise TrainingError(
                f"Quarter turns need square pictures, and these are {width} × {height}.",
                hint="Choose a crop size, or turns of 0 or 180 degrees.",
            )
        if chance.quarter_turns.any():
            turned = data_NCHW.clone()
            for turns in np.unique(chance.quarter_turns[chance.quarter_turns > 0]).tolist():
                rows = torch.from_numpy(np.flatnonzero(chance.quarter_turns == turns)).to(self._device)
                turned[rows] = torch.rot90(data_NCHW[rows], turns, (2, 3))
            data_NCHW = turned
        return data_NCHW

    def _noise(self, shape: tuple[int, ...], number: int) -> Tensor:
        generator = torch.Generator(self._device)
        generator.manual_seed(
            int(np.random.SeedSequence((self._seed, _CHANCE, number)).generate_state(1, np.uint64)[0])
        )
        return torch.randn(shape, generator=generator, device=self._device)

    def _each(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self._device)


def warp(
    images_NCHW: Tensor, angles_deg: NDArray[np.float64], factors: NDArray[np.float64], places: Places | None, crop_px: int
) -> Tensor:  # fmt: skip
    """Return pictures turned counter-clockwise about their middle and enlarged, then cut out at ``places``, in one bilinear sampling.

    Beyond its edges a picture's border pixels go on.
    """
    count, channels, height, width = images_NCHW.shape
    out_h, out_w = (crop_px, crop_px) if crop_px else (height, width)
    tops, lefts = (
        (places.tops_px.numpy(), places.lefts_px.numpy()) if places is not None and crop_px else (np.zeros(count),) * 2
    )
    # from the output's own -1..1 to that of the whole picture
    scale_x, scale_y = out_w / width, out_h / height
    shift_x, shift_y = (2 * lefts + out_w) / width - 1, (2 * tops + out_h) / height - 1
    cos, sin = np.cos(np.radians(angles_deg)) / factors, np.sin(np.radians(angles_deg)) / factors
    wide, high = width / height, height / width
    theta = np.array([
        [cos * scale_x, -sin * high * scale_y, cos * shift_x - sin * high * shift_y],
        [sin * wide * scale_x, cos * scale_y, sin * wide * shift_x + cos * shift_y],
    ])  # fmt: skip
    matrices = torch.from_numpy(theta.transpose(2, 0, 1).astype(np.float32)).to(images_NCHW.device)
    grid = F.affine_grid(matrices, [count, channels, out_h, out_w], align_corners=False)
    return F.grid_sample(images_NCHW, grid, mode="bilinear", padding_mode="border", align_corners=False)


def shift_hsv(images_NCHW: Tensor, shifts_N3: Tensor) -> Tensor:
    """Return BGR pictures with hue (in turns), saturation and value (in shares of the range) shifted; of grey ones the value alone.

    Pictures of other numbers of channels stay as they are.
    """
    channels = images_NCHW.shape[1]
    shifts = shifts_N3[:, :, None, None]
    if channels == 1:
        return (images_NCHW + shifts[:, 2:] * _LARGEST).clamp_(0, _LARGEST)
    if channels != _COLOURS:
        return images_NCHW
    blue, green, red = images_NCHW.unbind(1)
    value = images_NCHW.amax(1)
    span = value - images_NCHW.amin(1)
    safe = span.clamp(min=1e-6)
    sixths = torch.where(
        value == red, (green - blue) / safe, torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe)
    )  # fmt: skip
    saturation = span / value.clamp(min=1e-6)
    sixths = sixths + shifts[:, 0] * 6
    saturation = (saturation + shifts[:, 1]).clamp_(0, 1)
    value = (value + shifts[:, 2] * _LARGEST).clamp_(0, _LARGEST)
    # red, green and blue lie 5, 3 and 1 sixths behind the hue; each falls from the value by up to value times saturation
    places = torch.remainder(sixths[:, None] + sixths.new_tensor([1.0, 3.0, 5.0])[None, :, None, None], 6)
    depth = torch.minimum(places, 4 - places).clamp_(0, 1)
    return value[:, None] - (value * saturation)[:, None] * depth
