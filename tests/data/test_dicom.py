"""DICOM files: values to 8 bits, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.uid import ImplicitVRLittleEndian, JPEGLosslessSV1

from digits.core.errors import DataError
from digits.data import dicom as reading
from digits.data.decode import Decoded, Limits, decode
from digits.data.probe import picture_size
from tests.extensions.datasets.hearts import dicom, save

RAMP = np.arange(0, 4096, 16, dtype=np.uint16).reshape(16, 16)


def decoded(path: Path, file: Dataset, limits: Limits | None = None) -> Decoded:
    return decode(save(path / "a.dcm", file).read_bytes(), limits=limits)


def test_values_without_a_window_go_from_the_least_to_the_greatest(tmp_path: Path) -> None:
    found = decoded(tmp_path, dicom(RAMP + 1000))

    assert (found.image_HWC[:, :, 0] == np.rint(np.arange(256) / 255 * 255).reshape(16, 16)).all()
    assert found.note == "brightness from its least to its greatest value"
    assert (decoded(tmp_path, dicom(np.full((4, 4), 7, np.uint16))).image_HWC == 0).all()


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_gives_what_pydicom_makes_of_it(function: str, tmp_path: Path) -> None:
    values = RAMP.astype(np.int16) - 1024
    window = {
        "WindowCenter": 40,
        "WindowWidth": 400,
        "RescaleSlope": 2,
        "RescaleIntercept": -10,
        "VOILUTFunction": function,
    }
    found = decoded(tmp_path, dicom(values, **window))

    file = dcmread(tmp_path / "a.dcm")
    expected = apply_windowing(apply_modality_lut(values, file), file)
    lowest, highest = -(2**15) * 2 - 10, (2**15 - 1) * 2 - 10  # pydicom spreads over all values that can be stored
    assert np.abs(found.image_HWC[:, :, 0] - (expected - lowest) / (highest - lowest) * 255).max() <= 0.51
    assert found.note == "brightness by the window that it names"


def test_colour_stays_white_can_be_least_and_of_frames_the_first_is_taken(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    frames = np.stack([RAMP, RAMP[::-1]])

    assert (decoded(tmp_path, dicom(colour)).image_HWC == colour).all()
    inverted = decoded(tmp_path, dicom(RAMP, PhotometricInterpretation="MONOCHROME1"))
    assert (inverted.image_HWC.ravel() == np.arange(255, -1, -1)).all()
    first = decoded(tmp_path, dicom(RAMP, NumberOfFrames=2, PixelData=frames.tobytes(), syntax=ImplicitVRLittleEndian))
    assert (first.image_HWC.ravel() == np.arange(256)).all()
    assert "first of several frames" in first.note
    assert picture_size(tmp_path / "a.dcm") == (16, 16)


@pytest.mark.parametrize(
    ("elements", "rule"),
    [
        ({"syntax": JPEGLosslessSV1, "PixelData": b"\xfe\xff\x00\xe0\0\0\0\0"}, "IMG_FORMAT"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "IMG_MODE"), ({"BitsAllocated": 64}, "IMG_MODE"),
        ({"Rows": 60_000, "Columns": 60_000}, "IMG_TOO_LARGE"), ({"Rows": 0}, "IMG_BROKEN"),
        ({"Rows": 3000, "Columns": 3000}, "IMG_TRUNCATED"), ({"BitsStored": 0}, "IMG_BROKEN"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_words(elements: dict[str, Any], rule: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        decoded(tmp_path, dicom(RAMP, **elements))

    assert error.value.rule == rule


def test_damage_anywhere_is_refused_or_read_and_nothing_else(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.dcm", dicom(RAMP, WindowCenter=40, WindowWidth=400)).read_bytes()
    rng, rules = np.random.default_rng(0), set()
    for _ in range(40):
        broken = bytearray(whole[: int(rng.integers(140, len(whole)))])
        for at in rng.integers(132, len(broken), 4):
            broken[at] = rng.integers(256)
        try:
            assert decode(bytes(broken)).image_HWC.dtype == np.uint8
        except DataError as error:
            rules.add(error.rule)
    assert rules <= {"IMG_BROKEN", "IMG_TRUNCATED", "IMG_MODE", "IMG_FORMAT", "IMG_TOO_LARGE", "IMG_NOT_A_PICTURE"}
    assert rules


def test_a_header_deeper_than_any_costs_its_own_file_alone(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.dcm", dicom(RAMP)).read_bytes()
    meta_end = 144 + int.from_bytes(whole[140:144], "little")
    nested = (b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * 20_000

    with pytest.raises(DataError):
        decode(whole[:meta_end] + nested)
    assert decode(whole).size == (16, 16)


def test_without_the_library_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "has_reader", lambda: False)

    with pytest.raises(DataError, match=r"opendigits\[medical\]") as error:
        reading.decode_dicom(io.BytesIO().getvalue(), Limits())

    assert error.value.rule == "DICOM_MISSING"
