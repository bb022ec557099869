"""A snapshot's weights as a file for others, by the names that the network's own library has; see ``caffe_export``. No torch here."""

from __future__ import annotations

from pathlib import Path

import safetensors.numpy

from digits.core.files import write_bytes
from digits.core.jobfolder import JobFolder
from digits.training.dataset import LABELS_FILE
from digits.training.modelfacts import MODEL_FILE
from digits.training.snapshots import find_snapshot, read_weights

_NETWORK_FILE = "network.py"


def snapshot(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write the weights alone; for PyTorch ``model.load_state_dict(safetensors.torch.load_file(path), strict=False)`` takes them."""
    return _write(folder, epoch, stem, {})


def safetensors_file(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write the same, with the network's text, the labels and the preprocessing as notes of the file."""
    names = {"network": _NETWORK_FILE, "labels": LABELS_FILE, "preprocessing": MODEL_FILE}
    return _write(folder, epoch, stem, {key: (folder.path / name).read_text("utf-8") for key, name in names.items()})


def _write(folder: JobFolder, epoch: float | None, stem: Path, notes: dict[str, str]) -> Path:
    weights = read_weights(find_snapshot(folder, epoch))
    path = stem.with_name(f"{stem.name}.safetensors")
    write_bytes(path, safetensors.numpy.save(weights, metadata=notes or None))
    return path
