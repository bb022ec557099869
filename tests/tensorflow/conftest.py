"""The small real dataset of the other trainings' tests."""

from __future__ import annotations

from tests.training.conftest import new_model, shapes

__all__ = ["new_model", "shapes"]
