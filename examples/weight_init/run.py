"""Weight initialisation: the same network of six layers, three ways to begin."""

from __future__ import annotations

from pathlib import Path

from examples.running import Example, Figures, main

CLASSIFICATION = "images/classification"
FILLERS = {
    "all zero": 'type: "constant" value: 0',
    "normal, 0.01": 'type: "gaussian" std: 0.01',
    "Xavier": 'type: "xavier"',
    "MSRA": 'type: "msra"',
}


def run(example: Example) -> Figures:
    """Train one network from each of the fillers, by the same steps on the same batches."""
    folder = example.digits(example.few(3000, 300))
    dataset = example.dataset(
        "Digits",
        CLASSIFICATION,
        method="folder",
        folder_train=folder,
        resize_channels=1,
        resize_width=28,
        resize_height=28,
    )
    text = Path(__file__).with_name("network.prototxt").read_text(encoding="utf-8")
    figures = {}
    for title, filler in FILLERS.items():
        network = example.folder / "network.prototxt"
        network.write_text(text.replace("FILLER", filler), encoding="utf-8")
        model = example.train(
            f"Weights: {title}", dataset, network, route=CLASSIFICATION, train_epochs=example.few(3, 1), batch_size=32, learning_rate=0.05,
        )  # fmt: skip
        figures[f"Accuracy from {title}"] = example.curve(model, "accuracy/val")[-1]
    return figures


if __name__ == "__main__":
    main(run)
