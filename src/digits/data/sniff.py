"""What a file is, told by its first bytes, whatever its name.

Standard library alone: the web process asks before a job exists, and must not decode anything.
"""

from __future__ import annotations

from digits.core.errors import DataError

HEAD_BYTES = 256
"""How much of a file :func:`sniff` needs to see."""

ACCEPTED = ("JPEG", "PNG", "BMP", "PPM", "GIF", "WebP", "TIFF")
ACCEPTED_HINT = f"Accepted are {', '.join(ACCEPTED[:-1])} and {ACCEPTED[-1]}."

# (offset, bytes, name); names are Pillow's own for what is accepted.
_PICTURES = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (8, b"CR\x02\x00", ""),  # Canon's raw format wears a TIFF header
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
    (128, b"DICM", "DICOM"),
)
_REFUSED = (
    (8, b"CR\x02\x00", "a Canon raw picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypavis", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftyphev", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC picture"),
    (4, b"ftypmsf1", "a HEIC picture"),
    (4, b"ftyp", "a video or a camera's raw picture"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"%PDF", "a PDF document"),
)
_OTHERS = (
    (0, b"\x00\x00\x00\x01Bud1", "a macOS folder setting"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip file"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
)


def sniff(head: bytes) -> str:
    """Return the format of the file that begins with ``head`` (its first ``HEAD_BYTES``): one of Pillow's names.

    Raises:
        DataError: empty (IMG_EMPTY), a picture of a format that is not read (IMG_FORMAT), or none (IMG_NOT_A_PICTURE).
    """
    if not head:
        raise DataError("The file is empty.", rule="IMG_EMPTY")
    name = _accepted(head)
    if name:
        return name
    for offset, magic, kind in _REFUSED:
        if head.startswith(magic, offset):
            raise DataError(f"This is {kind}, which is not read.", hint=ACCEPTED_HINT, rule="IMG_FORMAT")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        raise DataError("This is an SVG drawing, which is not read.", hint=ACCEPTED_HINT, rule="IMG_FORMAT")
    raise DataError(f"This is {_what(head, text)}, not a picture.", rule="IMG_NOT_A_PICTURE")


def is_picture(head: bytes) -> bool:
    """Whether :func:`sniff` would accept it."""
    return bool(_accepted(head))


def _accepted(head: bytes) -> str:
    for offset, magic, name in _PICTURES:
        if head.startswith(magic, offset):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    # "BM" begins many a text; a BMP goes on with its size, four reserved bytes, and a header size below 256.
    if (
        head[:2] == b"BM"
        and len(head) >= 18
        and head[15:18] == b"\0\0\0"
        and head[14] in (12, 16, 40, 52, 56, 64, 108, 124)
    ):
        return "BMP"
    return ""


def _what(head: bytes, text: bytes) -> str:
    for offset, magic, kind in _OTHERS:
        if head.startswith(magic, offset):
            return kind
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if b"\0" not in head and not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "text"
    return "an unknown kind of file"
