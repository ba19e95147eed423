"""What the benchmark of people measured is kept whole, and told with the numbers of people."""

import json
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.people import find_splits, load_measured, plain, plain_table, read_runs, save_measured, write_facts
from benchmarks.people_tables import describe_run, print_tables
from core.errors import EvaluationError
from core.evaluate.measured import Measured
from core.train.held_out import hash_bucket
from tests.core.evaluate.test_protocol import make_log


def measured(name: str, values: list[float], cold: list[float]) -> Measured:
    rest = {metric: np.array(values) for metric in ("recall@10", "newcomer_ndcg@10", "tail_ndcg@10", "cold_recall@10")}
    return Measured(
        name=name,
        users=np.arange(len(values)),
        values={"ndcg@10": np.array(values), **rest, "cold_ndcg@10": np.array(cold)},
        top=np.arange(20 * len(values)).reshape(len(values), 20),
        fit_seconds=1.5,
        score_seconds=0.5,
    )


def test_a_measurement_is_kept_with_all_its_fields(tmp_path: Path) -> None:
    one = measured("ease", [0.1, 0.3], [np.nan, 0.5])
    save_measured(one, tmp_path / "ease-0.npz")
    again = load_measured(tmp_path / "ease-0.npz")
    assert (again.name, again.fit_seconds, list(again.values)) == ("ease", 1.5, list(one.values))
    np.testing.assert_array_equal(again.values["cold_ndcg@10"], one.values["cold_ndcg@10"])
    np.testing.assert_array_equal(again.top, one.top)
    assert [path.name for path in tmp_path.iterdir()] == ["ease-0.npz"]


def test_tables_say_of_how_many_people_and_pair_them(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    options = Namespace(people="inner", split="users", preset="quick", models=["fusion", "ease", "bpr-mf"], seeds=2)
    for seed in range(2):
        save_measured(measured("fusion", [0.3, 0.5], [np.nan, 0.5]), tmp_path / f"fusion-quick-{seed}.npz")
    save_measured(measured("ease", [0.2, 0.2], [np.nan, 0.25]), tmp_path / "ease-0.npz")
    write_facts(tmp_path, find_splits(make_log(), options, 0), 200, options)
    print_tables(tmp_path, read_runs(tmp_path, options), {"bpr-mf": "Too few people."})
    lines = capsys.readouterr().out.splitlines()
    fusion, ease = ([cell.strip() for cell in line.split("|")] for line in lines[5:7])
    assert fusion[1:4] == ["fusion", "2", "0.4000"] and ease[1:4] == ["ease", "1", "0.2000"]
    assert ease[6].startswith("+0.2000 (") and ease[11].startswith("+0.2500 (")
    assert "cold 1" in lines[1] and "not measured: Too few people." in "\n".join(lines)


def test_what_a_fit_chose_and_cost_is_told() -> None:
    @dataclass(frozen=True)
    class Choice:
        settings: dict[str, float]
        at_edge: tuple[str, ...]

    kept = json.loads(json.dumps({"choices": (Choice(settings={"k": np.float64(3)}, at_edge=("k",)),)}, default=plain))
    runs = [SimpleNamespace(peak=3 * 2**20, tuning_seconds=2.0, transductive=True, choices=kept["choices"])]
    said = ("2.0", "3", "saw the test people's histories; best at the edge of what was tried: k")
    assert describe_run(cast(Any, runs)) == said
    assert describe_run([measured("ease", [0.1], [0.1])]) == ("–", "–", "")


def test_inner_people_alone_are_split_and_a_cut_in_time_needs_enough() -> None:
    log = make_log()
    for people, wanted in (("inner", False), ("outer", True)):
        for split in find_splits(log, Namespace(people=people, split="users"), 0):
            assert {hash_bucket(log.user_ids[user], 5, salt="outer") < 2 for user in split.users} == {wanted}
    with pytest.raises(EvaluationError, match="100 are needed"):
        find_splits(log, Namespace(people="outer", split="time"), 0)


def test_names_alone_are_taken_of_a_table_of_artists(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "artists.dat").write_text('id\tname\turl\n1\tThe "Band"\thttp://x\n', encoding="utf-8")
    path = plain_table(tmp_path, "music/artists.dat", tmp_path)
    assert path.read_text("utf-8") == 'id,title\n1,"The ""Band"""\n'
    assert plain_table(tmp_path, "movies/items.csv", tmp_path) == tmp_path / "movies" / "items.csv"
