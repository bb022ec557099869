"""Which class a box is of: DIGITS' ids of KITTI's types, a list of one's own, or the names that the files have; and other names for them.

DIGITS' id 0 is DontCare: such boxes are ignored. Models learn the classes that are left, numbered from 0 in the order of DIGITS' ids.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digits.core.errors import DataError

DONTCARE = "dontcare"
DEFAULT_IDS: Mapping[str, int] = {
    DONTCARE: 0, "car": 1, "van": 2, "truck": 3, "bus": 4, "pickup": 5, "vehicle-with-trailer": 6, "special-vehicle": 7,
    "person": 8, "pedestrian": 8, "person-fa": 9, "person?": 10, "people": 11, "cyclist": 12, "tram": 13,
    "person_sitting": 14, "misc": 15,
}  # fmt: skip
"""What DIGITS takes types of KITTI for; another is DontCare."""
_SHOWN = 12


def listed(text: str) -> list[str]:
    """Return the names of a comma-separated list, without blanks."""
    return [name.strip() for name in re.split(r"[,\n]", text) if name.strip()]


def parse_mapping(text: str) -> dict[str, str]:
    """Return what names are to be taken for, of ``FOUND=CLASS, FOUND=CLASS`` or a JSON object; keys are casefolded.

    Raises:
        ValueError: it is neither, or names something twice.
    """
    if text.strip().startswith("{"):
        try:
            pairs = [(str(name), str(value)) for name, value in json.loads(text).items()]
        except ValueError as error:
            raise ValueError(f"This is no JSON object: {error}") from None
    else:
        pairs = []
        for entry in listed(text):
            name, mark, value = re.match(r"([^=:]*)([=:]?)(.*)", entry).groups()  # type: ignore[union-attr] # it matches anything
            pairs.append((name.strip(), value.strip() if mark else name.strip()))
    found: dict[str, str] = {}
    for name, value in pairs:
        if not name or not value:
            raise ValueError("Write FOUND=CLASS for each, separated by commas: RBC=red cell, WBC=dontcare.")
        if found.setdefault(name.casefold(), value) != value:
            raise ValueError(f"{name} is mapped twice, to {found[name.casefold()]} and to {value}.")
    return found


@dataclass(frozen=True)
class ClassMap:
    """What the names in annotation files stand for."""

    ids: Mapping[str, int | None]
    """DIGITS' id by casefolded name; None is DontCare. A name that is not here is DontCare, too."""
    names: Mapping[int, str]
    """The classes by DIGITS' id."""
    is_given: bool
    """Somebody listed the classes: each stays, with or without boxes."""

    def id_of(self, label: str) -> int | None:
        """Return DIGITS' id of a name, None for DontCare."""
        return self.ids.get(label.casefold())

    def used(self, counts: Mapping[str, int]) -> list[int]:
        """Return DIGITS' ids of the classes that a dataset has, ascending, where names are found so often; the place in it is the class id.

        Raises:
            DataError: not one box is of any class.
        """
        found = {self.id_of(label) for label, count in counts.items() if count}
        if not found - {None}:
            raise self._nothing(counts)
        return sorted(self.names) if self.is_given else sorted(each for each in found if each is not None)

    def _nothing(self, counts: Mapping[str, int]) -> DataError:
        total = sum(counts.values())
        if not total:
            return DataError(
                "The files of annotations hold not one box.", hint="Is it the right folder?", rule="BOX_NONE"
            )
        wanted = ", ".join(f"{name} 0" for name in list(self.names.values())[:_SHOWN])
        found = ", ".join(f"{label} {count:,}" for label, count in Counter(dict(counts)).most_common(_SHOWN))
        return DataError(
            f"No box is of a class that is asked for: {wanted} of {total:,} boxes. Found: {found}.",
            hint="List the classes (custom classes: dontcare, then the names found), or map the names found to them.",
            rule="CLASS_NONE",
        )  # fmt: skip


def class_map(custom: str, mapping: str, own_names: Sequence[str] | None) -> ClassMap:
    """Return what names stand for.

    Args:
        custom: the list of classes, ids from 0 in its order; "" for none.
        mapping: other names for what is found.
        own_names: the names that the files bring, in the order of their ids; None where those of KITTI are meant.

    Raises:
        ValueError: the mapping makes no sense.
    """
    renamed = parse_mapping(mapping)
    ids: dict[str, int | None] = {}
    names: dict[int, str] = {}
    if listed(custom):
        for number, name in enumerate(listed(custom)):
            _enter(ids, names, name, number)
    elif own_names is None:
        for name, number in DEFAULT_IDS.items():
            _enter(ids, names, name, number)
    else:
        for name in own_names:
            wanted = renamed.get(name.casefold(), name)
            if wanted.casefold() not in ids and not wanted.isdecimal():
                _enter(ids, names, wanted, len(names) + 1)
    given = dict(ids)
    for name, wanted in renamed.items():
        key = wanted.casefold()
        if wanted.isdecimal():
            number = int(wanted)
            if number and number not in names:
                names[number] = next((own for own in own_names or () if own.casefold() == name), name)
            ids[name] = number if number in names else None
        elif key not in ids and listed(custom):
            raise ValueError(f"{name} is mapped to {wanted}, which is not in the list of classes.")
        else:
            if key not in ids:
                _enter(ids, names, wanted, max(names, default=0) + 1)
            ids[name] = given.get(key, ids[key])
    return ClassMap(ids, names, bool(listed(custom)) or own_names is not None)


def _enter(ids: dict[str, int | None], names: dict[int, str], name: str, number: int) -> None:
    is_class = name.casefold() != DONTCARE
    ids[name.casefold()] = number if is_class else None
    if is_class:
        names[number] = name  # of two names for one id the later: pedestrian, not person
