"""One picture decoded in an interpreter of its own, so that a crafted file can only kill that one.

`python -m core.catalog.pictures.decode_apart` reads a picture file on stdin and writes a line of JSON and
two files on stdout.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from core.catalog.pictures.normalise import DECODE_SECONDS, NormalPicture, normalise_picture
from core.children import bound_memory, end_with_parent
from core.errors import PictureError

_START_SECONDS = 20
_WORKER_BYTES = 3 * 2**30


def normalise_apart(data: bytes) -> NormalPicture:
    """What `normalise_picture` does, at the price of starting an interpreter (a third of a second).

    Raises:
        PictureError: With the reason; code damaged when the decoder crashed.
    """
    root = Path(__file__).resolve().parents[3]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "core.catalog.pictures.decode_apart"],
            input=data,
            capture_output=True,
            cwd=root,
            timeout=DECODE_SECONDS + _START_SECONDS,
            check=True,
        )
        head, _, files = done.stdout.partition(b"\n")
        answer = json.loads(head)
    except (subprocess.SubprocessError, ValueError) as exc:
        raise PictureError("damaged", "The picture file made the decoder crash. Export it again.") from exc
    if "code" in answer:
        raise PictureError(answer["code"], answer["message"])
    cut = answer["jpeg"]
    return NormalPicture(jpeg=files[:cut], thumbnail=files[cut:], width=answer["width"], height=answer["height"])


def prepare_decoder() -> None:
    """Bound this process's memory and life, and keep the image libraries' own complaints out of the log."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    bound_memory(_WORKER_BYTES)
    end_with_parent()


def main() -> None:
    """Decode stdin to stdout."""
    prepare_decoder()
    out = sys.stdout.buffer
    try:
        normal = normalise_picture(sys.stdin.buffer.read())
    except PictureError as exc:
        out.write(json.dumps({"code": exc.code, "message": str(exc)}).encode() + b"\n")
        return
    head = {"width": normal.width, "height": normal.height, "jpeg": len(normal.jpeg)}
    out.write(json.dumps(head).encode() + b"\n" + normal.jpeg + normal.thumbnail)


if __name__ == "__main__":
    main()
