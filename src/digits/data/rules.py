"""How pictures are taken from an inventory into databases. Standard library alone: the web process knows these, too."""

from __future__ import annotations

from dataclasses import dataclass, field

DBS = ("train", "val", "test")
UNDECIDED = -1
"""Stands for a database where no source put a picture into one: the shares asked for decide."""
PARSE_TASK = "parse_folder"
"""The task that finds the pictures, by DIGITS' name."""


@dataclass(frozen=True)
class Rules:
    """Which classes and how many of their pictures are taken, and how undecided pictures are shared out."""

    pct_val: float = 0.0
    pct_test: float = 0.0
    least: dict[str, int] = field(default_factory=dict)
    """By database: a class with fewer pictures there is left out; 1 where nothing is said."""
    most: dict[str, int | None] = field(default_factory=dict)
    """By database: pictures of a class beyond this number are left out, at random."""
    labels_given: bool = False
    """The source named all classes itself: each stays, with or without pictures, under its number."""
    dbs_given: bool = False
    """The source said of each picture which database it is for: validation or testing may stay empty."""
    shuffle: bool = True
    """False: every database keeps the source's order."""
