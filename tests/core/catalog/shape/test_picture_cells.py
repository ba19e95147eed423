"""Cells that name pictures, each against an answer worked out by hand."""

import time

import pytest

from core.catalog.schema import Item, shorten_reference
from core.catalog.shape.picture_cells import find_picture_fault, split_pictures

PIXEL = "data:image/png;base64,iVBORw0KGgo="
JPEG = "data:image/jpeg;base64,/9j/4AAQ"


@pytest.mark.parametrize(
    ("text", "pictures"),
    [
        ("https://x.org/a,b.jpg, https://x.org/c.jpg", ("https://x.org/a,b.jpg", "https://x.org/c.jpg")),
        ("https://x.org/a.jpg|https://x.org/b.jpg", ("https://x.org/a.jpg", "https://x.org/b.jpg")),
        ("a.jpg,b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg | b.jpg |", ("a.jpg", "b.jpg")),
        ("a.jpg;b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg\nb.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg\r\n\r\nb c.jpg\r\n", ("a.jpg", "b c.jpg")),
        ("https://x.org/a.jpg\nhttps://x.org/b.jpg", ("https://x.org/a.jpg", "https://x.org/b.jpg")),
        ("Smith, John.jpg", ("Smith, John.jpg",)),
        ('[{"url": "https://x.org/a.jpg"}, {"src": "b.jpg", "alt": "x"}]', ("https://x.org/a.jpg", "b.jpg")),
        ('["a.jpg", "b.jpg"]', ("a.jpg", "b.jpg")),
        ("['a.jpg', '//x.org/b.jpg']", ("a.jpg", "https://x.org/b.jpg")),
        ("images/1.jpg", ("images/1.jpg",)),
        ("a.jpg:Front view", ("a.jpg",)),
        ("a.jpg:Front view, b.jpg:Seen from 1.5 m", ("a.jpg", "b.jpg")),
        ("https://x.org/a.jpg:Front, left", ("https://x.org/a.jpg",)),
        ("https://x.org:8080/a.jpg", ("https://x.org:8080/a.jpg",)),
        ("a.jpg ! alt : Front view ! title : A | b.jpg ! alt : Back", ("a.jpg", "b.jpg")),
        ("https://x.org/a.jpg ! alt : Front, left ! caption : ", ("https://x.org/a.jpg",)),
        ("a.jpg|Front view", ("a.jpg",)),
        ("-", ()), ("n/a", ()), ("no_selection", ()), ("None", ()), ("[]", ()), ("a.jpg, -", ("a.jpg, -",)),
        ("a.jpg|no_selection", ("a.jpg",)),
        ("//cdn.x.org/a.jpg", ("https://cdn.x.org/a.jpg",)),
        ("www.x.org/a.jpg", ("https://www.x.org/a.jpg",)),
        ("https://x.org/my pic.jpg?x=1;y=2|https://x.org/b.jpg",
         ("https://x.org/my%20pic.jpg?x=1;y=2", "https://x.org/b.jpg")),
        ("https://x.org/my%20pic.jpg", ("https://x.org/my%20pic.jpg",)),
        ("https://x.org/a.jpg?x=1&amp;y=2", ("https://x.org/a.jpg?x=1&y=2",)),
        ("https://x.org/upload/f_auto,q_auto/x.jpg,https://x.org/upload/f_auto/y.jpg",
         ("https://x.org/upload/f_auto,q_auto/x.jpg", "https://x.org/upload/f_auto/y.jpg")),
        ('<img src="a.jpg" alt="x"><img class=b src=//x.org/b.jpg>', ("a.jpg", "https://x.org/b.jpg")),
        ('=IMAGE("https://x.org/a.jpg")', ("https://x.org/a.jpg",)),
        ('=IMAGE("https://x.org/a.jpg?w=3")', ("https://x.org/a.jpg?w=3",)),
        ('![a chair](a.jpg "Chair")', ("a.jpg",)),
        ('![a chair](a.jpg "Chair (red)")', ("a.jpg",)),
        ("a.jpg | | b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg b.jpg", ("a.jpg", "b.jpg")),
        ("my chair.jpg", ("my chair.jpg",)),
        (PIXEL, (PIXEL,)),
        (f"{PIXEL},{JPEG}", (PIXEL, JPEG)),
        (f"{PIXEL}|{JPEG}", (PIXEL, JPEG)),
        (f"{PIXEL};{JPEG}", (PIXEL, JPEG)),
        (f"{PIXEL}\nplain.jpg", (PIXEL, "plain.jpg")),
        (f"a.jpg, {PIXEL}, https://x.org/b.jpg", ("a.jpg", PIXEL, "https://x.org/b.jpg")),
        ("data:image/png;base64,iVBORw0K\n  Ggo=", (PIXEL,)),
        (f'["{PIXEL}", "a.jpg"]', (PIXEL, "a.jpg")),
    ],
)  # fmt: skip
def test_picture_cells(text: str, pictures: tuple[str, ...]) -> None:
    assert split_pictures(text) == pictures


@pytest.mark.parametrize("reference", ["a/b.jpg", "https://x.org/a.jpg", r"C:\photos\1.jpg", "12345", PIXEL])
def test_paths_addresses_and_whole_pictures_can_be_read(reference: str) -> None:
    assert find_picture_fault(reference) == ""


@pytest.mark.parametrize(
    ("reference", "fault"),
    [("javascript:alert(1)", "javascript: is not read"), ("file:///etc/passwd", "file: is not read"),
     ("ftp://x/a", "ftp: is not read"), ("data:text/html;base64,AA", "not written as a picture"),
     ("https:///a.jpg", "no valid name of a host"), ("https://x.org/" + "a" * 3000, "longer than 2,000")],
)  # fmt: skip
def test_what_is_no_picture_is_told_truly(reference: str, fault: str) -> None:
    assert fault in find_picture_fault(reference)


def test_a_whole_picture_is_told_by_its_hash() -> None:
    short = shorten_reference(PIXEL)
    assert short.startswith("data:image/png;sha256-") and len(short) < 60
    assert shorten_reference(short) == short
    assert shorten_reference(PIXEL) != shorten_reference(JPEG)
    item = Item(item_id="1", pictures=(PIXEL, "a.jpg"))
    assert item.to_json()["pictures"] == [short, "a.jpg"]
    assert Item.from_json(item.to_json()).content_hash() == item.content_hash(), "imported again, nothing has changed"
    assert shorten_reference("https://x.org/a.jpg") == "https://x.org/a.jpg"


@pytest.mark.parametrize("piece", ["<img ", "![", "![](", " ", "\t", ",", ";"])
def test_split_pictures_reads_a_long_hostile_cell_once(piece: str) -> None:
    # Read anew from each of the openings, such a cell takes minutes; the clock is the processor's own.
    started = time.process_time()
    split_pictures("http://x.org/" + piece * (200_000 // len(piece)) + "x")
    assert time.process_time() - started < 8
