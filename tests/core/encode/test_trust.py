"""Models that want to run their own code, or to call somebody, are refused before they can (issue 12)."""

import json
import shutil
import socket
from pathlib import Path

import pytest

from core.encode.embedded_weights import text_folder
from core.encode.loading import load_encoder
from core.encode.registry import find_backbone
from core.encode.towers import load_tokenizer
from core.encode.trust import tell_failure
from core.errors import BackboneError

_CODE = """from pathlib import Path
Path({marker!r}).touch()
from transformers import PreTrainedTokenizerFast, BertConfig, BertModel
class Evil(PreTrainedTokenizerFast): pass
class EvilConfig(BertConfig): pass
class EvilModel(BertModel): pass
"""


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Names that anybody wants resolved; none is."""
    names: list[str] = []

    def refuse(host, *_, **__):
        names.append(str(host))
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return names


@pytest.fixture
def evil(tiny_folder, tmp_path):
    """Makes a working model folder whose tokenizer's code, if it is ever imported, touches `sprung`."""

    def make(text: dict | None = None, vision: dict | None = None, *, remote: bool = True, **tower: object) -> Path:
        folder = tmp_path / "evil"
        shutil.copytree(tiny_folder, folder)
        for name in ("tokenizer.json", "vocab.txt"):
            shutil.copyfile(text_folder() / name, folder / name)
        config = json.loads((folder / "open_clip_config.json").read_text())
        config["model_cfg"]["text_cfg"] |= {"hf_tokenizer_name": "evil/model"} | (text or {})
        config["model_cfg"]["vision_cfg"] |= vision or {}
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        (folder / "code.py").write_text(_CODE.format(marker=str(tmp_path / "sprung")))
        tokenizer = {"auto_map": {"AutoTokenizer": ["code.Evil", "code.Evil"]}, "tokenizer_class": "Evil"}
        (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer if remote else {"pad_token": "[PAD]"}))
        names = {"AutoConfig": "code.EvilConfig", "AutoModel": "code.EvilModel"}
        (folder / "config.json").write_text(json.dumps(tower or {"model_type": "evil", "auto_map": names}))
        return folder

    return make


def test_the_trap_springs_where_nothing_guards(evil, tmp_path, monkeypatch) -> None:
    """Else the tests below would say nothing."""
    import open_clip
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = evil({"tokenizer_kwargs": {"trust_remote_code": True}})
    open_clip.get_tokenizer(f"local-dir:{folder}")
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("text", "vision", "said"),
    [
        ({"tokenizer_kwargs": {"trust_remote_code": True}}, {}, "code of its own"),
        ({"tokenizer_kwargs": {"trust_remote_code": "yes"}}, {}, "code of its own"),
        ({}, {}, "code of its own"),
        ({"hf_model_name": "evil/model", "trust_remote_code": 1}, {}, "code of its own"),
        ({"hf_model_name": "evil/model"}, {}, "code of its own"),
        ({"tokenizer_kwargs": {"subfolder": "../elsewhere"}}, {}, "subfolder"),
        ({"hf_tokenizer_name": "", "tokenizer_kwargs": {"bpe_path": "/etc/passwd"}}, {}, "bpe_path"),
        ({}, {"timm_model_name": "hf-hub:evil/tower"}, "evil/tower"),
        ({}, {"timm_model_name": "local-dir:/elsewhere"}, "elsewhere"),
    ],
)
def test_a_folder_runs_nothing_and_calls_nobody(evil, asked, tmp_path, text, vision, said) -> None:
    folder = evil(text, vision)
    for load in (
        lambda: load_encoder(str(folder), tmp_path / "models", runtime="torch"),
        lambda: load_tokenizer(find_backbone(str(folder)), tmp_path / "models"),
    ):
        with pytest.raises(BackboneError, match=said) as caught:
            load()
        assert "trust_remote_code" not in str(caught.value).replace("'trust_remote_code'", "")
    assert not (tmp_path / "sprung").exists()
    assert asked == []


def test_a_kernel_of_the_hub_is_code(evil, asked, tmp_path) -> None:
    folder = evil({"hf_model_name": "x"}, remote=False, model_type="bert", attn_implementation="evil/kernel")
    with pytest.raises(BackboneError, match="code of its own"):
        load_encoder(str(folder), tmp_path / "models", runtime="torch")
    assert asked == []


def test_a_text_tower_that_is_not_in_the_folder_is_not_fetched(evil, asked, tmp_path) -> None:
    folder = evil({"hf_model_name": "somebody/tower"}, remote=False)
    (folder / "config.json").unlink()
    with pytest.raises(BackboneError, match=r"somebody/tower.*not in the folder"):
        load_encoder(str(folder), tmp_path / "models", runtime="torch")
    assert asked == []


def test_a_folder_with_a_plain_tokenizer_still_works(evil, asked, tmp_path) -> None:
    folder = evil({"tokenizer_kwargs": {"clean": "canonicalize"}}, remote=False)
    (folder / "config.json").unlink()
    encoder = load_encoder(str(folder), tmp_path / "models", runtime="torch")
    assert encoder.encode_texts(["a red shoe"]).shape == (1, 32)
    assert asked == []


def test_a_hub_entry_runs_nothing(evil, asked, tmp_path, monkeypatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub = tmp_path / "models" / "hub" / "models--evil--model"
    (hub / "refs").mkdir(parents=True)
    (hub / "refs" / "main").write_text("a" * 40)
    for text in ({"tokenizer_kwargs": {"trust_remote_code": True}}, {}):
        folder = evil(text)
        shutil.rmtree(hub / "snapshots", ignore_errors=True)
        (hub / "snapshots").mkdir()
        shutil.move(folder, hub / "snapshots" / ("a" * 40))
        with pytest.raises(BackboneError, match="code of its own"):
            load_encoder("hf-hub:evil/model", tmp_path / "models", runtime="torch")
    assert not (tmp_path / "sprung").exists()
    assert asked == []


@pytest.mark.parametrize("text", ["[]", "{}", '{"model_cfg": {"text_cfg": 3, "vision_cfg": {}}}', "[" * 100_000])
def test_a_configuration_that_is_none(tmp_path, text) -> None:
    (tmp_path / "open_clip_config.json").write_text(text)
    with pytest.raises(BackboneError, match="not one that open_clip wrote"):
        load_encoder(str(tmp_path), tmp_path / "models", runtime="torch")


def test_no_advice_to_run_a_pickle() -> None:
    advice = "Weights only load failed. Re-running `torch.load` with `weights_only` set to `False` will likely succeed."
    assert "safetensors" in tell_failure(RuntimeError(advice))
    assert "weights_only" not in tell_failure(RuntimeError(advice))


@pytest.mark.parametrize(
    ("wishes", "text", "said"),
    [
        ({"mean": [0.5]}, {}, "three numbers each"),
        ({"std": [0, 0, 0]}, {}, "three numbers each"),
        ({"std": "abc"}, {}, "cannot be loaded: .+"),
        ({"fill_color": "red"}, {}, "cannot be loaded: .+"),
        ({"resize_mode": "evil"}, {}, "cannot be loaded: AssertionError"),
        ({}, {"norm_kwargs": {"eps": "x"}}, "cannot be loaded: .+"),
        ({}, {"norm_kwargs": {"eps": float("nan")}}, "gives no numbers"),
    ],
)
def test_a_configuration_that_only_fails_at_work(tiny_folder, tmp_path, wishes, text, said) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "odd"))
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["preprocess_cfg"] |= wishes
    config["model_cfg"]["text_cfg"] |= text
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(BackboneError, match=said):
        load_encoder(str(folder), tmp_path / "models", runtime="torch")
