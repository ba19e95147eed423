"""One data folder, opened: everything that pages, jobs and the command line share."""

import hashlib
import io
import shutil
import threading
from collections.abc import Callable, Sequence

from PIL import Image

from core.catalog.decode_apart import normalise_apart
from core.catalog.picture_store import PictureStore
from core.config import Home
from core.encode.encoder import Encoder
from core.encode.loading import build_encoder, load_encoder
from core.encode.registry import find_backbone
from core.encode.towers import Towers, load_towers
from core.errors import NeedError, PictureError
from core.explain.explainer import Explainer, PictureLooker
from core.explain.person import PersonExplainer
from core.explain.variants import PlainReader, VariantReader
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.embeddings import Embeddings
from core.store.expectations import Expectations
from core.store.index_files import VectorIndexes
from core.store.interactions import Interactions
from core.store.items import Items
from core.store.versions import Version, Versions
from core.store.words import Words
from core.suggest.suggester import Suggester
from core.train.bundle import Bundle, load_bundle, load_tuned_towers

EncoderLoader = Callable[[str], Encoder]


class Workspace:
    """The opened data folder; thread-safe.

    Args:
        home: The folder.
        encoder_loader: Loads a backbone by name; None loads real ones. Tests put a fake here.

    Raises:
        StoreError: The database cannot be opened.
    """

    def __init__(self, home: Home, *, encoder_loader: EncoderLoader | None = None) -> None:
        self.home = home
        self.database = Database(home.database)
        self.catalogs = Catalogs(self.database)
        self.items = Items(self.database)
        self.embeddings = Embeddings(self.database)
        self.words = Words(self.database)
        self.interactions = Interactions(self.database)
        self.versions = Versions(self.database)
        self.expectations = Expectations(self.database)
        self.pictures = PictureStore(home.pictures, home.thumbnails)
        self.indexes = VectorIndexes(self.database, home.indexes)
        self.suggester = Suggester(self.database, self.indexes, home.indexes, self.serving_encoder)
        self.explainer = Explainer(self.suggester, self.items, self._open_reader, self._open_looker)
        self.person_explainer = PersonExplainer(self.items, self.open_version, self._open_reader)
        self._load = encoder_loader or (lambda name: load_encoder(name, home.models))
        self._encoders: dict[str, Encoder] = {}
        self._bundles: dict[str, Bundle] = {}
        self._readers: dict[str, VariantReader] = {}
        self._lookers: dict[tuple[str, str], PictureLooker] = {}
        self._lock = threading.Lock()

    def encoder(self, backbone: str) -> Encoder:
        """The encoder of a backbone, loaded once.

        Raises:
            BackboneError: It cannot be loaded; the message says why and what to do.
        """
        with self._lock:
            if backbone not in self._encoders:
                self._encoders[backbone] = self._load(backbone)
            return self._encoders[backbone]

    def serving_encoder(self, catalog: Catalog) -> Encoder:
        """What encodes needs for a catalogue: its backbone's encoder, or that of the version that tuned its towers.

        Raises:
            BackboneError: It cannot be loaded.
            TrainError: The version is missing or damaged.
        """
        if not catalog.version:
            return self.encoder(catalog.backbone)
        with self._lock:
            known = self._encoders.get(catalog.version)
        if known is None:
            known = self._load_serving(catalog)
            with self._lock:
                known = self._encoders.setdefault(catalog.version, known)
        return known

    def open_version(self, version: Version) -> Bundle:
        """A trained version, opened once.

        Raises:
            TrainError: It is missing or damaged.
        """
        with self._lock:
            known = self._bundles.get(version.id)
        if known is None:
            known = load_bundle(self.home.versions / version.id)
            with self._lock:
                known = self._bundles.setdefault(version.id, known)
        return known

    def _load_serving(self, catalog: Catalog) -> Encoder:
        if not self.versions.find(catalog.version).metrics.get("tuned"):
            return self.encoder(catalog.backbone)
        return build_encoder(catalog.backbone, self._serving_towers(catalog))

    def _open_reader(self, catalog: Catalog) -> VariantReader:
        if not catalog.version:
            return PlainReader(self.serving_encoder(catalog), self.suggester.index(catalog))
        with self._lock:
            known = self._readers.get(catalog.version)
        if known is None:
            from core.explain.fused import FusedReader

            network = self.open_version(self.versions.find(catalog.version)).network
            known = FusedReader(self._serving_towers(catalog), network, self.pictures.path)
            with self._lock:
                known = self._readers.setdefault(catalog.version, known)
        return known

    def _open_looker(self, catalog: Catalog) -> PictureLooker:
        key = (catalog.backbone, catalog.version)
        with self._lock:
            known = self._lookers.get(key)
        if known is None:
            from core.explain.look import Looker

            version = self.versions.find(catalog.version) if catalog.version else None
            network = self.open_version(version).network if version else None
            known = Looker(self._serving_towers(catalog), self.pictures.path, network=network)
            with self._lock:
                known = self._lookers.setdefault(key, known)
        return known

    def _serving_towers(self, catalog: Catalog) -> Towers:
        towers = load_towers(find_backbone(catalog.backbone), self.home.models)
        return load_tuned_towers(self.home.versions / catalog.version, towers) if catalog.version else towers

    def keep_need_picture(self, data: bytes) -> str:
        """Store a picture of what is wanted, made safe and uniform as catalogue pictures are.

        Returns:
            Its content hash.

        Raises:
            NeedError: It cannot be used; the message says why.
        """
        picture = hashlib.sha256(data).hexdigest()
        try:
            if not self.pictures.has(picture):
                self.pictures.put(picture, normalise_apart(data))
        except PictureError as exc:
            raise NeedError(str(exc)) from exc
        return picture

    def open_need_picture(self, picture: str) -> Image.Image:
        """The stored picture of that content hash.

        Raises:
            NeedError: It is not in this data folder.
        """
        try:
            return Image.open(io.BytesIO(self.pictures.path(picture).read_bytes()))
        except (ValueError, OSError) as exc:
            raise NeedError("The picture of this need is not on this machine. Upload it again.") from exc

    def delete_catalog(self, catalog: Catalog) -> None:
        """Remove a catalogue with its items, log, versions, runs and indexes, and end the work on it.

        Pictures stay, since others may show them.
        """
        versions = tuple(one.id for one in self.versions.list(catalog.id))
        runs = self.catalogs.delete(catalog.id)
        self.clear_catalog(catalog.id, versions=versions, runs=runs)

    def clear_catalog(self, catalog_id: int, *, versions: Sequence[str] = (), runs: Sequence[str] = ()) -> None:
        """Remove what files there are of a catalogue that is gone, with these versions and runs of it."""
        tokens = (*self.home.tokens.glob(f"{catalog_id}-*"), *self.home.tokens.glob(f".{catalog_id}-*"))
        named = (*(self.home.versions / one for one in versions), *(self.home.runs / one for one in runs))
        for folder in (*named, *tokens):
            shutil.rmtree(folder, ignore_errors=True)
        self.indexes.drop(catalog_id)
