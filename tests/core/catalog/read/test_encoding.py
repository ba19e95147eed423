"""Encodings: short product lines of each language in each legacy encoding are told apart."""

import pytest

from core.catalog.read.encoding import COMMONEST, can_decode, detect_encoding, measure_words

#: Languages, the encodings that their files come in, and lines as they stand in a shop's table.
POLISH = "1,Żółta miska z drewna,49\n2,Świecznik łąkowy,19\n3,Krzesło dębowe,199"
CZECH = "1,Žlutý hrnek,49\n2,Modrá láhev na vodu,19\n3,Dřevěná židle,199"
HUNGARIAN = "1,Zöld bögre,49\n2,Fűzfa kosár,19\n3,Kék teáskanna üvegből,199"
TURKISH = "1,Çay bardağı,49\n2,Kırmızı gömlek,19\n3,Ahşap sandalye yeşil,199"
GREEK = "1,Κόκκινο φόρεμα,49\n2,Μπλε πουκάμισο,19\n3,Ξύλινη καρέκλα,199"
HEBREW = "1,שמלה אדומה,49\n2,חולצה כחולה,19\n3,כיסא עץ,199"
RUSSIAN = "1,Красная рубашка,49\n2,Синие джинсы,19\n3,Деревянный стул,199"
UKRAINIAN = "1,Червона сукня,49\n2,Синя сорочка з бавовни,19\n3,Дерев'яний стілець,199"
ARABIC = "1,فستان أحمر,49\n2,قميص أزرق من القطن,19\n3,كرسي خشبي,199"
LATVIAN = "1,Sarkana kleita,49\n2,Zils krekls ar pogām,19\n3,Ādas jaka un krēsls,199"
LITHUANIAN = "1,Raudona suknelė,49\n2,Mėlyni marškiniai,19\n3,Medinė kėdė žalia,199"
THAI = "1,ชุดเดรสสีแดง,49\n2,เสื้อเชิ้ตสีน้ำเงิน,19\n3,เก้าอี้ไม้,199"
GERMAN = "1,Kühlschrank groß,49\n2,Tür weiß,19\n3,Schüssel grün,199"
FRENCH = "1,Café crème,49\n2,Théière en céramique,19\n3,Robe d'été à fleurs,199"
SPANISH = "1,Pantalón de algodón para niños,49\n2,Bolso marrón,19\n3,Sudadera pequeña,199"
PORTUGUESE = "1,Calça de algodão,49\n2,Sandália São João,19\n3,Maçã vermelha,199"
SWEDISH = "1,Smörgåsbricka,49\n2,Blå kopp,19\n3,Klänning grön,199"
EURO = "1,Cœur en bois 12 €,49\n2,Bague dorée 25 €,19\n3,Œuf décoratif 9 €,199"
CHINESE = "1,红色棉质衬衫,49\n2,蓝色牛仔裤,19\n3,羊毛外套,199"
TAIWANESE = "1,紅色棉質襯衫,49\n2,藍色牛仔褲,19\n3,白色陶瓷茶壺與杯子,199"
JAPANESE = "1,赤いコットンシャツ,49\n2,青いジーンズ,19\n3,木の椅子です,199"
KOREAN = "1,빨간 면 셔츠,49\n2,파란 청바지,19\n3,양모 코트입니다,199"
#: What English tables hold beyond ASCII, where there is hardly a letter to go by.
ENGLISH = (
    "1,Men’s jacket – red,49",
    "1,Mug “Best dad”,49\n2,Vase – blue,19",
    "1,Levi’s® 501™ jeans,49",
    "1,Lamp 60 W – 20 °C – £5,49",
    "1,Jar 250 ml – €5,49\n2,Rug 5’ × 8’,19",
    "1,Men’s coat – red,49\n2,Café table,19\n3,Kids’ shoes,9\n4,Décor “Paris”,9",
    "1,Café table,49",
    "1,Jalapeño chips,49",
    "1,Crème brûlée set,49",
)
TABLE = [
    *((POLISH, encoding) for encoding in ("cp1250", "iso8859-2", "cp852")),
    *((CZECH, encoding) for encoding in ("cp1250", "iso8859-2", "cp852")),
    *((HUNGARIAN, encoding) for encoding in ("cp1250", "iso8859-2", "cp852")),
    *((TURKISH, encoding) for encoding in ("cp1254", "iso8859-9", "cp857")),
    *((GREEK, encoding) for encoding in ("cp1253", "iso8859-7", "cp737")),
    *((HEBREW, encoding) for encoding in ("cp1255", "iso8859-8", "cp862")),
    *((RUSSIAN, encoding) for encoding in ("cp1251", "iso8859-5", "koi8-r", "cp866", "mac-cyrillic")),
    (UKRAINIAN, "cp1251"),
    (UKRAINIAN, "koi8-u"),
    *((ARABIC, encoding) for encoding in ("cp1256", "iso8859-6")),
    *((LATVIAN, encoding) for encoding in ("cp1257", "iso8859-13")),
    *((LITHUANIAN, encoding) for encoding in ("cp1257", "iso8859-13")),
    (THAI, "cp874"),
    *((GERMAN, encoding) for encoding in ("cp1252", "cp850", "cp437", "mac-roman")),
    *((FRENCH, encoding) for encoding in ("cp1252", "cp850", "cp437", "mac-roman")),
    *((text, "cp1252") for text in (SPANISH, PORTUGUESE, SWEDISH, EURO, *ENGLISH)),
    (EURO, "iso8859-15"),
    (CHINESE, "gb18030"),
    (TAIWANESE, "big5"),
    *((JAPANESE, encoding) for encoding in ("cp932", "euc_jp")),
    (KOREAN, "cp949"),
    *((text, encoding) for text in (CHINESE, RUSSIAN, GERMAN, JAPANESE) for encoding in ("utf-16-le", "utf-16-be")),
]


def detect_bytes(data: bytes):
    return detect_encoding(lambda: [data[i : i + 7] for i in range(0, len(data), 7)])


@pytest.mark.parametrize(("text", "encoding"), TABLE, ids=[f"{text[2:12]}-{encoding}" for text, encoding in TABLE])
def test_product_lines_of_many_alphabets(text: str, encoding: str) -> None:
    data = f"id,title,price\n{text}\n".encode(encoding)
    guess = detect_bytes(data)
    assert data.decode(guess.encodings[0]) == data.decode(encoding)
    assert not guess.certain and guess.sample in data.decode(encoding)
    assert len(set(guess.encodings)) == len(guess.encodings)


def test_vietnamese_in_a_legacy_encoding() -> None:
    data = "id,title\n1,Váy đo\n2,Áo sơ mi xanh\n3,Ghế gô cao cấp\n".encode("cp1258", errors="ignore")
    assert detect_bytes(data).encodings[0] == "cp1258"


def test_english_and_french_in_a_large_file() -> None:
    lines = [f"{n},Plain wooden table number {n},A sturdy table for the kitchen" for n in range(30_000)]
    lines[20_000::40] = ["7,Fauteuil Brühl,L’été à la plage – très élégant, fabriqué à la main"] * len(
        lines[20_000::40]
    )
    data = "\n".join(lines).encode("cp1252")
    assert detect_encoding(lambda: [data[i : i + 65536] for i in range(0, len(data), 65536)]).encodings[0] == "cp1252"


@pytest.mark.slow
def test_a_long_line_is_sampled() -> None:
    data = ("[" + ",".join(['{"title": "蓝色牛仔裤和羊毛外套"}'] * 40_000) + "]").encode("gb18030")
    assert detect_encoding(lambda: [data]).encodings[0] == "gb18030"


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
    guess = detect_bytes(b"\n".join(lines))
    assert (guess.damaged_line, guess.encodings[0]) == (13, "utf-8")


def test_can_decode_sees_a_character_cut_at_the_end() -> None:
    assert can_decode([b"\xe4\xb8", b"\xad"], "utf-8")
    assert not can_decode([b"\xe4\xb8"], "utf-8")


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Żółta miska", 1),
        ("Men’s® jacket – 20 °C", 1),
        ("红色棉质衬衫，コットン 3号", 1),
        ("Cafй", 0),  # two alphabets in a word
        ("slimĒ", 0),  # a capital behind a small letter
        ("Gr÷ße", 0.5),  # a symbol within a word
        ("a\x8cb", 0),
        ("plain", 1),
    ],
)
def test_how_well_words_hold_together(text: str, share: float) -> None:
    assert measure_words(text) == share


def test_the_commonest_wins_where_one_letter_tells_nothing() -> None:
    assert detect_bytes("id,title\n1,Über chair\n".encode("cp1252")).encodings[0] == COMMONEST


def test_a_file_of_mostly_utf8_is_utf8_with_damaged_lines() -> None:
    data = "id,title\n1,Café\n2,Thé noir\n".encode() + b"3,Cr\xe8me\n"
    guess = detect_encoding(lambda: [data])
    assert (guess.encodings[0], guess.damaged_line) == ("utf-8", 4)
