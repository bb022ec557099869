"""Binary segmentation: which pixels are of a triangle, among discs and bars that are not; labels are black and white pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from examples.running import Example, Figures, main, save

SIDE = 64


def draw(folder: Path, count: int) -> None:
    """Draw pictures, and white triangles on black for their labels."""
    rng = np.random.default_rng(1)
    for number in range(count):
        picture = rng.normal(120, 15, (SIDE, SIDE)).clip(0, 255).astype(np.uint8)
        label = np.zeros_like(picture)
        for _ in range(2):
            place = tuple(int(each) for each in rng.integers(0, SIDE, 2))
            cv2.circle(picture, place, int(rng.integers(5, 12)), int(rng.integers(150, 250)), cv2.FILLED)
        at, turn, size = rng.integers(16, SIDE - 16, 2), rng.uniform(0, 2 * np.pi), rng.uniform(10, 20)
        angles = turn + np.array([0, 1, 2]) * 2 * np.pi / 3
        corners = (at + size * np.stack([np.cos(angles), np.sin(angles)], 1)).round().astype(np.int32)
        cv2.fillPoly(picture, [corners], int(rng.integers(150, 250)))
        cv2.fillPoly(label, [corners], 255)
        save(picture, folder / "pictures" / f"{number:05d}.png")
        save(label, folder / "labels" / f"{number:05d}.png")


def run(example: Example) -> Figures:
    """Find the pixels of triangles."""
    draw(example.folder, example.few(600, 60))
    names = example.folder / "names.txt"
    names.write_text("background\ntriangle\n", encoding="utf-8")
    dataset = example.dataset(
        "Triangles", "images/segmentation", feature_folder=example.folder / "pictures", label_folder=example.folder / "labels",
        colormap_method="found", class_labels_file=names, folder_pct_val=20,
    )  # fmt: skip
    model = example.train(
        "Triangles", dataset, Path(__file__).with_name("network.prototxt"), train_epochs=example.few(30, 2), batch_size=16,
        solver_type="ADAM", learning_rate=0.002, lr_policy="cosine", use_mean="none",
    )  # fmt: skip
    return {
        "Pixels right": example.curve(model, "pixel_accuracy/val")[-1],
        "Mean IoU": example.curve(model, "mean_iou/val")[-1],
        "IoU of triangles": example.curve(model, "iou/triangle/val")[-1],
    }


if __name__ == "__main__":
    main(run)
