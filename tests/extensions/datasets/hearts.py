"""Drawn hearts as DICOM files with contours, written by pydicom alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, FileDataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid


def dicom(pixels: np.ndarray[Any, Any], **elements: Any) -> Dataset:
    """A file of uncompressed grey or RGB pixels, not yet written; ``elements`` are added or replaced."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
    meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    file = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    file.Rows, file.Columns = pixels.shape[:2]
    file.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    file.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    file.BitsAllocated = file.BitsStored = 8 * pixels.dtype.itemsize
    file.HighBit, file.PixelRepresentation = file.BitsStored - 1, int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        file.PlanarConfiguration = 0
    file.PixelData = pixels.tobytes()
    for name, value in elements.items():
        setattr(file, name, value)
    return file


def save(path: Path, file: Dataset) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(path, file, enforce_file_format=True)
    return path


def draw_hearts(root: Path, cases: int = 4, slices: int = 3, *, series: int = 4, side: int = 32) -> tuple[Path, Path]:
    """Write cases as Sunnybrook has them: contours of series 1, cases with and without leading zeros; return both folders."""
    rng = np.random.default_rng(0)
    images, contours = root / "images", root / "contours"
    for case in range(1, cases + 1):
        drawn = contours / f"SC-HF-I-0{case}" / "contours-manual" / "IRCCI-expert"
        drawn.mkdir(parents=True)
        for number in range(1, slices + 1):
            y, x = np.mgrid[:side, :side]
            middle, radius = rng.uniform(12, 20, 2), rng.uniform(4, 8)
            inside = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 <= radius**2
            pixels = (200 + 600 * inside + rng.normal(0, 30, (side, side))).clip(0).astype(np.uint16)
            save(images / f"SC-HF-I-{case}" / f"IM-{series:04d}-{number:04d}.dcm", dicom(pixels))
            angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
            points = middle + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
            text = "".join(f"{px:.2f} {py:.2f}\n" for px, py in points)
            (drawn / f"IM-0001-{number:04d}-icontour-manual.txt").write_text(text)
    return images, contours
