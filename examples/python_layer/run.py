"""A layer written in Python: in training it hides a square of each picture, so that the network learns to look at more than one place."""

from __future__ import annotations

from pathlib import Path

from examples.running import Example, Figures, main

CLASSIFICATION = "images/classification"


def run(example: Example) -> Figures:
    """Train a network that has a layer of ``digits_python_layers.py``, which goes with it to the server."""
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
    here = Path(__file__)
    model = example.train(
        "Squares hidden", dataset, here.with_name("network.prototxt"), route=CLASSIFICATION, train_epochs=example.few(3, 1), batch_size=32,
        python_layer_server_file=here.with_name("digits_python_layers.py"),
    )  # fmt: skip
    return {"Accuracy": example.curve(model, "accuracy/val")[-1]}


if __name__ == "__main__":
    main(run)
