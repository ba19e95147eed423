"""Numbers on the command line: every option of every command, with values that are none."""

import argparse

import pytest

from core.cli.main import _build_parser, main

BAD = ("nan", "inf", "-inf", "1e39", "1e400", "x", "", "1 2", "1_0", "٣", "-1", "9" * 5000, "1.5")


def _numbers() -> list[tuple[str, argparse.Action]]:
    (commands,) = [one for one in _build_parser()._actions if isinstance(one, argparse._SubParsersAction)]
    found = []
    for name, parser in commands.choices.items():
        found += [
            (name, one)
            for one in parser._actions
            if one.type is not None and getattr(one.type, "__name__", "") != "Path"
        ]
    return [(name, one) for name, one in found if one.metavar != "FIELD=COLUMN"]


@pytest.mark.parametrize(("command", "action"), _numbers(), ids=lambda one: one if isinstance(one, str) else one.dest)
def test_no_option_takes_what_is_no_number_of_its_kind(command: str, action: argparse.Action) -> None:
    assert action.type not in (int, float), "core.cli.number_options has types that know their range"
    for text in BAD:
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            action.type(text)
        assert len(str(caught.value)) < 120 and "\n" not in str(caught.value)


def test_there_are_numbers_to_try() -> None:
    assert {"seed", "trials", "cases", "maps", "k", "seeds", "header_row", "remove", "blend"} <= {
        one.dest for _, one in _numbers()
    }


def test_it_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--catalog", "Shop", "--seed", "-1"])
    assert ended.value.code == 2
    assert "argument --seed: '-1' is no whole number from 0 to 4,294,967,295" in capsys.readouterr().err
