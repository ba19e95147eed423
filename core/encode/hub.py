"""Tells within seconds whether a backbone can be fetched, before a client starts its long retries."""

import contextlib
import socket
import threading
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from core.encode.registry import EMBEDDED, HUB_PREFIX, Backbone
from core.errors import BackboneError

PROBE_SECONDS = 4.0
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")


def require_download(backbone: Backbone, models: Path) -> None:
    """Do nothing when the weights are here or can be fetched.

    Args:
        backbone: One that needs a download.
        models: Folder of downloaded models.

    Raises:
        BackboneError: The weights are not here, and their host cannot be reached.
    """
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True
    if is_downloaded(backbone, models) or _can_reach(_source_address(backbone)):
        return
    size = f"about {backbone.download_mb} MB" if backbone.download_mb else "several hundred MB"
    raise BackboneError(
        f"The model {backbone.name} is not on this computer yet, and the network that has it cannot be reached. "
        f"It is {size}, fetched once. Connect and try again, copy its open_clip folder here and give that folder's "
        f"path instead, or go on with the built-in model {EMBEDDED!r}."
    )


def is_downloaded(backbone: Backbone, models: Path) -> bool:
    """Whether a weights file of this backbone lies in the models folder."""
    hub = models / "hub"
    repository, address = _source(backbone)
    if repository:
        folder = hub / f"models--{repository.replace('/', '--')}" / "snapshots"
        return any(path.suffix in _WEIGHT_SUFFIXES for path in folder.glob("*/*"))
    return bool(address) and (hub / Path(urlsplit(address).path).name).is_file()


def _source(backbone: Backbone) -> tuple[str, str]:
    """Repository on the hub or direct address of the weights; one of them is empty."""
    if backbone.model.startswith(HUB_PREFIX):
        return backbone.model.removeprefix(HUB_PREFIX), ""
    from open_clip.pretrained import get_pretrained_cfg

    wanted = get_pretrained_cfg(backbone.model, backbone.pretrained)
    repository = "/".join(str(wanted.get("hf_hub") or "").split("/")[:2])
    return repository, "" if repository else str(wanted.get("url") or "")


def _source_address(backbone: Backbone) -> str:
    from huggingface_hub import constants

    repository, address = _source(backbone)
    return str(constants.ENDPOINT) if repository or not address else address


def _can_reach(address: str) -> bool:
    """Open one connection, to the proxy where the environment names one.

    Looking a name up can hang for longer than any timeout of ours, so it happens in a thread that may be left behind.
    """
    parts = urlsplit(urllib.request.getproxies().get("https") or address)
    target = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    reached = threading.Event()
    threading.Thread(target=_connect, args=(target, reached), daemon=True).start()
    return reached.wait(PROBE_SECONDS)


def _connect(target: tuple[str, int], reached: threading.Event) -> None:
    with contextlib.suppress(OSError):
        socket.create_connection(target, PROBE_SECONDS).close()
        reached.set()
