import pytest
from PIL import Image

from core.errors import NeedError
from core.suggest.need import Need, split_avoid


@pytest.mark.parametrize(
    ("text", "wanted", "avoid"),
    [
        ("black shoes", "black shoes", ()),
        ("winter boots, not leather", "winter boots", ("leather",)),
        ("a bag without a zip, for women", "a bag, for women", ("a zip",)),
        ("not leather, but warm", "but warm", ("leather",)),
        ("a dress but not red and not short", "a dress", ("red", "short")),
        ("anything except shoes", "anything", ("shoes",)),
        ("Chanel No 5", "Chanel No 5", ()),
        ("not only for kids", "not only for kids", ()),
        ("knot board", "knot board", ()),
        ("红色的鞋，不要皮革", "红色的鞋", ("皮革",)),
        ("", "", ()),
    ],
)
def test_split_avoid(text: str, wanted: str, avoid: tuple[str, ...]) -> None:
    assert split_avoid(text) == (wanted, avoid)


def test_a_need_says_something() -> None:
    with pytest.raises(NeedError):
        Need(text="   ")
    with pytest.raises(NeedError):
        Need(text="x" * 2000)
    with pytest.raises(ValueError, match="variety"):
        Need(text="x", variety=2)
    assert Need(image=Image.new("RGB", (2, 2))).text == ""
