"""Does an audit find wrong pictures?

    python -m benchmarks.audit_pictures --data ../shared/data --keep FOLDER

For fashion at 224 pixels and for groceries' catalogue pictures, which the embedded model has never seen, a tenth of
the pictures is given to other items, drawn by a seed; every item is then explained for its own title. Printed: how well
what a picture gives to its item's score tells the wrong ones from the right ones (area under the ROC curve: the chance
that a wrong one gives less than a right one), and how many of the pictures that the audit lists are wrong.
"""

import argparse
import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.explanations import read_titles
from core.explain.audit import Case
from core.home import open_home
from core.progress import silent
from core.work.audit_catalog import AuditSpec, read_audit, read_cases, run_audit
from core.workspace import Workspace

KINDS = ("fashion", "grocery")
#: Items of a kind at most.
ITEMS = 400
SHARE = 0.1


def import_swapped(titles: list[tuple[str, Path]], name: str, keep: Path, seed: int) -> set[str]:
    """Import items of which some have each other's pictures; the ids of these."""
    rng = np.random.default_rng(seed)
    chosen = [titles[at] for at in rng.permutation(len(titles))[:ITEMS].tolist()]
    pictures = [path for _, path in chosen]
    wrong = range(round(SHARE * len(chosen)))  # they are in no order, so the first are as good as any
    pictures[: len(wrong)] = np.roll(np.array(pictures[: len(wrong)], object), 1).tolist()
    table = keep / f"{name}.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image"])
        writer.writerows([at, title, pictures[at].name] for at, (title, _) in enumerate(chosen))
    folder = keep / f"{name}-pictures"
    folder.mkdir(exist_ok=True)
    for path in pictures:
        shutil.copy(path, folder / path.name)
    # A process of its own: decoders inherit the libraries that are imported here, and their memory is bounded.
    command = ["import", str(table), "--name", name, "--images", str(folder), "--home", str(keep)]
    subprocess.run([sys.executable, "-m", "core", *command], check=True)
    return {str(at) for at in wrong}


def report(name: str, cases: tuple[Case, ...], hurt: tuple[Case, ...], wrong: set[str]) -> None:
    is_wrong = [case.item_id in wrong for case in cases]
    area = roc_auc_score(is_wrong, [-case.picture for case in cases])
    listed = [case.item_id in wrong for case in hurt]
    print(f"{name}: {len(cases)} items, {sum(is_wrong)} of them with a wrong picture: area under the curve {area:.3f}")
    print(f"  listed {len(hurt)}, {sum(listed)} of them wrong; {sum(listed[:20])} of the first {len(listed[:20])}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    titles = read_titles(options.data)
    for kind in KINDS:
        wrong = import_swapped(titles[kind], kind, options.keep, options.seed)
        workspace = Workspace(open_home(options.keep))
        run_audit(workspace, AuditSpec(catalog=kind, cases=ITEMS, maps=0, seed=options.seed), kind, silent)
        folder = workspace.home.runs / kind
        report(kind, read_cases(folder), read_audit(folder).hurt, wrong)


if __name__ == "__main__":
    main()
