"""From stored pictures to a network's input, in batches on the device: Caffe's transform of a Data layer.

The order is Caffe's: crop, minus the mean at the same place, times the scale, mirror; whitening comes last. Training and validation and the testing of single
pictures run this same code.

Legend: N pictures, H height, W width, C channels; BGR where there are 3, as Caffe has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_COLOURS = 3


@dataclass(frozen=True)
class Places:
    """Where each picture of a batch was cut out, and which are mirrored; int64 and bool [N]."""

    tops_px: Tensor
    lefts_px: Tensor
    mirrored: Tensor | None = None


class Transform:
    """What happens to uint8 pictures on their way into a network.

    Args:
        mean_CHW: taken off: [C, H, W] at the stored size, or [C, 1, 1] for one colour; None for nothing.
        crop_px: side of the square that is cut out; 0 for the whole picture.
        scale: multiplies what is left.
        mirror: whether each picture is mirrored by chance (in training and in tests, as Caffe does).
        device: where the result is made.
        rgb: whether three channels come out as RGB; BGR, as Caffe has them, if not.
        whiten: whether each picture is brought to mean 0 and standard deviation 1 at the end.
    """

    def __init__(
        self,
        *,
        mean_CHW: Tensor | None = None,
        crop_px: int = 0,
        scale: float = 1.0,
        mirror: bool = False,
        device: torch.device | None = None,
        rgb: bool = False,
        whiten: bool = False,
    ) -> None:
        self.crop_px = crop_px
        self.scale = scale
        self.mirror = mirror
        self.rgb = rgb
        self.whiten = whiten
        self.device = device or torch.device("cpu")
        self._mean_1CHW: Tensor | None = None
        if mean_CHW is not None:
            self._mean_1CHW = mean_CHW[None].to(self.device, torch.float32).contiguous()

    @torch.no_grad()
    def __call__(self, images_NCHW: Tensor, places: Places | None = None) -> Tensor:
        """Return the network's input, float32 [N, C, H, W].

        Args:
            images_NCHW: uint8, or float32 of one's own, which is changed; cut out already where ``places`` says so, else whole: then the centre is taken.
            places: where they were cut out.
        """
        if self.crop_px and places is None:
            images_NCHW = centre(images_NCHW, self.crop_px)
        data_NCHW = images_NCHW.to(self.device, non_blocking=True).to(torch.float32)
        if self._mean_1CHW is not None:
            data_NCHW -= self._mean_at(self._mean_1CHW, places)
        if self.scale != 1:
            data_NCHW *= self.scale
        if places is not None and places.mirrored is not None:
            mirrored = places.mirrored.to(self.device)[:, None, None, None]
            data_NCHW = torch.where(mirrored, data_NCHW.flip(3), data_NCHW)
        if self.rgb and data_NCHW.shape[1] == _COLOURS:
            data_NCHW = data_NCHW.flip(1)
        return whitened(data_NCHW) if self.whiten else data_NCHW

    def whole(self) -> Transform:
        """Return what this does, for pictures of any size: nothing is cut out, and a mean picture is stretched to theirs."""
        mean = None if self._mean_1CHW is None else self._mean_1CHW[0]
        return _Stretched(mean_CHW=mean, scale=self.scale, device=self.device, rgb=self.rgb)

    def _mean_at(self, mean_1CHW: Tensor, places: Places | None) -> Tensor:
        """Return the mean that belongs to each picture: cut out where the picture was."""
        if not self.crop_px or mean_1CHW.shape[2:] == (1, 1):
            return mean_1CHW
        if places is None:
            return centre(mean_1CHW, self.crop_px)
        return cut(mean_1CHW, torch.zeros_like(places.tops_px), places.tops_px, places.lefts_px, self.crop_px)


class _Stretched(Transform):
    @torch.no_grad()
    def __call__(self, images_NCHW: Tensor, places: Places | None = None) -> Tensor:
        mean = self._mean_1CHW
        if mean is None or mean.shape[2:] in ((1, 1), images_NCHW.shape[2:]):
            return super().__call__(images_NCHW, places)
        stretched = F.interpolate(mean, images_NCHW.shape[2:], mode="bilinear")[0]
        return Transform(mean_CHW=stretched, scale=self.scale, device=self.device, rgb=self.rgb)(images_NCHW)


def whitened(data_NCHW: Tensor) -> Tensor:
    """Return each picture minus its mean, divided by its standard deviation, which counts as at least 1 / sqrt(values), as in TensorFlow."""
    std, mean = torch.std_mean(data_NCHW, dim=(1, 2, 3), correction=0, keepdim=True)
    return (data_NCHW - mean) / std.clamp(min=data_NCHW[0].numel() ** -0.5)


def centre(images_NCHW: Tensor, side_px: int) -> Tensor:
    """Return the middle squares: the offset is floor((H - side) / 2), as in Caffe."""
    top, left = (images_NCHW.shape[2] - side_px) // 2, (images_NCHW.shape[3] - side_px) // 2
    return images_NCHW[:, :, top : top + side_px, left : left + side_px]


def cut(images_NCHW: Tensor, records: Tensor, tops_px: Tensor, lefts_px: Tensor, side_px: int) -> Tensor:
    """Return a square of each of ``records``, cut out at its own place: [len(records), C, side, side].

    ``images_NCHW`` is contiguous and may be a memory map. It is read as overlapping runs of ``side`` pixels, one beginning at
    each pixel, so that one indexing call fetches the rows of all squares.
    """
    _, channels, height, width = images_NCHW.shape
    runs = images_NCHW.as_strided((images_NCHW.numel() - side_px + 1, side_px), (1, 1))
    planes = records[:, None] * channels + torch.arange(channels)
    rows = (planes * height + tops_px[:, None])[:, :, None] + torch.arange(side_px)
    return runs[(rows * width + lefts_px[:, None, None]).to(images_NCHW.device)]
