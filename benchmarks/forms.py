"""Prices, moments and markup as people write them: our own reading against price-parser, Babel, dateutil, selectolax.

    python -m benchmarks.forms

Prints a line for every form that some reader gets wrong, and how many each gets right. A price is right when amount and
currency are; Babel reads numbers alone, is told the language, and is counted by the amount. What is no price ought to
be refused. The libraries are optional; one that is not installed is left out.
"""

import argparse
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from core.catalog.shape.prices import parse_price
from core.catalog.text import strip_html
from core.interactions.log import NO_TIME
from core.interactions.times import parse_times

#: Text | amount | currency | language, the next behind a broken bar; without an amount it is no price.
PRICES = """
15.00 USD|15.00|USD|en¦1,299.00 USD|1299.00|USD|en¦$1,299|1299|USD|en¦$5|5|USD|en¦$ 5.50|5.50|USD|en
US$ 10|10|USD|en¦USD 10|10|USD|en¦10USD|10|USD|en¦US$10.00 USD|10.00|USD|en¦$.99|0.99|USD|en¦.99|0.99||en
12.5|12.5||en¦0.999|0.999||en¦£49.00|49.00|GBP|en¦£5 each|5|GBP|en¦49 GBP|49|GBP|en¦GBP49|49|GBP|en
A$12.50|12.50|AUD|en¦AU$ 7|7|AUD|en¦C$ 8|8|CAD|en¦CA$8.10|8.10|CAD|en¦NZ$9|9|NZD|en¦HK$ 120|120|HKD|en
S$15|15|SGD|en¦NT$ 1,200|1200|TWD|en¦R$ 1.299,90|1299.90|BRL|pt¦MX$ 100.00|100.00|MXN|es
1.234,56 €|1234.56|EUR|de¦1.299,- €|1299|EUR|de¦49,- €|49|EUR|de¦49,90€|49.90|EUR|de¦€ 49,90|49.90|EUR|de
EUR 1.234.567,89|1234567.89|EUR|de¦1.299 €|1299|EUR|de¦899,50 €|899.50|EUR|de¦5 Euro|5|EUR|de¦ab 5 €|5|EUR|de
12 €/Stück|12|EUR|de¦1.299,00 € inkl. MwSt.|1299.00|EUR|de¦12,50 € inkl. 19 % MwSt.|12.50|EUR|de
12,50*|12.50||de¦CHF 1'299.50|1299.50|CHF|de_CH¦CHF 1’250.00|1250.00|CHF|de_CH¦Fr. 12.50|12.50|CHF|de_CH
5.- CHF|5|CHF|de_CH¦1 234,56 €|1234.56|EUR|fr¦1 234,56 €|1234.56|EUR|fr¦12,50 € TTC|12.50|EUR|fr
45 € HT|45|EUR|fr¦12 EUR|12|EUR|fr¦12€50|||fr¦1.234,56|1234.56||es¦desde 5 €|5|EUR|es
12,50 € IVA incl.|12.50|EUR|es¦€ 1.250,00|1250.00|EUR|it¦€ 12,-|12|EUR|nl¦€ 1.250,50|1250.50|EUR|nl
kr 499|499||nb¦499 kr|499||sv¦499:-|499||sv¦1 299,00 SEK|1299.00|SEK|sv¦NOK 1 299|1299|NOK|nb
DKK 1.299,95|1299.95|DKK|da¦1 299,00 zł|1299.00|PLN|pl¦49,99 zł|49.99|PLN|pl¦49,99 PLN|49.99|PLN|pl
1 299 Kč|1299|CZK|cs¦12 990 Ft|12990|HUF|hu¦99,90 lei|99.90|RON|ro¦12,50 лв.|12.50|BGN|bg
1 234 567,89 ₽|1234567.89|RUB|ru¦1 299 руб.|1299|RUB|ru¦99 грн|99|UAH|uk¦₴1 299|1299|UAH|uk
1.299,00 TL|1299.00|TRY|tr¦₺1.299,00|1299.00|TRY|tr¦₹1,00,000|100000|INR|hi¦Rs. 1,299/-|1299|INR|hi
Rs 500|500|INR|hi¦₹ 12,34,567.50|1234567.50|INR|hi¦१,२३४.५०|1234.50||hi¦१२,३४,५६७ रु|1234567|INR|hi
৳ 125|125|BDT|bn¦১২৫৳|125|BDT|bn¦١٢٩٫٥٠|129.50||ar¦١٬٢٩٩٫٠٠ ر.س|1299.00|SAR|ar¦۲۵۰٬۰۰۰|250000||fa
۲۵۰٬۰۰۰ تومان|250000||fa¦د.إ ٤٥|45|AED|ar¦129.50 ر.س|129.50|SAR|ar¦SAR 1,299.00|1299.00|SAR|en
KWD 1.250|1.250|KWD|en¦1.250 KWD|1.250|KWD|en¦٢٥ د.ك|25|KWD|ar¦150 ج.م|150|EGP|ar¦₪ 12.50|12.50|ILS|he
1,299 ₪|1299|ILS|he¦12.50 ש"ח|12.50|ILS|he¦¥1200|1200|JPY|ja¦¥1,200 (税込)|1200|JPY|ja¦1,200円|1200|JPY|ja
１，２９９円|1299|JPY|ja¦1200円（税抜）|1200|JPY|ja¦JPY 1200|1200|JPY|ja¦1200元|1200|CNY|zh
RMB 1,200.00|1200.00|CNY|zh¦人民币1200|1200|CNY|zh¦CN¥ 99.90|99.90|CNY|zh¦₩12,000|12000|KRW|ko
12,000원|12000|KRW|ko¦12.345.678 ₫|12345678|VND|vi¦199.000đ|199000|VND|vi¦฿1,250.00|1250.00|THB|th
1,250 บาท|1250|THB|th¦Rp 150.000|150000|IDR|id¦RM 49.90|49.90|MYR|en¦₱1,299.00|1299.00|PHP|en
R 199,00|199.00|ZAR|af¦ZAR 1 299.00|1299.00|ZAR|en¦₦12,500|12500|NGN|en¦KSh 1,200|1200|KES|en
₡12.500|12500|CRC|es¦S/ 49.90|49.90|PEN|es¦₸ 12 000|12000|KZT|ru¦₾ 49.50|49.50|GEL|en¦&pound;49.00|49.00|GBP|en
&euro; 5|5|EUR|en¦49&nbsp;&euro;|49|EUR|de¦&amp;pound;7|7|GBP|en¦1.234|1234||de¦1,234|1234||en
1.234.567|1234567||de¦1,234,567.89|1234567.89||en¦1 234.5|1234.5||en¦1'234.50|1234.50||de_CH¦0|0||en¦0.00|0||en
free|0||en¦gratis|0||de¦免费|0||zh¦Price: $5|5|USD|en¦Only £5|5|GBP|en¦12 apples|||en¦abc|||en¦19.99.99|||en
1,23,4|||en¦1e9|||en¦5-pack 10|||en¦2 x 5 €|||de¦N/A|||en¦-5|||en¦$-5|||en¦(5.00)|||en¦call us|||en
2026-01-05|||en¦10%|||en¦size 42|||en¦4x4|||en
"""

#: Text | ISO 8601 moment in UTC; none: it is no moment.
MOMENTS = """
1445714835|2015-10-24T19:27:15¦1445714835123|2015-10-24T19:27:15¦2015-10-24T19:27:15Z|2015-10-24T19:27:15
2015-10-24T21:27:15+02:00|2015-10-24T19:27:15¦2015-10-24 19:27:15|2015-10-24T19:27:15
2015-10-24 19:27:15.5|2015-10-24T19:27:15¦2015-10-24 19:27:15,500|2015-10-24T19:27:15
2015-10-24 19:27|2015-10-24T19:27:00¦2015-10-24|2015-10-24T00:00:00¦2015/10/24|2015-10-24T00:00:00
20151024|2015-10-24T00:00:00¦20151024192715|2015-10-24T19:27:15¦20151024T192715Z|2015-10-24T19:27:15
24.10.2015|2015-10-24T00:00:00¦24.10.2015 19:27|2015-10-24T19:27:00¦24/10/2015|2015-10-24T00:00:00
10/24/2015 7:27 PM|2015-10-24T19:27:00¦24 Oct 2015|2015-10-24T00:00:00¦24-Oct-2015|2015-10-24T00:00:00
October 24, 2015|2015-10-24T00:00:00¦Oct 24, 2015|2015-10-24T00:00:00¦2015年10月24日|2015-10-24T00:00:00
Sat, 24 Oct 2015 19:27:15 GMT|2015-10-24T19:27:15¦24/Oct/2015:19:27:15 +0000|2015-10-24T19:27:15
Oct 24 2015|2015-10-24T00:00:00¦24 October 2015|2015-10-24T00:00:00¦soon|¦2015-13-24|¦1.2.3|¦12|¦May|¦10:30|
3 items|¦A4-2015|
"""

#: Text and what is left of it.
MARKUP = (
    ("<p>Soft&nbsp;&amp; warm</p><ul><li>red<li>blue</ul>", "Soft & warm\nred\nblue"),
    ("Solid <b>oak</b>.<br>Height 75&nbsp;cm", "Solid oak.\nHeight 75 cm"),
    ("x<y & z", "x<y & z"),
    ("a <3 b", "a <3 b"),
    ("size <M>", "size <M>"),
    ("A < B > C lamp", "A < B > C lamp"),
    ("if a<b then c>d", "if a<b then c>d"),
    ("<p>x<y &amp; z</p>", "x<y & z"),
    ("Kids&amp;#8217; Chair", "Kids’ Chair"),
    ("&lt;p&gt;Small &amp;amp; blue&lt;/p&gt;", "Small & blue"),
    ("Men&#39;s Caf&eacute;", "Men's Café"),
    ("<script>alert(1)</script>Lamp", "Lamp"),
    ("<style>p{}</style><p>Lamp</p>", "Lamp"),
    ("<b>Bold</b> and <i>thin</i>", "Bold and thin"),
    ("R&D at AT&T", "R&D at AT&T"),
    ("<div><div>One</div><div>Two</div></div>", "One\nTwo"),
    ("<!-- note -->Lamp", "Lamp"),
    ("<a href='https://x.org'>Shop</a>", "Shop"),
    ("<table><tr><td>W</td><td>5</td></tr></table>", "W\n5"),
    ("plain", "plain"),
)

Reader = Callable[..., Any]


def read_rows(table: str) -> list[list[str]]:
    """The forms of a table: entries stand between broken bars, their parts between bars."""
    return [entry.split("|") for line in table.strip().splitlines() for entry in line.split("¦")]


def read_price(text: str, _: str) -> tuple[Decimal | None, str]:
    """Our own reading."""
    price = parse_price(text)
    return price.amount, price.currency


def load_price_readers() -> dict[str, Reader]:
    """The readers that are installed, ours first."""
    readers: dict[str, Reader] = {"ours": read_price}
    try:
        from price_parser import Price

        def parse_with_library(text: str, _: str) -> tuple[Decimal | None, str]:
            found = Price.fromstring(text)
            # The library gives back the sign; it is named as we name it, which is in its favour.
            return found.amount, parse_price(f"1 {found.currency}").currency if found.currency else ""

        readers["price-parser"] = parse_with_library
    except ImportError:
        pass
    try:
        from babel.numbers import NumberFormatError, parse_decimal

        def parse_with_babel(text: str, language: str) -> tuple[Decimal | None, str]:
            number = text.strip("".join({c for c in text if not c.isdigit()} - set(".,'’ \u00a0\u202f٫٬")) + " ")
            try:
                return parse_decimal(number, locale=language), ""
            except (NumberFormatError, InvalidOperation):
                return None, ""

        readers["Babel"] = parse_with_babel
    except ImportError:
        pass
    return readers


def read_moment(text: str) -> int | None:
    """Our own reading, seconds."""
    seconds = int(parse_times(pl.Series([text])).seconds[0])
    return None if seconds == NO_TIME else seconds


def load_moment_readers() -> dict[str, Reader]:
    """The readers that are installed, ours first."""
    readers: dict[str, Reader] = {"ours": read_moment}
    try:
        from dateutil.parser import parse

        def parse_with_dateutil(text: str) -> int | None:
            try:
                moment = parse(text, default=datetime(2000, 1, 1))
            except (ValueError, OverflowError):
                return None
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())

        readers["dateutil"] = parse_with_dateutil
    except ImportError:
        pass
    return readers


def read_plain_tree(text: str) -> str:
    """The text of a tree without anything of ours around it."""
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(text).body
    return "" if body is None else str(body.text(separator="\n", strip=True))


def compare(title: str, cases: Iterable[tuple[str, Any, dict[str, Any]]]) -> None:
    """Print the forms that some reader gets wrong, then the counts."""
    right: dict[str, int] = {}
    total = 0
    print(f"\n{title}")
    for text, wanted, answers in cases:
        total += 1
        wrong = {name: answer for name, answer in answers.items() if answer != wanted}
        for name in answers:
            right[name] = right.get(name, 0) + (name not in wrong)
        if wrong:
            print(f"  {text!r} is {wanted}: " + ", ".join(f"{name} {answer}" for name, answer in wrong.items()))
    print(f"  of {total}: " + ", ".join(f"{name} {count}" for name, count in right.items()))


def main() -> None:
    """Print the three tables."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    prices = []
    for text, amount, currency, language in read_rows(PRICES):
        wanted = (Decimal(amount), currency) if amount else (None, "")
        answers = {name: reader(text, language) for name, reader in load_price_readers().items()}
        if "Babel" in answers and answers["Babel"][0] is not None:
            answers["Babel"] = (answers["Babel"][0], wanted[1])
        prices.append((text, wanted, {n: a if a[0] is not None else (None, "") for n, a in answers.items()}))
    compare("Prices", prices)
    moments = []
    for text, iso in read_rows(MOMENTS):
        wanted = int(datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp()) if iso else None
        moments.append((text, wanted, {name: reader(text) for name, reader in load_moment_readers().items()}))
    compare("Moments", moments)
    compare("Markup", [(t, w, {"ours": strip_html(t), "selectolax alone": read_plain_tree(t)}) for t, w in MARKUP])


if __name__ == "__main__":
    main()
