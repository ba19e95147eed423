"""How files are read on the command line: what is printed, what can be chosen, and that messages name real options."""

import ast
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.cli.main import _build_parser, main
from core.home import Home
from core.jobs.worker import build_parser as build_worker_parser
from core.work.compare import CompareSpec
from core.work.train_catalog import TrainSpec
from tests.conftest import ROOT, FakeEncoder

SHOP = "id,title,price\n" + "".join(f"B{n},red shoe {n},{n}\n" for n in range(1, 7))
LOG = "order_id,customer_email,sku,created_at\n" + "".join(
    f"o{n // 2},u{n % 3}@shop.invalid,B{1 + n % 6},2024-05-{1 + n:02d} 10:00:00\n" for n in range(12)
)


@pytest.fixture(autouse=True)
def shop(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A catalogue S of six items over the fake encoder; the folder for files."""
    encoder = FakeEncoder()
    monkeypatch.setattr("core.serving.models.load_encoder", lambda _name, _models: encoder)
    (tmp_path / "shop.csv").write_text(SHOP)
    assert main(["--home", str(home.root), "import", str(tmp_path / "shop.csv"), "--name", "S"]) == 0
    return tmp_path


@pytest.fixture
def run(home: Home, shop: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command over a file of that text; gives exit code, output and error."""
    capsys.readouterr()

    def call(command: str, text: str | bytes, *arguments: str, name: str = "file.csv") -> tuple[int, str, str]:
        path = shop / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        where = ["--catalog", "S"] if command == "log" else ["--name", "N"]
        code = main(["--home", str(home.root), command, str(path), *where, *arguments])
        return code, *capsys.readouterr()

    return call


def test_the_columns_of_a_log_are_told_apart(run: Any) -> None:
    code, out, _ = run("log", LOG)
    assert code == 0
    assert out.splitlines()[:4] == [
        "How file.csv is read:",
        "  used      user ← customer_email, item ← sku, time ← created_at",
        "  not used  order_id",
        '  file      encoding "utf-8", separator ",", names in row 1',
    ]
    assert "12 events of 3 people are stored with “S”." in out


def test_json_carries_the_same(run: Any) -> None:
    _, out, _ = run("log", LOG.replace("customer_email", "usr_id"), "--json")
    result = json.loads(out)
    assert result["columns"] == {
        "used": [{"field": "item", "column": "sku"}, {"field": "time", "column": "created_at"}],
        "guessed": [{"field": "user", "column": "usr_id", "note": ""}],
        "not_used": ["order_id"],
    }
    assert result["file"]["delimiter"] == "," and result["file"]["guessed"] == [] and result["events"] == 12
    _, out, _ = run("import", "Nummer;title;Gewicht\n1;a;2\n", "--json")
    assert json.loads(out)["file"]["delimiter"] == ";" and set(json.loads(out)["columns"]) == set(result["columns"])


def test_a_guess_is_used_said_and_can_be_refused(run: Any) -> None:
    text = "usr_id,item\nu1,B1\nu2,B2\n"
    code, out, _ = run("log", text)
    assert code == 0 and "guessed   user ← usr_id" in out and "--map FIELD=COLUMN" in out
    code, out, err = run("log", text, "--exact")
    assert code == 1 and "--map user=usr_id" in err
    code, out, _ = run("log", text, "--exact", "--map", "user=usr_id")
    assert code == 0 and "used      user ← usr_id" in out and "guessed" not in out


def test_orders_stand_for_people_only_when_somebody_says_so(run: Any) -> None:
    text = "order_id,sku\no1,B1\no1,B2\no2,B1\n"
    code, _, err = run("log", text)
    assert code == 1 and "numbers orders, not people" in err and "--map user=order_id" in err
    code, out, _ = run("log", text, "--map", "user=order_id")
    assert code == 0 and "3 events of 2 people" in out


def test_a_log_without_anything_usable_leaves_what_is_stored(run: Any) -> None:
    assert run("log", LOG)[0] == 0
    for text in ("user,item\nu1,ZZ1\n", "user,item\n", "user,item\n,B1\n", "who\nx\n"):
        code, _, err = run("log", text)
        assert code == 1 and err.startswith("error: ")
    code, _, err = run("log", "user,item\nu1,ZZ1\n")
    assert "“ZZ1” (1)" in err and "What was stored before stays (12 events)." in err
    assert "Row 2: The row names no user" in run("log", "user,item\n,B1\n")[2]
    assert "holds no rows" in run("log", "user,item\n")[2]


def test_every_part_of_reading_can_be_chosen(run: Any) -> None:
    rows = "".join(f"u{n}|B{n}|5|176400{n:04d}\n" for n in range(1, 5))
    code, out, _ = run("log", "a note\n" + rows, "--delimiter", "|", "--header-row", "2", "--no-header")
    assert (
        code == 0 and "guessed   user ← column_1, item ← column_2, rating ← column_3, time ← column_4 (by its " in out
    )
    assert "no names" in out and "4 events of 4 people" in out
    text = "Käufer;Artikel\nJürgen;B1\n".encode("cp850")
    code, out, _ = run("log", text, "--encoding", "cp850")
    assert code == 0 and "user ← Käufer" in out and 'encoding "cp850"' in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--encoding", "klingon"], "no known encoding"),
        (["--sheet", "Prices"], "no workbook"),
        (["--header-row", "99"], "line 99|header"),
        (["--delimiter", "far too long"], "separator"),
        (["--map", "buyer=sku"], "no part of a log"),
        (["--map", "user=nobody"], "no column"),
    ],
)
def test_a_choice_that_does_not_fit_is_one_sentence(run: Any, arguments: list[str], said: str) -> None:
    code, _, err = run("log", LOG, *arguments)
    assert code == 1 and re.search(said, err) and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--header-row", "0"], ["--header-row", "x"], ["--map", "user"], ["--sheet"]])
def test_wrong_usage_exits_with_two(run: Any, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("log", LOG, *arguments)
    assert stopped.value.code == 2


def test_an_import_says_what_it_took_and_what_it_left(run: Any) -> None:
    code, out, _ = run("import", "code;Product  name;Prices;material\n1;shoe;9,50;wool\n2;hat;8,00;felt\n")
    assert code == 0 and "guessed   " in out and "title ← Product name" in out
    code, out, _ = run("import", "a;b\n1;shoe\n2;hat\n", "--map", "title=b", "--map", "ignore=a")
    assert code == 0 and "used      title ← b" in out and "not used  a" in out


def test_training_and_comparing_read_a_log_in_the_same_way(
    home: Home, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def keep(_workspace: object, spec: Any, *_rest: object, **_named: object) -> Any:
        asked.append(spec)
        return SimpleNamespace(to_json=lambda: {"version": "v", "rows": [], "recommendation": ""})

    monkeypatch.setattr("core.cli.training.run_train", keep)
    monkeypatch.setattr("core.cli.training.run_compare", keep)
    (shop / "log.txt").write_text("who|what|note\nu1|B1|x\n")
    how = ["--map", "user=who", "--map", "item=what", "--delimiter", "|"]
    arguments = ["--catalog", "S", "--interactions", str(shop / "log.txt"), *how]
    assert main(["--home", str(home.root), "train", *arguments]) == 0
    assert "used      user ← who, item ← what\n" in capsys.readouterr().out
    assert main(["--home", str(home.root), "train", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"]["not_used"] == ["note"]
    assert main(["--home", str(home.root), "evaluate", *arguments, "--json"]) == 0
    train, _, compare = asked
    assert isinstance(train, TrainSpec) and isinstance(compare, CompareSpec)
    assert train.reading == compare.reading and train.reading["options"]["delimiter"] == "|"
    assert train.reading["columns"]["user"] == "who" and TrainSpec.from_json(train.to_json()) == train
    assert json.loads(capsys.readouterr().out)["columns"]["not_used"] == ["note"]
    assert main(["--home", str(home.root), "train", "--catalog", "S", "--map", "user=who"]) == 1
    assert "--interactions" in capsys.readouterr().err


def _named_options(path: Path) -> set[str]:
    """Words like --this in the texts of a module, its documentation left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, _DOCUMENTED)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {
        name for text in texts if text not in docs for name in re.findall(r"(?<![\w(-])--[a-z][a-z-]*(?!:)\b", text)
    }


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def _known_options() -> set[str]:
    parsers = [_build_parser()]
    for action in parsers[0]._actions:
        if isinstance(action.choices, dict):
            parsers += action.choices.values()
    parsers.append(build_worker_parser())
    return {name for parser in parsers for action in parser._actions for name in action.option_strings}


def test_messages_name_options_that_exist() -> None:
    sources = [path for path in (ROOT / "core").rglob("*.py") if path.name != "report.py"]  # CSS has its own --names
    named = {path.name: _named_options(path) - _known_options() for path in sources}
    assert not {name: options for name, options in named.items() if options}


def test_commands_that_read_a_file_have_the_same_options() -> None:
    (commands,) = (action for action in _build_parser()._actions if isinstance(action.choices, dict))
    shared = {"--map", "--exact", "--sheet", "--member", "--header-row", "--no-header", "--delimiter", "--encoding"}
    for name in ("import", "log", "train", "evaluate", "search"):
        assert shared <= {text for action in commands.choices[name]._actions for text in action.option_strings}


def test_short_descriptions_are_guessed_to_be_titles_of_new_items_alone(run: Any) -> None:
    text = "sku;Omschrijving;Prijs\nB1;Stoel;12,50\nB2;Tafel;99\n"
    code, out, _ = run("import", text)
    assert code == 0
    assert "  guessed   title ← Omschrijving (no column is called a title, and these texts are short and differ)" in out
    code, out, _ = run("import", text, "--name", "S")
    assert code == 0
    assert "description ← Omschrijving" in out and "title ←" not in out


def test_days_of_a_log_follow_the_language_of_its_columns(run: Any) -> None:
    code, out, _ = run("log", "Kunde;Artikel;Datum\nk1;B1;01/02/2024\nk2;B2;05/03/2024\n")
    assert code == 0
    assert "read as day/month/year, as the names of the columns are not English" in out
