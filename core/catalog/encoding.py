"""Which text encoding a file was written in.

A byte order mark decides; then strict UTF-8 over the whole file; then the legacy encodings that can decode every byte,
ranked by how much the result looks like the language they were made for. The ranking needs a few dozen letters: a file
with one odd character can be told wrongly, which is why a guess is always reported and can be overridden.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

CANDIDATES = ("gb18030", "big5", "cp932", "cp949", "cp1252", "cp1251")
FALLBACK = "latin-1"
SAMPLE_BYTES = 256 * 1024

# utf-32 first: its little-endian mark begins with that of utf-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# The most frequent characters of running text; real text in the language is full of them, a wrong decoding is not.
_SIMPLIFIED = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现"
    "当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最"
    "重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义"
    "各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马"
    "科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争"
    "运笔衣鞋裤裙包红蓝黑绿黄棉质男装价商货店购买颜尺码产款号码描述图片标适夏冬春秋季羊毛外套衬衫礼物"
)
_TRADITIONAL = frozenset(
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多經麼去法學如都同現"
    "當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最"
    "重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義"
    "各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬"
    "科司五基眼書非則聽白卻界達光放強即像難且權思王象完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶導爭"
    "運筆衣鞋褲裙包紅藍黑綠黃棉質男裝價商貨店購買顏尺碼產款號碼描述圖片標適夏冬春秋季羊毛外套襯衫禮物"
)
_HANGUL = frozenset(
    "이다는의에을를가고지한하로도은서기사그나자리어시인아일대들라수있정해상부스으과것보여주전제만장원거니관게성면구동비무용마유조내우호선습안했진"
    "경생소신오연모되결문계없년방회공중화분세물후학당개적재감레차미트단할방색상품명블랙화이셔츠바지면가격설명파란빨간검은남여성용티"
)
_FULLWIDTH = re.compile("[\u3000-\u303f\uff01-\uff5e]")
_KANA = re.compile("[\u3041-\u30ff]")
_HALF_KANA = re.compile("[\uff61-\uff9f]")
_SYMBOLS = frozenset("°®©™€£¥’‘“”–—…•½¼¾×«»§²³·¿¡ºª№„")
_RARE = re.compile("[\x80-\x9f\ue000-\uf8ff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingGuess:
    """Ranked encodings of a file.

    Attributes:
        encodings: The likeliest first; never empty.
        certain: True for a byte order mark or strict UTF-8.
        damaged_line: Where the file stops being UTF-8 although most of it is; 0 when that is not so.
        nul_bytes: Whether NUL bytes occur in a file that is not UTF-16 or UTF-32.
    """

    encodings: tuple[str, ...]
    certain: bool
    damaged_line: int = 0
    nul_bytes: bool = False


def detect_encoding(read_chunks: Callable[[], Iterable[bytes]]) -> EncodingGuess:
    """Rank the encodings that can decode the whole file.

    Args:
        read_chunks: Gives the file's bytes from the start, anew at each call.
    """
    sample = _read_sample(read_chunks())
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return EncodingGuess(encodings=(name,), certain=True)
    if wide := _guess_wide(sample):
        return EncodingGuess(encodings=(wide, "utf-8"), certain=False)
    nul_bytes = any(b"\0" in chunk for chunk in read_chunks())
    if can_decode(read_chunks(), "utf-8"):
        return EncodingGuess(encodings=("utf-8",), certain=True, nul_bytes=nul_bytes)
    odd = _keep_odd_lines(read_chunks())
    valid = [name for name in CANDIDATES if can_decode(read_chunks(), name)]
    ranked = sorted(valid, key=lambda name: -score_text(odd.decode(name), name))
    return EncodingGuess(
        encodings=(*ranked, FALLBACK), certain=False, damaged_line=_damaged_line(read_chunks()), nul_bytes=nul_bytes
    )


def can_decode(chunks: Iterable[bytes], encoding: str) -> bool:
    """Whether every byte is valid in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def score_text(text: str, encoding: str) -> float:
    """How plausible a decoding is.

    Args:
        text: The file decoded in `encoding`.
        encoding: One of `CANDIDATES`.

    Returns:
        The mean over the characters beyond ASCII, about [-1, 1]; 0 when there are none.
    """
    score = _SCORES[encoding]
    total, count = 0.0, 0
    padded = f" {text} "
    for position in range(1, len(padded) - 1):
        if padded[position] > "\x7f":
            total += score(padded[position], padded[position - 1], padded[position + 1])
            count += 1
    return total / count if count else 0.0


def _read_sample(chunks: Iterable[bytes]) -> bytes:
    sample = b""
    for chunk in chunks:
        sample += chunk
        if len(sample) >= SAMPLE_BYTES:
            break
    return sample[:SAMPLE_BYTES]


def _guess_wide(sample: bytes) -> str:
    """UTF-16 without a mark shows as NUL in every second byte of Latin text."""
    half = len(sample) // 2
    if half < 2:
        return ""
    if sample[1::2].count(0) > 0.4 * half and sample[0::2].count(0) < 0.05 * half:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.4 * half and sample[1::2].count(0) < 0.05 * half:
        return "utf-16-be"
    return ""


def _keep_odd_lines(chunks: Iterable[bytes]) -> bytes:
    """The lines with bytes beyond ASCII, up to the sample's size: the only ones that tell encodings apart.

    Lines end at a line feed, which is never the second byte of a character in the candidate encodings.
    """
    kept: list[bytes] = []
    size = 0
    for line in _split_lines(chunks):
        if not line.isascii():
            kept.append(line)
            size += len(line)
            if size > SAMPLE_BYTES:
                break
    return b"\n".join(kept)


def _split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        yield from lines
    yield rest


def _damaged_line(chunks: Iterable[bytes]) -> int:
    """First line that is not UTF-8, when at least nine in ten of the lines beyond ASCII are; else 0."""
    good, bad, first = 0, 0, 0
    for number, line in enumerate(_split_lines(chunks), start=1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            first = first or number
    return first if good >= 9 * max(bad, 1) else 0


def _score_chinese(common: frozenset[str], encoding: str, first_level: tuple[int, int]) -> Callable[..., float]:
    def score(char: str, before: str, after: str) -> float:
        if char in common:
            return 1.0
        if _FULLWIDTH.match(char):
            return 0.5
        if not "\u4e00" <= char <= "\u9fff":
            return -0.5
        if before.isascii() and before.isalpha() and after.isascii() and after.isalpha():
            return -0.5
        code = char.encode(encoding)
        return 0.4 if len(code) == 2 and first_level[0] <= code[0] <= first_level[1] and code[1] >= 0x40 else -0.2

    return score


def _score_gb18030(char: str, before: str, after: str) -> float:
    base = _score_chinese(_SIMPLIFIED, "gb18030", (0xB0, 0xD7))(char, before, after)
    # A second byte below 0xA1 means the rare GBK extension, not the everyday GB 2312.
    return -0.2 if base == 0.4 and char.encode("gb18030")[1] < 0xA1 else base


def _score_japanese(char: str, _before: str, _after: str) -> float:
    if _KANA.match(char):
        return 1.0
    if _HALF_KANA.match(char):
        return -0.6
    if _FULLWIDTH.match(char):
        return 0.5
    if "\u4e00" <= char <= "\u9fff":
        return 0.5 if 0x88 <= char.encode("cp932")[0] <= 0x98 else -0.3
    return -0.5


def _score_korean(char: str, _before: str, _after: str) -> float:
    if char in _HANGUL:
        return 1.0
    if "\uac00" <= char <= "\ud7a3":
        code = char.encode("cp949")
        return 0.5 if 0xB0 <= code[0] <= 0xC8 and code[1] >= 0xA1 else -0.3
    return 0.4 if _FULLWIDTH.match(char) else -0.4


def _score_latin(char: str, before: str, after: str) -> float:
    if char in _SYMBOLS:
        return 0.5
    if _RARE.match(char) or not char.isalpha():
        return -0.5
    if char.islower() and before.isupper() and before > "\x7f":
        return -0.3
    neighbours = (before, after)
    if char.isupper() and before.isalpha() and before.islower():
        return -0.6
    if any(near.isascii() and near.isalpha() for near in neighbours):
        return 0.9
    return -0.4 if any(near > "\x7f" and near.isalpha() for near in neighbours) else 0.3


def _score_cyrillic(char: str, before: str, after: str) -> float:
    if char in _SYMBOLS:
        return 0.4
    if not "\u0400" <= char <= "\u04ff":
        return -0.5
    if any(near.isascii() and near.isalpha() for near in (before, after)):
        return -0.6
    if char.isupper() and before.islower():
        return -0.6
    return 0.9 if "\u0410" <= char <= "\u044f" else 0.2


_SCORES: dict[str, Callable[[str, str, str], float]] = {
    "gb18030": _score_gb18030,
    "big5": _score_chinese(_TRADITIONAL, "big5", (0xA4, 0xC6)),
    "cp932": _score_japanese,
    "cp949": _score_korean,
    "cp1252": _score_latin,
    "cp1251": _score_cyrillic,
}
