"""Semantic segmentation: the tutorial's story on drawn streets, a network from scratch that says one class, and a pretrained FCN that learns."""

from __future__ import annotations

from digits.cli import demostreets, streets
from examples.running import Example, Figures, main


def run(example: Example) -> Figures:
    """Tell the classes of drawn streets."""
    story = demostreets.tell(example.client, example.folder / "streets", quick=example.quick)
    failing, learned = streets.reached(story.failing), streets.reached(story.learned)
    return {
        f"Pixels that are {story.floor.label}": story.floor.pixel_accuracy, "Mean IoU of saying so everywhere": story.floor.mean_iou,
        "From scratch: pixels right": failing[0], "From scratch: mean IoU": failing[1],
        "Pretrained: pixels right": learned[0], "Pretrained: mean IoU": learned[1],
    }  # fmt: skip


if __name__ == "__main__":
    main(run)
