"""Sentence embeddings of folders of sentence-transformers, against that package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import xlm_model
from xlm_model.tasks import SentenceEmbedding
from xlm_text import InputError

from ..helpers import TEXTS
from .conftest import folder_of
from .support import TOLERANCE

sentence_transformers = pytest.importorskip(
    "sentence_transformers", reason="sentence-transformers is not installed"
)
modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
Normalize, Pooling, Transformer = modules.Normalize, modules.Pooling, modules.Transformer


@pytest.fixture
def tokenizer(roberta_tokenizer: Any) -> Any:
    return roberta_tokenizer


def embedding(folder: Path, **options: Any) -> SentenceEmbedding:
    return SentenceEmbedding.from_pretrained(folder, device="cpu", **options)


LAYOUTS = {
    "mean, normalized, as E5": ("mean", True),
    "first, normalized, as BGE-M3": ("cls", True),
    "mean, as paraphrase-multilingual": ("mean", False),
    "max": ("max", False),
}


@pytest.mark.parametrize("old", [False, True], ids=["new files", "old files"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sentences_have_the_vectors_of_sentence_transformers(
    tokenizer: Any, tmp_path: Path, layout: str, old: bool
) -> None:
    mode, normalize = LAYOUTS[layout]
    folder_of("XLMRobertaModel", tokenizer, tmp_path / "encoder")
    words = Transformer(str(tmp_path / "encoder"))
    words.max_seq_length = 16
    parts = [words, Pooling(32, pooling_mode=mode), *([Normalize()] if normalize else [])]
    theirs = sentence_transformers.SentenceTransformer(modules=parts, device="cpu")
    folder = tmp_path / "sentences"
    theirs.save(str(folder))
    if old:  # what the published folders have
        name = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}[mode]
        names = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
        keys = {f"pooling_mode_{each}": each == name for each in names}
        keys = {"word_embedding_dimension": 32, **keys}
        (folder / "1_Pooling/config.json").write_text(json.dumps(keys))
        length = {"max_seq_length": 12, "do_lower_case": False}
        (folder / "sentence_bert_config.json").write_text(json.dumps(length))
        theirs = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
        assert theirs.max_seq_length == 12
    embed = embedding(folder)
    expected = torch.tensor(theirs.encode(TEXTS, show_progress_bar=False))
    torch.testing.assert_close(torch.stack(embed(TEXTS)), expected, **TOLERANCE)
    # An option goes before what the folder declares.
    plain = embedding(folder, pooling="first")
    assert plain.pooling == "first"


def test_a_default_prompt_and_an_encoder_in_a_folder_of_its_own_are_read(
    tokenizer: Any, tmp_path: Path
) -> None:
    folder_of("XLMRobertaModel", tokenizer, tmp_path / "encoder")
    theirs = sentence_transformers.SentenceTransformer(
        modules=[Transformer(str(tmp_path / "encoder")), Pooling(32, pooling_mode="mean")],
        prompts={"query": "query: ", "passage": "passage: "},
        default_prompt_name="query",
        device="cpu",
    )
    folder = tmp_path / "sentences"
    theirs.save(str(folder))
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"  # the published layout of older versions
    (folder / "0_Transformer").mkdir()
    for file in ("config.json", "model.safetensors", *tokenizer_files(folder)):
        (folder / file).rename(folder / "0_Transformer" / file)
    (folder / "modules.json").write_text(json.dumps(modules))
    embed = embedding(folder)
    expected = torch.tensor(theirs.encode(TEXTS, show_progress_bar=False))
    torch.testing.assert_close(torch.stack(embed(TEXTS)), expected, **TOLERANCE)
    passages = embedding(folder, prompt="passage: ")
    expected = torch.tensor(theirs.encode(TEXTS, prompt_name="passage", show_progress_bar=False))
    torch.testing.assert_close(torch.stack(passages(TEXTS)), expected, **TOLERANCE)
    plain = embedding(folder, prompt="")
    expected = torch.tensor(theirs.encode(TEXTS, prompt="", show_progress_bar=False))
    torch.testing.assert_close(torch.stack(plain(TEXTS)), expected, **TOLERANCE)


def tokenizer_files(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if "token" in file.name]


@pytest.mark.parametrize(
    ("file", "keys", "message"),
    [
        ("sentence_bert_config.json", {"do_lower_case": True}, "do_lower_case is true"),
        (
            "config_sentence_transformers.json",
            {"prompts": {"query": "q: "}, "default_prompt_name": "text"},
            "default_prompt_name is 'text': expected one of the prompts, query",
        ),
        ("1_Pooling/config.json", {"pooling_mode": "weightedmean"}, "pools by weightedmean"),
        ("1_Pooling/config.json", {"pooling_mode": ["cls", "max"]}, "pools by cls, max"),
    ],
)
def test_what_a_folder_declares_and_is_not_here_is_refused(
    file: str, keys: dict[str, Any], message: str, tokenizer: Any, tmp_path: Path
) -> None:
    folder_of("XLMRobertaModel", tokenizer, tmp_path)
    modules = [
        {"idx": 0, "path": "", "type": "x.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "x.Pooling"},
    ]
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text('{"pooling_mode": "mean"}')
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / file).write_text(json.dumps(keys))
    with pytest.raises(xlm_model.CheckpointError, match=message):
        embedding(tmp_path)


def test_a_text_beyond_the_length_that_is_asked_for_is_an_error_that_names_it(
    tokenizer: Any, tmp_path: Path
) -> None:
    folder_of("XLMRobertaModel", tokenizer, tmp_path)
    with pytest.raises(InputError, match="expected at most max_length, 5"):
        embedding(tmp_path, max_length=5)(TEXTS[:1])


def test_modules_that_are_not_here_are_refused(tokenizer: Any, tmp_path: Path) -> None:
    folder_of("XLMRobertaModel", tokenizer, tmp_path)
    kinds = ("Transformer", "Pooling", "Dense")
    modules = [{"idx": i, "path": "", "type": f"x.{kind}"} for i, kind in enumerate(kinds)]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(xlm_model.CheckpointError, match="Transformer, Pooling, Dense: expected"):
        embedding(tmp_path)
