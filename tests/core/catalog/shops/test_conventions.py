"""Shop exports: several rows for an item, translated headers, prices with currency."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from core.catalog.read.read import detect, read_table
from core.catalog.shape.suggest_mapping import suggest_mapping
from core.catalog.shape.validate import Validated, build_items
from core.catalog.shops.conventions import detect_convention, find_layout
from core.catalog.shops.woocommerce import find_attribute_role


def build(
    folder: Path, columns: list[str], *rows: list[str], delimiter: str = ",", name: str = "items.csv"
) -> Validated:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([columns, *rows])
    path = folder / name
    path.write_text(buffer.getvalue(), encoding="utf-8")
    table = read_table(path, detect(path).options)
    return build_items(table, suggest_mapping(table.columns, table.rows).build(), domain="goods")


SHOPIFY = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Price",
    "Image Src",
    "Image Position",
    "Variant Image",
    "Status",
]


def test_shopify_rows_of_a_handle_make_one_item(tmp_path: Path) -> None:
    outcome = build(
        tmp_path,
        SHOPIFY,
        [
            "tea",
            "Teapot",
            "<p>Hot</p>",
            "Acme",
            "Kitchen > Pots",
            "gift, clay",
            "true",
            "Size",
            "S",
            "shopify",
            "0",
            "deny",
            "20.00",
            "https://x.org/2.jpg",
            "2",
            "",
            "active",
        ],
        [
            "tea",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "M",
            "shopify",
            "3",
            "deny",
            "15.50",
            "https://x.org/1.jpg",
            "1",
            "https://x.org/m.jpg",
            "",
        ],
        ["tea", "", "", "", "", "", "", "", "", "", "", "", "", "https://x.org/3.jpg", "3", "", ""],
        [
            "cup",
            "Cup",
            "",
            "Acme",
            "",
            "",
            "false",
            "Title",
            "Default Title",
            "shopify",
            "0",
            "continue",
            "4",
            "",
            "",
            "",
            "draft",
        ],
        ["tea", "Another", "", "", "", "", "true", "", "", "", "", "", "1", "", "", "", ""],
    )
    tea, cup = (parsed.item for parsed in outcome.items)
    assert outcome.items[0].rows == (2, 3, 4)
    assert (tea.item_id, tea.title, tea.description, tea.brand) == ("tea", "Teapot", "Hot", "Acme")
    assert tea.price == Decimal("15.50")
    assert tea.category == ("Kitchen", "Pots")
    assert tea.tags == ("gift", "clay")
    assert tea.attributes == {"Size": ("S", "M")}
    assert tea.pictures == ("https://x.org/1.jpg", "https://x.org/2.jpg", "https://x.org/3.jpg", "https://x.org/m.jpg")
    assert tea.availability == "in stock"
    assert cup.availability == "backorder"
    assert cup.attributes == {}
    assert [(p.row, p.code, p.severity) for p in outcome.problems] == [
        (5, "unpublished", "warning"),
        (6, "duplicate_id", "error"),
    ]
    assert [reject.row.number for reject in outcome.rejected] == [6]


def test_shopify_category_takes_the_column_in_use() -> None:
    columns = ["Handle", "Title", "Vendor", "Product Category", "Type", "Option1 Name"]
    both = find_layout("shopify", columns, {"Product Category": ["Home > Pots"], "Type": ["Teapot"]})
    assert both.targets["Product Category"] == "category"
    assert both.targets["Type"] == "attribute:Type"
    only = find_layout("shopify", columns, {"Type": ["Teapot"]})
    assert (only.targets["Product Category"], only.targets["Type"]) == ("", "category")


WOO = {
    "en": [
        "ID",
        "Type",
        "SKU",
        "Name",
        "Published",
        "Short description",
        "Description",
        "In stock?",
        "Sale price",
        "Regular price",
        "Categories",
        "Tags",
        "Images",
        "Parent",
        "Attribute 1 name",
        "Attribute 1 value(s)",
    ],
    "pt": [
        "ID",
        "Tipo",
        "REF",
        "Nome",
        "Publicado",
        "Descrição curta",
        "Descrição",
        "Em estoque?",
        "Preço promocional",
        "Preço",
        "Categorias",
        "Tags",
        "Imagens",
        "Produto ascendente",
        "Nome do atributo 1",
        "Valores do atributo 1",
    ],
    "es": [
        "ID",
        "Tipo",
        "SKU",
        "Nombre",
        "Publicado",
        "Descripción corta",
        "Descripción",
        "¿Existencias?",
        "Precio rebajado",
        "Precio normal",
        "Categorías",
        "Etiquetas",
        "Imágenes",
        "Superior",
        "Nombre del atributo 1",
        "Valor(es) del atributo 1",
    ],
    "fr": [
        "ID",
        "Type",
        "UGS",
        "Nom",
        "Publié",
        "Description courte",
        "Description",
        "En stock ?",
        "Tarif promo",
        "Tarif régulier",
        "Catégories",
        "Étiquettes",
        "Images",
        "Parent",
        "Nom de l’attribut 1",
        "Valeur(s) de l’attribut 1 ",
    ],
    "de": [
        "ID",
        "Typ",
        "Artikelnummer",
        "Name",
        "Veröffentlicht",
        "Kurzbeschreibung",
        "Beschreibung",
        "Vorrätig?",
        "Angebotspreis",
        "Regulärer Preis",
        "Kategorien",
        "Schlagwörter",
        "Bilder",
        "Übergeordnetes Produkt",
        "Attribut 1 Name",
        "Attribut 1 Wert(e)",
    ],
    "it": [
        "ID",
        "Tipo",
        "COD",
        "Nome",
        "Pubblicato",
        "Breve descrizione",
        "Descrizione",
        "In stock?",
        "Prezzo in offerta",
        "Prezzo di listino",
        "Categorie",
        "Tag",
        "Immagini",
        "Genitore",
        "Nome dell'attributo 1",
        "Valore dell'attributo 1",
    ],
    "nl": [
        "ID",
        "Type",
        "SKU",
        "Naam",
        "Gepubliceerd",
        "Korte beschrijving",
        "Beschrijving",
        "Op voorraad?",
        "Actieprijs",
        "Reguliere prijs",
        "Categorieën",
        "Tags",
        "Afbeeldingen",
        "Hoofd",
        "Naam eigenschap 1",
        "Waarde(n) eigenschap 1",
    ],
    "pl": [
        "ID",
        "Rodzaj",
        "SKU",
        "Nazwa",
        "Opublikowano",
        "Krótki opis",
        "Opis",
        "W magazynie?",
        "Cena promocyjna",
        "Cena",
        "Kategorie",
        "Znaczniki",
        "Obrazki",
        "Nadrzędny",
        "Nazwa atrybutu 1",
        "Wartość(i) atrybutu 1",
    ],
    "zh": [
        "ID",
        "类型",
        "SKU",
        "名称",
        "已发布",
        "简短描述",
        "描述",
        "有货？",
        "促销价格",
        "常规价格",
        "分类",
        "标签",
        "图片",
        "父级",
        "属性 1 名称",
        "属性 1 值",
    ],
}


@pytest.mark.parametrize("language", list(WOO))
def test_woocommerce_in_every_language(tmp_path: Path, language: str) -> None:
    outcome = build(
        tmp_path,
        WOO[language],
        [
            "1",
            "variable",
            "T",
            "Teapot",
            "1",
            "Nice",
            "<b>Hot</b>",
            "0",
            "",
            "",
            r"Home, Home > Pots\, Pans",
            "gift, clay",
            "https://x.org/a.jpg, https://x.org/b.jpg",
            "",
            "Colour",
            r"red, dark\, blue",
        ],
        [
            "2",
            "variation",
            "T-R",
            "Teapot - red",
            "1",
            "",
            "",
            "1",
            "18",
            "20",
            "",
            "",
            "https://x.org/r.jpg",
            "id:1",
            "Colour",
            "red",
        ],
        ["3", "variation", "T-B", "Teapot - blue", "1", "", "", "0", "", "22", "", "", "", "T", "Colour", "dark, blue"],
        ["4", "simple", "C", "Cup", "0", "", "", "1", "", "4", "", "", "", "", "", ""],
        ["5", "variation", "X-1", "Lost - one", "1", "", "", "1", "", "9", "", "", "", "id:99", "Colour", "red"],
    )
    tea, cup, lost = (parsed.item for parsed in outcome.items)
    assert outcome.items[0].rows == (2, 3, 4)
    assert (tea.item_id, tea.title, tea.description) == ("1", "Teapot", "Nice\nHot")
    assert (tea.price, tea.availability) == (18, "in stock")
    assert tea.category == ("Home", "Pots, Pans")
    assert tea.tags == ("gift", "clay")
    assert tea.attributes == {"Colour": ("red", "dark, blue")}
    assert tea.pictures == ("https://x.org/a.jpg", "https://x.org/b.jpg", "https://x.org/r.jpg")
    assert (cup.item_id, lost.item_id, lost.attributes) == ("4", "5", {"Colour": ("red",)})
    assert [(p.row, p.code) for p in outcome.problems] == [(5, "unpublished"), (6, "missing_parent")]
    assert outcome.rejected == ()


def test_merchant_with_prefixed_names_and_sale_price(tmp_path: Path) -> None:
    columns = [
        "g:id",
        "title",
        "link",
        "g:image_link",
        "g:additional_image_link",
        "g:price",
        "g:sale_price",
        "g:google_product_category",
        "g:product_type",
        "g:color",
        "g:availability",
    ]
    outcome = build(
        tmp_path,
        columns,
        [
            "01",
            "Cup",
            "https://x.org/c",
            "https://x.org/1.jpg",
            "https://x.org/2.jpg,https://x.org/3.jpg",
            "15.00 USD",
            "12.00 USD",
            "212",
            "Home > Cups",
            "Red",
            "in_stock",
        ],
        delimiter="\t",
        name="feed.tsv",
    )
    (cup,) = (parsed.item for parsed in outcome.items)
    assert (cup.item_id, cup.price, cup.currency) == ("01", 12, "USD")
    assert cup.category == ("Home", "Cups")
    assert cup.pictures == ("https://x.org/1.jpg", "https://x.org/2.jpg", "https://x.org/3.jpg")
    assert cup.attributes == {"Color": ("Red",)}
    assert cup.availability == "in stock"


@pytest.mark.parametrize(
    "columns",
    [
        [
            "Product ID",
            "Image",
            "Name",
            "Reference",
            "Category",
            "Price (tax excl.)",
            "Price (tax incl.)",
            "Quantity",
            "Status",
        ],
        ["ID Produit", "Image", "Nom", "Référence", "Catégorie", "Prix (HT)", "Prix (TTC)", "Quantité", "État"],
        [
            "ID de producto",
            "Imagen",
            "Nombre",
            "Referencia",
            "Categoría",
            "Precio (imp. excl.)",
            "Precio (imp. incl.)",
            "Cantidad",
            "Estado",
        ],
    ],
)
def test_prestashop(tmp_path: Path, columns: list[str]) -> None:
    outcome = build(
        tmp_path,
        columns,
        ["7", "https://x.org/7.jpg", "Taza", "R7", "Casa", "4,00 €", "4,84 €", "0", "1"],
        delimiter=";",
    )
    (cup,) = (parsed.item for parsed in outcome.items)
    assert detect_convention(columns) == "prestashop"
    assert (cup.item_id, cup.title, cup.price, cup.currency) == ("7", "Taza", Decimal("4.84"), "EUR")
    assert (cup.category, cup.availability, cup.pictures) == (("Casa",), "out of stock", ("https://x.org/7.jpg",))


def test_prestashop_features_become_attributes(tmp_path: Path) -> None:
    columns = [
        "Product ID",
        "Name *",
        "Price tax included",
        "Quantity",
        "Manufacturer",
        "Feature(Name:Value:Position)",
        "Tags (x,y,z...)",
    ]
    outcome = build(
        tmp_path, columns, ["7", "Cup", "4", "2", "Acme", "Material:Clay:1, Height:8 cm:2", "a,b"], delimiter=";"
    )
    assert outcome.items[0].item.attributes == {"Material": ("Clay",), "Height": ("8 cm",)}
    assert outcome.items[0].item.tags == ("a", "b")


def test_schema_org_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(
        '{"@type": "Product", "sku": "007", "name": "Cup", "image": ["https://x.org/a.jpg", "https://x.org/b.jpg"], '
        '"brand": {"@type": "Brand", "name": "Acme"}, "offers": {"@type": "Offer", "price": 4.50, '
        '"priceCurrency": "EUR", "availability": "https://schema.org/InStock"}}\n',
        encoding="utf-8",
    )
    table = read_table(path, detect(path).options)
    suggested = suggest_mapping(table.columns, table.rows)
    (parsed,) = build_items(table, suggested.build(), domain="goods").items
    assert suggested.convention == "schema.org"
    assert (parsed.item.item_id, parsed.item.brand, parsed.item.price) == ("007", "Acme", Decimal("4.5"))
    assert (parsed.item.currency, parsed.item.availability) == ("EUR", "in stock")
    assert parsed.item.pictures == ("https://x.org/a.jpg", "https://x.org/b.jpg")


@pytest.mark.parametrize("columns", [["id", "title", "price"], ["handle", "title"], ["a"], ["Name", "Type"]])
def test_plain_files_have_no_convention(columns: list[str]) -> None:
    assert detect_convention(columns) == "plain"


def test_an_unknown_convention_is_a_misuse() -> None:
    with pytest.raises(ValueError, match="unknown convention"):
        find_layout("opencart", ["a"], {})


@pytest.mark.parametrize("header", ["attributwert e 1", "attribut 1 wert e", "wert e des attributs 1"])
def test_german_names_of_attribute_values(header: str) -> None:
    assert find_attribute_role(header) == "attribute1_value"
