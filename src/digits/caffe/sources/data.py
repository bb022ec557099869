"""Source of ``Data``: the records of an LMDB in the order of their keys (or, shuffled, in none), round and round, across the end inside a batch."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffe.sources.registry import Asked, Source, source
from digits.caffe.sources.transform import Transformer
from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from digits.data.decode import decode
from digits.data.images import to_channels
from digits.data.records import read_datum
from digits.data.shardfile import MANIFEST, open_records
from digits.networks.layers.registry import Shape

Picture = NDArray[np.uint8] | NDArray[np.float32]


@source("Data")
def data(asked: Asked) -> Source:
    """Return the source of a ``Data`` layer.

    Raises:
        DigitsError: there is no such database, it holds nothing, or no batch size is given.
    """
    return RecordSource(asked)


class RecordSource:
    """Batches of (pictures, labels); the labels only for a second top."""

    def __init__(self, asked: Asked) -> None:
        param, self._asked = asked.message.data_param, asked
        if not param.batch_size:
            raise asked.layer.error(
                "batch_size must be given and be at least 1.", "data_param.batch_size", "data_param"
            )
        if len(asked.message.top) > 2:
            raise asked.layer.error("a Data layer has one or two tops.", "top")
        self._batch_size = param.batch_size
        where = asked.layer.error("", "data_param.source", "data_param").where
        path = asked.folders.find(param.source, what="database", where=where)
        if path.is_dir() and not any((path / name).exists() for name in ("data.mdb", MANIFEST)):
            raise DataError(
                f"{path} is no LMDB.",
                where=where,
                hint="LevelDB is not read: docs/howto/caffe-projects.md has five lines that make an LMDB of it.",
            )
        self._file = open_records(path)
        if not len(self._file):
            raise DataError(f"The database {path} holds no record.", where=where)
        self._transformer = Transformer(asked)
        self._records = self._endless(int(asked.chance.integers(0, param.rand_skip + 1)) if param.rand_skip else 0)
        first = next(self._records)
        self._waiting: list[tuple[Picture, int]] = [self._decoded(first)]
        # Decoding lets other threads run, and is then worth one of its own; reading raw pictures is not.
        self._thread = ThreadPoolExecutor(1, "records") if read_datum(first).encoded else None
        self._ahead: Future[tuple[Tensor, ...]] | None = None

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of the pictures and, for a second top, the labels."""
        if self._ahead is not None:
            return tuple(tuple(top.shape) for top in self._ahead.result())
        if not self._waiting:
            self._waiting.append(self._decoded(next(self._records)))
        picture = self._transformer.shape(self._waiting[0][0].shape)
        return ((self._batch_size, *picture), (self._batch_size,))[: len(self._asked.message.top)]

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch.

        Raises:
            DataError: a record cannot be decoded, or has another size than those before it.
        """
        if self._thread is None:
            return self._batch()
        batch = self._ahead.result() if self._ahead is not None else self._batch()
        self._ahead = self._thread.submit(self._batch)
        return batch

    def close(self) -> None:
        """Close the database."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        self._records.close()
        self._file.close()

    def _batch(self) -> tuple[Tensor, ...]:
        rows, self._waiting = self._waiting, []
        while len(rows) < self._batch_size:
            rows.append(self._decoded(next(self._records)))
        shape = rows[0][0].shape
        odd = next((picture.shape for picture, _ in rows if picture.shape != shape), None)
        if odd is not None:
            sizes = [" x ".join(map(str, each)) for each in (shape, odd)]
            where = self._asked.layer.error("").where
            raise DataError(
                f"One batch has pictures of {sizes[0]} and of {sizes[1]}.", where=where, hint="Resize them."
            )
        images = torch.from_numpy(np.stack([picture for picture, _ in rows]))
        labels = torch.tensor([float(label) for _, label in rows])
        return (self._transformer(images), labels)[: len(self._asked.message.top)]

    def _endless(self, num_skipped: int) -> Generator[bytes]:
        while True:
            for record in self._shuffled() if self._asked.message.data_param.shuffle else self._file.records():
                if num_skipped:
                    num_skipped -= 1
                else:
                    yield record

    def _shuffled(self) -> Iterator[bytes]:
        """Yield each record once, in an order that is drawn (NVCaffe's)."""
        keys = list(self._file.keys())
        self._asked.chance.shuffle(keys)
        for key in keys:
            record = self._file.get(key)
            assert record is not None, "databases are never changed"
            yield record

    def _decoded(self, record: bytes) -> tuple[Picture, int]:
        """Return a record's picture as (C, H, W), BGR where it has 3 channels, and its label."""
        datum = read_datum(record)
        if datum.encoded:
            image_HWC = decode(bytes(datum.data)).image_HWC
            if self._asked.message.data_param.force_encoded_color:
                image_HWC = to_channels(image_HWC, 3)
            return planes(image_HWC, self._asked.message.transform_param), datum.label
        shape = (datum.channels, datum.height, datum.width)
        values: Picture = np.frombuffer(datum.data, np.uint8)
        if not values.size:  # numbers that are no bytes
            values = np.array(caffe_pb2.Datum.FromString(record).float_data, np.float32)
        if values.size != prod(shape):
            size = " x ".join(map(str, shape))
            raise DataError(f"A record of {size} has {values.size} values.", rule="RECORD_BROKEN")
        return values.reshape(shape), datum.label


def planes(image_HWC: NDArray[np.uint8], param: caffe_pb2.TransformationParameter) -> NDArray[np.uint8]:
    """Return a decoded picture as Caffe has it: (C, H, W), BGR; in colour or grey where ``param`` forces it."""
    if param.force_color or param.force_gray:
        image_HWC = to_channels(image_HWC, 3 if param.force_color else 1)
    return np.ascontiguousarray(image_HWC[:, :, ::-1].transpose(2, 0, 1))
