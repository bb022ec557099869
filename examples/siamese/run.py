"""A siamese network: are two digits the same one? Both go through the same weights; alike ones come out near each other."""

from __future__ import annotations

from pathlib import Path

from examples.running import Example, Figures, main


def run(example: Example) -> Figures:
    """Learn when two digits are alike, by Caffe and by PyTorch."""
    folder = example.digits(example.few(4000, 300))
    dataset = example.dataset(
        "Pairs of digits", "generic/create/image-pairs", image_folder=folder, pair_count=example.few(20_000, 600)
    )
    figures = {}
    for framework, network in (("Caffe", "network.prototxt"), ("Torch", "network.py")):
        model = example.train(
            f"Alike or not, by {framework}", dataset, Path(__file__).with_name(network), train_epochs=example.few(5, 2), batch_size=64,
            solver_type="ADAM", learning_rate=0.001, use_mean="none",
        )  # fmt: skip
        figures[f"{framework}: accuracy at half the margin"] = example.evaluate(model)["metrics"]["accuracy"]
    return figures


if __name__ == "__main__":
    main(run)
