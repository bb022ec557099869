"""Regression: a network tells where a disc is, in a picture with bars that look like it; the numbers come from a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from examples.running import Example, Figures, main, save

SIDE = 32


def draw(folder: Path, count: int) -> Path:
    """Draw discs on grey noise with a bar, and write the table of their places, each a share of the side."""
    rng = np.random.default_rng(1)
    rows = []
    for number in range(count):
        picture = rng.normal(150, 20, (SIDE, SIDE)).clip(0, 255).astype(np.uint8)
        left = int(rng.integers(0, SIDE - 6))
        cv2.rectangle(picture, (left, 0), (left + 4, SIDE), 90, cv2.FILLED)
        x, y = (int(each) for each in rng.integers(5, SIDE - 5, 2))
        cv2.circle(picture, (x, y), int(rng.integers(3, 6)), 20, cv2.FILLED)
        save(picture, folder / "pictures" / f"{number:05d}.png")
        rows.append((f"pictures/{number:05d}.png", x / SIDE, y / SIDE))
    with (folder / "places.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "x", "y"), *rows])
    return folder / "places.csv"


def run(example: Example) -> Figures:
    """Learn where a disc is."""
    table = draw(example.folder, example.few(2000, 200))
    dataset = example.dataset("Discs", "generic/create/image-regression", train_file=table, channel_conversion="L")
    model = example.train(
        "Where the disc is", dataset, Path(__file__).with_name("network.prototxt"), train_epochs=example.few(20, 2), batch_size=32,
        solver_type="ADAM", learning_rate=0.001, use_mean="none",
    )  # fmt: skip
    found = example.evaluate(model)
    return {
        "Mean absolute error, pixels": SIDE * found["metrics"]["mae"],
        "Share of the error of the mean alone": found["metrics"]["of_mean"],
    }


if __name__ == "__main__":
    main(run)
