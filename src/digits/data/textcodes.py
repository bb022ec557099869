"""Texts as rows of numbers, a byte a character, and back. Legend: HWC = height 1, width = characters, 1 channel of uint8."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Characters:
    """Numbers characters from 1; what is not of the alphabet, and what fills a text up, is one more than there are."""

    def __init__(self, alphabet: str) -> None:
        self._ids = {character: number for number, character in enumerate(alphabet, 1)}
        self._alphabet, self._other = alphabet, len(alphabet) + 1

    def encode(self, text: str, length: int) -> NDArray[np.uint8]:
        """Return the first ``length`` characters of ``text`` as [1, length, 1]."""
        numbers = [self._ids.get(each, self._other) for each in text[:length].lower()[:length]]
        out_HWC = np.full((1, length, 1), self._other, np.uint8)
        out_HWC[0, : len(numbers), 0] = numbers
        return out_HWC

    def decode(self, numbers: NDArray[np.uint8]) -> str:
        """Return the text of a row of numbers; characters that are not of the alphabet as blanks, none at its end."""
        size = len(self._alphabet)
        return "".join(
            self._alphabet[each - 1] if 1 <= each <= size else " " for each in numbers.ravel().tolist()
        ).rstrip()
