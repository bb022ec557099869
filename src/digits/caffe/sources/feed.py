"""All sources of one network: the shapes of its data, and batch after batch."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
from torch import Tensor

from digits.caffe.definitions import Definition
from digits.caffe.sources.registry import Asked, Source, sources
from digits.core.errors import NetworkError
from digits.networks.layers.registry import Phase, Shape

SELF_FED = ("Input", "DummyData", "MemoryData")
"""Data layers that need no source: a caller fills them, or they fill themselves."""


class Feed:
    """What the data layers of a filtered definition bring in.

    Args:
        definition: the layers of one state.
        phase: of the network.
        seed: of what is drawn.
        given: blobs that the caller brings in himself; a layer of which all tops are given needs no source.

    Raises:
        DigitsError: a data layer has no source, or its source cannot be opened.
    """

    def __init__(
        self, definition: Definition, phase: Phase, *, seed: int | None = None, given: Container[str] = ()
    ) -> None:
        seeds = np.random.SeedSequence(seed)  # one for each source, since they draw in threads of their own
        self.open: list[tuple[tuple[str, ...], Source]] = []
        """Each source with the blobs that it makes."""
        try:
            for message in definition.message.layer:
                if message.bottom or message.type in SELF_FED or all(top in given for top in message.top):
                    continue
                asked = Asked(
                    message, phase, definition.where, definition.folders, np.random.default_rng(seeds.spawn(1)[0])
                )
                if message.type in sources():
                    self.open.append((tuple(message.top), sources()[message.type](asked)))
                elif "Data" in message.type:
                    raise _no_source(asked)
        except BaseException:
            self.close()
            raise

    @property
    def blobs(self) -> tuple[str, ...]:
        """Names of the blobs that are brought in."""
        return tuple(top for tops, _ in self.open for top in tops)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Of the blobs of the next batch."""
        return {top: shape for tops, each in self.open for top, shape in zip(tops, each.shapes, strict=True)}

    def next(self) -> dict[str, Tensor]:
        """Return the next batch by blob name."""
        return {top: blob for tops, each in self.open for top, blob in zip(tops, each.next(), strict=True)}

    def close(self) -> None:
        """Let go of files and threads."""
        for _, each in self.open:
            each.close()
        self.open = []


def _no_source(asked: Asked) -> NetworkError:
    return asked.layer.error(
        f"nothing here reads the data of a {asked.message.type} layer.",
        "type",
        hint=f"Known: {', '.join(sources())}.",
    )
