"""A denoising autoencoder: digits with noise go in, and come out without it, through 32 numbers."""

from __future__ import annotations

from pathlib import Path

from examples.running import Example, Figures, main

NOISE = 50


def run(example: Example) -> Figures:
    """Learn to take noise away, by Caffe and by PyTorch."""
    folder = example.digits(example.few(5000, 300))
    dataset = example.dataset(
        "Noisy digits", "generic/create/image-processing", feature_folder=folder, label_folder=folder, noise=NOISE,
        channel_conversion="L",
    )  # fmt: skip
    figures = {}
    for framework, network in (("Caffe", "network.prototxt"), ("Torch", "network.py")):
        model = example.train(
            f"Denoising by {framework}", dataset, Path(__file__).with_name(network), train_epochs=example.few(15, 2), batch_size=50,
            solver_type="ADAM", learning_rate=0.002, use_mean="none",
        )  # fmt: skip
        metrics = example.evaluate(model)["metrics"]
        figures[f"{framework}: signal to noise, dB"] = metrics["psnr"]
        figures[f"{framework}: mean absolute error, 0 to 1"] = metrics["mae"]
    return figures


if __name__ == "__main__":
    main(run)
