"""Picture-text pairs from two Debian packages, and their split by leakage group.

openclipart-png and openclipart-svg (public domain): the picture from the first, its title and tags from the second.
tuxpaint-stamps-default (public domain and GPL, file by file): picture and one English sentence; never trained on for
shipped weights.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OPENCLIPART = Path("/usr/share/openclipart")
TUXPAINT = Path("/usr/share/tuxpaint/stamps")

#: Folders without a thing that words describe: stars in 1,300 variants, gradients, theme icons, flags, playing cards.
LEFT_OUT = (
    "shapes/", "special/", "unsorted/duplicates", "computer/icons", "computer/buttons", "buttons/", "logos/",
    "signs_and_symbols/flags", "signs_and_symbols/led", "signs_and_symbols/map_symbols", "recreation/games/cards",
)  # fmt: skip
#: Signs, screen icons and letters: they train, and are no test of whether things are found by their words.
ONLY_TRAINS = ("computer/", "signs_and_symbols/", "unsorted/", "symbols/")
_TAG_NOISE = re.compile(
    r"^(hash.*|0x\w*|unsorted|clip_?art|image|svg|png|colou?r|theme|icons?|\w*_icon|externalsource|\d+|)$"
)
_FIELD = {name: re.compile(rf"<dc:{name}>(.*?)</dc:{name}>", re.S) for name in ("title", "description")}
_CREATOR = re.compile(r"<dc:creator>.*?<dc:title>(.*?)</dc:title>", re.S)
_TAG = re.compile(r"<rdf:li>(.*?)</rdf:li>", re.S)
_METADATA = re.compile(r"<metadata.*?</metadata>", re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A picture and its words.

    Attributes:
        path: PNG file.
        title: Short caption, never empty.
        tags: Further words, folders among them.
        artist: Who drew it, "" when unknown.
        source: "openclipart" or "tuxpaint".
        folder: Folder within the package, with a slash at its end.
    """

    path: Path
    title: str
    tags: tuple[str, ...]
    artist: str
    source: str
    folder: str

    @property
    def only_trains(self) -> bool:
        """Whether the pair is left out of validation and test."""
        return self.folder.startswith(ONLY_TRAINS)


def read_openclipart(root: Path = OPENCLIPART) -> list[Pair]:
    """Every drawing outside `LEFT_OUT` that has words, in the order of its path."""
    rows = []
    for path in sorted((root / "png").rglob("*.png")):
        relative = path.relative_to(root / "png")
        if str(relative).startswith(LEFT_OUT):
            continue
        drawing = root / "svg" / relative.with_suffix(".svg")
        rows.append((path, relative, _metadata(drawing)))
    common = Counter(_field(text, "title") for _, _, text in rows)
    pairs = (_openclipart_pair(path, relative, text, common) for path, relative, text in rows)
    return [pair for pair in pairs if len(pair.title) > 2 and _has_sane_size(pair.path)]


def read_tuxpaint(root: Path = TUXPAINT) -> list[Pair]:
    """Every stamp that is a PNG file with an English sentence, in the order of its path."""
    pairs = []
    for path in sorted(root.rglob("*.png")):
        note = path.with_suffix(".txt")
        if note.exists() and not path.stem.endswith(("_mirror", "_flip")):
            title = note.read_text("utf-8", "replace").split("\n", 1)[0].strip()
            if title:
                tags = tuple(_words(part) for part in path.relative_to(root).parts[:-1])
                folder = f"{path.relative_to(root).parent}/"
                pairs.append(Pair(path=path, title=title, tags=tags, artist="", source="tuxpaint", folder=folder))
    return pairs


def group_pairs(pairs: list[Pair], embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    """Leakage groups: pairs that must not be parted between training and test.

    Two pairs share a group when their titles are equal but for numbers, when one artist drew both and the titles
    share their first word, when a 16 x 16 gradient hash differs in at most 12 of 256 bits on pictures that are not
    near-empty, or when the picture features have a cosine above 0.93; and so on by transitivity.

    Args:
        pairs: N pairs.
        embeddings: (N, F), unit-norm picture features.

    Returns:
        (N,) group number of each pair.
    """
    parents = np.arange(len(pairs))
    _join_equal(parents, [_title_key(pair.title) for pair in pairs])
    _join_equal(parents, [f"{p.artist}|{_title_key(p.title).split(' ')[0]}" if p.artist else "" for p in pairs])
    _join_close(parents, _gradient_signs([pair.path for pair in pairs]), 1 - 2 * 12 / 256)
    _join_close(parents, embeddings, 0.93)
    return np.array([_root(parents, index) for index in range(len(pairs))])


def split_pairs(pairs: list[Pair], groups: NDArray[np.int64], *, seed: int) -> NDArray[np.str_]:
    """Part of each pair: 16 % test, 12 % validation, the rest trains; "" for what may be in none.

    Only pairs that test things by their words are dealt; of the others those train whose group is not held out.

    Args:
        pairs: N pairs.
        groups: (N,) from `group_pairs`.
        seed: Of the deal.
    """
    dealt = np.flatnonzero([not pair.only_trains for pair in pairs])
    parts = np.full(len(pairs), "train", dtype="<U10")
    parts[dealt] = split_groups(groups[dealt], seed=seed, test=0.16, validation=0.12)
    held_out = np.isin(groups, groups[parts != "train"])
    parts[held_out & (parts == "train")] = ""
    return parts


def split_groups(
    groups: NDArray[np.int64], *, seed: int, test: float = 0.15, validation: float = 0.1
) -> NDArray[np.str_]:
    """Deal whole groups to "train", "validation" and "test" until the shares of pairs are reached.

    A group of more than 30 pairs always trains: one such group would be a tenth of the test pool.

    Args:
        groups: (N,) group of each pair.
        seed: Order in which groups are dealt.
        test: Share of pairs, [0, 1].
        validation: Share of pairs, [0, 1].

    Returns:
        (N,) names of the parts.
    """
    parts = np.full(len(groups), "train", dtype="<U10")
    names, sizes = np.unique(groups, return_counts=True)
    names = names[sizes <= 30]
    limits = (("test", test * len(groups)), ("validation", (test + validation) * len(groups)))
    dealt = 0
    for group in np.random.default_rng(seed).permutation(names):
        part = next((part for part, limit in limits if dealt < limit), None)
        if part is None:
            break
        members = groups == group
        parts[members] = part
        dealt += int(members.sum())
    return parts


def _openclipart_pair(path: Path, relative: Path, text: str, common: Counter[str]) -> Pair:
    """The title, unless it names a whole collection: then the file's name."""
    title, artist = _field(text, "title"), html.unescape(_first(_CREATOR, text))
    if common[title] > 3 or "HASH(" in title or not re.search("[A-Za-z]{3}", title):
        title = _file_title(relative.stem, artist)
    title = re.sub(r"^(clipart by nicu buculei|nicubunu)\W+", "", _words(title), flags=re.I)
    tags = [
        _words(html.unescape(tag)).lower() for tag in _TAG.findall(text) if not _TAG_NOISE.match(tag.strip().lower())
    ]
    tags += [_words(part) for part in relative.parts[:-1]]
    tags = [tag for tag in tags if tag not in (artist.lower(), "unsorted")]
    return Pair(
        path=path,
        title=title,
        tags=tuple(dict.fromkeys(tags)),
        artist=artist,
        source="openclipart",
        folder=f"{relative.parent}/",
    )


def _file_title(stem: str, artist: str) -> str:
    """A file's name without numbers and the artist's name, which the library appended, often cut short."""
    names = [name for name in re.split(r"\W+", artist.lower()) if name]
    words = [word for word in re.split(r"[\W_\d]+", stem.lower()) if word]
    kept = [word for word in words if not any(len(word) > 1 and name.startswith(word) for name in names)]
    return " ".join(word for word in kept if len(word) > 1)


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[_\d]+", " ", html.unescape(text))).strip(" -.,")


def _title_key(title: str) -> str:
    return re.sub(r"[^a-z]+", " ", title.lower()).strip()


def _has_sane_size(path: Path) -> bool:
    """One drawing has 231 million pixels, which Pillow refuses."""
    try:
        with Image.open(path) as image:
            return image.width * image.height < 50_000_000
    except Image.DecompressionBombError:
        return False


def _metadata(drawing: Path) -> str:
    return _first(_METADATA, drawing.read_bytes().decode("utf-8", "replace")) if drawing.exists() else ""


def _field(text: str, name: str) -> str:
    return html.unescape(_first(_FIELD[name], text)).strip()


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(found.lastindex or 0) if found else ""


def _gradient_signs(paths: Iterable[Path]) -> NDArray[np.float32]:
    """(N, 256), unit-norm signs of horizontal gradients; all zero where the picture is nearly empty."""
    rows = []
    for path in paths:
        with Image.open(path) as image:
            layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        grey = Image.alpha_composite(ground, layered).convert("L").resize((17, 16), Image.Resampling.BOX)
        steps = np.diff(np.asarray(grey, dtype=np.float32), axis=1).ravel()
        busy = (np.abs(steps) > 2).mean() > 0.25
        rows.append(np.where(steps >= 0, 1.0, -1.0) / 16 if busy else np.zeros(256))
    return np.array(rows, dtype=np.float32)


def _join_equal(parents: NDArray[np.int64], keys: list[str]) -> None:
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key:
            _join(parents, first.setdefault(key, index), index)


def _join_close(parents: NDArray[np.int64], embeddings: NDArray[np.float32], least: float) -> None:
    for start in range(0, len(embeddings), 1000):
        for row, column in np.argwhere(embeddings[start : start + 1000] @ embeddings.T >= least):
            _join(parents, start + row, column)


def _join(parents: NDArray[np.int64], one: int, other: int) -> None:
    one, other = _root(parents, one), _root(parents, other)
    parents[max(one, other)] = min(one, other)


def _root(parents: NDArray[np.int64], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = int(parents[index])
    return index
