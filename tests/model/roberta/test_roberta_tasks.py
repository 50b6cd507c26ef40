"""Tasks over XLM-RoBERTa checkpoints, against transformers and sentence-transformers."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from xlm_cli.model import main

import xlm_model
from xlm_model import tasks
from xlm_text import InputError, XLMTokenizer

from ..helpers import TEXTS
from ..test_pipelines import close
from .conftest import folder_of

MASKED = ["The river <mask> through the old town.", "<mask> said: no!"]
LOOSE = {"rel": 1e-4, "abs": 1e-6}


@pytest.fixture
def tokenizer(roberta_tokenizer: Any) -> Any:
    return roberta_tokenizer


def ours(task: Any, folder: Path, **options: Any) -> Any:
    return task.from_pretrained(folder, device="cpu", **options)


def test_choices_and_scores_are_the_references(tokenizer: Any, tmp_path: Path) -> None:
    theirs = folder_of("XLMRobertaForMultipleChoice", tokenizer, tmp_path / "choice")
    [found] = ours(tasks.MultipleChoice, tmp_path / "choice")([(TEXTS[0], TEXTS[1:3])])
    encoded = tokenizer([TEXTS[0]] * 2, TEXTS[1:3], return_tensors="pt", padding=True)
    logits = theirs(**{k: v[None] for k, v in encoded.items()}).logits[0]
    assert found.scores == pytest.approx(logits.softmax(0).tolist(), **LOOSE)

    theirs = folder_of("XLMRobertaForMaskedLM", tokenizer, tmp_path / "words")
    score = ours(tasks.TextScoring, tmp_path / "words")
    for example, given in ((TEXTS[1], (TEXTS[1],)), ((TEXTS[1], TEXTS[3]), (TEXTS[1], TEXTS[3]))):
        [got] = score([example])
        encoded = tokenizer(*given, return_tensors="pt", return_special_tokens_mask=True)
        special = encoded.pop("special_tokens_mask")[0]
        ids, total = encoded["input_ids"], 0.0
        for i in (special == 0).nonzero().flatten().tolist():
            masked = ids.clone()
            masked[0, i] = tokenizer.mask_token_id
            total += float(theirs(masked).logits[0, i].log_softmax(-1)[ids[0, i]])
        assert got.log_prob == pytest.approx(total, rel=1e-4)


def test_a_language_has_no_effect_and_one_notice(tokenizer: Any, tmp_path: Path) -> None:
    folder_of("XLMRobertaForMaskedLM", tokenizer, tmp_path)
    fill = ours(tasks.FillMask, tmp_path)
    with pytest.warns(UserWarning, match="lang has no effect") as told:
        found = fill(MASKED, lang="fr")
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fill(MASKED, lang="de") == fill(MASKED) == found


def test_a_model_takes_only_a_tokenizer_that_it_can_use(tokenizer: Any, tmp_path: Path) -> None:
    folder_of("XLMRobertaForMaskedLM", tokenizer, tmp_path)
    model = xlm_model.AutoModelForMaskedLM.from_pretrained(tmp_path)
    with pytest.raises(InputError, match="tokenizer is a str: expected one with"):
        tasks.FillMask(model, "xlm-roberta-base")  # type: ignore[arg-type]
    english = XLMTokenizer.from_pretrained()
    config = xlm_model.XLMConfig(vocab_size=len(english), emb_dim=32, n_layers=1, n_heads=4)
    with pytest.raises(InputError, match="which would drop the texts' languages"):
        tasks.FillMask(xlm_model.XLMWithLMHeadModel(config), tokenizer)


def test_the_command_describes_a_checkpoint_of_another_type(tokenizer: Any, tmp_path: Path) -> None:
    folder_of("XLMRobertaForMaskedLM", tokenizer, tmp_path)
    result = CliRunner().invoke(main, ["info", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["model"] == "XLMRobertaForMaskedLM"


def test_a_command_needs_no_language_and_says_when_one_has_no_effect(
    tokenizer: Any, tmp_path: Path
) -> None:
    folder_of("XLMRobertaForMaskedLM", tokenizer, tmp_path)
    asked = ["fill-mask", str(tmp_path), "--device", "cpu", "--quiet"]
    plain = CliRunner().invoke(main, asked, input=MASKED[0])
    assert plain.exit_code == 0, plain.output
    assert len(json.loads(plain.stdout)["masks"][0]["fills"]) == 5
    told = CliRunner().invoke(main, [*asked, "--lang", "fr"], input=MASKED[0])
    assert told.stdout == plain.stdout
    assert told.stderr == "--lang has no effect: the checkpoint reads all languages alike\n"
    for option in (["--rules", "moses"], ["--faithful"]):
        refused = CliRunner().invoke(main, [*asked, *option], input=MASKED[0])
        assert refused.exit_code == 2
        assert f"{option[0]} is for XLM's tokenizer: leave it out" in refused.stderr


COMMANDS = {
    "fill-mask": ("XLMRobertaForMaskedLM", MASKED[0]),
    "score": ("XLMRobertaForMaskedLM", TEXTS[1]),
    "classify": ("XLMRobertaForSequenceClassification", TEXTS[0]),
    "tag": ("XLMRobertaForTokenClassification", TEXTS[0]),
    "answer": ("XLMRobertaForQuestionAnswering", f"Who came?\t{TEXTS[0]}"),
    "choose": ("XLMRobertaForMultipleChoice", "\t".join(TEXTS[:3])),
    "generate": ("XLMRobertaForCausalLM", TEXTS[1]),
    "embed": ("XLMRobertaModel", TEXTS[0]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_a_checkpoint(command: str, tokenizer: Any, tmp_path: Path) -> None:
    head, line = COMMANDS[command]
    folder_of(head, tokenizer, tmp_path, is_decoder=command == "generate")
    asked = [command, str(tmp_path), "--device", "cpu", "--quiet"]
    result = CliRunner().invoke(main, asked, input=f"{line}\n{line}\n")
    assert (result.exit_code, result.stderr) == (0, "")
    first, second = map(json.loads, result.stdout.splitlines())
    close(first, second)


def test_mining_needs_a_language_where_the_checkpoint_does(tokenizer: Any, tmp_path: Path) -> None:
    folder_of("XLMRobertaModel", tokenizer, tmp_path / "roberta")
    english = XLMTokenizer.from_pretrained()
    config = xlm_model.XLMConfig(vocab_size=len(english), emb_dim=32, n_layers=1, n_heads=4)
    xlm_model.XLMModel(config).save_pretrained(tmp_path / "xlm")
    english.save_pretrained(tmp_path / "xlm")
    texts = tmp_path / "texts"
    texts.write_text("\n".join(TEXTS), encoding="utf-8")
    found = {
        name: CliRunner().invoke(
            main, ["mine", str(tmp_path / name), str(texts), str(texts), "--device", "cpu", "-q"]
        )
        for name in ("roberta", "xlm")
    }
    assert found["roberta"].exit_code == 0, found["roberta"].output
    assert len(found["roberta"].stdout.splitlines()) == len(TEXTS)
    assert found["xlm"].exit_code == 2
    assert "Missing option '--lang'" in found["xlm"].stderr
