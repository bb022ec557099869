"""Hearts that are drawn, in the files of Sunnybrook: DICOM slices, and contours of the left ventricle.

From base to apex a ventricle grows smaller. Blood is bright, the muscle around it dark; the right ventricle beside it and the vessels are as
bright, so brightness alone does not tell. Every case has a size, a place and a contrast of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import FileDataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

SIDE = 64
_CORNERS = 40


def write(folder: Path, cases: int, slices: int) -> tuple[Path, Path]:
    """Write ``cases`` hearts of ``slices`` each; return the folders of images and of contours."""
    images, contours = folder / "images", folder / "contours"
    for case in range(1, cases + 1):
        rng = np.random.default_rng([1, case])
        name = f"SC-N-{case:02d}"
        drawn = contours / name / "contours-manual" / "IRCCI-expert"
        drawn.mkdir(parents=True, exist_ok=True)
        (images / name).mkdir(parents=True, exist_ok=True)
        middle, size, brightness = rng.uniform(26, 38, 2), rng.uniform(9, 14), rng.uniform(500, 900)
        for number in range(slices):
            at = middle + rng.normal(0, 1, 2)
            outline = _outline(at, size * (1 - 0.6 * number / max(slices - 1, 1)), rng)
            pixels = _slice(at, size, outline, brightness, rng)
            _save(images / name / f"IM-0004-{number + 1:04d}.dcm", pixels)
            text = "".join(f"{x:.2f} {y:.2f}\n" for x, y in outline)
            (drawn / f"IM-0001-{number + 1:04d}-icontour-manual.txt").write_text(text, encoding="utf-8")
    return images, contours


def _outline(middle: NDArray[Any], radius: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return points [N, 2] of x, y: a circle that is dented."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    waves = [rng.normal(0, 0.05) * np.sin(number * angles + rng.uniform(0, 6)) for number in (2, 3, 4)]
    radii = radius * (1 + np.sum(waves, axis=0))
    return np.asarray(middle + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1))


def _slice(
    middle: NDArray[Any], size: float, outline: NDArray[Any], brightness: float, rng: np.random.Generator
) -> NDArray[np.uint16]:
    picture = np.full((SIDE, SIDE), 0.35 * brightness, np.float32)
    for _ in range(4):  # vessels and fat, as bright as blood
        place = rng.uniform(0, SIDE, 2)
        cv2.ellipse(
            picture,
            _point(place),
            _point(rng.uniform(3, 9, 2)),
            float(rng.uniform(0, 180)),
            0,
            360,
            brightness,
            cv2.FILLED,
        )
    beside = middle - (size * 1.7, 0)
    cv2.ellipse(picture, _point(beside), _point((size * 0.8, size * 1.2)), 0, 0, 360, 0.95 * brightness, cv2.FILLED)
    cv2.circle(picture, _point(middle), round(size * 1.35), 0.2 * brightness, cv2.FILLED)
    cv2.fillPoly(picture, [np.rint(outline).astype(np.int32)], brightness)
    blurred = cv2.GaussianBlur(picture, (0, 0), 0.8) + rng.normal(0, 0.06 * brightness, picture.shape)
    return np.asarray(blurred.clip(0, 4095), np.uint16)


def _point(values: Any) -> tuple[int, int]:
    x, y = values
    return round(float(x)), round(float(y))


def _save(path: Path, pixels: NDArray[np.uint16]) -> None:
    """Write a slice as a scanner does: 12 bits in 16, no patient in it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID, file.Modality = MRImageStorage, meta.MediaStorageSOPInstanceUID, "MR"
    file.Rows, file.Columns = pixels.shape
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.PixelData = pixels.tobytes()
    dcmwrite(path, file, enforce_file_format=True)
