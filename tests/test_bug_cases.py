"""Files that once went wrong, as people sent them: every case beside this checkout is run as its README says.

A case of the folder that has no check here fails, unless it stands in `ELSEWHERE` with the reason.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import CatalogNotFoundError
from tests.conftest import SHARED_DATA
from tests.shop import Shop, list_cases

pytestmark = pytest.mark.slow

CASES = SHARED_DATA / "bug_cases"
#: Cases that belong to work which is designed anew.
ELSEWHERE = {
    "negation-hits-free-of": "how a need is read",
    "negation-minus-and-dont": "how a need is read",
    "price-in-words": "how a need is read",
    "typos": "how a need is read",
}


def arabic_persian_digits(shop: Shop) -> None:
    prices = [item.price for item in shop.items("ar_price.csv").values()]
    assert prices == [Decimal("129.50"), Decimal("250000"), Decimal("1299.00")]


def backslash_quotes(shop: Shop) -> None:
    found = shop.items("backslash.csv")["1"]
    assert (found.title, found.description) == ('Shelf "Nord" white', "two, words")


def code_columns_dropped(shop: Shop) -> None:
    shop.items("ean_gone.csv")
    codes = ("4006381333948", "400-6381333948", "BP-7", "BP7", "04006381333948")
    assert [shop.first(code) for code in codes] == ["K-2"] * len(codes)
    assert [shop.first(code) for code in ("FP-22/B", "fp22b")] == ["K-1", "K-1"]


def double_escaped(shop: Shop) -> None:
    found = shop.items("html.csv")
    assert found["E1"].price == Decimal("49.00") and found["E1"].currency == "GBP"
    assert found["E2"].title.startswith("Kids’ Chair")
    assert found["E2"].description == "Small & blue"


def ebay_ids(shop: Shop) -> None:
    found = shop.items("ebay_fx.csv")
    assert set(found) == {"EB-1", "EB-2", "EB-3"}
    assert found["EB-1"].title == "Vintage radio" and found["EB-1"].price == Decimal("45.0")
    assert not found["EB-1"].attributes and found["EB-1"].category == ()


def encodings_misread(shop: Shop) -> None:
    for file, words in (
        ("polish_cp1250.csv", ("Żółta miska",)),
        ("turkish_cp1254.csv", ("Çay bardağı",)),
        ("euro_8859_15.csv", ("Cœur en bois",)),
    ):
        name = file.partition(".")[0]
        code, printed = shop.run("import", file, "--name", name)
        assert code == 0 and "--encoding" in printed, "a guess is said, with how to override it"
        titles = " ".join(one.item.title for one in shop.stored(name).values())
        assert all(word in titles for word in words), titles


def etsy_variation_as_category(shop: Shop) -> None:
    found = shop.items("etsy.csv").values()
    assert all(item.category == () for item in found)
    assert [item.title for item in found] == ["Hand made candle", "Clay bowl"]


def german_headers_lost_price(shop: Shop) -> None:
    found = shop.items("eu_price.csv")
    prices = [found[str(number)].price for number in range(1001, 1006)]
    assert prices == [Decimal("1299.00"), Decimal("899.50"), Decimal("49"), Decimal("1299"), Decimal("1250.00")]
    assert found["1005"].currency == "CHF" and found["1001"].category == ("Möbel",)
    code, printed = shop.run("import", "eu_price.csv", "--name", "S")
    assert code == 0
    assert all(column in printed for column in ("Artikelnummer", "Titel", "Preis", "Kategorie"))


def header_only_import(shop: Shop) -> None:
    code, printed = shop.run("import", "header_only.csv", "--name", "S")
    assert code == 1 and "no row" in printed
    with pytest.raises(CatalogNotFoundError):
        shop.workspace.catalogs.find("S")


def json_products_wrapper(shop: Shop) -> None:
    assert shop.titles("wrapped.json") == ["Wrapped cup", "Wrapped mug"]
    code, printed = shop.run("import", "nested.jsonl", "--name", "T", "--no-fetch")
    titles = [one.item.title for one in shop.stored("T").values()]
    assert code == 0 and titles[:2] in (["Red cup", "Blue cup"], ["Rote Tasse", "Blue cup"]), printed


def log_wiped_by_bad_file(shop: Shop) -> None:
    shop.items("shop.csv")
    shop.read("log", "log_ok.csv", "--catalog", "S")
    catalog = shop.workspace.catalogs.find("S")
    stored = shop.workspace.interactions.count(catalog.id)
    code, printed = shop.run("log", "log_unknown.csv", "--catalog", "S")
    assert code == 1 and "ZZ" in printed
    assert shop.workspace.interactions.count(catalog.id) == stored == 72


def lt_swallows_text(shop: Shop) -> None:
    found = shop.items("html.csv")["E3"]
    assert (found.title, found.description) == ("A < B > C lamp", "x<y & z")


def magento_export(shop: Shop) -> None:
    found = shop.items("magento.csv", "--no-fetch")
    assert set(found) == {"MG-1", "MG-2"}
    assert found["MG-1"].title == "Blue polo" and "Men" in found["MG-1"].category
    assert "simple" not in found["MG-1"].category and not any("," in level for level in found["MG-1"].category)
    assert {tuple(v) for v in found["MG-1"].attributes.values()} >= {("Blue",), ("M",), ("Cotton",)}
    assert found["MG-2"].pictures == () and len(found["MG-1"].pictures) == 3


def movielens_dat(shop: Shop) -> None:
    shop.items("shop.csv")
    code, printed = shop.run("log", "ratings.dat", "--catalog", "S")
    if code:  # told how, with options that exist
        maps = (
            "--map",
            "user=column_1",
            "--map",
            "item=column_2",
            "--map",
            "rating=column_3",
            "--map",
            "time=column_4",
        )
        assert "--map" in printed, printed
        code, printed = shop.run("log", "ratings.dat", "--catalog", "S", *maps)
    assert code == 0, printed
    assert shop.workspace.interactions.count(shop.workspace.catalogs.find("S").id) == 72


def order_id_as_person(shop: Shop) -> None:
    shop.items("shop.csv")
    code, printed = shop.run("log", "log_order.csv", "--catalog", "S")
    assert code == 0, printed
    summary = shop.workspace.interactions.summary(shop.workspace.catalogs.find("S").id)
    assert summary is not None and summary.users == 12
    assert "customer_email" in printed


def _picture_counts(shop: Shop) -> dict[str, int]:
    shop.items("piclists.csv", "--images", "pics")
    return {item_id: sum(link.picture is not None for link in one.pictures) for item_id, one in shop.stored().items()}


def picture_alt_suffix(shop: Shop) -> None:
    found = _picture_counts(shop)
    assert found["L12"] == 1 and found["L13"] == 1 and found["L15"] == 0  # prog.jpg is not in this folder
    dash = shop.stored()["L15"]
    assert dash.pictures == ()


def picture_data_uri(shop: Shop) -> None:
    shop.items("piclists.csv")
    found = {item_id: [bool(link.picture) for link in one.pictures] for item_id, one in shop.stored().items()}
    assert found["L9"] == [True] and all(found["L10"]) and found["L10"]


def picture_newline_list(shop: Shop) -> None:
    found = _picture_counts(shop)
    assert [found[f"L{number}"] for number in (1, 2, 3, 4, 5, 6, 7, 8)] == [2] * 8


def picture_url_forms(shop: Shop) -> None:
    found = shop.items("picurls.csv", "--no-fetch")
    assert found["W5"].pictures == ("https://cdn.example.invalid/x.jpg",)
    assert found["W7"].pictures == ("http://127.0.0.1:9/a.jpg?x=1&y=2",)
    assert len(found["W3"].pictures) == 2


def reimport_fewer_columns(shop: Shop) -> None:
    shop.items("part1.csv", "--images", "pics")
    before = shop.stored()["Q1"]
    after = shop.items("part2.csv")["Q1"]
    assert after.price == Decimal(31)
    assert (after.description, after.attributes) == ("Steel kettle", before.item.attributes)
    assert shop.stored()["Q1"].main_picture == before.main_picture is not None


def reimport_price_only(shop: Shop) -> None:
    before = shop.items("re1.csv", "--no-fetch")
    after = shop.items("re3_price.csv")
    assert [after[one].price for one in ("R1", "R2", "R3", "R4")] == [28, 33, 25, 45]
    assert [item.title for item in after.values()] == [item.title for item in before.values()]
    assert after["R1"].description == "Steel kettle"


def repeated_header(shop: Shop) -> None:
    assert set(shop.items("bom_mid.csv")) == {"B1", "B2", "B3", "B4"}


def sci_ean(shop: Shop) -> None:
    code, printed = shop.run("import", "sci_ean.csv", "--name", "S")
    assert "spreadsheet" in printed and "used in row 2 already" not in printed, printed
    assert code in (0, 1)


def source_as_picture(shop: Shop) -> None:
    found = shop.items("shop.csv", "--no-fetch")
    assert [item.pictures for item in found.values()] == [("images/a1.jpg",), ("images/a2.jpg",), ("images/a3.jpg",)]
    warnings = shop.read("import", "shop.csv", "--name", "T", "--no-fetch")["warnings"]
    assert not [warning for warning in warnings if warning["field"] == "pictures"]


def too_few_people(shop: Shop) -> None:
    """How many people are needed is said before anything is read."""
    shop.read("import", "shop.csv", "--name", "S", "--backbone", str(shop.tiny))
    shop.read("log", "log_ok.csv", "--catalog", "S")
    config = shop.workspace.home.root / "small.json"
    config.write_text(json.dumps({"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "people": 8}))
    code, printed = shop.run("train", "--catalog", "S", "--config", str(config), "--device", "cpu")
    said = next(line for line in printed.splitlines() if "12 people" in line)
    assert "are needed" in said and "Traceback" not in printed, printed
    assert said.startswith("warning: ") if code == 0 else said.startswith("error: "), printed


def train_no_pictures(shop: Shop) -> None:
    small = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}
    config = shop.workspace.home.root / "small.json"
    config.write_text(json.dumps(small))
    shop.read("import", "plainshop.csv", "--name", "S", "--backbone", str(shop.tiny))
    shop.read("log", "plainshop_log.csv", "--catalog", "S")
    shop.read("train", "--catalog", "S", "--config", str(config), "--device", "cpu")
    assert len(shop.read("recommend", "u0", "--catalog", "S", "-k", "3")["suggestions"]) == 3


def xlsx_cover_sheet(shop: Shop) -> None:
    code, printed = shop.run("import", "cover_sheet.xlsx", "--name", "S")
    if code:
        assert "--sheet" in printed and "Products" in printed, printed
        shop.read("import", "cover_sheet.xlsx", "--name", "S", "--sheet", "Products")
    assert len(shop.stored()) > 0


def zip_with_readme(shop: Shop) -> None:
    assert len(shop.items("mac.zip")) > 0
    assert any(one.main_picture for one in shop.stored().values())


CHECKS: dict[str, Callable[[Shop], None]] = {
    check.__name__.replace("_", "-"): check
    for check in (
        arabic_persian_digits,
        backslash_quotes,
        code_columns_dropped,
        double_escaped,
        ebay_ids,
        encodings_misread,
        etsy_variation_as_category,
        german_headers_lost_price,
        header_only_import,
        json_products_wrapper,
        log_wiped_by_bad_file,
        lt_swallows_text,
        magento_export,
        movielens_dat,
        order_id_as_person,
        picture_alt_suffix,
        picture_data_uri,
        picture_newline_list,
        picture_url_forms,
        reimport_fewer_columns,
        reimport_price_only,
        repeated_header,
        sci_ean,
        source_as_picture,
        too_few_people,
        train_no_pictures,
        xlsx_cover_sheet,
        zip_with_readme,
    )
}


@pytest.mark.parametrize("name", list_cases(CASES, CHECKS))
def test_case(name: str, open_shop: Callable[[Path], Shop]) -> None:
    if name in ELSEWHERE:
        pytest.skip(f"belongs to {ELSEWHERE[name]}")
    CHECKS[name](open_shop(CASES / name))
