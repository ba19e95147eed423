"""The one way to OpenVINO: its converter tells Google Analytics of every import and conversion unless kept from it."""

import sys
from typing import Any


def import_openvino() -> Any:
    """OpenVINO, without its telemetry: it finds no `openvino_telemetry` and takes its own stub.

    That also keeps it from writing an id of the user into the home directory.

    Raises:
        ImportError: OpenVINO is not installed.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's own mark of "not to be had"
    import openvino

    return openvino
