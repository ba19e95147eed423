"""Does an audit find wrong pictures?

    python -m benchmarks.audit_pictures --keep FOLDER

Some pictures of the sample are given to other items, drawn by a seed; every item is then explained for its own title.
Printed: how well what a picture gives to its item's score tells the wrong ones from the right ones (area under the ROC
curve, which is the chance that a wrong one gives less than a right one), and how many of the pictures that the audit
lists are wrong. The threshold of the list was not chosen on these items' pictures.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from core.__main__ import main as run_command
from core.config import open_home
from core.explain.audit import Case
from core.jobs.audit_catalog import AuditSpec, read_audit, read_cases, run_audit
from core.jobs.progress import silent
from core.workspace import Workspace

SAMPLE = Path("assets/sample")


def swap_pictures(rows: list[dict[str, str]], share: float, seed: int) -> set[str]:
    """Let the pictures of some rows go round among them; the ids of these rows."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(rows), round(share * len(rows)), replace=False).tolist()
    pictures = [rows[at]["image"] for at in chosen]
    for place, at in enumerate(chosen):
        rows[at]["image"] = pictures[place - 1]
    return {rows[at]["id"] for at in chosen}


def import_swapped(keep: Path, share: float, seed: int) -> set[str]:
    """Import the sample with wrong pictures; the ids of their items."""
    with (SAMPLE / "products.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wrong = swap_pictures(rows, share, seed)
    table = keep / "swapped.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    run_command(["import", str(table), "--name", "Swapped", "--images", str(SAMPLE), "--home", str(keep)])
    return wrong


def report(cases: tuple[Case, ...], hurt: tuple[Case, ...], wrong: set[str]) -> None:
    values = [-case.picture for case in cases]
    area = roc_auc_score([case.item_id in wrong for case in cases], values)
    listed = [case.item_id in wrong for case in hurt]
    print(f"{len(cases)} items, {len(wrong)} of them with a wrong picture: area under the curve {area:.3f}")
    print(
        f"the audit lists {len(hurt)}: {sum(listed)} of them wrong; {sum(listed[:20])} of the first {len(listed[:20])}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--share", type=float, default=0.1, help="of pictures that are swapped")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    wrong = import_swapped(options.keep, options.share, options.seed)
    workspace = Workspace(open_home(options.keep))
    spec = AuditSpec(catalog="Swapped", cases=5_000, maps=0, seed=options.seed)
    run_audit(workspace, spec, "swapped", silent)
    folder = workspace.home.runs / "swapped"
    report(read_cases(folder), read_audit(folder).hurt, wrong)


if __name__ == "__main__":
    main()
