"""Do suggestions fit the need? Precision by category and colour, and the weights chosen on it.

    python -m benchmarks.retrieval --data ../shared/data/fashion

The catalogue: 8,213 fashion products, pictures of 60 x 80 pixels, imported as a person would. A need is a colour and a
kind that at least ten products share ("navy blue casual shoes"); 200 are drawn, half of them to choose weights on
(validation), half to report (test). An item fits when its kind and its colour are those of the need.

"full texts" are the file's own, and hold both words. "thin texts" keep only what is left of a title without its colour
and kind, so that the picture must do the work: weights are chosen for both at once. Codes are item ids typed as a need.
"""

import argparse
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import core.suggest.exact_words
from core.catalog.importing.spec import ImportSpec
from core.catalog.read.read import detect, preview_table
from core.catalog.schema import Item
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.home import open_home
from core.serving.calibration import ASKERS
from core.serving.served import Served, Serving
from core.store.catalogs import Catalog
from core.suggest.need import Need, list_matches
from core.suggest.suggester import Suggester
from core.work.encode_catalog import encode_missing, store_embeddings
from core.work.import_catalog import run_import
from core.workspace import Workspace

SEED = 11
K = 10
NEEDS = 100
MIN_FITTING = 10
PICTURE_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
WORD_WEIGHTS = (0.0, 0.5, 1.0, 2.0)
CODE_WEIGHTS = (0.0, 2.0, 6.0)
TEMPLATES = ("{}", "a photo of {}", "a product photo of {}")


@dataclass(frozen=True)
class Wanted:
    """A need and what fits it."""

    text: str
    kind: str
    colour: str


def kind_of(item: Item) -> str:
    return item.category[-1] if item.category else ""


def colour_of(item: Item) -> str:
    return (item.attributes.get("Colour") or ("",))[0]


def open_catalogs(data: Path, home: Path) -> Workspace:
    """Import the catalogue as it is, and once more with thin texts."""
    workspace = Workspace(open_home(home))
    table = data / "products.csv"
    options = detect(table).options
    preview = preview_table(table, options)
    spec = ImportSpec(
        catalog="full",
        backbone="embedded",
        table=table,
        options=options,
        mapping=suggest_mapping(preview.columns, preview.rows).build(accept_suggestions=True),
        folder=data,
        fetch=False,
    )
    run_import(workspace, spec)
    full = list(workspace.items.iterate(workspace.catalogs.find("full").id))
    thin = workspace.catalogs.ensure("thin", domain="goods", backbone="embedded")
    if thin.items < len(full):
        encoder = workspace.encoder("embedded")
        items = [replace(stored.item, title=_thin(stored.item), category=(), attributes={}) for stored in full]
        pairs = list(zip(items, full, strict=True))
        encoded = encode_missing(workspace, encoder, [replace(stored, item=item) for item, stored in pairs])
        with workspace.database.transaction():
            store_embeddings(workspace, encoded)
            workspace.items.upsert(thin.id, [(item, stored.pictures) for item, stored in pairs])
        workspace.serving.write(workspace.catalogs.find("thin"))
    return workspace


def _thin(item: Item) -> str:
    words = {word.lower().rstrip("s") for text in (kind_of(item), colour_of(item)) for word in re.findall(r"\w+", text)}
    kept = [word for word in item.title.split() if re.sub(r"\W", "", word.lower()).rstrip("s") not in words]
    return " ".join(kept) or item.item_id


def draw_needs(items: Sequence[Item]) -> tuple[list[Wanted], list[Wanted]]:
    """Validation and test needs."""
    counts: dict[tuple[str, str], int] = {}
    for item in items:
        pair = (kind_of(item), colour_of(item))
        counts[pair] = counts.get(pair, 0) + 1
    pairs = sorted(pair for pair, count in counts.items() if count >= MIN_FITTING and all(pair))
    order = np.random.default_rng(SEED).permutation(len(pairs))[: 2 * NEEDS]
    needs = [Wanted(f"{pairs[at][1]} {pairs[at][0]}".lower(), *pairs[at]) for at in order]
    return needs[: len(needs) // 2], needs[len(needs) // 2 :]


def precision(
    workspace: Workspace, truth: Mapping[str, Item], catalog: str, needs: Sequence[Wanted], match: Any, template: str
) -> dict[str, float]:
    """Mean precision at K by kind, by colour, and by both."""
    rows = []
    for wanted in needs:
        need = Need(text=template.format(wanted.text), catalogs=(catalog,), match=match)
        found = [truth[one.stored.item.item_id] for one in workspace.suggester.suggest(need, limit=K).page]
        kinds = [kind_of(item) == wanted.kind for item in found]
        colours = [colour_of(item) == wanted.colour for item in found]
        both = [one and other for one, other in zip(kinds, colours, strict=True)]
        rows.append([np.mean(kinds), np.mean(colours), np.mean(both)])
    means = np.mean(rows, axis=0)
    return dict(zip(("kind", "colour", "both"), means.tolist(), strict=True))


def first_place(workspace: Workspace, codes: Sequence[str]) -> float:
    """Share of item ids, typed as a need, whose item comes first."""
    needs = [Need(text=f"article {code}", catalogs=("full",)) for code in codes]
    pages = [workspace.suggester.suggest(need, limit=1).page for need in needs]
    return float(np.mean([page[0].stored.item.item_id == code for page, code in zip(pages, codes, strict=True)]))


class FixedServing(Serving):
    """Serves with one weight of pictures, whatever was measured."""

    picture: float

    def of(self, catalog: Catalog) -> Served:
        found = super().of(catalog)
        weights = {asker: {"picture": self.picture, "text": 1 - self.picture} for asker in ASKERS}
        return replace(found, calibration=replace(found.calibration, weights=weights))


def set_weights(workspace: Workspace, picture: float) -> None:
    """Serve with other weights."""
    serving = FixedServing(workspace.items, workspace.embeddings, workspace.home.indexes, workspace.models)
    serving.picture = picture
    workspace.suggester = Suggester(workspace.database, serving)


def picture_precision(workspace: Workspace, truth: Mapping[str, Item], catalog: str, ids: Sequence[str]) -> float:
    """Mean precision at K of kind and colour for items' own pictures as needs, the items themselves left out."""
    rows, number = [], workspace.catalogs.find(catalog).id
    for item_id in ids:
        stored = workspace.items.find(number, item_id)
        if stored is None or stored.main_picture is None:
            continue
        need = Need(image=Image.open(workspace.pictures.path(stored.main_picture)), catalogs=(catalog,))
        found = [one.stored.item.item_id for one in workspace.suggester.suggest(need, limit=K + 1).page]
        wanted = truth[item_id]
        rows.append(
            [
                kind_of(truth[one]) == kind_of(wanted) and colour_of(truth[one]) == colour_of(wanted)
                for one in found
                if one != item_id
            ][:K]
        )
    return float(np.mean([np.mean(row) for row in rows]))


def main() -> None:
    """Print the sweeps on validation, then the chosen weights on test."""
    parser = argparse.ArgumentParser(description="Suggestions against what fits.")
    parser.add_argument("--data", type=Path, required=True, help="folder with products.csv and images/")
    parser.add_argument("--home", type=Path, help="a data folder to keep; a temporary one without")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_catalogs(options.data, options.home or Path(folder))
        stored = list(workspace.items.iterate(workspace.catalogs.find("full").id))
        truth = {one.item.item_id: one.item for one in stored}
        validation, test = draw_needs(list(truth.values()))
        codes = [list(truth)[at] for at in np.random.default_rng(SEED).choice(len(truth), NEEDS, replace=False)]
        print(f"{len(truth):,} items, {len(validation)} validation and {len(test)} test needs, seed {SEED}\n")
        sweep(workspace, truth, validation, codes)
        report(workspace, truth, test)


def sweep(workspace: Workspace, truth: Mapping[str, Item], needs: Sequence[Wanted], codes: Sequence[str]) -> None:
    """Validation tables, one weight at a time around the shipped ones."""
    measured = workspace.suggester
    for name in ("full", "thin"):
        weights = measured.serving.of(workspace.catalogs.find(name)).calibration.weights
        print(f"{name} texts, measured weight of pictures:", {one: round(weights[one]["picture"], 3) for one in ASKERS})
    print("\nValidation, P@10 of kind and colour together\n")
    print("| picture weight | full texts | thin texts | mean | picture needs, full | thin |\n|---|---|---|---|---|---|")
    for weight in (None, *PICTURE_WEIGHTS):
        workspace.suggester = measured
        if weight is not None:
            set_weights(workspace, weight)
        found = [precision(workspace, truth, name, needs, "both", "{}")["both"] for name in ("full", "thin")]
        shown = [picture_precision(workspace, truth, name, codes) for name in ("full", "thin")]
        print(
            f"| {'measured' if weight is None else weight} | {found[0]:.3f} | {found[1]:.3f} | {np.mean(found):.3f} "
            f"| {shown[0]:.3f} | {shown[1]:.3f} |",
            flush=True,
        )
    workspace.suggester = measured
    print("\n| word weight | code weight | full texts | thin texts | code comes first |\n|---|---|---|---|---|")
    kept = core.suggest.exact_words.WORD_WEIGHT, core.suggest.exact_words.CODE_WEIGHT
    for word in WORD_WEIGHTS:
        for code in CODE_WEIGHTS:
            core.suggest.exact_words.WORD_WEIGHT, core.suggest.exact_words.CODE_WEIGHT = word, code
            found = [precision(workspace, truth, name, needs, "both", "{}")["both"] for name in ("full", "thin")]
            first = first_place(workspace, codes)
            print(f"| {word} | {code} | {found[0]:.3f} | {found[1]:.3f} | {first:.2f} |", flush=True)
    core.suggest.exact_words.WORD_WEIGHT, core.suggest.exact_words.CODE_WEIGHT = kept
    print("\n| template | full texts | thin texts, picture only |\n|---|---|---|")
    for template in TEMPLATES:
        full = precision(workspace, truth, "full", needs, "both", template)["both"]
        thin = precision(workspace, truth, "thin", needs, "picture", template)["both"]
        print(f"| {template.format('…')} | {full:.3f} | {thin:.3f} |", flush=True)


def report(workspace: Workspace, truth: Mapping[str, Item], needs: Sequence[Wanted]) -> None:
    """The test table, with the measured weights."""
    print("\nTest, P@10\n\n| texts | match | kind | colour | both |\n|---|---|---|---|---|")
    for name in ("full", "thin"):
        for match in list_matches():
            found = precision(workspace, truth, name, needs, match, "{}")
            print(
                f"| {name} | {match} | {found['kind']:.3f} | {found['colour']:.3f} | {found['both']:.3f} |", flush=True
            )


if __name__ == "__main__":
    main()
