"""Exports of further shops: rows of variants, store views and pictures fold; what only the shop needs stays out."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.catalog.schema import Item
from core.catalog.shape.validate import Validated
from core.catalog.shops.conventions import detect_convention
from tests.core.catalog.shops.test_conventions import SHOPIFY, WOO, build


def items(outcome: Validated) -> list[Item]:
    return [parsed.item for parsed in outcome.items]


MAGENTO = [
    "sku", "store_view_code", "attribute_set_code", "product_type", "categories", "product_websites", "name",
    "description", "price", "special_price", "url_key", "meta_title", "base_image", "small_image", "additional_images",
    "additional_attributes", "qty", "is_in_stock", "product_online", "configurable_variations",
]  # fmt: skip


def test_magento_folds_store_views_and_splits_what_stands_together(tmp_path: Path) -> None:
    outcome = build(
        tmp_path,
        MAGENTO,
        ["MG-1", "", "Default", "simple", "Default Category/Men/Tops,Default Category/Sale", "base", "Blue polo",
         "<p>Cotton</p>", "25.0000", "20.0000", "blue-polo", "Buy", "/m/g/mg1.jpg", "/m/g/mg1.jpg",
         "/m/g/a.jpg,/m/g/b.jpg", "color=Blue,size=S|M,material=Cotton, soft,ean=4006381333931,manufacturer=Acme", "0",
         "1", "1", ""],
        ["MG-1", "de", "Default", "simple", "", "", "Blaues Polo", "Baumwolle", "", "", "", "", "", "", "", "", "", "",
         "", ""],
        ["MG-2", "", "Default", "simple", "Default Category/Men", "base", "Grey polo", "", "25.0000", "", "", "",
         "no_selection", "no_selection", "", "color=Grey", "3", "", "2", ""],
        ["MG-2", "", "Default", "simple", "", "", "Another grey polo", "", "1", *[""] * 11],
    )  # fmt: skip
    blue, grey = items(outcome)
    assert outcome.items[0].rows == (2, 3)
    assert (blue.item_id, blue.title, blue.description, blue.brand) == ("MG-1", "Blue polo", "Cotton", "Acme")
    assert (blue.category, blue.tags) == (("Men", "Tops"), ("Sale",))
    assert blue.attributes == {"Color": ("Blue",), "Size": ("S", "M"), "Material": ("Cotton, soft",)}
    assert blue.codes == {"EAN": ("4006381333931",)}
    assert (blue.price, blue.availability) == (Decimal("20.0000"), "in stock")
    assert blue.pictures == ("/m/g/mg1.jpg", "/m/g/a.jpg", "/m/g/b.jpg")
    assert (grey.pictures, grey.category, grey.availability) == ((), ("Men",), "in stock")
    assert [(p.row, p.code) for p in outcome.problems] == [(4, "unpublished"), (5, "duplicate_id")]


def test_magento_folds_the_simple_products_of_a_configurable_one(tmp_path: Path) -> None:
    def row(sku: str, kind: str, name: str, price: str, picture: str, variations: str = "") -> list[str]:
        return [sku, "", "Top", kind, "", "base", name, "", price, "", "", "", picture, "", "", "", "", "1", "1",
                variations]  # fmt: skip

    outcome = build(
        tmp_path,
        MAGENTO,
        row("P-S", "simple", "Polo S", "18", "s.jpg"),
        row("P-M", "simple", "Polo M", "19", "m.jpg"),
        row("P", "configurable", "Polo", "0.0000", "p.jpg", "sku=P-S,size=S|sku=P-M,size=M|sku=P-L,size=L"),
        row("Q", "simple", "Cap", "5", ""),
    )
    polo, cap = items(outcome)
    assert (polo.item_id, polo.title, polo.price) == ("P", "Polo", 18)
    assert polo.codes == {"SKU": ("P-S", "P-M", "P-L")}
    assert (polo.attributes, polo.pictures) == ({"Size": ("S", "M", "L")}, ("p.jpg", "s.jpg", "m.jpg"))
    assert cap.item_id == "Q" and outcome.problems == ()


def test_amazon_children_fold_into_their_parent(tmp_path: Path) -> None:
    columns = [
        "feed_product_type", "item_sku", "brand_name", "item_name", "external_product_id", "external_product_id_type",
        "part_number", "standard_price", "quantity", "main_image_url", "other_image_url1", "other_image_url2",
        "parent_child", "parent_sku", "relationship_type", "product_description", "bullet_point1", "bullet_point2",
        "generic_keywords", "color_name", "size_name", "item_weight",
    ]  # fmt: skip

    def row(sku: str, **cells: str) -> list[str]:
        return [sku if column == "item_sku" else cells.get(column, "") for column in columns]

    outcome = build(
        tmp_path,
        columns,
        row("TEE", feed_product_type="home_bed", item_name="Tee", brand_name="Acme", product_description="Soft",
            bullet_point1="Warm", bullet_point2="Light", generic_keywords="top; summer", parent_child="parent",
            main_image_url="https://x.org/1.jpg", other_image_url2="https://x.org/2.jpg", item_weight="3"),
        row("TEE-R", item_name="Tee red", standard_price="12", quantity="0", parent_child="Child", parent_sku="TEE",
            external_product_id="4006381333931", external_product_id_type="EAN", color_name="Red",
            main_image_url="https://x.org/r.jpg"),
        row("TEE-B", item_name="Tee blue", standard_price="11", quantity="4", parent_child="Child", parent_sku="TEE",
            color_name="Blue", part_number="T/9-B"),
        row("LOST", item_name="Cap", standard_price="5", parent_child="child", parent_sku="NONE"),
    )  # fmt: skip
    assert detect_convention(columns) == "amazon"
    tee, lost = items(outcome)
    assert (tee.item_id, tee.title, tee.brand, tee.price) == ("TEE", "Tee", "Acme", 11)
    assert (tee.description, tee.category, tee.tags) == ("Soft\nWarm\nLight", ("home bed",), ("top", "summer"))
    assert tee.attributes == {"Color": ("Red", "Blue")}
    assert tee.codes == {"EAN": ("4006381333931",), "SKU": ("TEE-R", "TEE-B"), "MPN": ("T/9-B",)}
    assert tee.pictures == ("https://x.org/1.jpg", "https://x.org/2.jpg", "https://x.org/r.jpg")
    assert (tee.availability, lost.item_id) == ("in stock", "LOST")
    assert [(p.row, p.code) for p in outcome.problems] == [(5, "missing_parent")]


def test_ebay_labels_are_ids_and_the_header_tells_the_currency(tmp_path: Path) -> None:
    columns = [
        "*Action(SiteID=Germany|Country=DE|Currency=EUR|Version=1193)", "CustomLabel", "*Category", "*Title",
        "*StartPrice", "*Quantity", "PicURL", "*Description", "*ConditionID", "C:Brand", "C:Colour", "Product:EAN",
        "Relationship", "RelationshipDetails",
    ]  # fmt: skip
    outcome = build(
        tmp_path,
        columns,
        ["Add", "EB-1", "9355", "Vintage radio", "45.0", "1", "https://x.org/1.jpg|https://x.org/2.jpg",
         "<p>Works</p>", "3000", "Acme", "Brown", "4006381333931", "", ""],
        ["Revise", "EB-2", "9355", "Shirt", "", "", "", "", "", "", "", "Does not apply", "", "Size=S;M"],
        ["", "EB-2-S", "", "", "9,50", "2", "", "", "", "", "", "", "Variation", "Size=S"],
        ["", "EB-2-M", "", "", "8,50", "0", "", "", "", "", "", "", "Variation", "Size=M"],
    )  # fmt: skip
    radio, shirt = items(outcome)
    assert (radio.item_id, radio.title, radio.description) == ("EB-1", "Vintage radio", "Works")
    assert (radio.price, radio.currency, radio.category, radio.brand) == (45, "EUR", (), "Acme")
    assert radio.attributes == {"Colour": ("Brown",)} and radio.codes == {"EAN": ("4006381333931",)}
    assert radio.pictures == ("https://x.org/1.jpg", "https://x.org/2.jpg")
    assert (shirt.price, shirt.availability) == (Decimal("8.50"), "in stock")
    assert (shirt.attributes, shirt.codes) == ({"Size": ("S", "M")}, {"SKU": ("EB-2-S", "EB-2-M")})
    assert outcome.items[1].rows == (3, 4, 5)


def test_ebay_drafts_without_labels_have_made_ids(tmp_path: Path) -> None:
    columns = ["Action(SiteID=US|Country=US|Currency=USD|Version=1193)", "Custom label (SKU)", "Category ID", "Title",
               "UPC", "Price", "Quantity", "Item photo URL", "Condition ID", "Description", "Format"]  # fmt: skip
    outcome = build(tmp_path, columns, ["Draft", "", "47140", "Green vase", "", "12", "1", "", "NEW", "", "FixedPrice"])
    (vase,) = items(outcome)
    assert vase.item_id.startswith("w-") and vase.currency == "USD" and vase.attributes == {}


ETSY = [
    "TITLE", "DESCRIPTION", "PRICE", "CURRENCY_CODE", "QUANTITY", "TAGS", "MATERIALS", "IMAGE1", "IMAGE2",
    "VARIATION 1 TYPE", "VARIATION 1 NAME", "VARIATION 1 VALUES", "VARIATION 2 TYPE", "VARIATION 2 NAME",
    "VARIATION 2 VALUES", "SKU",
]  # fmt: skip


def test_etsy_variations_are_attributes_and_no_category(tmp_path: Path) -> None:
    outcome = build(
        tmp_path,
        ETSY,
        ["Hand made candle", "Soy wax", "12.00", "EUR", "4", "candle,soy", "wax,cotton", "https://x.org/1.jpg",
         "https://x.org/2.jpg", *[""] * 6, "ET-1,ET-2"],
        ["Clay bowl", "Glazed", "30.00", "EUR", "0", "", "", "", "", "Size", "Size", "S,L", "Custom", "Glaze", "blue",
         ""],
        ["Second candle", "", "9", "EUR", "1", "", "", "", "", *[""] * 6, "ET-1"],
    )  # fmt: skip
    candle, bowl, second = items(outcome)
    assert (candle.item_id, candle.codes) == ("ET-1", {"SKU": ("ET-1", "ET-2")})
    assert (candle.category, candle.tags, candle.price) == ((), ("candle", "soy"), 12)
    assert candle.attributes == {"Materials": ("wax", "cotton")}
    assert candle.pictures == ("https://x.org/1.jpg", "https://x.org/2.jpg")
    assert (bowl.attributes, bowl.availability) == ({"Size": ("S", "L"), "Glaze": ("blue",)}, "out of stock")
    assert bowl.item_id.startswith("w-") and second.item_id.startswith("w-"), "no SKU, and one that is taken"
    assert outcome.rejected == ()


def test_bigcommerce_rows_below_a_product_belong_to_it(tmp_path: Path) -> None:
    columns = [
        "Item Type", "Product ID", "Product Name", "Product Type", "Product Code/SKU", "Brand Name",
        "Product Description", "Price", "Sale Price", "Product Visible?", "Track Inventory", "Current Stock Level",
        "Category", "Product Image File - 1", "Product Image Sort - 1", "Product Image File - 2", "Search Keywords",
        "Product UPC/EAN", "Global Trade Item Number", "Product URL",
    ]  # fmt: skip
    outcome = build(
        tmp_path,
        columns,
        ["Product", "86", "Able tee", "P", "AB-1", "Acme", "<p>Soft</p>", "25", "0", "Y", "by option", "",
         "Tops/Tees;Sale", "a.jpg", "0", "b.jpg", "soft, tee", "", "04006381333931", "/able-tee/"],
        ["  SKU", "99", "[S]Size=Small,[RT]Colour=Dark blue", "", "AB-1-S", "", "", "24", "", "", "", "3", "", "", "",
         "", "", "4006381333948", "", ""],
        ["  Rule", "3", "", "", "AB-1-S", "", "", "[FIXED]20", *[""] * 12],
        ["Product", "87", "Cap", "P", "CP", "", "", "9", "", "N", "none", "0", "Hats", *[""] * 7],
    )  # fmt: skip
    tee, cap = items(outcome)
    assert (tee.item_id, tee.title, tee.brand, tee.price) == ("86", "Able tee", "Acme", 24)
    assert (tee.category, tee.tags) == (("Tops", "Tees"), ("soft", "tee", "Sale"))
    assert tee.attributes == {"Size": ("Small",), "Colour": ("Dark blue",)}
    assert tee.codes["SKU"] == ("AB-1", "AB-1-S") and tee.codes["GTIN"] == ("04006381333931",)
    assert (tee.pictures, tee.availability) == (("a.jpg", "b.jpg"), "in stock")
    assert (cap.category, cap.availability) == (("Hats",), "")
    assert [(p.row, p.code) for p in outcome.problems] == [(5, "unpublished")]
    assert outcome.items[0].rows == (2, 3, 4)


def test_bigcommerce_newer_template(tmp_path: Path) -> None:
    columns = ["Item", "ID", "Name", "Type", "SKU", "Options", "Inventory Tracking", "Current Stock", "Price",
               "Categories", "Description", "Variant Image URL", "Image URL (Import)", "Image Sort Order"]  # fmt: skip
    outcome = build(
        tmp_path,
        columns,
        ["Product", "1", "Glow set", "physical", "SH-1", "", "variant", "", "29.99", "18;23", "Shiny", "", "", ""],
        ["Variant", "7", "", "", "GG-S", "Type=Rectangle|Name=Size|Value=Small", "", "2", "19.99", "", "",
         "https://x.org/s.jpg", "", ""],
        ["Image", "", "", "", "", "", "", "", "", "", "", "", "https://x.org/g.jpg", "0"],
    )  # fmt: skip
    (glow,) = items(outcome)
    assert (glow.item_id, glow.price, glow.category) == ("1", Decimal("19.99"), ())
    assert (glow.attributes, glow.availability) == ({"Size": ("Small",)}, "in stock")
    assert glow.pictures == ("https://x.org/s.jpg", "https://x.org/g.jpg")


def test_codes_of_variants_stay_with_the_product(tmp_path: Path) -> None:
    columns = [*SHOPIFY, "Variant SKU", "Variant Barcode", "Google Shopping / MPN"]
    first = ["tea", "Teapot", "", "Acme", "", "", "true", "Size", "S", "", "", "", "20", "", "", "", "active"]
    second = ["tea", "", "", "", "", "", "", "", "L", "", "", "", "22", "", "", "", ""]
    outcome = build(
        tmp_path, columns, [*first, "TP-S", "'4006381333931", "M/1"], [*second, "TP-L", "4006381333948", ""]
    )
    assert items(outcome)[0].codes == {
        "SKU": ("TP-S", "TP-L"), "Barcode": ("4006381333931", "4006381333948"), "MPN": ("M/1",)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "gtin"), [("en", "GTIN, UPC, EAN, or ISBN"), ("de", "GTIN, UPC, EAN oder ISBN"), ("en", "Meta: _ean")]
)
def test_codes_of_woocommerce(tmp_path: Path, language: str, gtin: str) -> None:
    columns = [*WOO[language], gtin]
    first = ["1", "variable", "T", "Teapot", "1", *[""] * 11, ""]
    second = ["2", "variation", "T-R", "Teapot red", "1", *[""] * 8, "id:1", "", "", "4006381333931"]
    (teapot,) = items(build(tmp_path, columns, first, second))
    assert list(teapot.codes.values()) == [("T", "T-R"), ("4006381333931",)]


def test_codes_of_a_feed_and_of_prestashop(tmp_path: Path) -> None:
    feed = ["id", "title", "link", "image_link", "price", "gtin", "mpn"]
    row = ["1", "Pen", "https://x.org", "https://x.org/1.jpg", "2 EUR", "4006381333931", "FP-22/B"]
    assert items(build(tmp_path, feed, row))[0].codes == {"GTIN": ("4006381333931",), "MPN": ("FP-22/B",)}
    presta = ["Product ID", "Name *", "Price tax included", "Quantity", "Manufacturer", "Reference #", "EAN13", "UPC"]
    (pen,) = items(build(tmp_path, presta, ["7", "Pen", "2", "1", "Acme", "R7", "4006381333931", ""], delimiter=";"))
    assert pen.codes == {"Reference": ("R7",), "EAN": ("4006381333931",)}


def test_a_plain_file_keeps_its_codes(tmp_path: Path) -> None:
    columns = ["sku", "ean", "gtin", "mpn", "title", "price"]
    outcome = build(
        tmp_path, columns,
        ["K-1", "4006381333931.0", "04006381333931", "FP-22/B", "Fountain pen", "12.50"],
        ["K-2", "4.00638E+12", '="04006381333948"', "BP-7; BP-8", "Ball pen", "3.50"],
        ["K-3", "", "n/a", "-", "Marker", "2"],
    )  # fmt: skip
    fountain, ball, marker = items(outcome)
    assert fountain.codes == {"EAN": ("4006381333931",), "GTIN": ("04006381333931",), "MPN": ("FP-22/B",)}
    assert ball.codes == {"GTIN": ("04006381333948",), "MPN": ("BP-7", "BP-8")}
    assert marker.codes == {}
    assert [(p.row, p.field, p.code) for p in outcome.problems] == [
        (0, "", "shortened_numbers"),
        (3, "EAN", "shortened_code"),
    ]
