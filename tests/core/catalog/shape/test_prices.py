"""Prices: each cell has a value worked out by hand; the ambiguous ones follow the documented rules."""

import time
from decimal import Decimal

import pytest

from core.catalog.shape.prices import Price, guess_yen, infer_decimal_mark, parse_price, read_currency


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("15.00 USD", "15.00", "USD"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("$1,299", "1299", "USD"),
        ("¥1200", "1200", "JPY"),
        ("1 234,56", "1234.56", ""),
        ("1\u00a0234,56\u00a0€", "1234.56", "EUR"),
        ("CHF 1'299.50", "1299.50", "CHF"),
        ("12.5", "12.5", ""),
        ("R$ 1.299,90", "1299.90", "BRL"),
        ("₹1,00,000", "100000", "INR"),
        ("１２３４円", "1234", "JPY"),
        ("1200元", "1200", "CNY"),
        ("99,-", "99", ""),
        (".99", "0.99", ""),
        ("0.999", "0.999", ""),
        ("1.234", "1234", ""),
        ("1,234", "1234", ""),
        ("1.234 KWD", "1.234", "KWD"),
        ("US$ 10 USD", "10", "USD"),
        ("free", "0", ""),
        ("免费", "0", ""),
        ("0", "0", ""),
    ],
)
def test_prices_as_people_write_them(text: str, amount: str, currency: str) -> None:
    assert parse_price(text) == Price(Decimal(amount), currency)


@pytest.mark.parametrize("text", ["abc", "12 apples", "19.99.99", "1e9", "5-pack 10", "1,23,4", "9" * 20])
def test_what_is_no_price_is_said_to_be_unreadable(text: str) -> None:
    assert parse_price(text) == Price(fault="unreadable")


@pytest.mark.parametrize("text", ["-5", "$-5", "-$5.00", "(5.00)", "−5 €"])
def test_negative_prices(text: str) -> None:
    assert parse_price(text).fault == "negative"


def test_an_empty_cell_is_no_price_and_no_fault() -> None:
    assert parse_price("  ") == Price()


@pytest.mark.parametrize("text", ["10 - 20 EUR", "10–20 EUR"])
def test_a_range_gives_its_lowest_price(text: str) -> None:
    assert parse_price(text) == Price(Decimal(10), "EUR", "range")


@pytest.mark.parametrize(
    ("column", "mark"),
    [
        (["1.234", "5,50"], ","),
        (["1,234", "5.50"], "."),
        (["1.234.567", "1.234"], ","),
        (["1.234", "2.500"], ""),
        (["10", "20"], ""),
        ([], ""),
        (["5,50", "5,60", "5.70"], ","),
    ],
)
def test_the_column_tells_the_decimal_mark(column: list[str], mark: str) -> None:
    assert infer_decimal_mark(column) == mark


def test_the_columns_mark_settles_three_digits_and_nothing_else() -> None:
    assert parse_price("1.234", decimal_mark=".").amount == Decimal("1.234")
    assert parse_price("1.234", decimal_mark=",").amount == 1234
    assert parse_price("5,50", decimal_mark=".").amount == Decimal("5.50")


@pytest.mark.parametrize(
    ("symbol", "default", "code"),
    [("$", "", "USD"), ("$", "CAD", "CAD"), ("$", "EUR", "USD"), ("¥", "CNY", "CNY"), ("¥", "EUR", "JPY"),
     ("kr", "SEK", "SEK"), ("kr", "", ""), ("eur", "", "EUR"), ("doubloons", "", "")],
)  # fmt: skip
def test_ambiguous_symbols_follow_the_default(symbol: str, default: str, code: str) -> None:
    assert read_currency(symbol, default) == code


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("١٢٩٫٥٠", "129.50", ""), ("۲۵۰٬۰۰۰ تومان", "250000", ""), ("١٬٢٩٩٫٠٠ ر.س", "1299.00", "SAR"),
        ("١٢٫٥٠٠", "12.500", ""), ("د.إ ٤٥", "45", "AED"), ("\u200f1,299 ₪\u200e", "1299", "ILS"),
        ("१,२३४.५०", "1234.50", ""), ("१२,३४,५६७ रु", "1234567", "INR"), ("১২৫৳", "125", "BDT"),
        ("１，２９９円", "1299", "JPY"),
        ("&pound;49.00", "49.00", "GBP"), ("&amp;euro;5", "5", "EUR"), ("49&nbsp;&euro;", "49", "EUR"),
        ("1.299,00 € inkl. MwSt.", "1299.00", "EUR"), ("ab 5 €", "5", "EUR"), ("12 €/Stück", "12", "EUR"),
        ("¥1,200 (税込)", "1200", "JPY"), ("Rs. 1,299/-", "1299", "INR"), ("R 199,00", "199.00", "ZAR"),
        ("5 EUR TTC", "5", "EUR"), ("12,50*", "12.50", ""),
    ],
)  # fmt: skip
def test_prices_of_other_scripts_and_with_words_beside(text: str, amount: str, currency: str) -> None:
    assert parse_price(text) == Price(Decimal(amount), currency)


def test_a_range_may_repeat_its_currency() -> None:
    assert parse_price("$1,234.56 – $2,000") == Price(Decimal("1234.56"), "USD", "range")


@pytest.mark.parametrize(
    ("prices", "words", "code"),
    [(["¥120", "80 CNY"], ["Tea"], "CNY"), (["¥120", "80円"], ["茶"], "JPY"), (["¥120"], ["お茶"], "JPY"),
     (["¥120"], ["绿茶"], "CNY"), (["¥120", "5 EUR"], ["Tea"], ""), (["¥1", "1 CNY", "1 JPY"], ["Tea"], "")],
)  # fmt: skip
def test_yen_or_yuan_is_told_by_other_prices_then_by_the_language(
    prices: list[str], words: list[str], code: str
) -> None:
    assert guess_yen(prices, words) == code


def test_a_dash_for_the_cents_tells_the_mark() -> None:
    assert parse_price("1.299,- €", decimal_mark=".").amount == 1299
    assert infer_decimal_mark(["1.299", "49,-"]) == ","
    assert parse_price("5-9 €").fault == "range"


@pytest.mark.parametrize("cell", ["(1)" * 70_000 + "x", "1 " * 100_000, "$1" * 100_000])
def test_a_huge_cell_is_no_price_and_takes_no_time(cell: str) -> None:
    started = time.process_time()
    assert parse_price(cell).fault == "unreadable"
    assert time.process_time() - started < 1
