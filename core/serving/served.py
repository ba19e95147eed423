"""What serves a catalogue, as one value: everything that answers, explains or measures takes it from here."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.encode.encoder import Encoder
from core.parts import NeedEncoder
from core.serving.calibration import ASKERS, Calibration, calibrate, list_priors, load_calibration, save_calibration
from core.serving.index_files import VectorIndexes
from core.serving.models import Models
from core.serving.sample import take_sample
from core.serving.variants import VariantReader
from core.serving.vectors import VectorIndex
from core.store.catalogs import Catalog
from core.store.embeddings import Embeddings
from core.store.items import Items

#: Vectors that are kept in memory at most, in bytes; the last one used stays whatever its size.
MOST_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A catalogue and all that answers for it.

    Attributes:
        catalog: As it was when this was made; names the trained version, if one is meant.
        model: What its vectors go by.
        encoder: The image-text model.
        parts: What makes the vectors of each part, and asks it.
        index: The vectors.
        calibration: How cosines become scores.
    """

    catalog: Catalog
    model: str
    encoder: Encoder
    parts: Mapping[str, NeedEncoder]
    index: VectorIndex
    calibration: Calibration


class Serving:
    """Makes and keeps what serves each catalogue; thread-safe.

    Args:
        items: Of the data folder.
        embeddings: Of the same.
        folder: Where indexes and calibrations are kept.
        models: Of the same data folder.
    """

    def __init__(self, items: Items, embeddings: Embeddings, folder: Path, models: Models) -> None:
        self.models = models
        self._items, self._embeddings, self._folder = items, embeddings, folder
        self._indexes = VectorIndexes(items, embeddings, folder)
        self._served: OrderedDict[tuple[int, str], Served] = OrderedDict()
        self._gates: dict[tuple[int, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, catalog: Catalog) -> Served:
        """What serves a catalogue as the record is now.

        Args:
            catalog: As just read; its `version` may be one that does not serve yet, once its vectors are stored.

        Raises:
            BackboneError: Its model cannot be loaded.
            TrainError: Its version is missing or damaged.
        """
        encoder, parts = self.models.serving_encoder(catalog), self.models.parts(catalog)
        model = self.models.serving_version(catalog)
        key = (catalog.id, model)
        with self._lock:
            gate = self._gates.setdefault(key, threading.Lock())
        with gate:  # others wait for the first of their own catalogue alone
            known = self._served.get(key)
            if known is None or known.catalog != catalog:
                index = self._indexes.get(catalog, model, parts, known=None if known is None else known.index)
                calibration = self._calibrate(catalog, model, parts, index, known)
                known = Served(
                    catalog=catalog, model=model, encoder=encoder, parts=parts, index=index, calibration=calibration
                )
            self._keep(key, known)
            return known

    def write(self, catalog: Catalog) -> Served:
        """The same, written to disk, so that the first need of the next process is answered at once."""
        found = self.of(catalog)
        self._indexes.save(catalog, found.model, found.index)
        return found

    def reader(self, served: Served) -> VariantReader:
        """What reads items as they would be with other fields, as the model that serves does."""
        return self.models.reader(served.catalog, served.index)

    def drop(self, catalog_id: int) -> None:
        """Forget what was derived of a catalogue, and remove its files."""
        with self._lock:
            for key in [key for key in self._served if key[0] == catalog_id]:
                del self._served[key]
        self._indexes.drop(catalog_id)

    def _keep(self, key: tuple[int, str], found: Served) -> None:
        """Keep it as the one used last; those used longest ago go where all take too much memory."""
        with self._lock:
            self._served[key] = found
            self._served.move_to_end(key)
            while len(self._served) > 1 and sum(one.index.size for one in self._served.values()) > MOST_BYTES:
                self._served.popitem(last=False)

    def _calibrate(
        self,
        catalog: Catalog,
        model: str,
        parts: Mapping[str, NeedEncoder],
        index: VectorIndex,
        known: Served | None,
    ) -> Calibration:
        """Measured anew when what it was measured on has changed, whoever changed it."""
        path = self._folder / f"{catalog.id}-{self._embeddings.model_number(model)}.calibration.json"
        priors = {asker: list_priors(parts, asker).tolist() for asker in ASKERS}
        sample = take_sample(self._items, index, model, priors)
        kept = known.calibration if known is not None else load_calibration(path)
        if kept is None or kept.fingerprint != sample.fingerprint:
            kept = calibrate(sample, parts)
            save_calibration(kept, path)
        return kept
