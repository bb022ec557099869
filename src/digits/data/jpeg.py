"""The head of a JPEG file, read without decoding: size, components, and how the camera was held."""

from __future__ import annotations

from dataclasses import dataclass

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


@dataclass(frozen=True)
class JpegHeader:
    """``orientation`` is EXIF's 1..8; ``many`` says that more pictures follow the first (MPO)."""

    height: int
    width: int
    components: int
    precision: int
    progressive: bool = False
    orientation: int = 1
    many: bool = False


def read_jpeg_header(data: bytes) -> JpegHeader | None:
    """Return what stands before the first scan, or None where the file ends or breaks before a size was told."""
    frame: tuple[int, int, int, int, bool] | None = None
    orientation, many, position = 1, False, 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _ALONE:
            position += 2
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = position + 4
        if marker in _FRAMES and length >= 8 and body + 6 <= len(data):
            height, width = (int.from_bytes(data[body + at : body + at + 2], "big") for at in (1, 3))
            frame = (height, width, data[body + 5], data[body], marker in _PROGRESSIVE)
        elif marker == 0xE1 and data.startswith(b"Exif\0\0", body):
            orientation = exif_orientation(data[body + 6 : position + 2 + length])
        elif marker == 0xE2 and data.startswith(b"MPF\0", body):
            many = True
        elif marker == 0xDA:
            break
        position += 2 + length
    if frame is None:
        return None
    return JpegHeader(*frame, orientation=orientation, many=many)


def exif_orientation(tiff: bytes) -> int:
    """Return the orientation (tag 0x0112) in an EXIF block, 1 where it says none or nonsense."""
    order: str = {b"II": "little", b"MM": "big"}.get(tiff[:2], "")
    if not order:
        return 1
    little = order == "little"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if little else "big")

    first = number(4, 4)
    for entry in range(first + 2, min(first + 2 + 12 * number(first, 2), len(tiff) - 11), 12):
        if number(entry, 2) == 0x0112 and number(entry + 2, 2) == 3:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1
