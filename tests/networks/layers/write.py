"""Definitions for tests, written shortly."""

from __future__ import annotations


def layer(kind: str, bottoms: str, tops: str, settings: str = "", *, name: str = "") -> str:
    """Return the text of a layer; blobs are parted by blanks, and the name is the first top's unless given."""
    bottom = " ".join(f'bottom: "{blob}"' for blob in bottoms.split())
    top = " ".join(f'top: "{blob}"' for blob in tops.split())
    name = name or tops.split()[0] if tops or name else f"{kind}_{bottoms.split()[0]}"
    return f'layer {{ name: "{name}" type: "{kind}" {bottom} {top} {settings} }}\n'


def inputs(**shapes: tuple[int, ...]) -> str:
    """Return an Input layer for each blob."""
    texts = []
    for name, shape in shapes.items():
        dims = " ".join(f"dim: {size}" for size in shape)
        texts.append(layer("Input", "", name, f"input_param {{ shape {{ {dims} }} }}"))
    return "".join(texts)
