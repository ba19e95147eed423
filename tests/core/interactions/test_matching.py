import polars as pl

from core.interactions.matching import NO_ITEM, match_items


def positions(ids: list[str], catalog: list[str]) -> list[int]:
    return match_items(pl.Series(ids, dtype=pl.String), catalog).positions.tolist()


def test_ids_match_as_text_first() -> None:
    assert positions(["7", "007", "7.0", "x"], ["007", "7", "7.0"]) == [1, 0, 2, NO_ITEM]


def test_what_spreadsheets_change_is_tolerated() -> None:
    matched = match_items(pl.Series(["1.0", "12", "3", "ab"]), ["1", "0012", "3.0", "AB"])
    assert matched.positions.tolist() == [0, 1, 2, NO_ITEM]
    assert matched.loose == ("1.0", "12", "3")


def test_doubtful_ids_do_not_match() -> None:
    assert positions(["7.0", "1.5", "-1", "1e3", ".0"], ["007", "07", "1", "1000"]) == [NO_ITEM] * 5


def test_spaces_around_an_id_of_the_catalogue() -> None:
    assert positions(["a", "b"], [" a", "b "]) == [0, 1]
    assert positions([], ["a"]) == []
    assert positions(["a"], []) == [NO_ITEM]
