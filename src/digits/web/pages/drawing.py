"""Small pictures as SVG, drawn here so that no script is needed to see them; colours come from the style sheet's classes."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

SPARK_WIDTH, SPARK_HEIGHT = 120, 24


def sparkline(values: Sequence[float], *, css: str = "line-2", fill: str = "fill-2") -> Markup:
    """Return a curve of 120 × 24 px with its last point marked; "" where there are fewer than two values."""
    if len(values) < 2:
        return Markup("")
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = (SPARK_WIDTH - 6) / (len(values) - 1)
    places = [
        f"{2 + index * step:.1f},{SPARK_HEIGHT - 3 - (value - low) / span * (SPARK_HEIGHT - 6):.1f}"
        for index, value in enumerate(values)
    ]
    x, y = places[-1].split(",")
    label = f"From {values[0]:.4g} to {values[-1]:.4g}"
    return Markup(
        '<svg class="sparkline" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<polyline class="{css}" points="{points}"/><rect class="{fill}" x="{x}" y="{y}" width="4" height="4"/></svg>'
    ).format(
        w=SPARK_WIDTH, h=SPARK_HEIGHT, label=label, css=css, fill=fill, points=" ".join(places),
        x=f"{float(x) - 2:.1f}", y=f"{float(y) - 2:.1f}",
    )  # fmt: skip


def histogram(
    labels: Sequence[str],
    stacks: Sequence[tuple[str, Sequence[int]]],
    *,
    links: Sequence[str] = (),
    width: int = 620,
    height: int = 210,
) -> Markup:
    """Return bars of one class each, the parts of a bar stacked ([(css class, count of each class)], the lowest first).

    Numbers stand above the bars and labels below them while there is room for both.
    """
    count = len(labels)
    if not count:
        return Markup("")
    totals = [sum(values[index] for _, values in stacks) for index in range(count)]
    top, bottom = 26, 26
    scale = (height - top - bottom) / max(1, *totals)
    pitch = width / count
    bar = min(26.0, max(1.0, pitch * (0.44 if count <= 24 else 0.8)))
    parts = [Markup('<line class="axis" x1="0" x2="{w}" y1="{y}" y2="{y}"/>').format(w=width, y=height - bottom + 0.5)]
    written = pitch >= 34
    for index in range(count):
        x = pitch * (index + 0.5)
        parts.append(_bar(index, x, bar, stacks, scale, height - bottom, f"{labels[index]}: {totals[index]:,}"))
        if written:
            y = height - bottom - totals[index] * scale - 8
            parts.append(
                Markup('<text x="{x}" y="{y}">{text}</text>').format(
                    x=f"{x:.1f}", y=f"{y:.1f}", text=f"{totals[index]:,}"
                )
            )
            name = _short(labels[index], int(pitch / 6.5))
            text = Markup('<text x="{x}" y="{y}">{text}</text>').format(x=f"{x:.1f}", y=height - 8, text=name)
            parts.append(Markup('<a href="{href}">{text}</a>').format(href=links[index], text=text) if links else text)
    if not written:
        parts.append(_ends(labels, width, height))
    return Markup('<svg class="histogram" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{parts}</svg>').format(
        w=width, h=height, label=_spoken(labels, totals), parts=Markup("").join(parts)
    )


def _bar(
    index: int, x: float, bar: float, stacks: Sequence[tuple[str, Sequence[int]]], scale: float, base: float, title: str
) -> Markup:
    y = base
    rects = []
    for css, values in stacks:
        tall = values[index] * scale
        y -= tall
        rects.append(
            Markup('<rect class="{css}" x="{x}" y="{y}" width="{w}" height="{h}"/>').format(
                css=css, x=f"{x - bar / 2:.1f}", y=f"{y:.1f}", w=f"{bar:.1f}", h=f"{tall:.1f}"
            )
        )
    return Markup("<g><title>{title}</title>{rects}</g>").format(title=title, rects=Markup("").join(rects))


def _ends(labels: Sequence[str], width: int, height: int) -> Markup:
    first = Markup('<text class="start" x="0" y="{y}">{text}</text>').format(y=height - 8, text=_short(labels[0], 24))
    last = Markup('<text class="end" x="{x}" y="{y}">{text}</text>').format(
        x=width, y=height - 8, text=_short(labels[-1], 24)
    )
    return first + last


def _short(text: str, room: int) -> str:
    return text if len(text) <= max(room, 3) else text[: max(room, 3) - 1] + "…"


def _spoken(labels: Sequence[str], totals: Sequence[int]) -> str:
    listed = ", ".join(f"{label} {total:,}" for label, total in list(zip(labels, totals, strict=True))[:30])
    return listed + (" …" if len(labels) > 30 else "")
