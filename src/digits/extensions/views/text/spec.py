"""The settings of the view."""

from __future__ import annotations

from digits.core.spec import Spec, field


class TextViewSpec(Spec):
    """How much is shown."""

    top: int = field(5, title="Classes", description="So many of the best classes are shown.", ge=1, le=100)
