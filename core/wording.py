"""Counted nouns in sentences."""


def count_noun(number: int, noun: str, plural: str = "") -> str:
    """The number with its noun: "1 warning", "2,000 warnings"; `plural` is for nouns that take no s.

    Examples:
        >>> count_noun(2000, "warning")
        '2,000 warnings'
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
