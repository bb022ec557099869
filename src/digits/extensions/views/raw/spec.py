"""The settings of the view: none."""

from __future__ import annotations

from digits.core.spec import Spec


class RawSpec(Spec):
    """All raw data has no settings."""
