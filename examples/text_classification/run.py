"""Text classification: what is a sentence about? Characters are numbers, and convolutions along them find words."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from examples.running import SEED, Example, Figures, main

CHARACTERS = 64
WORDS = {
    "weather": "rain snow wind cloud storm sun frost fog thunder breeze hail drizzle",
    "kitchen": "bread salt oven butter soup knife onion flour pepper spoon honey rice",
    "music": "drum violin chorus melody piano flute rhythm song guitar opera tempo choir",
    "travel": "train ticket harbour luggage road hotel island bridge map ferry airport tram",
}
FILL = "the a of with and then again some our your that this before after very never only one two more"
SENTENCE = "Then our ferry left the harbour, and the island was small again."


def write(path: Path, count: int, seed: int) -> Path:
    """Write sentences of filling words with two or three of one topic among them, a row each: class, text."""
    rng = np.random.default_rng(seed)
    topics = list(WORDS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for _ in range(count):
            topic = topics[rng.integers(len(topics))]
            words = [
                *rng.choice(FILL.split(), rng.integers(4, 7)),
                *rng.choice(WORDS[topic].split(), rng.integers(2, 4)),
            ]
            rng.shuffle(words)
            writer.writerow((topic, " ".join(words).capitalize() + "."))
    return path


def run(example: Example) -> Figures:
    """Learn four topics, by Caffe and by PyTorch, and ask about a sentence."""
    dataset = example.dataset(
        "Topics", "generic/create/text-classification", max_chars_per_sample=CHARACTERS,
        train_data_file=write(example.folder / "train.csv", example.few(3000, 200), SEED),
        val_data_file=write(example.folder / "val.csv", example.few(600, 60), SEED + 1),
    )  # fmt: skip
    figures = {}
    for framework, network in (("Caffe", "network.prototxt"), ("Torch", "network.py")):
        model = example.train(
            f"Topics by {framework}", dataset, Path(__file__).with_name(network), train_epochs=example.few(6, 1), batch_size=32,
            solver_type="ADAM", learning_rate=0.003, use_mean="none",
        )  # fmt: skip
        figures[f"{framework}: accuracy"] = example.evaluate(model)["metrics"]["accuracy"]
        (answer,) = example.infer(model, snippet=SENTENCE).values()
        figures[f"{framework}: {SENTENCE!r} is of travel"] = answer["softmax"][0][sorted(WORDS).index("travel")]
    return figures


if __name__ == "__main__":
    main(run)
