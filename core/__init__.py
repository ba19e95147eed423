"""Wishlight's core: catalogues, encoders, search and explanations, without any user interface."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.library import Wishlight as Wishlight

__version__ = "0.1.0"
__all__ = ["Wishlight", "__version__"]


def __getattr__(name: str) -> Any:
    # Rooms are imported one by one; the library's face, which knows them all, waits until it is asked for.
    if name == "Wishlight":
        from core.library import Wishlight

        return Wishlight
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
