"""Encodings: sentences of each language in each legacy encoding are told apart."""

import pytest

from core.catalog.encoding import can_decode, detect_encoding, score_text

SENTENCES = [
    ("gb18030", "红色棉质衬衫，适合夏季穿着"),
    ("gb18030", "名称,价格\n蓝色牛仔裤,199\n羊毛外套,899"),
    ("gb18030", "保温杯"),
    ("big5", "紅色棉質襯衫，適合夏季穿著"),
    ("big5", "名稱,價格\n藍色牛仔褲,199"),
    ("big5", "白色陶瓷茶壺與杯子"),
    ("cp932", "赤いコットンシャツ、夏に最適です"),
    ("cp932", "商品名,価格\n青いジーンズ,4900"),
    ("cp949", "빨간 면 셔츠, 여름에 좋습니다"),
    ("cp949", "상품명,가격\n파란 청바지,19900\n양모 코트,89000"),
    ("cp1252", "Größe: mittel, Farbe: grün, 15 €"),
    ("cp1252", "Café crème à emporter"),
    ("cp1252", "Pantalón de algodón para niños – azul"),
    ("cp1251", "Красная хлопковая рубашка на лето"),
    ("cp1251", "Название,Цена\nСиние джинсы,1990"),
]


def detect_bytes(data: bytes):
    return detect_encoding(lambda: [data[i : i + 7] for i in range(0, len(data), 7)])


@pytest.mark.parametrize(("encoding", "text"), SENTENCES)
def test_legacy_text_is_ranked_first(encoding: str, text: str) -> None:
    guess = detect_bytes(text.encode(encoding))
    assert guess.encodings[0] == encoding
    assert not guess.certain


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-32", "utf-32"), ("utf-8", "utf-8")],
)
def test_marks_and_utf8_are_certain(encoding: str, expected: str) -> None:
    guess = detect_bytes("id,名称\n1,茶壶\n".encode(encoding))
    assert guess.encodings == (expected,)
    assert guess.certain


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_seen_by_its_nul_bytes(encoding: str) -> None:
    assert detect_bytes("id,name,price\n1,Teapot,20\n".encode(encoding)).encodings[0] == encoding


def test_a_file_mostly_utf8_names_the_damaged_line() -> None:
    lines = [f"{n},café".encode() for n in range(20)]
    lines[12] = "12,café".encode("cp1252")
    assert detect_bytes(b"\n".join(lines)).damaged_line == 13


def test_nul_bytes_are_noticed() -> None:
    assert detect_bytes(b"id,name\n1,a\x00b\n").nul_bytes


def test_can_decode_sees_a_character_cut_at_the_end() -> None:
    assert can_decode([b"\xe4\xb8", b"\xad"], "utf-8")
    assert not can_decode([b"\xe4\xb8"], "utf-8")


def test_score_of_plain_ascii_is_zero() -> None:
    assert score_text("plain", "cp1252") == 0.0
