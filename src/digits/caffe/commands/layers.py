"""``digits caffe layers``: the layer types there are, each with the first line of its documentation."""

from __future__ import annotations

from digits.networks.layers.registry import NOT_BUILT_YET, converters


def layers() -> list[tuple[str, str, bool]]:
    """Return name, words and whether it runs here, of every layer type that is known; sorted."""
    rows = [(name, _words(converter.summary), True) for name, converter in converters().items()]
    rows += [(name, f"{whose}: parsed and drawn, not built yet.", False) for name, whose in NOT_BUILT_YET.items()]
    return sorted(rows, key=lambda row: row[0].lower())


def _words(summary: str) -> str:
    """Return a documentation's line without the type's name and the marks of code: "Caffe ``ReLU``: negative ..."."""
    whose, _, words = summary.partition("``: ")
    text = (words or summary).replace("``", "")
    return f"{text} ({whose.partition(' ')[0]})" if words and not whose.startswith("Caffe ") else text
