import pytest

from core.catalog.table import Row
from core.errors import MappingError
from core.interactions.aliases import LOG_ALIASES, find_exact_target
from core.interactions.mapping import LogMapping
from core.interactions.suggest_mapping import suggest_log_mapping


def build(*columns: str, **overrides: str) -> LogMapping:
    return suggest_log_mapping(columns).build(overrides)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("userId", "movieId", "rating", "timestamp"), ("userId", "movieId", "", "rating", "", "timestamp")),
        (("userID", "artistID", "weight"), ("userID", "artistID", "", "", "weight", "")),
        (("timestamp", "visitorid", "event", "itemid"), ("visitorid", "itemid", "event", "", "", "timestamp")),
        (
            ("customer", "SKU", "action", "quantity", "created_at"),
            ("customer", "SKU", "action", "", "quantity", "created_at"),
        ),
        (
            ("Kunden-Nr.", "Artikelnr.", "Menge", "Bestelldatum"),
            ("Kunden-Nr.", "Artikelnr.", "", "", "Menge", "Bestelldatum"),
        ),
        (("N° client", "Réf. article", "Quantité"), ("N° client", "Réf. article", "", "", "Quantité", "")),
        (("Código de cliente", "Producto", "Fecha"), ("Código de cliente", "Producto", "", "", "", "Fecha")),
        (("Codice cliente", "Codice articolo", "Voto"), ("Codice cliente", "Codice articolo", "", "Voto", "", "")),
        (("Klantnummer", "Artikelnummer", "Aantal"), ("Klantnummer", "Artikelnummer", "", "", "Aantal", "")),
        (("ID klienta", "Kod produktu", "Ilość"), ("ID klienta", "Kod produktu", "", "", "Ilość", "")),
        (("顧客番号", "商品コード", "個数", "注文日時"), ("顧客番号", "商品コード", "", "", "個数", "注文日時")),
        (("會員編號", "商品編號", "數量", "下單時間"), ("會員編號", "商品編號", "", "", "數量", "下單時間")),
        (("用户ID", "商品ID", "行为类型", "时间戳"), ("用户ID", "商品ID", "行为类型", "", "", "时间戳")),
        (("会员编号", "电影id", "评分"), ("会员编号", "电影id", "", "评分", "", "")),
    ],
)
def test_known_names_are_filled_in(columns: tuple[str, ...], expected: tuple[str, ...]) -> None:
    found = build(*columns)
    assert (found.user, found.item, found.event, found.rating, found.count, found.time) == expected


def test_the_most_usual_of_several_names_wins() -> None:
    found = build("session", "date", "user_id", "product", "item_id", "timestamp")
    assert (found.user, found.item, found.time) == ("user_id", "item_id", "timestamp")
    assert found.columns == {"user": "user_id", "item": "item_id", "time": "timestamp"}


def test_aliases_do_not_contradict_each_other() -> None:
    for target, aliases in LOG_ALIASES.items():
        assert {find_exact_target(alias) for alias in aliases} == {target}


def test_near_names_are_only_suggested() -> None:
    suggested = suggest_log_mapping(["user", "itemm_id", "colour"], [Row(2, ("u", "1", "red")), Row(3, ("u",))])
    assert [(c.target, c.confidence, c.samples) for c in suggested.columns] == [
        ("user", "exact", ("u",)),
        ("item", "suggested", ("1",)),
        ("", "none", ("red",)),
    ]
    with pytest.raises(MappingError, match=r'Is it "itemm_id"\? Choose one, as in --map item=itemm_id'):
        suggested.build()
    assert suggested.build(accept_suggestions=True).item == "itemm_id"


def test_a_person_has_the_last_word() -> None:
    found = build("user", "user_id", "item", "rating", user="USER", rating="")
    assert (found.user, found.rating) == ("user", "")
    assert build("who", "what", user="who", item="what").columns == {"user": "who", "item": "what"}
    assert build("user", "item", "time", item="time", user="item") == LogMapping(user="item", item="time")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"item": "b"}, "No column holds the user .* --map user=COLUMN.* columns a, b"),
        ({"user": "a"}, "No column holds the item"),
        ({"user": "a", "item": "a"}, '"a" is chosen for user and item'),
        ({"user": "aa", "item": "b"}, "no column"),
        ({"user": "a", "item": "", "clock": "b"}, "No column holds the item"),
        ({"who": "a"}, "no part of a log"),
    ],
)
def test_what_cannot_work_is_said(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        build("a", "b", **overrides)


@pytest.mark.parametrize(
    "name",
    [
        "order_id",
        "OrderNo",
        "customer_order_id",
        "Invoice No",
        "transaction_id",
        "basket",
        "cart id",
        "receipt_no",
        "purchase_id",
        "order_item_id",
        "Bestellnummer",
        "Rechnungs-Nr.",
        "Auftragsnr",
        "N° commande",
        "numéro de facture",
        "Número de pedido",
        "ordine",
        "Bestelnummer",
        "Nr zamówienia",
        "faktura",
        "订单号",
        "注文番号",
        "發票",
    ],
)
def test_the_number_of_an_order_is_nobody(name: str) -> None:
    suggested = suggest_log_mapping([name, "item"], [Row(2, ("o1", "1"))])
    assert suggested.columns[0].target == ""
    with pytest.raises(MappingError, match=r"numbers orders, not people; .* --map ('?)user=.*\1 lets each order count"):
        suggested.build(accept_suggestions=True)
    assert suggested.build({"user": name}).user == name


@pytest.mark.parametrize("name", ["customer_email", "order_customer_id", "Besteller", "E-Mail", "Kunden-Nr.", "buyer"])
def test_a_person_beside_an_order_is_taken(name: str) -> None:
    suggested = suggest_log_mapping(["order_id", name, "sku"], [Row(2, ("o1", "u1", "s1"))])
    assert suggested.build(accept_suggestions=True).user == name


@pytest.mark.parametrize("name", ["user age", "customer country", "item price", "product name", "user agent", "value"])
def test_a_property_is_no_id(name: str) -> None:
    assert suggest_log_mapping([name], [Row(2, ("12",))]).columns[0].target == ""


def test_a_session_is_only_guessed_to_be_a_person() -> None:
    (found, _) = suggest_log_mapping(["session_id", "item"], [Row(2, ("s", "1"))]).columns
    assert (found.target, found.confidence, found.note) == (
        "user",
        "suggested",
        "every session counts as another person",
    )


def test_a_near_name_has_to_be_borne_out_by_its_cells() -> None:
    rows = [Row(2, ("u", "1", "very nice", "soon")), Row(3, ("v", "2", "4", "later"))]
    suggested = suggest_log_mapping(["user", "item", "note", "happened"], rows)
    assert [column.target for column in suggested.columns] == ["user", "item", "", ""]
    numbers = [Row(2, ("u", "1", "5")), Row(3, ("v", "2", "4,5"))]
    assert suggest_log_mapping(["user", "item", "note"], numbers).columns[2].target == "rating"


def test_the_catalogue_tells_which_column_holds_its_ids() -> None:
    rows = [Row(2, ("u", "x", "B1")), Row(3, ("v", "y", "B2"))]
    assert suggest_log_mapping(["user", "product", "sku"], rows, {"B1", "B2"}).build().item == "sku"
    assert suggest_log_mapping(["user", "product", "sku"], rows).build().item == "product"
    suggested = suggest_log_mapping(["user", "what", "thing"], rows, ["B1", "B2", "B3"])
    assert (suggested.columns[2].target, suggested.columns[2].confidence) == ("item", "suggested")


@pytest.mark.parametrize(
    ("rows", "targets"),
    [
        (["196 242 3 881250949", "22 377 1 978300760"], "user item rating time"),
        (["1 1193 5 1200000000", "1 661 3.5 1200000001"], "user item rating time"),
        (["2 51 13883", "2 52 11690"], "user item count"),
        (["u 51", "v 52"], "user item"),
        (["1 10 20 pv 1511544070", "1 11 20 buy 1511561733"], "user item - event time"),
        (["1511544070 u 10", "1511561733 u 11"], "time user item"),
        (["2024-01-31T10:00 10 u", "2024-02-01T10:00 11 u"], "time item user"),
        (["a b c d e", "f g h i j"], "- - - - -"),
        (["a", "b"], "-"),
    ],
)
def test_a_file_without_names_is_guessed_by_its_cells(rows: list[str], targets: str) -> None:
    cells = [Row(number, tuple(row.split())) for number, row in enumerate(rows, start=1)]
    names = [f"column_{n}" for n in range(1, len(cells[0].cells) + 1)]
    found = suggest_log_mapping(names, cells, {"10", "11"}).columns
    assert " ".join(column.target or "-" for column in found) == targets
    assert {column.confidence for column in found} <= {"suggested", "none"}


@pytest.mark.parametrize(
    ("header", "rows", "columns"),
    [
        ("date timestamp", ["2024-05-01 2024-05-01T12:33:00"], {"time": "timestamp"}),
        ("order_date created_at", ["2024-05-01 2024-05-01T12:33:00", "2024-05-02 nan"], {"time": "created_at"}),
        ("order_date updated_at", ["2024-05-01 2024-07-01T12:33:00"], {"time": "order_date"}),
        ("timestamp date", ["1714566780 2024-05-01"], {"time": "timestamp"}),
        ("date time", ["2024-05-01 12:33", "2024-05-02 07:05"], {"time": "date", "clock": "time"}),
        ("Datum Uhrzeit", ["01.05.2024 12:33"], {"time": "Datum", "clock": "Uhrzeit"}),
        ("time created_at", ["12:33 2024-05-01T12:33"], {"time": "created_at"}),
        ("time", ["12:33"], {"time": "time"}),
        ("datetime date", [], {"time": "date"}),
    ],
)
def test_the_finest_of_several_times_is_taken(header: str, rows: list[str], columns: dict[str, str]) -> None:
    cells = [Row(number, ("u", "i", *row.split())) for number, row in enumerate(rows, 2)]
    found = suggest_log_mapping(["user", "item", *header.split()], cells).build().columns
    assert {target: column for target, column in found.items() if target in ("time", "clock")} == columns


@pytest.mark.parametrize(
    ("header", "cells", "found"),
    [
        ("t_dat,customer_id,article_id", "2018-09-20,a,b", {"user": "customer_id", "item": "article_id"}),
        ("user_id,anime_id,rating", "1,20,8", {"user": "user_id", "item": "anime_id", "rating": "rating"}),
        ("user_id,seller_id,thing_id", "1,2,3", {"user": "user_id", "item": "thing_id"}),
        ("Order Number,Email (Billing),SKU,Note", "1,a@b.invalid,S,", {"user": "Email (Billing)", "item": "SKU"}),
        ("id_order,id_customer,product_id,date_add", "1,3,7,2024-05-01", {"user": "id_customer", "time": "date_add"}),
        ("Buyer,Listing ID,Sale Date", "jo,3,05/31/24", {"user": "Buyer", "item": "Listing ID", "time": "Sale Date"}),
        ("BASKET_ID,household_key,PRODUCT_ID", "1,2,3", {"user": "household_key", "item": "PRODUCT_ID"}),
        ("seller_email,buyer,item", "a@b.invalid,u,i", {"user": "buyer"}),
    ],
)
def test_exports_of_shops_and_research(header: str, cells: str, found: dict[str, str]) -> None:
    suggested = suggest_log_mapping(header.split(","), [Row(2, tuple(cells.split(",")))])
    columns = suggested.build(accept_suggestions=True).columns
    assert {target: columns.get(target) for target in found} == found and "rating" not in set(columns) - set(found)


def test_an_id_beside_others_is_not_guessed() -> None:
    suggested = suggest_log_mapping(["user", "anime_id", "studio_id"], [Row(2, ("u", "1", "2"))])
    with pytest.raises(MappingError, match="No column holds the item"):
        suggested.build(accept_suggestions=True)


def test_small_numbers_are_ids_of_the_catalogue_by_chance() -> None:
    rows = [Row(2, ("u", "1", "2")), Row(3, ("v", "2", "1"))]
    assert suggest_log_mapping(["user", "friend", "age"], rows, {"1", "2"}).columns[1].target == ""
