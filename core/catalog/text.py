"""Plain text out of cells: control characters, HTML and whitespace."""

import html
import re
import unicodedata

MAX_HTML = 100_000
# Controls, surrogates that no encoding can store, and marks that reorder or hide text on a page.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\ud800-\udfff\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]")
#: What counts as markup; "x<y", "<3" and "size <M>" are text.
_TAGS = (
    "abbr|acronym|address|article|aside|audio|base|basefont|bdi|bdo|big|blockquote|body|br|button|canvas|caption|"
    "center|cite|code|col|colgroup|dd|del|details|dfn|dir|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|"
    "frame|frameset|h[1-6]|head|header|hr|html|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|menu|meta|nav|"
    "noscript|object|ol|optgroup|option|param|picture|pre|samp|script|section|select|small|source|span|strike|"
    "strong|style|sub|summary|sup|svg|path|table|tbody|td|template|textarea|tfoot|th|thead|time|title|tr|track|tt|ul|"
    "var|video|wbr|o:p|v:\\w+|w:\\w+|font-face"
)
# A tag of one letter must look like one: "a<b then c>d" is text.
_TAG = rf"/?(?:(?:{_TAGS})(?=[\s/>])|[abipqsu](?=\s*/?>|\s[^<>]*=))|!--|!doctype|!\[cdata\[|\?xml"
_MARKUP = re.compile(rf"<(?:{_TAG})", re.IGNORECASE)
#: A "<" that begins no tag; a parser would swallow what follows it.
_NO_TAG = re.compile(rf"<(?!{_TAG})", re.IGNORECASE)
#: Text is unescaped so often at most: exports of exports escape again.
_UNESCAPED = 3
_ENTITY = re.compile(r"&(#\d+|#x[0-9a-fA-F]+|[a-zA-Z]\w{1,30});")
# A block starts a line. The break is put before the tag and not into the tree, which is several times as fast.
_BLOCK = re.compile(
    r"</?(?:p|br|div|li|[uo]l|table|t[rdh]|h[1-6r]|section|article|blockquote|d[td])(?=[\s/>])", re.IGNORECASE
)
_DROPPED = "script, style, noscript, template, iframe, object, svg, head, title"
_MAY_DROP = re.compile(r"<(?:" + _DROPPED.replace(", ", "|") + r")\b", re.IGNORECASE)


def clean_line(text: str) -> str:
    """One line of plain text: NFC, no control characters, single spaces."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split()) if "  " in text else text.strip()
    return " ".join(_clean(text).split())


def clean_text(text: str) -> str:
    """Plain text of several lines: as `clean_line` for each, empty lines dropped."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in _clean(text).split("\n"))
    return "\n".join(line for line in lines if line)


def strip_html(text: str) -> str:
    """The words of an HTML fragment, a line for every block; text without markup comes back cleaned.

    Scripts, styles and embedded objects are dropped. Entities and markup that were escaped again are read as well; a
    "<" that begins no known tag is text. Only the first `MAX_HTML` characters of markup are looked at.

    Examples:
        >>> strip_html("<p>Soft &amp; warm</p>")
        'Soft & warm'
    """
    for _ in range(_UNESCAPED):
        if _MARKUP.search(text):
            text = _read_markup(text)
        elif _ENTITY.search(text):
            text = html.unescape(text)
        else:
            break
    return clean_text(text)


def _read_markup(text: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    source = _UNSEEN.sub("", _NO_TAG.sub("&lt;", text[:MAX_HTML].replace("\r", "\n")))
    tree = LexborHTMLParser(_BLOCK.sub(r"\n\g<0>", source))
    if _MAY_DROP.search(source):
        for node in tree.css(_DROPPED):
            node.decompose()
    body = tree.body
    return body.text() if body is not None else ""


def _clean(text: str) -> str:
    breaks = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return unicodedata.normalize("NFC", _UNSEEN.sub("", breaks.replace("\t", " ")))
