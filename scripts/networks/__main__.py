"""``python -m scripts.networks``: write every definition of ``TEXTS`` into its folder, then the page about all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scripts.networks import dense, inception, plain, reference, residual

ROOT = Path(__file__).resolve().parents[2]
STANDARD = ROOT / "src/digits/networks/standard"
PAGE = ROOT / "docs/reference/networks.md"
TEXTS: dict[str, Callable[[], str]] = {
    "caffenet": plain.caffenet,
    "vgg16": plain.vgg16,
    "resnet18": residual.resnet18,
    "resnet50": residual.resnet50,
    "inceptionv3": inception.inception_v3,
    "squeezenet": plain.squeezenet_v1_0,
    "squeezenet_v1_1": plain.squeezenet_v1_1,
    "mobilenet": residual.mobilenet,
    "mobilenetv2": residual.mobilenetv2,
    "fcn_alexnet": dense.fcn_alexnet,
    "fcn32s": dense.fcn32s,
    "fcn16s": dense.fcn16s,
    "fcn8s": dense.fcn8s,
    "detectnet": dense.detectnet,
}


def main() -> None:
    """Write them."""
    for name, text in TEXTS.items():
        folder = STANDARD / name
        folder.mkdir(exist_ok=True)
        (folder / "network.prototxt").write_text(text(), "utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference.reference(), "utf-8")


if __name__ == "__main__":
    main()
