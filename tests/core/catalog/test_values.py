"""Lists, paths, stock, addresses and plain text, each against an answer worked out by hand."""

import pytest

from core.catalog.text import clean_line, clean_text, strip_html
from core.catalog.values import (
    parse_availability,
    parse_domain,
    parse_url,
    split_category,
    split_list,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Apparel & Accessories > Clothing > Tops", ("Apparel & Accessories", "Clothing", "Tops")),
        ("Men/Women", ("Men/Women",)),
        ("Home / Kitchen", ("Home", "Kitchen")),
        ("/home/kitchen", ("home", "kitchen")),
        ("a/b/c", ("a", "b", "c")),
        ("Books|Novels", ("Books", "Novels")),
        ('["Books", "Novels"]', ("Books", "Novels")),
        ("Toys > Toys > Cars", ("Toys", "Cars")),
        ("Uncategorized", ()),
        ("Sem categoria", ()),
        ("  ", ()),
    ],
)
def test_category_paths(text: str, path: tuple[str, ...]) -> None:
    assert split_category(text) == path


@pytest.mark.parametrize(
    ("text", "separators", "values"),
    [
        ("a|b|a", "|;", ("a", "b")),
        ("a; b", "|;", ("a", "b")),
        ("a, b", "|;", ("a, b",)),
        ("a, b", ",", ("a", "b")),
        (r"red\, white,blue", ",", ("red, white", "blue")),
        ('["a", 1, {"name": "c"}]', "|", ("a", "1", "c")),
        ("['a', 'b']", "|", ("a", "b")),
        ("[draft] a|b", "|", ("[draft] a", "b")),
        ("", "|", ()),
    ],
)
def test_list_cells(text: str, separators: str, values: tuple[str, ...]) -> None:
    assert split_list(text, separators) == values


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://x.org/a?b=1", "https://x.org/a?b=1"),
        ("www.x.org", "https://www.x.org"),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt:alert(1)", ""),
        ("https://", ""),
        ("http://[bad", ""),
        ("https://x.org/a b", ""),
        ("x.org", ""),
        ("https://x.org/" + "a" * 3000, ""),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("in stock", "in stock"),
        ("In_Stock", "in stock"),
        ("https://schema.org/OutOfStock", "out of stock"),
        ("0", "out of stock"),
        ("12", "in stock"),
        ("-3", "out of stock"),
        ("auf Lager", "in stock"),
        ("agotado", "out of stock"),
        ("缺货", "out of stock"),
        ("现货", "in stock"),
        ("Pre-order", "preorder"),
        ("backorder", "backorder"),
        ("", ""),
        ("soon", None),
    ],
)
def test_availability_in_several_languages(text: str, state: str | None) -> None:
    assert parse_availability(text) == state


@pytest.mark.parametrize(
    ("text", "domain"), [("Film", "film"), ("movies", "film"), ("goods", "goods"), ("cheese", None)]
)
def test_domains(text: str, domain: str | None) -> None:
    assert parse_domain(text) == domain


def test_html_becomes_lines_of_text() -> None:
    source = (
        "<p>Soft&nbsp;&amp; warm</p><ul><li>red<li>blue</ul><script>bad()</script><style>p{}</style>3 &lt; 4<br>end"
    )
    assert strip_html(source) == "Soft & warm\nred\nblue\n3 < 4\nend"


@pytest.mark.parametrize(
    "text",
    ["1 < 2 and 3 > 2", "a <3 b", "R&D", "x<y & z", "size <M>", "A < B > C lamp", "if a<b then c>d", "<<new>>", "AT&T",
     "i<j and p>q", "<blue> chair"],
)  # fmt: skip
def test_text_without_markup_stays(text: str) -> None:
    assert strip_html(text) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Kids&amp;#8217; Chair &lt;blue&gt;", "Kids’ Chair <blue>"),
        ("&lt;p&gt;Small &amp;amp; blue&lt;/p&gt;", "Small & blue"),
        ("&amp;lt;b&amp;gt;Oak&amp;lt;/b&amp;gt;", "Oak"),
        ("<p>x<y &amp; z</p>", "x<y & z"),
        ("<p>5 &lt; 6</p><b>wide</b>", "5 < 6\nwide"),
        ("<p>Caf&amp;eacute;</p>", "Café"),
        ("cup\u00adboard", "cupboard"),
        ("<o:p></o:p><P CLASS='x'>Big</P><!-- note -->", "Big"),
    ],
)
def test_what_was_escaped_twice_is_read_and_no_text_is_swallowed(source: str, text: str) -> None:
    assert strip_html(source) == text


def test_hostile_html_ends() -> None:
    assert strip_html("<b>" * 20_000 + "x") == "x"
    assert strip_html("<script>alert(1)") == ""


def test_text_is_normalised_and_freed_of_what_is_not_seen() -> None:
    assert clean_line("Cafe\u0301\u200b \u202egnp\x00\ud800\t x ") == "Café gnp x"
    assert clean_text("a\r\n\r\n b \rc") == "a\nb\nc"
    assert clean_line("👩\u200d🔧") == "👩\u200d🔧"
