"""Models of one data folder, each loaded once: backbones, trained versions, and the towers that these tuned."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from core.catalog.pictures.picture_store import PictureStore
from core.encode.encoder import Encoder
from core.encode.loading import build_encoder, load_encoder
from core.encode.registry import find_backbone
from core.encode.towers import Towers, load_towers
from core.errors import TrainError
from core.home import Home
from core.parts import PARTS, NeedEncoder
from core.serving.variants import PlainReader, VariantReader
from core.serving.vectors import VectorIndex
from core.store.catalogs import Catalog
from core.versions.bundle import Bundle, load_bundle, load_tuned_towers, read_card

if TYPE_CHECKING:
    from core.model.network import FusionModel

EncoderLoader = Callable[[str], Encoder]
_Kept = TypeVar("_Kept")
#: Trained versions whose models stay in memory, the most recently used.
_MOST_VERSIONS = 3


class Models:
    """The models of one data folder; thread-safe.

    Args:
        home: The folder.
        pictures: Its pictures.
        encoder_loader: Loads a backbone by name; None loads real ones.
    """

    def __init__(self, home: Home, pictures: PictureStore, encoder_loader: EncoderLoader | None = None) -> None:
        self._home, self._pictures = home, pictures
        self._load = encoder_loader or (lambda name: load_encoder(name, home.models))
        self._kept: dict[tuple[str, Hashable], object] = {}
        self._gates: dict[tuple[str, Hashable], threading.Lock] = {}
        self._used: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def encoder(self, backbone: str) -> Encoder:
        """The encoder of a backbone.

        Raises:
            BackboneError: It cannot be loaded; the message says why and what to do.
        """
        return self.once(backbone, "", lambda: self._load(backbone))

    def serving_encoder(self, catalog: Catalog) -> Encoder:
        """What encodes needs for a catalogue: its backbone's encoder, or that of the version that tuned its towers.

        Raises:
            BackboneError: It cannot be loaded.
            TrainError: The version is missing or damaged, or reads other parts than there are now.
        """
        if not catalog.version:
            return self.encoder(catalog.backbone)
        return self.once("encoder", catalog.version, lambda: self._open_encoder(catalog))

    def parts(self, catalog: Catalog) -> dict[str, NeedEncoder]:
        """What makes and asks the vectors of each part of a catalogue's items.

        Raises:
            BackboneError: A model cannot be loaded.
            TrainError: The version is missing or damaged.
        """
        return self.open_parts(self.serving_encoder(catalog), catalog.version)

    def open_parts(self, encoder: Encoder, version_id: str = "") -> dict[str, NeedEncoder]:
        """The same beside an image-text encoder, that of a version where one is named."""
        return {
            name: self.once(f"{name} beside {encoder.model_version}", version_id, partial(part.open, encoder))
            for name, part in PARTS.items()
        }

    def serving_version(self, catalog: Catalog) -> str:
        """What the vectors that serve a catalogue go by: the models of its parts, and the version."""
        models = dict.fromkeys(one.model_version for one in self.parts(catalog).values())
        return catalog.served_version("+".join(models))

    def bundle(self, version_id: str) -> Bundle:
        """A trained version.

        Raises:
            TrainError: It is missing or damaged, or reads other parts than there are now.
        """
        return self.once("bundle", version_id, lambda: self._open_bundle(version_id))

    def network(self, catalog: Catalog) -> "FusionModel | None":
        """The network of the version that serves a catalogue; None where none does."""
        return self.bundle(catalog.version).network if catalog.version else None

    def towers(self, catalog: Catalog) -> Towers:
        """A copy of the towers that serve a catalogue."""
        towers = load_towers(find_backbone(catalog.backbone), self._home.models)
        return load_tuned_towers(self._home.versions / catalog.version, towers) if catalog.version else towers

    def reader(self, catalog: Catalog, index: VectorIndex) -> VariantReader:
        """What reads items of a catalogue as they would be with other fields.

        Args:
            catalog: Names the version.
            index: Of the catalogue; its means stand for what is missing where no version does.
        """
        return self.version_reader(catalog) if catalog.version else PlainReader(self.parts(catalog), index)

    def version_reader(self, catalog: Catalog) -> VariantReader:
        """The same for the version that a catalogue names, which need not serve."""
        return self.once("reader", catalog.version, lambda: self._open_fused(catalog))

    def once(self, what: str, version_id: str, make: Callable[[], _Kept]) -> _Kept:
        """Something of a version, made once and kept while the version is among those used last.

        Args:
            what: It is called so.
            version_id: Of the version; "" for what belongs to none.
            make: Makes it.
        """
        key = (what, version_id)
        with self._lock:
            gate = self._gates.setdefault(key, threading.Lock())
            self._use(version_id)
        with gate:  # others wait for the first, and load nothing twice
            found = self._kept.get(key)
            if found is None:
                found = make()
                with self._lock:
                    if not version_id or version_id in self._used:  # else it went while it was made
                        self._kept[key] = found
            return cast(_Kept, found)

    def _use(self, version_id: str) -> None:
        if not version_id:
            return
        self._used[version_id] = None
        self._used.move_to_end(version_id)
        while len(self._used) > _MOST_VERSIONS:
            gone, _ = self._used.popitem(last=False)
            for key in [key for key in self._kept if key[1] == gone]:
                self._kept.pop(key, None)

    def _open_bundle(self, version_id: str) -> Bundle:
        self._read_card(version_id)
        return load_bundle(self._home.versions / version_id)

    def _read_card(self, version_id: str) -> Mapping[str, Any]:
        """The card of a version that reads items by the parts that they have now."""
        card = read_card(self._home.versions / version_id)
        if card["parts"] != list(PARTS):
            raise TrainError(
                f"The version {version_id} was trained on {', '.join(card['parts'])}; items have {', '.join(PARTS)} "
                "now. Let the model without training serve, and train again."
            )
        return card

    def _open_encoder(self, catalog: Catalog) -> Encoder:
        if self._read_card(catalog.version).get("tuned"):
            return build_encoder(catalog.backbone, self.towers(catalog))
        return self.encoder(catalog.backbone)

    def _open_fused(self, catalog: Catalog) -> VariantReader:
        from core.serving.fused import FusedReader

        return FusedReader(self.towers(catalog), self.bundle(catalog.version).network, self._pictures.path)
