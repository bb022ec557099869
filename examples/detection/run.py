"""Object detection: red and white cells are found in drawn smears; the boxes come as KITTI files, as DIGITS reads them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from examples.running import Example, Figures, main, save

WIDTH, HEIGHT = 160, 128
KINDS = {"red": ((120, 120, 210), 8, 11), "white": ((180, 110, 140), 13, 17)}
"""Colour (BGR) and radii."""


def draw(folder: Path, count: int) -> None:
    """Draw cells that may touch on a noisy ground, and write a box for each."""
    rng = np.random.default_rng(1)
    for number in range(count):
        picture = rng.normal(215, 8, (HEIGHT, WIDTH, 3)).clip(0, 255).astype(np.uint8)
        lines = []
        for kind, (colour, least, most) in KINDS.items():
            for _ in range(int(rng.integers(1, 5))):
                radius = int(rng.integers(least, most))
                x, y = (int(rng.integers(radius, side - radius)) for side in (WIDTH, HEIGHT))
                cv2.circle(picture, (x, y), radius, colour, cv2.FILLED)
                cv2.circle(picture, (x, y), radius // 2, tuple(each - 30 for each in colour), cv2.FILLED)
                box = f"{x - radius} {y - radius} {x + radius + 1} {y + radius + 1}"
                lines.append(f"{kind} 0 0 0 {box} 0 0 0 0 0 0 0\n")
        save(picture, folder / "pictures" / f"{number:05d}.png")
        label = folder / "labels" / f"{number:05d}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(lines), encoding="utf-8")


def run(example: Example) -> Figures:
    """Find cells."""
    draw(example.folder, example.few(240, 24))
    dataset = example.dataset(
        "Drawn cells", "images/object-detection", train_image_folder=example.folder / "pictures", train_label_folder=example.folder / "labels",
        folder_pct_val=25, padding_image_width="", padding_image_height="", custom_classes="dontcare, red, white", val_min_box_size=0,
    )  # fmt: skip
    model = example.train(
        "Cells", dataset, Path(__file__).with_name("network.py"), train_epochs=example.few(30, 2), batch_size=8, solver_type="ADAM",
        learning_rate=0.002, lr_policy="cosine", use_mean="none",
    )  # fmt: skip
    return {
        name: example.curve(model, f"{series}/val")[-1]
        for name, series in (("mAP@0.5", "map50"), ("mAP@[.5:.95]", "map50_95"))
    }


if __name__ == "__main__":
    main(run)
