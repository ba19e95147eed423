"""A data folder with a catalogue whose words and pictures occur nowhere else, and one that shares pictures with it."""

import io
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.catalog.importing.drafts import Draft, load_draft, save_draft, start_draft
from core.catalog.read.intake import save_pictures, save_upload, stage_file
from core.encode.loading import load_encoder
from core.home import Home, open_home
from core.jobs.job import Job
from core.jobs.job_table import JobStore
from core.jobs.worker import run_job
from core.progress import silent
from core.store.expectations import SavedNeed
from core.work.audit_catalog import AuditSpec
from core.work.import_catalog import run_import
from core.work.store_log import store_log
from core.work.train_catalog import TrainSpec, run_train
from core.workspace import Workspace
from tests.core.work.test_import_catalog import write_spec

#: In every title, id, name of a person and of a file of the one catalogue, and nowhere else.
PLANTED = "zqv"
SHOP, OTHER = "Zqvshop", "Other"
SMALL = {"epochs": 1, "width": 16, "layers": 1, "items": 12, "alone": 8, "bank": 24, "people": 8, "history": 16}
KINDS = ("shoe", "hat", "bag", "scarf", "glove", "coat")
ITEMS = 60
#: Seeds of the picture of a need, and of the one that the other catalogue has for itself.
NEED, ALONE = 999, 500
COMMAND_RUN = "c" * 32


def open_at(root: Path) -> Workspace:
    """The data folder as another process would open it, with the real loader of models."""
    home = open_home(root)
    return Workspace(home, encoder_loader=lambda name: load_encoder(name, home.models, runtime="torch"))


def noise(seed: int) -> bytes:
    """A PNG of random dots, whose bytes no other has."""
    buffer = io.BytesIO()
    dots = np.random.default_rng(seed).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(dots).save(buffer, "PNG")
    return buffer.getvalue()


def work(workspace: Workspace, kind: str, payload: dict[str, object]) -> Job:
    """A job that a worker has run to its end."""
    jobs = JobStore(workspace.database)
    job = jobs.submit(kind, f"{kind} of {SHOP}", payload, key=kind)
    claimed = jobs.claim("w")
    assert claimed is not None and claimed.id == job.id
    run_job(workspace, jobs, claimed, "w")
    return jobs.get(job.id)


@pytest.fixture(scope="session")
def planted_home(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    """Everything that a catalogue can leave behind, made as pages, workers and commands make it."""
    root = tmp_path_factory.mktemp("planted") / "home"
    workspace = open_at(root)
    _import_planted(workspace, str(tiny_folder))
    _import_other(workspace, root.parent, str(tiny_folder))
    catalog = workspace.catalogs.find(SHOP)
    _store_log(workspace)
    done = work(workspace, "train", TrainSpec(catalog=SHOP, config=SMALL, device="cpu").to_json())
    assert done.state == "done", done.message
    assert work(workspace, "activate", {"catalog": SHOP, "version": done.id[:12]}).state == "done"
    assert work(workspace, "audit", AuditSpec(catalog=SHOP, cases=2, maps=1).to_json()).state == "done"
    run_train(workspace, TrainSpec(catalog=SHOP, config=SMALL, device="cpu", use_log=False), COMMAND_RUN, silent)
    workspace.expectations.add(catalog.id, SavedNeed(text="zqvneed shoe"), ["zqvid0"])
    workspace.keep_need_picture(noise(NEED))
    # What a killed process and the workers' own log leave.
    (workspace.home.indexes / f".{catalog.id}-1.safetensors.1-1.tmp").write_text("zqvtemporary")
    (workspace.home.logs / "worker.log").write_text(f"Start train of {SHOP}\n")
    return root


def _import_planted(workspace: Workspace, backbone: str) -> None:
    uploads = workspace.home.uploads
    rows = [
        f"zqvid{at},zqvtitle{at} {kind},zqvbrand{at % 3},zqvabout{at} soft cloth,{kind},zqvpic{at}.png\n"
        for at, kind in enumerate(KINDS * (ITEMS // len(KINDS)))
    ]
    table = ("id,title,brand,description,category,image\n" + "".join(rows)).encode()
    staged = stage_file(save_upload(io.BytesIO(table), "zqvfile.csv", uploads), uploads, name="zqvfile.csv")
    left, draft = (start_draft(staged, backbone=backbone) for _ in range(2))
    pictures = [(f"zqvpic{at}.png", io.BytesIO(noise(at))) for at in range(ITEMS)]
    folder = save_pictures(pictures, uploads / f"pictures-{draft.id}")
    failed = replace(draft.spec, catalog=SHOP, folder=folder / "zqvmissing").to_json()
    assert work(workspace, "import", failed).state == "failed"
    draft = replace(draft, spec=replace(draft.spec, catalog=SHOP, folder=folder))
    for one in (left, draft):
        save_draft(one, workspace.home.drafts)
    os.utime(workspace.home.drafts / f"{left.id}.json", (time.time() - 7200,) * 2)
    assert work(workspace, "import", draft.spec.to_json()).state == "done"


def _import_other(workspace: Workspace, folder: Path, backbone: str) -> None:
    """Three items, two of which show pictures of the other catalogue."""
    for at in (0, 1, ALONE):
        (folder / f"picture{at}.png").write_bytes(noise(at))
    rows = [f"{at},Plain lamp {at},picture{at}.png\n" for at in (0, 1, ALONE)]
    (folder / "other.csv").write_text("id,title,image\n" + "".join(rows))
    spec = write_spec(folder / "other.csv", folder=folder, catalog=OTHER)
    run_import(workspace, replace(spec, backbone=backbone))


def _store_log(workspace: Workspace) -> None:
    catalog = workspace.catalogs.find(SHOP)
    events = [f"zqvperson{user},zqvid{(user * 7 + step) % ITEMS},{step}\n" for user in range(40) for step in range(8)]
    table = ("user,item,time\n" + "".join(events)).encode()
    path = save_upload(io.BytesIO(table), "zqvlog.csv", workspace.home.log_uploads(catalog.id))
    store_log(workspace, catalog, path, {})


@pytest.fixture
def planted(planted_home: Path, tmp_path: Path) -> Workspace:
    """A copy of that data folder, opened; paths that were kept lead into the copy."""
    root = tmp_path / "home"
    shutil.copytree(planted_home, root)
    workspace = open_at(root)
    with workspace.database.transaction() as connection:
        connection.execute("UPDATE jobs SET payload = replace(payload, ?, ?)", (str(planted_home), str(root)))
    for draft in workspace.home.drafts.iterdir():
        times = draft.stat().st_mtime
        draft.write_text(draft.read_text().replace(str(planted_home), str(root)))
        os.utime(draft, (times, times))
    return workspace


def find_planted(home: Home, *words: bytes) -> dict[str, list[bytes]]:
    """Every file of the folder that holds one of the words, in its name or its bytes, to those."""
    words = words or (PLANTED.encode(),)
    spelled = [form for word in words for form in (word, word.decode("latin-1").encode("utf-16-le"))]
    found: dict[str, list[bytes]] = {}
    for path in (one for one in home.root.rglob("*") if not one.is_relative_to(home.models)):
        held = b"\n".join([str(path.relative_to(home.root)).encode(), *(_contents(path) if path.is_file() else ())])
        if hits := [word for word in spelled if word.lower() in held.lower()]:
            found[str(path.relative_to(home.root))] = hits
    return found


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def load_drafts(home: Home) -> list[Draft]:
    """All drafts."""
    return [load_draft(path.stem, home.drafts) for path in home.drafts.glob("*.json")]
