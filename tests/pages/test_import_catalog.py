import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs import kinds
from core.jobs.job_table import JobStore
from core.progress import silent
from core.workspace import Workspace

Open = Callable[..., AppTest]
PAGE = "../pages/import_catalog.py"
CSV = "sku,Name,Price,Farbe\n007,Red shoe,59.90,Red\n8,,20,Blue\n9,Green bag,-5,Green\n"


def _upload(test: AppTest, name: str, data: bytes) -> AppTest:
    test.file_uploader[0].upload(name, data, "application/octet-stream").run()
    assert not test.exception
    return test


def _click(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def _run_jobs(workspace: Workspace) -> None:
    jobs = JobStore(workspace.database)
    while job := jobs.claim("test"):
        jobs.finish(job.id, "test", "done", result=kinds.KINDS[job.kind](workspace, job.payload, job.id, silent))


def test_from_upload_to_report(app: Open, workspace: Workspace) -> None:
    test = _upload(app(PAGE), "My shop.csv", CSV.encode())
    assert test.text_input[0].value == "My shop"
    _click(test, "continue")
    choices = {box.label: box.value for box in test.selectbox if box.label.startswith("What ")}
    assert choices["What Name holds"] == "title" and choices["What sku holds"] == "id"
    _click(test, "continue")
    assert [metric.value for metric in test.metric] == ["1", "2", "0"]
    _click(test, "continue")
    _click(test, "continue")
    assert [metric.value for metric in test.metric] == ["1", "0", "0", "2"]
    assert workspace.catalogs.list() == (), "nothing is written before the person says so"
    _click(test, "start-import")
    _run_jobs(workspace)
    test.run()
    assert "1 created" in test.success[0].value
    assert workspace.catalogs.find("My shop").items == 1


def test_a_rejected_row_is_mended_in_place(app: Open) -> None:
    test = _upload(app(PAGE), "shop.csv", CSV.encode())
    _click(_click(test, "continue"), "continue")
    assert test.metric[1].value == "2"
    (editor,) = test.data_editor
    assert list(editor.value["Row"]) == [3, 4]
    test.session_state[editor.key] = {"edited_rows": {0: {"Name": "Blue hat"}}, "added_rows": [], "deleted_rows": []}
    test.run()
    _click(test, "save-edits")
    assert test.metric[1].value == "1" and test.metric[0].value == "2"


def test_going_on_takes_corrections_along(app: Open) -> None:
    test = _upload(app(PAGE), "shop.csv", CSV.encode())
    _click(_click(test, "continue"), "continue")
    (editor,) = test.data_editor
    edits = {0: {"Name": "Blue hat"}, 1: {"Price": "5"}}
    test.session_state[editor.key] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    _click(test.run(), "continue")
    assert test.query_params["step"] == "pictures"
    _click(test, "back")
    assert [metric.value for metric in test.metric] == ["3", "0", "0"]


def test_going_on_says_which_corrections_were_not_enough(app: Open) -> None:
    test = _upload(app(PAGE), "shop.csv", CSV.encode())
    _click(_click(test, "continue"), "continue")
    (editor,) = test.data_editor
    edits = {0: {"Name": "Blue hat"}, 1: {"Price": "-6"}}
    test.session_state[editor.key] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    _click(test.run(), "continue")
    assert test.query_params["step"] == "check" and "row 4" in test.warning[0].value
    assert [metric.value for metric in test.metric] == ["2", "1", "0"], "what was enough is kept"
    _click(test, "continue")
    assert test.query_params["step"] == "pictures"


def test_a_reload_loses_nothing(app: Open) -> None:
    test = _upload(app(PAGE), "shop.csv", CSV.encode())
    _click(test, "continue")
    draft, step = test.query_params["draft"], test.query_params["step"]
    again = app(PAGE, draft=draft, step=step)
    assert any(box.label == "What Name holds" for box in again.selectbox)


def test_a_title_is_required(app: Open) -> None:
    test = _upload(app(PAGE), "shop.csv", b"a,b\n1,2\n3,4\n")
    _click(test, "continue")
    assert "No column holds the title" in test.error[0].value
    assert test.button(key="continue").disabled
    next(box for box in test.selectbox if box.label == "What a holds").set_value("title").run()
    assert not test.error and not test.button(key="continue").disabled


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.csv", b""),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 64),
        ("broken.xlsx", b"PK\x03\x04 no workbook"),
        ("broken.zip", b"PK\x03\x04 no archive"),
        ("broken.parquet", b"PAR1 nothing"),
        ("broken.jsonl", b"{not json}\n"),
        ("broken.csv.gz", b"\x1f\x8b\x08 nothing"),
    ],
)
def test_a_broken_file_is_a_sentence(app: Open, name: str, data: bytes) -> None:
    test = _upload(app(PAGE), name, data)
    assert len(test.error) == 1 and test.error[0].value.endswith(".")
    assert "Something went wrong" not in test.error[0].value
    assert not re.search(r"[0-9a-f]{16}", test.error[0].value), "the person's file is named, not our copy"


def test_a_header_without_rows_does_not_go_on(app: Open) -> None:
    test = _upload(app(PAGE), "header.csv", b"id,title,price\n")
    assert "header.csv holds a header and no rows." in test.error[0].value.replace("\\", "")
    assert test.button(key="continue").disabled
    test.query_params["step"] = "check"
    test.run()
    assert not test.success, "no row of it can be imported"


def test_a_zip_with_pictures(
    app: Open, workspace: Workspace, tmp_path: Path, save_picture: Callable[..., Path]
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("shop/items.csv", "id,title,image\n1,Red shoe,img/red.png\n")
        file.write(save_picture(tmp_path / "red.png", "red"), "shop/img/red.png")
    test = _upload(app(PAGE), "shop.zip", buffer.getvalue())
    for _ in range(3):
        _click(test, "continue")
    assert "1 of the 1 picture found." in test.success[0].value
    _click(test, "continue")
    _click(test, "start-import")
    _run_jobs(workspace)
    assert workspace.catalogs.find("Shop").pictures == 1


def test_a_file_of_ids_and_prices_says_what_it_leaves_alone(app: Open, workspace: Workspace) -> None:
    def upload(data: bytes, clicks: int, name: str = "shop.csv") -> AppTest:
        test = _upload(app(PAGE), name, data)
        for _ in range(clicks):
            _click(test, "continue")
        return test

    _click(upload(b"id,title,price,image\n1,Red shoe,5,a.png\n2,Hat,6,b.png\n", 4), "start-import")
    _run_jobs(workspace)
    test = upload(b"id,price\n1,7\n3,8\n", 4, "prices of may.csv")  # goes to the catalogue that knows its ids
    assert [metric.value for metric in test.metric] == ["0", "1", "0", "1"]
    captions = " ".join(caption.value for caption in test.caption).replace("\\", "")
    assert "stay as they are: title, pictures." in captions and "not in the file, and stay: 1." in captions
    assert "Row 3 (3) is left out" in captions
    _click(test, "start-import")
    _run_jobs(workspace)
    stored = workspace.items.find(workspace.catalogs.find("Shop").id, "1")
    assert stored is not None and (stored.item.title, str(stored.item.price)) == ("Red shoe", "7")
    test = upload(b"id,price\n8,7\n", 4)
    assert "No column holds the title" in test.error[0].value
    assert not [button for button in test.button if button.key == "start-import"]


def test_an_unknown_draft_is_a_sentence(app: Open) -> None:
    for draft in ("0" * 32, "../../etc/passwd"):
        test = app(PAGE, draft=draft)
        assert "Upload the file again" in test.error[0].value


@pytest.mark.parametrize("owner", [True, False])
def test_only_a_visitor_at_this_computer_names_its_folders(
    app: Open, monkeypatch: pytest.MonkeyPatch, owner: bool
) -> None:
    monkeypatch.setattr("ui.visitor.is_owner", lambda: owner)
    test = _upload(app(PAGE), "shop.csv", b"id,title,image\n1,Red shoe,a.png\n2,Hat,b.png\n")
    for _ in range(3):
        _click(test, "continue")
    assert ("or a folder on this computer" in [box.label for box in test.text_input]) is owner


def _shown(test: AppTest) -> list[list[str]]:
    return [list(row) for row in test.dataframe[0].value.to_numpy()]


def test_a_guessed_encoding_is_said_and_another_can_be_chosen(app: Open) -> None:
    data = "id,title\n1,Żółta miska\n2,Krzesło dębowe\n".encode("cp1250")
    test = _upload(app(PAGE), "shop.csv", data)
    assert "It is read as cp1250 (Central European), so a line reads “1,Żółta miska”" in test.warning[0].value
    assert _shown(test)[0][1] == "Żółta miska"
    box = next(box for box in test.selectbox if box.label == "Encoding")
    assert box.options[:2] == ["cp1250 (Central European)", "iso8859-2 (Central European, ISO)"]
    box.set_value("cp1252").run()
    assert not test.exception and _shown(test)[0][1] == "¯ó³ta miska"


def test_a_long_separator_and_a_missing_header_are_found(app: Open) -> None:
    test = _upload(app(PAGE), "movies.dat.txt", b"1::Toy Story: one::Comedy\n2::Heat::Crime\n3::Jumanji::Fantasy\n")
    assert _shown(test)[0] == ["1", "Toy Story: one", "Comedy"]
    assert any("looks like values rather than names" in one.value for one in test.warning)
    next(box for box in test.checkbox if box.label == "First row holds the names").set_value(True).run()
    assert not test.exception and len(_shown(test)) == 2


GUESSED = (
    "Artikelnr;Bezeichnung;VK brutto;wiki extract;Produktname kurzz;Rand\n"
    + "".join(f"A{n};Sofa {n};{n}9,50 €;Ein Sofa mit {n} Sitzen;kurz {n};{n}{n}\n" for n in range(1, 9))
)  # fmt: skip


def _choices(test: AppTest) -> dict[str, str]:
    return {box.label.removeprefix("What ").removesuffix(" holds"): box.value for box in test.selectbox}


def test_guesses_stand_on_top_with_a_tick_each_and_the_banner_goes(app: Open) -> None:
    test = _click(_upload(app(PAGE), "moebel.csv", GUESSED.encode()), "continue")
    guessed = [tick.label.removeprefix("Use ").split(" as ")[0] for tick in test.checkbox]
    assert guessed and list(_choices(test))[: len(guessed)] == guessed
    assert _choices(test)["VK brutto"] == "price" and _choices(test)["Bezeichnung"] == "title"
    assert any("wiki extract" in text.value and "waits" in text.value for text in test.markdown)
    tick = next(tick for tick in test.checkbox if tick.label == "Use wiki extract as Description")
    tick.check().run()
    assert not test.exception and _choices(test)["wiki extract"] == "description"
    assert not any("waits" in text.value and "wiki extract" in text.value for text in test.markdown)
    next(tick for tick in test.checkbox if tick.label == "Use wiki extract as Description").uncheck().run()
    assert _choices(test)["wiki extract"] != "description"
    if any(button.key == "accept-all" for button in test.button):
        _click(test, "accept-all")
    else:
        test.checkbox[0].check().run()
    assert not any("waits" in text.value for text in test.markdown)
    assert not any(button.key == "accept-all" for button in test.button)
    assert all(tick.value for tick in test.checkbox)


def test_columns_of_a_layout_that_say_nothing_of_an_item_are_folded(app: Open) -> None:
    columns = (
        "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Grams,Gift Card,SEO Title"
    )
    test = _click(
        _upload(app(PAGE), "shop.csv", f"{columns}\ntea,Teapot,Acme,,,T-1,5,10,false,x\n".encode()), "continue"
    )
    (folded,) = [one for one in test.expander if "nothing of an item" in one.label]
    assert {"What Variant Grams holds", "What Option1 Name holds"} <= {box.label for box in folded.selectbox}
    open_rows = [box.label for box in test.selectbox if box.label not in {inner.label for inner in folded.selectbox}]
    assert open_rows == [f"What {name} holds" for name in ("Handle", "Title", "Vendor", "Variant SKU", "Variant Price")]
