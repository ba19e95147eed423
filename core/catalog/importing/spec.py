"""The recipe of an import as data, so that a job can carry it and go on in another process."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.catalog.read.read import read_table
from core.catalog.schema import Domain
from core.catalog.shape.mapping import ColumnMapping
from core.catalog.shape.validate import Validated, build_items
from core.catalog.table import ReadOptions, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSpec:
    """Everything an import depends on; a job carries it, so that it can go on in another process.

    Attributes:
        catalog: Name of the catalogue to write to.
        backbone: Image-text model for a new catalogue.
        table: The catalogue file, already a plain table (a ZIP's table is extracted before).
        options: How to read it.
        mapping: Which column is which field.
        domain: For rows that name none.
        currency: For prices that name none, ISO 4217 or "".
        edits: Row number to {column: new text}, what a person corrected.
        archive: ZIP file with pictures, or None.
        near: Folder of the table inside the archive.
        folder: Folder with pictures, or None.
        fetch: Whether web addresses of pictures are fetched.
    """

    catalog: str
    backbone: str
    table: Path
    options: ReadOptions
    mapping: ColumnMapping
    domain: Domain = "goods"
    currency: str = ""
    edits: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    archive: Path | None = None
    near: str = ""
    folder: Path | None = None
    fetch: bool = True

    def to_json(self) -> dict[str, Any]:
        """The recipe as JSON values; `from_json` reads it back."""
        return {
            "catalog": self.catalog,
            "backbone": self.backbone,
            "table": str(self.table),
            "options": asdict(self.options),
            "convention": self.mapping.convention,
            # A list of pairs: the order of the columns is the order of a category's levels.
            "targets": [list(pair) for pair in self.mapping.targets.items()],
            "domain": self.domain,
            "currency": self.currency,
            "edits": {str(row): dict(cells) for row, cells in self.edits.items()},
            "archive": None if self.archive is None else str(self.archive),
            "near": self.near,
            "folder": None if self.folder is None else str(self.folder),
            "fetch": self.fetch,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ImportSpec":
        """Read what `to_json` wrote."""
        return cls(
            catalog=data["catalog"],
            backbone=data["backbone"],
            table=Path(data["table"]),
            options=ReadOptions(**data["options"]),
            mapping=ColumnMapping(convention=data["convention"], targets=dict(data["targets"])),
            domain=data["domain"],
            currency=data["currency"],
            edits={int(row): cells for row, cells in data["edits"].items()},
            archive=None if data["archive"] is None else Path(data["archive"]),
            near=data["near"],
            folder=None if data["folder"] is None else Path(data["folder"]),
            fetch=data["fetch"],
        )

    def key(self) -> str:
        """SHA-256 (hex) of the recipe: a double click asks for the same work."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def read(self) -> Table:
        """The whole table.

        Raises:
            CatalogFileError: The file cannot be read with these options.
        """
        return read_table(self.table, self.options)

    def build(self, table: Table | None = None) -> Validated:
        """The table's items and problems.

        Args:
            table: What `read` gave, where it has been called already.

        Raises:
            CatalogFileError: The file cannot be read with these options.
            MappingError: The mapping does not fit the columns.
        """
        table = table or self.read()
        return build_items(table, self.mapping, domain=self.domain, currency=self.currency, edits=self.edits)
