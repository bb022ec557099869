"""What a view's ``render`` is written with."""

from digits.data.encode import encode_png
from digits.data.images import visible
from digits.data.views import Outputs, Render, Rendered, Truth, ViewFacts

__all__ = ["Outputs", "Render", "Rendered", "Truth", "ViewFacts", "encode_png", "visible"]
