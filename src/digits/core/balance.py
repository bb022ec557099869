"""Which ways of balancing classes a kind of answer has: said by the form and by the training alike."""

from __future__ import annotations


def unbalanced(balance: str, target_kind: str) -> str:
    """Return why classes cannot be balanced so, in words; "" where they can."""
    if balance == "none" or target_kind == "class" or (balance == "weights" and target_kind == "mask"):
        return ""
    if target_kind == "mask":
        return "A picture has many classes here, so pictures cannot be drawn by theirs: weigh the classes instead."
    return "Classes can be balanced where each picture has one class; here its label is more."
