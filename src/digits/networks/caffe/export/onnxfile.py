"""What every ONNX file from here has, whoever writes it. No torch here.

Opset 18 (2022) is the newest that all of ONNX Runtime since 1.14, TensorRT since 8.6 and OpenVINO since 2023 read, and the oldest that torch writes.
"""

from __future__ import annotations

from importlib.util import find_spec

from digits.core.errors import SetupError

OPSET = 18
IR_VERSION = 8  # that of opset 18's time: older readers refuse newer ones
BATCH = "batch"
"""The name of an axis of any size."""


class MissingPackageError(SetupError):
    """A package that only some people need is not installed."""

    code = "missing-package"
    http_status = 400


def require_packages(*names: str) -> None:
    """Do nothing if ONNX files can be written here, which needs the packages ``names``.

    Raises:
        MissingPackageError: some are not installed.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"Writing ONNX needs the package{'s' if len(missing) > 1 else ''} {' and '.join(missing)}.",
            hint='Install with: pip install "opendigits[onnx]", then start the server anew.',
        )
