"""Checksums that files of arrays carry with them, so that a byte that changed on the disk is noticed.

A format that keeps no checksum gives damaged weights back without a word: they still have their shape.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

#: Under which a file keeps its checksum.
CHECKSUM = "sha256"


def checksum_arrays(arrays: Mapping[str, NDArray[np.generic]], note: str) -> str:
    """SHA-256 (hex) of arrays by name, and of a text that is kept with them."""
    digest = hashlib.sha256(note.encode())
    for name in sorted(arrays):
        digest.update(f"|{name}{arrays[name].shape}{arrays[name].dtype}|".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def check_arrays(arrays: Mapping[str, NDArray[np.generic]], note: str, metadata: Mapping[str, str]) -> None:
    """Compare with the checksum that a file carries; one that was written before there were any carries none.

    Raises:
        ValueError: Something has changed since it was written.
    """
    if CHECKSUM in metadata and metadata[CHECKSUM] != checksum_arrays(arrays, note):
        raise ValueError("the file has changed on the disk")


def read_arrays(
    path: Path, *, framework: Literal["np", "pt"] = "np", note: str = ""
) -> tuple[dict[str, Any], dict[str, str]]:
    """What a safetensors file holds, compared with the checksum that it carries.

    Args:
        path: The file.
        framework: "np" gives arrays, "pt" tensors.
        note: Under which its metadata keep the text that the checksum is of as well; "" for none.

    Returns:
        Arrays or tensors by name, and the metadata.

    Raises:
        OSError: The file is missing.
        SafetensorError: It is no such file.
        KeyError: The text is missing.
        ValueError: Something has changed since it was written.
    """
    from safetensors import safe_open

    with safe_open(path, framework=framework) as file:
        metadata: dict[str, str] = file.metadata() or {}
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    text = metadata[note] if note else ""
    check_arrays(as_bytes(arrays) if framework == "pt" else arrays, text, metadata)
    return arrays, metadata


def as_bytes(tensors: "Mapping[str, Tensor]") -> dict[str, NDArray[np.generic]]:
    """The bytes of tensors on the processor, whatever their numbers are: NumPy does not know all of torch's."""
    from torch import uint8

    return {name: one.reshape(-1).view(uint8).numpy() for name, one in tensors.items()}
