"""Prices and currencies as people write them.

What is ambiguous is settled by rule, never by chance:
- "1.234" and "1,234": the column decides. Where other cells of it show which mark is the decimal one, that holds; where
  nothing does, three digits after a single mark are thousands, except in a currency that has three decimals.
- "$" is the file's default currency when that is a dollar, else US dollars; "¥" is yuan or yen when the default is one
  of them, else yen (`guess_yen` looks at a whole file for the default); "kr" is the default when that is a krone, else
  unknown.
- Digits of every script count, and "٫" and "٬" are what they are in Arabic: the decimal mark and the mark of thousands.
- "free" in several languages is a price of 0. A range gives its lowest price.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

DecimalMark = Literal["", ".", ","]
PriceFault = Literal["", "unreadable", "negative", "range"]

_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB "
    "RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
)
CURRENCIES = frozenset(_CODES.split())
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_DOLLARS = frozenset({"USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "BBD", "BSD", "JMD"})
_KRONER = frozenset({"DKK", "ISK", "NOK", "SEK"})
_SYMBOLS = {
    "us$": "USD", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "hk$": "HKD", "nz$": "NZD", "s$": "SGD",
    "nt$": "TWD", "mx$": "MXN", "r$": "BRL", "€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "元": "CNY",
    "rmb": "CNY", "人民币": "CNY", "円": "JPY", "₹": "INR", "rs": "INR", "rs.": "INR", "₩": "KRW", "원": "KRW",
    "₽": "RUB", "руб": "RUB", "руб.": "RUB", "₺": "TRY", "zł": "PLN", "kč": "CZK", "ft": "HUF", "lei": "RON",
    "₫": "VND", "đ": "VND", "฿": "THB", "₪": "ILS", "₴": "UAH", "₦": "NGN", "₱": "PHP", "fr.": "CHF", "sfr": "CHF",
    "dollar": "USD", "dollars": "USD", "pounds": "GBP", "quid": "GBP", "yuan": "CNY", "cn¥": "CNY", "人民币元": "CNY",
    "块": "CNY", "圓": "TWD", "yen": "JPY", "円税込": "JPY", "jp¥": "JPY", "rupees": "INR", "रु": "INR", "रु.": "INR",
    "रुपये": "INR", "р.": "RUB", "р": "RUB", "рублей": "RUB", "tl": "TRY", "zl": "PLN", "złotych": "PLN",
    "kc": "CZK", "kčs": "CZK", "ron": "RON", "лв": "BGN", "лв.": "BGN", "грн": "UAH", "грн.": "UAH",
    "din": "RSD", "din.": "RSD", "дин": "RSD", "₸": "KZT", "тг": "KZT", "₾": "GEL", "₼": "AZN", "֏": "AMD", "₵": "GHS",
    "gh₵": "GHS", "₡": "CRC", "₲": "PYG", "₭": "LAK", "៛": "KHR", "₮": "MNT", "৳": "BDT", "s/": "PEN", "s/.": "PEN",
    "rm": "MYR", "rp": "IDR", "rp.": "IDR", "ksh": "KES", "dh": "AED", "dhs": "AED", "aed": "AED", "r": "ZAR",
    "fr": "CHF", "sfr.": "CHF", "dkr": "DKK", "nkr": "NOK", "skr": "SEK", "บาท": "THB", "đồng": "VND", "원정": "KRW",
    "ر.س": "SAR", "ر.س.": "SAR", "ريال سعودي": "SAR", "د.إ": "AED", "د.إ.": "AED", "درهم": "AED", "ج.م": "EGP",
    "ج.م.": "EGP", "جنيه": "EGP", "د.ك": "KWD", "د.ك.": "KWD", "د.ب": "BHD", "د.ب.": "BHD", "ر.ق": "QAR",
    "ر.ق.": "QAR", "ر.ع": "OMR", "ر.ع.": "OMR", "د.أ": "JOD", "د.ا": "JOD", "ل.ل": "LBP", "د.م": "MAD", "د.م.": "MAD",
    "د.ت": "TND", "د.ج": "DZD", "د.ع": "IQD", "ل.س": "SYP", "ر.ي": "YER", "ریال": "IRR", "ש\"ח": "ILS", "ש״ח": "ILS",
}  # fmt: skip
_FREE_WORDS = "free gratis grátis gratuit gratuito kostenlos umsonst бесплатно 免费 免費 無料 무료 darmo bezpłatny"
_FREE = frozenset(_FREE_WORDS.split())
_NUMBER = re.compile(r"(?:\d|(?<![\w.])[.,](?=\d))[\d.,'’ ]*")
_GROUPS = re.compile(r"\d*|\d{1,3}([.,]\d{2,3})*[.,]\d{3}")
_NO_CENTS = re.compile(r"(?<=\d)([.,])[-–—]{1,2}(?!\s?\d)")
_RANGE = re.compile(r"\d\s*(?:-|–|—|~|to|bis|à)\s*\D{0,3}\d")
_NEGATIVE = re.compile(r"^\D{0,4}[-−]\s*\D{0,4}\d|^\(.*\d.*\)$")
_AMBIGUOUS = {
    "$": (_DOLLARS, "USD"),
    "¥": (frozenset({"CNY", "JPY"}), "JPY"),
    "kr": (_KRONER, ""),
    "kr.": (_KRONER, ""),
}
# What may stand beside an amount without changing it.
_BESIDE = frozenset({"", "kr", "kr.", "تومان", "toman"})
# Words around a price that say nothing about it: where it begins, for how many, and with which tax.
_FROM = (
    r"from|only|now|price|preis|prix|precio|prezzo|prijs|cena|nur|jetzt|ab|solo|desde|dès|da|vanaf|od|ca\.|approx\.?"
)
_EACH = r"each|ea\.?|per piece|pro st(?:ück|k\.?)|la pièce"
_TAX = r"(?:mwst|ust|vat|tax|taxes|gst|tva|iva|btw)\b\.?"
_WITH_TAX = rf"(?:inkl|incl|zzgl|excl|exkl|ex|inc|plus)\b\.?(?: of)? ?(?:\d+ ?% ?)?{_TAX}|{_TAX} incl\w*\.?|ttc|ht"
_A_PIECE = r"/ ?(?:st(?:ück|k|\.)?|pc|pcs|pièce|szt|unidad|ud|pz|ea|each|個|件|台|本|枚)\b\.?"
_JAPANESE_TAX = r"[(（]?(?:税込|税抜|税別|含税)み?[)）]?|起|约|約"
_ASIDE = re.compile(
    rf"\b(?:{_FROM}|{_EACH}|{_WITH_TAX})(?!\w)|{_A_PIECE}|{_JAPANESE_TAX}|[*†]+$|[(（]\s*[)）]|:", re.IGNORECASE
)
# Marks of direction, which right-to-left prices are full of, and soft hyphens.
_UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_MARKS = str.maketrans({"\u2212": "-", "٬": "'", "،": ",", "’": "'", "‘": "'", "´": "'", "`": "'", "˙": "'"})
MAX_DIGITS = 15
#: Characters of a cell with a price, notes beside it and all.
_MAX_PRICE = 300


@dataclass(frozen=True, slots=True)
class Price:
    """A price read from a cell.

    Attributes:
        amount: In `currency`; None when the cell is empty or unreadable.
        currency: ISO 4217 code, "" when the cell does not tell.
        fault: What is wrong or doubtful about the cell.
    """

    amount: Decimal | None = None
    currency: str = ""
    fault: PriceFault = ""


@lru_cache(maxsize=65_536)
def parse_price(text: str, *, decimal_mark: DecimalMark = "", default_currency: str = "") -> Price:
    """Read one price.

    Args:
        text: A cell such as "15.00 USD", "1.234,56 €" or "free".
        decimal_mark: The column's mark from `infer_decimal_mark`, "" when it does not tell.
        default_currency: ISO code that settles "$", "¥" and "kr".

    Examples:
        >>> parse_price("1.234,56 €")
        Price(amount=Decimal('1234.56'), currency='EUR', fault='')
        >>> parse_price("on request").fault
        'unreadable'
    """
    plain = _simplify(text)
    if len(plain) > _MAX_PRICE:
        return Price(fault="unreadable")
    if not plain or plain.lower() in _FREE:
        return Price(Decimal(0) if plain else None)
    plain = " ".join(_ASIDE.sub(" ", plain).split())
    if _NEGATIVE.match(plain):
        return Price(fault="negative")
    numbers = _NUMBER.findall(plain)
    is_range = len(numbers) == 2 and bool(_RANGE.search(plain))
    unit = " ".join(dict.fromkeys(re.split(r"[\s–—~]+", _NUMBER.sub(" ", plain)))).strip(" -")
    currency = read_currency(unit, default_currency)
    understood = (len(numbers) == 1 or is_range) and (currency or unit.lower() in _BESIDE)
    amounts = [_to_decimal(number, decimal_mark, currency or default_currency) for number in numbers]
    known = [amount for amount in amounts if amount is not None]
    if not understood or len(known) < len(numbers):
        return Price(fault="unreadable")
    return Price(min(known), currency, "range" if is_range else "")


def infer_decimal_mark(texts: Iterable[str]) -> DecimalMark:
    """Find the mark before the decimals of a column of prices.

    Each unambiguous cell has a vote: both marks present (the last is decimal), a mark repeated (it groups thousands),
    or a number of digits other than three after a single mark.

    Returns:
        The mark with the most votes, "" when no cell is unambiguous.
    """
    votes: Counter[DecimalMark] = Counter()
    for text, count in Counter(texts).items():
        for number in _NUMBER.findall(_simplify(text)):
            if mark := _vote(number.strip(" .,'’")):
                votes[mark] += count
    return votes.most_common(1)[0][0] if votes else ""


def read_currency(text: str, default_currency: str = "") -> str:
    """The ISO code of a currency's code, symbol or short name; "" when it is not known or cannot be told."""
    unit = _simplify(text).lower()
    if unit.upper() in CURRENCIES:
        return unit.upper()
    if unit in _AMBIGUOUS:
        candidates, otherwise = _AMBIGUOUS[unit]
        return default_currency if default_currency in candidates else otherwise
    if unit in _SYMBOLS:
        return _SYMBOLS[unit]
    # "US$ USD": where a symbol and a code stand together, the code is the more precise.
    codes = {part.upper() for part in re.split(r"[^a-z]+", unit)} & CURRENCIES
    symbols = {_SYMBOLS[part] for part in unit.split() if part in _SYMBOLS}
    told = codes or symbols
    return told.pop() if len(told) == 1 else ""


def guess_yen(texts: Iterable[str], words: Iterable[str]) -> str:
    """Whether "¥" is yen or yuan in a file: what its other prices say, else the language of its words.

    Args:
        texts: Cells of prices and currencies.
        words: Titles and descriptions.

    Returns:
        "JPY" or "CNY"; "" when nothing tells.
    """
    told = {code for text in set(texts) if (code := read_currency(_NUMBER.sub(" ", _simplify(text)).strip("¥ -")))}
    if len(told & {"JPY", "CNY"}) == 1:
        return (told & {"JPY", "CNY"}).pop()
    written = "".join(words)
    if re.search("[\u3040-\u30ff]", written):
        return "JPY"
    return "CNY" if re.search("[\u4e00-\u9fff]", written) else ""


def has_yen_sign(text: str) -> bool:
    """Whether the cell has the sign that yen and yuan share."""
    return "¥" in _simplify(text)


def _simplify(text: str) -> str:
    if "&" in text:
        text = html.unescape(html.unescape(text))
    # "49,-" is written for "49,00", and tells the mark.
    text = _NO_CENTS.sub(r"\g<1>00", text)
    if text.isascii():
        return text.strip()
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).translate(_MARKS).strip()
    plain = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in plain)
    # Three decimals are no thousands where the mark itself says so.
    return re.sub(r"٫(\d{3})(?!\d)", r".\g<1>0", plain).replace("٫", ".")


def _vote(number: str) -> DecimalMark:
    dots, commas = number.count("."), number.count(",")
    if dots and commas:
        return "." if number.rfind(".") > number.rfind(",") else ","
    mark: DecimalMark = "." if dots else ","
    other: DecimalMark = "," if dots else "."
    if dots + commas > 1:
        return other
    if dots + commas == 0 or number.partition(mark)[2].isdigit() is False:
        return ""
    after = len(number.partition(mark)[2])
    return "" if after == 3 and not number.startswith("0") else mark


def _to_decimal(number: str, column_mark: DecimalMark, currency: str) -> Decimal | None:
    digits = re.sub(r"[\s'’]", "", number).rstrip(".,")
    own = _vote(digits)
    fallback: DecimalMark = "." if currency in _THREE_DECIMALS else ""
    mark = own or column_mark or fallback
    if digits.count(".") + digits.count(",") > 0 and mark:
        whole, _, part = digits.rpartition(mark) if mark in digits else (digits, "", "")
    else:
        whole, part = digits, ""
    if not _GROUPS.fullmatch(whole):
        return None
    whole = whole.replace(".", "").replace(",", "")
    if not (whole or part).isdigit() or (part and not part.isdigit()) or len(whole) > MAX_DIGITS or len(part) > 8:
        return None
    return Decimal(f"{whole or 0}.{part}" if part else whole)
