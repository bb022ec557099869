"""Source of ``ImageData``: picture files of a list, "path label" a line; round and round."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffe.sources.registry import Asked, Source, source
from digits.caffe.sources.transform import Transformer
from digits.core.errors import DataError
from digits.data.decode import decode
from digits.data.images import to_channels
from digits.networks.layers.registry import Shape


@source("ImageData")
def image_data(asked: Asked) -> Source:
    """Return the source of an ``ImageData`` layer.

    Raises:
        DigitsError: the list cannot be read, or its first picture.
    """
    return ListSource(asked)


class ListSource:
    """Pictures in the order of the list, or in a new order each time around; squeezed to ``new_height`` x ``new_width``."""

    def __init__(self, asked: Asked) -> None:
        param, self._asked = asked.message.image_data_param, asked
        self._param = param
        where = asked.layer.error("", "image_data_param.source", "image_data_param").where
        if not param.batch_size:
            words = "batch_size must be given and be at least 1."
            raise asked.layer.error(words, "image_data_param.batch_size", "image_data_param")
        listed = asked.folders.find(param.source, what="list of pictures", where=where, is_file=True)
        self._lines = read_list(listed)
        self._listed = listed
        self._order = np.arange(len(self._lines))
        self._at = 0
        self._begin()
        if param.rand_skip:
            self._at = int(asked.chance.integers(0, param.rand_skip + 1)) % len(self._lines)
        self._transformer = Transformer(asked)
        self._thread = ThreadPoolExecutor(1, "pictures")
        self._ahead: Future[tuple[Tensor, ...]] | None = None

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of pictures and labels."""
        if self._ahead is not None:
            return tuple(tuple(top.shape) for top in self._ahead.result())
        picture = self._transformer.shape(self._picture(int(self._order[self._at])).shape)
        return (self._param.batch_size, *picture), (self._param.batch_size,)

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch.

        Raises:
            DataError: a picture cannot be read, or has another size than those before it.
        """
        batch = self._ahead.result() if self._ahead is not None else self._batch()
        self._ahead = self._thread.submit(self._batch)
        return batch

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        self._at = 0
        if self._param.shuffle:
            self._asked.chance.shuffle(self._order)

    def _batch(self) -> tuple[Tensor, ...]:
        images: list[NDArray[np.uint8]] = []
        labels: list[float] = []
        while len(images) < self._param.batch_size:
            index = int(self._order[self._at])
            images.append(self._picture(index))
            labels.append(float(self._lines[index][1]))
            if images[-1].shape != images[0].shape:
                hint = "Give new_height and new_width."
                raise DataError("The pictures of a batch differ in size.", where=self._place(index), hint=hint)
            self._at += 1
            if self._at == len(self._lines):
                self._begin()
        return self._transformer(torch.from_numpy(np.stack(images))), torch.tensor(labels)

    def _picture(self, index: int) -> NDArray[np.uint8]:
        """Return picture ``index`` of the list as (C, H, W), BGR or grey."""
        path = Path(self._param.root_folder + self._lines[index][0])
        if not path.exists():
            path = self._listed.parent / path
        image = read_picture(path, 3 if self._param.is_color else 1, where=self._place(index))
        size = (self._param.new_width, self._param.new_height)
        if all(size):
            image = np.asarray(cv2.resize(image, size), np.uint8).reshape(size[1], size[0], -1)
        return np.ascontiguousarray(image.transpose(2, 0, 1))

    def _place(self, index: int) -> str:
        return f"{self._listed}:{self._lines[index][2]}"


def read_picture(path: Path, channels: int, *, where: str) -> NDArray[np.uint8]:
    """Return the picture in a file as (H, W, C), BGR or grey.

    Raises:
        DataError: it cannot be read, or is no picture; ``where`` says who wants it.
    """
    try:
        image_HWC = to_channels(decode(path.read_bytes()).image_HWC, channels)
    except OSError as error:
        words = f"{path} cannot be read: {error.strerror}."
        raise DataError(words, where=where, rule="IMG_UNREADABLE") from error
    except DataError as error:
        raise DataError(f"{path}: {error.message}", where=where, rule=error.rule) from error
    return np.ascontiguousarray(image_HWC[:, :, ::-1])


def read_list(path: Path) -> list[tuple[str, int, int]]:
    """Return (path, label, line) of each line of a list; the label is what stands after the last blank.

    Raises:
        DataError: a line has no label, or there is no line.
    """
    rows = []
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            name, _, label = line.strip().rpartition(" ")
            if not line.strip():
                continue
            if not name or not label.lstrip("-").isdecimal():
                text = os.fsencode(line.strip()).decode(errors="replace")[:80]
                raise DataError(f"{text!r} is no path and label.", where=f"{path}:{number}", hint="Write: cat/1.jpg 0")
            rows.append((name.strip(), int(label), number))
    if not rows:
        raise DataError("The list names no picture.", where=str(path))
    return rows
