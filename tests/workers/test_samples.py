from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from digits.core.errors import NotFoundError
from digits.workers.samples import Samples


@dataclass(frozen=True)
class Picture:
    name: str
    data: bytes


def test_of_too_many_pictures_the_look_goes_that_was_used_least_recently() -> None:
    kept = Samples(max_bytes=25)
    first, second = kept.keep([Picture("a", bytes(10))]), kept.keep([Picture("b", bytes(10))])
    kept.of(first)

    third = kept.keep([Picture("c", bytes(10))])

    assert [kept.of(look)[0].name for look in (first, third)] == ["a", "c"]
    with pytest.raises(NotFoundError, match="kept no more"):
        kept.of(second)


def test_nobody_guesses_the_name_of_a_look() -> None:
    kept = Samples()

    assert re.fullmatch("[0-9a-f]{32}", kept.keep([]))
    assert kept.keep([]) != kept.keep([])
