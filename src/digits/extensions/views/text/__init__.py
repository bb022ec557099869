"""Text classification: the text that a picture stands for, and its classes."""

from digits.core.extensions import ViewExtension
from digits.extensions.views.text.spec import TextViewSpec

_HERE = "digits.extensions.views.text"

EXTENSION = ViewExtension(
    name="text-classification",
    title="Text classification",
    spec=TextViewSpec,
    render=f"{_HERE}.render:render",
    template=f"{_HERE}:template.html",
    kinds=("class",),
    default_of=("text-classification",),
    most=12,
)
