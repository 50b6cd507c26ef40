"""XLM-RoBERTa and FlauBERT learn the same tasks: their checkpoints, and their tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from click.testing import CliRunner

from xlm_model import (
    FlaubertConfig,
    FlaubertWithLMHeadModel,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)
from xlm_model.errors import ConfigError
from xlm_model.finetuning import (
    AnswerTask,
    ChooseTask,
    ClassifyTask,
    FinetuningSettings,
    FinetuningTask,
    TagTask,
    evaluate,
    finetune,
)
from xlm_model.training import TrainingSettings
from xlm_text import FlaubertTokenizer, UnigramVocabulary, XLMRobertaTokenizer, XLMTokenizer

from .conftest import OTHERS, PEOPLE, PLACES, SURNAMES

try:
    from xlm_cli.model import main as xlm_model
except ModuleNotFoundError:  # not installed: the folder it is installed from
    from cli.model import main as xlm_model

pytestmark = pytest.mark.xdist_group("finetuning")

FAST = TrainingSettings(learning_rate=0.01, schedule="linear", log_every=1000)
EPOCHS = FinetuningSettings(epochs=8)
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
LEARNT: dict[str, tuple[FinetuningTask, str, str]] = {
    "tag.{}.{}.conll": (TagTask(), "f1", "AutoModelForTokenClassification"),
    "classify.{}.{}.tsv": (ClassifyTask(), "accuracy", "AutoModelForSequenceClassification"),
    "choose.{}.{}.jsonl": (ChooseTask(), "accuracy", "AutoModelForMultipleChoice"),
    "answer.{}.{}.json": (AnswerTask(), "exact_match", "AutoModelForQuestionAnswering"),
}


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A masked language model with a Unigram vocabulary of the words that the data have."""
    words = [
        word
        for kind in (PLACES, PEOPLE, SURNAMES, OTHERS)
        for lang in ("en", "fr")
        for word in kind[lang]
    ]
    pieces = [(piece, 0.0) for piece in SPECIAL]
    pieces += [(f"▁{word}", -3.0) for word in words]
    pieces += [(letter, -9.0) for letter in ["▁", *sorted(set("".join(words)))]]
    pieces.append(("<mask>", 0.0))
    tokenizer = XLMRobertaTokenizer(UnigramVocabulary(pieces))
    folder = tmp_path_factory.mktemp("roberta") / "lm"
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.2,
    )
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def sources(data: Path, pattern: str, split: str, *langs: str) -> dict[str, str]:
    return {lang: str(data / pattern.format(split, lang)) for lang in langs}


@pytest.mark.parametrize("pattern", LEARNT)
def test_xlm_roberta_learns_a_task_and_is_scored_in_each_language(
    pattern: str, roberta: Path, data: Path, tmp_path: Path
) -> None:
    task, metric, their_class = LEARNT[pattern]
    dev = sources(data, pattern, "dev", "en", "fr")
    result = finetune(
        task,
        roberta,
        sources(data, pattern, "train", "en", "fr"),
        tmp_path / "run",
        valid=dev,
        settings=FAST,
        finetuning_settings=EPOCHS,
    )
    assert list(result.valid) == ["en", "fr", "mean"]
    assert result.valid["mean"][metric] > 0.9
    assert evaluate(result.checkpoint, dev, device="cpu") == result.valid
    theirs: Any = getattr(transformers, their_class).from_pretrained(result.checkpoint)
    assert type(theirs).__name__.startswith("XLMRoberta")
    tokenizer = transformers.AutoTokenizer.from_pretrained(result.checkpoint)
    assert tokenizer.tokenize("river") == XLMRobertaTokenizer.from_pretrained(roberta).tokenize(
        "river"
    )


def test_a_head_is_kept_where_the_same_was_learnt(
    roberta: Path, data: Path, tmp_path: Path
) -> None:
    pattern = "tag.{}.{}.conll"
    train, dev = (sources(data, pattern, split, "en") for split in ("train", "dev"))
    first = finetune(
        TagTask(), roberta, train, tmp_path / "1", settings=FAST, finetuning_settings=EPOCHS
    )
    # One tiny update: what the head had learnt is still there.
    still = TrainingSettings(steps=1, learning_rate=1e-9)
    again = finetune(
        TagTask(),
        first.checkpoint,
        train,
        tmp_path / "2",
        test=dev,
        settings=still,
        finetuning_settings=FinetuningSettings(epochs=None),
    )
    assert again.test["en"]["f1"] > 0.9


def test_flaubert_learns_tags(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "flaubert"
    XLMTokenizer.from_pretrained().save_vocabulary(folder)
    tokenizer = FlaubertTokenizer(folder / "vocab.json", folder / "merges.txt")
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = FlaubertConfig(
        vocab_size=len(tokenizer), emb_dim=16, n_layers=2, n_heads=2, max_position_embeddings=64
    )
    FlaubertWithLMHeadModel(config).save_pretrained(folder)
    pattern = "tag.{}.{}.conll"
    result = finetune(
        TagTask(),
        folder,
        sources(data, pattern, "train", "fr"),
        tmp_path / "run",
        test=sources(data, pattern, "dev", "fr"),
        settings=FAST,
        finetuning_settings=EPOCHS,
    )
    assert result.test["fr"]["f1"] > 0.9


def test_a_head_that_the_type_does_not_have_is_refused(
    roberta: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"expected one with a XLMForQuestionAnswering$"):
        finetune(
            AnswerTask(head="beam"),
            roberta,
            sources(data, "answer.{}.{}.json", "train", "en"),
            tmp_path / "run",
        )


def test_the_commands(roberta: Path, data: Path, tmp_path: Path) -> None:
    train, dev = (data / f"tag.{split}.en.conll" for split in ("train", "dev"))
    run = tmp_path / "run"
    common = ["finetune", "tag", str(roberta), f"en={train}", "-o", str(run), "--quiet"]
    done = CliRunner().invoke(
        xlm_model, [*common, "--epochs", "8", "--learning-rate", "0.01"], prog_name="xlm-model"
    )
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(xlm_model, ["evaluate", str(run / "last"), f"en={dev}", "--json"])
    assert json.loads(done.stdout)["en"]["f1"] > 0.9
    done = CliRunner().invoke(xlm_model, [*common, "--rules", "moses"])
    assert done.exit_code == 2
    assert "--rules is for XLM's tokenizer: leave it out" in done.output
