"""Numbers, times and sizes as people read them on every page; also the filters of the templates.

Numbers have thousands commas, a space before a unit, a true minus; a missing value is a dash.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from jinja2 import Environment

DASH = "–"
MINUS = "−"


def commas(value: float | None) -> str:
    """Return ``45002`` as "45,002"; no decimals."""
    return DASH if value is None else f"{round(value):,}".replace("-", MINUS)


def rate(value: float | None) -> str:
    """Return how many a second: "3,690", of few with a decimal: "0.4"."""
    return commas(value) if value is None or value >= 10 else f"{value:.1f}"


def counted(value: int, one: str, many: str = "") -> str:
    """Return "1 picture" or "45,002 pictures"."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def brief_hash(text: str) -> str:
    """Return the first digits of a "sha256:..." hash, enough to tell two apart by eye; JSON has all."""
    return text.removeprefix("sha256:")[:16]


def size(num_bytes: float | None) -> str:
    """Return bytes in decimal units: "281 B", "3 kB", "17.9 MB"."""
    if num_bytes is None:
        return DASH
    value, unit = float(num_bytes), "B"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, bigger
    digits = 0 if unit == "B" or value >= 99.95 or (unit == "kB" and value >= 9.95) else 1
    text = f"{value:.{digits}f}"
    return f"{text.removesuffix('.0')} {unit}"


def figure(value: float | None) -> str:
    """Return a loss or a rate in four significant places: "0.0313", "7.31e-06", "NaN"."""
    if value is None:
        return DASH
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    if value != 0 and (abs(value) < 1e-4 or abs(value) >= 1e6):
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", MINUS)
    return f"{value:.4f}".replace("-", MINUS)


def plain(value: float | None) -> str:
    """Return a number as it was typed: 0.5, 33, 0.0001."""
    if value is None:
        return DASH
    return f"{value:.12g}"


def percent(share: float | None, places: int = 2) -> str:
    """Return a share 0..1 as "99.07", without the sign, which stands in the head of a column."""
    if share is None:
        return DASH
    return "NaN" if math.isnan(share) else f"{share * 100:.{places}f}"


def whole_percent(share: float) -> int:
    """Return 0.998 as 99: nothing is 100 % before it is done."""
    return math.floor(min(max(share, 0.0), 1.0) * 100 + 1e-9)


def brief(seconds: float | None) -> str:
    """Return "44s", "1m 18s", "2h 4m", "3d 1h": the two largest units."""
    if seconds is None:
        return DASH
    left = max(0, round(seconds))
    days, left = divmod(left, 86_400)
    hours, left = divmod(left, 3600)
    minutes, left = divmod(left, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (left, "s")]
    return _two_largest([(value, unit) for value, unit in parts], " ", "0s")


def spoken(seconds: float | None) -> str:
    """Return DIGITS' words: "1 second", "1 minute, 29 seconds"."""
    if seconds is None:
        return "?"
    left = max(0, round(seconds))
    days, left = divmod(left, 86_400)
    hours, left = divmod(left, 3600)
    minutes, left = divmod(left, 60)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute"), (left, "second")]
    named = [(value, f" {unit}{'' if value == 1 else 's'}") for value, unit in parts]
    return _two_largest(named, ", ", "0 seconds")


def _two_largest(parts: list[tuple[int, str]], between: str, nothing: str) -> str:
    first = next((index for index, (value, _) in enumerate(parts) if value), None)
    if first is None:
        return nothing
    return between.join(f"{value}{unit}" for value, unit in parts[first : first + 2] if value)


def clock(moment: float | None) -> str:
    """Return the server's local time of day: "14:02:12"."""
    return DASH if moment is None else time.strftime("%H:%M:%S", time.localtime(moment))


def when(moment: float | None, *, now: float | None = None) -> str:
    """Return "Today 14:29" or "Nov 23, 26"."""
    if moment is None:
        return DASH
    then, today = time.localtime(moment), time.localtime(time.time() if now is None else now)
    if then[:3] == today[:3]:
        return time.strftime("Today %H:%M", then)
    return f"{time.strftime('%b', then)} {then.tm_mday}, {then.tm_year % 100:02d}"


def when_within(moment: float | None) -> str:
    """Return ``when`` as it stands within a sentence: "today 14:29"."""
    return when(moment).replace("Today", "today")


def moment(value: float | None) -> str:
    """Return a time in full, for what shows under the pointer: "2026-11-24 14:29:18"."""
    return DASH if value is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value))


def epoch(value: float) -> str:
    """Return a snapshot's epoch as DIGITS names it: at most three decimals, whole when whole."""
    return f"{round(value, 3):.12g}"


def in_path(value: object) -> str:
    """Return ``value`` as one part of an address."""
    return quote(str(value), safe="")


def home_path(path: object) -> str:
    """Return a path with the home folder as "~", as people know it."""
    from pathlib import Path

    text, home = str(path), str(Path.home())
    return "~" + text.removeprefix(home) if text.startswith(home + "/") else text


FILTERS: dict[str, Any] = {
    "brief": brief, "clock": clock, "commas": commas, "epoch": epoch, "figure": figure, "home_path": home_path,
    "in_path": in_path, "moment": moment, "percent": percent, "plain": plain, "rate": rate, "size": size, "spoken": spoken,
    "when": when, "when_within": when_within, "whole_percent": whole_percent,
}  # fmt: skip


def install(environment: Environment) -> None:
    """Give the templates these words as filters, ``counted`` as a function, and what pages of results compute."""
    from digits.web.pages import results

    environment.filters.update(FILTERS)
    environment.globals["counted"] = counted
    results.install(environment)
