"""Mapping: exact names are filled in, near ones only offered, and a person's word is checked."""

import time

import pytest

from core.catalog.aliases import build_attribute_name, find_code, find_exact, find_near
from core.catalog.shape.domains import guess_domain
from core.catalog.shape.mapping import ColumnMapping, SuggestedMapping, apply_overrides, validate_mapping
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.table import Row
from core.errors import MappingError


def suggest(columns: list[str], *rows: list[str]) -> SuggestedMapping:
    return suggest_mapping(columns, [Row(number, tuple(cells)) for number, cells in enumerate(rows, start=2)])


def targets(suggested: SuggestedMapping) -> dict[str, tuple[str, str]]:
    return {column.column: (column.target, column.confidence) for column in suggested.columns}


@pytest.mark.parametrize(
    ("name", "field"),
    [("ID", "id"), ("Product_ID", "id"), ("movieId", "id"), ("商品编号", "id"), ("productDisplayName", "title"),
     ("商品名称", "title"), ("Body (HTML)", "description"), ("masterCategory", "category"), ("image_link", "pictures"),
     ("pictureURL", "pictures"), ("价格", "price"), ("colour", ""), ("cost", ""), ("rating", "")],
)  # fmt: skip
def test_exact_aliases(name: str, field: str) -> None:
    assert find_exact(name) == field


@pytest.mark.parametrize(
    ("name", "field"), [("Product Nmae", "title"), ("Prices", "price"), ("colour", ""), ("xyz", "")]
)
def test_near_aliases(name: str, field: str) -> None:
    assert find_near(name) == field


@pytest.mark.parametrize(
    ("column", "name"), [("baseColour", "Colour"), ("item_size", "Item size"), ("颜色", "颜色"), ("usage", "Usage")]
)
def test_attribute_names(column: str, name: str) -> None:
    assert build_attribute_name(column) == name


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ("Artikelnummer|Art.-Nr.|Artikel-Nr|Réf produit|Código|Codice articolo|Productnummer|Kod produktu|货号|品番",
         "id"),
        ("Titel|Bezeichnung|Désignation|Nom du produit|Nombre|Título|Nome prodotto|Naam|Nazwa|商品标题|タイトル",
         "title"),
        ("Beschreibung|Langtext|Descriptif|Descripción|Descrizione|Omschrijving|Opis|商品描述|商品説明", "description"),
        ("Kategorie|Warengruppe|WARENGRUPPE|Catégorie|categorie|Categoría|Categoria|Artikelgroep|Kategoria|类目|カテゴリ",
         "category"),
        ("Marke|Hersteller|Marque|Fabricant|Marca|Produttore|Merk|Marka|Producent|品牌|メーカー", "brand"),
        ("Preis|VK brutto|VK-Brutto|Preis (EUR)|Prix TTC|Precio|PVP|Prezzo|Verkoopprijs|Cena brutto|价格|販売価格",
         "price"),
        ("Angebotspreis|Prix promo|Precio de oferta|Prezzo scontato|Actieprijs|Cena promocyjna|促销价|セール価格",
         "sale_price"),
        ("Währung|Waehrung|WÄHRUNG|Devise|Moneda|Valuta|Waluta|货币|通貨", "currency"),
        ("Verfügbarkeit|Lagerbestand|Disponibilité|Existencias|Giacenza|Voorraad|Dostępność|库存|在庫数",
         "availability"),
        ("Produktlink|Lien|Enlace|Collegamento|Productlink|Link do produktu|链接|リンク", "url"),
        ("Bild|Bild_1|Bilder|Lien image|Imágenes|Imagen principal|Immagine|Afbeelding|zdjecie glowne|主图|画像URL",
         "pictures"),
        ("Schlagwörter|Mots-clés|Palabras clave|Parole chiave|Trefwoorden|Słowa kluczowe|标签|キーワード", "tags"),
    ],
)  # fmt: skip
def test_names_of_eight_languages_are_exact(names: str, field: str) -> None:
    assert {name: find_exact(name) for name in names.split("|")} == dict.fromkeys(names.split("|"), field)


@pytest.mark.parametrize(
    ("names", "code"),
    [("EAN|ean13|EAN-Code|Kod EAN", "EAN"), ("GTIN|gtin_14", "GTIN"), ("upc", "UPC"), ("ISBN-13|isbn10", "ISBN"),
     ("MPN|Herstellernummer|manufacturer_part_number|型番", "MPN"), ("asin", "ASIN"),
     ("Barcode|Strichcode|Código de barras|条形码", "Barcode"), ("Référence|reference|Riferimento", "Reference"),
     ("Model No.|Modellnummer|型号", "Model number"), ("Art.-Nr.", "Item number"), ("colour|title|price", "")],
)  # fmt: skip
def test_names_of_codes(names: str, code: str) -> None:
    assert {find_code(name) for name in names.split("|")} == {code}


def test_a_german_file_is_read_without_a_question() -> None:
    columns = ["Artikelnummer", "EAN", "Titel", "Preis", "Kategorie", "Farbe"]
    found = targets(suggest(columns, *[[f"100{n}", f"40063813339{n:02}", f"Sofa {n}", "1.299,00 €", "Möbel", "rot"]
                                       for n in range(12)]))  # fmt: skip
    assert {name: target for name, (target, _) in found.items()} == {
        "Artikelnummer": "id", "EAN": "code:EAN", "Titel": "title", "Preis": "price", "Kategorie": "category",
        "Farbe": "attribute:Farbe",
    }  # fmt: skip


def test_identifiers_beside_the_id_are_codes_whatever_they_are_called() -> None:
    rows = [[f"K-{n}", f"400638133393{n}", f"FP-{n}/B", f"QX{n}07", "4", "red", f"Pen {n}"] for n in range(10)]
    found = targets(suggest(["sku", "ean", "mpn", "Depot code", "category code", "colour code", "title"], *rows))
    assert [target for target, _ in found.values()] == [
        "id", "code:EAN", "code:MPN", "code:Depot code", "", "", "title"
    ]  # fmt: skip


def test_without_an_id_a_column_of_different_codes_is_offered_and_kept_as_a_code() -> None:
    (ean, _) = suggest(["ean", "title"], ["4006381333931", "Pen"], ["4006381333948", "Ball pen"]).columns
    assert (ean.target, ean.confidence, ean.fallback) == ("id", "suggested", "code:EAN")


def test_a_second_column_of_pictures_needs_its_name_and_its_cells() -> None:
    columns = [
        "id",
        "title",
        "image",
        "source",
        "photo credit",
        "image count",
        "photographer url",
        "image alt",
        "detail",
    ]
    rows = [
        [f"{n}", f"Desk {n}", f"a{n}.jpg", f"https://x.org/a{n}.webp", "Ann", "3", f"https://x.org/p{n}.jpg", "A desk",
         f"https://x.org/d{n}.jpg"] for n in range(12)
    ]  # fmt: skip
    suggested = suggest(columns, *rows)
    assert suggested.build(accept_suggestions=True).find_columns("pictures") == ("image",)
    assert suggest(["id", "title", "main"], *[row[:3] for row in rows]).columns[2].target == "pictures"
    assert suggest(["id", "title", "cover"], ["1", "Dune", "Hardcover"]).columns[2].target == "attribute:Cover"


def test_near_names_are_offered_and_not_filled_in() -> None:
    suggested = suggest(["id", "Product Nmae", "Prices"], ["1", "Teapot", "5"], ["2", "Cup", "6"])
    assert targets(suggested)["Product Nmae"] == ("title", "suggested")
    assert suggested.build().find_columns("title") == ()
    assert suggested.build(accept_suggestions=True).find_columns("title") == ("Product Nmae",)
    assert suggested.columns[1].samples == ("Teapot", "Cup")


def test_the_most_usual_name_wins_a_field_that_holds_one_value() -> None:
    suggested = suggest(["sku", "id", "name", "title"], *[[f"S{n}", f"{n}", "a b", f"Tea {n}"] for n in range(12)])
    found = targets(suggested)
    assert found["id"] == ("id", "exact")
    assert found["title"] == ("title", "exact")
    assert found["sku"] == ("code:SKU", "exact")
    assert found["name"][0] == "attribute:Name"


def test_facets_become_attributes_codes_are_kept_and_files_and_long_texts_are_not() -> None:
    rows = [
        [f"Tea {n}", ["red", "blue"][n % 2], f"X{n}99", f"docs/{n}.pdf", "word " * 40, f"Ann {n}|Bob {n}", "0", ""]
        for n in range(20)
    ]
    suggested = suggest(["title", "mood", "ref", "sheet", "story", "people", "flag", "blank"], *rows)
    fallbacks = {column.column: column.fallback for column in suggested.columns}
    assert fallbacks == {
        "title": "title", "mood": "attribute:Mood", "ref": "code:Reference", "sheet": "", "story": "",
        "people": "attribute:People",
        "flag": "", "blank": "",
    }  # fmt: skip


def test_a_domain_column_must_hold_domains() -> None:
    assert targets(suggest(["title", "domain"], ["a", "film"]))["domain"] == ("domain", "exact")
    assert targets(suggest(["title", "domain"], ["a", "example.org"]))["domain"] == ("attribute:Domain", "none")


def test_no_title_is_refused() -> None:
    with pytest.raises(MappingError, match="No column holds the title"):
        validate_mapping(ColumnMapping(targets={"id": "id"}), ["id"])


def test_a_single_value_from_two_columns_is_refused() -> None:
    mapping = ColumnMapping(targets={"a": "title", "b": "price", "c": "price"})
    with pytest.raises(MappingError, match='price is filled by "b" and "c"'):
        validate_mapping(mapping, ["a", "b", "c"])


def test_several_columns_may_fill_a_path() -> None:
    mapping = ColumnMapping(targets={"a": "title", "b": "category", "c": "category", "d": "pictures", "e": "pictures"})
    validate_mapping(mapping, ["a", "b", "c", "d", "e"])
    assert mapping.find_columns("category") == ("b", "c")


@pytest.mark.parametrize("target", ["attribute:", "code: ", "colour", "titel"])
def test_unknown_targets_are_refused(target: str) -> None:
    with pytest.raises(MappingError, match=r"attribute|no field"):
        validate_mapping(ColumnMapping(targets={"a": "title", "b": target}), ["a", "b"])


def test_a_column_that_the_file_lacks_is_refused_with_near_names() -> None:
    with pytest.raises(MappingError, match='Did you mean "title"'):
        validate_mapping(ColumnMapping(targets={"titel": "title"}), ["title", "price"])


MAPPING = ColumnMapping(targets={"Name": "", "title": "title", "baseColour": "", "sub": "category", "main": ""})


def test_an_override_replaces_the_column_of_its_field() -> None:
    changed = apply_overrides(MAPPING, {"title": "Name", "attribute:Colour": "baseColour"})
    assert changed.find_columns("title") == ("Name",)
    assert changed.targets["title"] == ""
    assert changed.targets["baseColour"] == "attribute:Colour"


def test_overrides_give_levels_in_their_order() -> None:
    changed = apply_overrides(MAPPING, [("category", "main"), ("category", "sub")])
    assert changed.find_columns("category") == ("main", "sub")


def test_a_field_can_be_left_empty_and_a_column_ignored() -> None:
    assert apply_overrides(MAPPING, {"category": ""}).find_columns("category") == ()
    assert apply_overrides(MAPPING, {"ignore": "sub"}).targets["sub"] == ""
    assert apply_overrides(MAPPING, {"title": "NAME"}).find_columns("title") == ("Name",)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"title": "Nam"}, 'Did you mean "Name"'),
        ({"titel": "Name"}, 'Did you mean "title"'),
        ({"title": "zzz"}, "It has: Name"),
    ],
)
def test_wrong_overrides_name_what_is_near(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        apply_overrides(MAPPING, overrides)


@pytest.mark.parametrize(
    ("columns", "cells", "domain"),
    [
        (["movieId", "title", "genres", "cast"], ("1", "Toy Story", "Comedy", "Tom"), "film"),
        (["track", "artist", "album"], ("a", "b", "c"), "music"),
        (["headline", "byline", "text"], ("a", "b", "c"), "news"),
        (["hotel", "destination"], ("a", "b"), "travel"),
        (["name", "price", "brand"], ("a", "5", "b"), "goods"),
        (["Handle", "Title", "Vendor", "Option1 Name"], ("a", "b", "c", ""), "goods"),
        (["a", "b"], ("x", "y"), "other"),
    ],
)
def test_domains_are_guessed(columns: list[str], cells: tuple[str, ...], domain: str) -> None:
    assert guess_domain(columns, [Row(2, cells)]) == domain


@pytest.mark.parametrize("name", ["Wholesale price", "Purchase price", "EK Preis", "Prix achat", "Cena zakupu"])
def test_what_the_shop_pays_is_no_price(name: str) -> None:
    mapping = suggest_mapping(("id", "title", name), [Row(2, ("1", "Cup", "5.00")), Row(3, ("2", "Mug", "6.00"))])
    assert mapping.build(accept_suggestions=True).find_columns("price") == ()
    assert mapping.build(accept_suggestions=True).find_columns("sale_price") == ()


def test_what_a_shop_pays_is_not_shown_and_a_kind_of_code_is_no_category() -> None:
    rows = [Row(n + 2, (f"A{n}", f"Cup {n}", "9.90", f"{n}.50", f"Norda {n % 2}", "1")) for n in range(12)]
    columns = ("sku", "title", "price", "Wholesale price", "Supplier", "product-id-type")
    targets = suggest_mapping(columns, rows).build(accept_suggestions=True).targets
    assert targets["Wholesale price"] == "" and targets["Supplier"] == "attribute:Supplier"
    assert targets["product-id-type"] != "category"


def test_a_huge_name_of_a_column_takes_no_time() -> None:
    started = time.process_time()
    assert find_near("1 x " * 50_000) == ""
    assert time.process_time() - started < 1


@pytest.mark.parametrize("name", ["_", "__", "\u00a0"])
def test_a_column_named_by_marks_alone_is_an_attribute(name: str) -> None:
    mapping = suggest(["id", "title", name], ["1", "Boot", "a"]).build(accept_suggestions=True)
    assert len(mapping.targets[name].removeprefix("attribute:").strip()) > 0
