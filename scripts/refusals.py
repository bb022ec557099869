"""``python -m scripts.refusals``: write the page of the rules by which something is refused."""

from __future__ import annotations

from pathlib import Path

from digits.core.refusals import page

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/refusals.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
