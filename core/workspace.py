"""One data folder, opened: everything that pages, jobs and the command line share."""

import hashlib
import io

from PIL import Image

from core.catalog.pictures.decode_apart import normalise_apart
from core.catalog.pictures.picture_store import PictureStore
from core.deletion.sweep import Sweep
from core.encode.encoder import Encoder
from core.errors import NeedError, PictureError
from core.explain.needs.explainer import Explainer, PictureLooker
from core.explain.people.person import PersonExplainer
from core.home import Home
from core.serving.models import EncoderLoader, Models
from core.serving.served import Serving
from core.store.catalogs import Catalog, Catalogs
from core.store.database import Database
from core.store.embeddings import Embeddings
from core.store.expectations import Expectations
from core.store.imports import Imports
from core.store.interactions import Interactions
from core.store.items import Items
from core.store.versions import Version, Versions
from core.store.word_index import Words
from core.suggest.suggester import Suggester
from core.versions.bundle import Bundle


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
        self.imports = Imports(self.database)
        self.embeddings = Embeddings(self.database)
        self.words = Words(self.database)
        self.interactions = Interactions(self.database)
        self.versions = Versions(self.database)
        self.expectations = Expectations(self.database)
        self.pictures = PictureStore(home.pictures, home.thumbnails)
        self.models = Models(home, self.pictures, encoder_loader)
        self.serving = Serving(self.items, self.embeddings, home.indexes, self.models)
        self.need_pictures = PictureStore(home.needs / "pictures", home.needs / "thumbnails")
        self.sweep = Sweep(home, self.database, self.pictures, self.need_pictures, self.serving.drop)
        self.suggester = Suggester(self.database, self.serving)
        self.explainer = Explainer(self.suggester, self.items, self._open_looker)
        self.person_explainer = PersonExplainer(self.items, self.serving)

    def encoder(self, backbone: str) -> Encoder:
        """The encoder of a backbone, loaded once.

        Raises:
            BackboneError: It cannot be loaded; the message says why and what to do.
        """
        return self.models.encoder(backbone)

    def open_version(self, version: Version) -> Bundle:
        """A trained version, opened once.

        Raises:
            TrainError: It is missing or damaged.
        """
        return self.models.bundle(version.id)

    def _open_looker(self, catalog: Catalog) -> PictureLooker:
        def make() -> PictureLooker:
            from core.explain.pictures.look import Looker

            return Looker(self.models.towers(catalog), self.pictures.path, network=self.models.network(catalog))

        return self.models.once(f"looker of {catalog.backbone}", catalog.version, make)

    def keep_need_picture(self, data: bytes) -> str:
        """Store a picture of what is wanted, made safe and uniform as catalogue pictures are.

        Returns:
            Its content hash.

        Raises:
            NeedError: It cannot be used; the message says why.
        """
        picture = hashlib.sha256(data).hexdigest()
        try:
            if not self.need_pictures.has(picture):
                self.need_pictures.put(picture, normalise_apart(data))
        except PictureError as exc:
            raise NeedError(str(exc)) from exc
        return picture

    def open_need_picture(self, picture: str) -> Image.Image:
        """The stored picture of that content hash.

        Raises:
            NeedError: It is not in this data folder.
        """
        try:
            path = self.need_pictures.path(picture)
            data = path.read_bytes()
            path.touch()  # so that it is kept while it is looked with
            return Image.open(io.BytesIO(data))
        except (ValueError, OSError) as exc:
            raise NeedError("The picture of this need is not on this machine. Upload it again.") from exc

    def delete_catalog(self, catalog: Catalog) -> None:
        """Remove a catalogue with everything that only it refers to, and end the work on it."""
        self.sweep.delete(self.sweep.find.of_catalog(catalog))
