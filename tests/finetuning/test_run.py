"""Fine-tuning from the checkpoint to the scores: something is learnt, kept, and found again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from xlm_model import XLMForSequenceClassification, XLMForTokenClassification, tasks
from xlm_model.errors import TrainingError
from xlm_model.finetuning import (
    AnswerTask,
    ChooseTask,
    ClassifyTask,
    FinetuningResult,
    FinetuningSettings,
    FinetuningTask,
    TagTask,
    evaluate,
    finetune,
)
from xlm_model.training import TrainingSettings, read_log
from xlm_text import InputError

ROWS = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
FAST = TrainingSettings(learning_rate=0.02, schedule="linear", log_every=1000)
# Of each task what it is trained on, and the score that says that it was learnt.
LEARNT: dict[str, tuple[FinetuningTask, str]] = {
    "tag.{}.{}.conll": (TagTask(), "f1"),
    "classify.{}.{}.tsv": (ClassifyTask(), "accuracy"),
    "choose.{}.{}.jsonl": (ChooseTask(), "accuracy"),
    "answer.{}.{}.json": (AnswerTask(), "exact_match"),
    "answer2.{}.{}.json": (AnswerTask(head="beam"), "exact_match"),
}


def sources(data: Path, pattern: str, split: str, *langs: str) -> dict[str, str]:
    return {lang: str(data / pattern.format(split, lang)) for lang in langs}


@pytest.fixture(scope="module")
def runs(checkpoint: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what gives the run of each task, made once: trained on both languages."""
    made: dict[str, FinetuningResult] = {}

    def run(pattern: str) -> FinetuningResult:
        if pattern not in made:
            made[pattern] = finetune(
                LEARNT[pattern][0],
                checkpoint,
                sources(data, pattern, "train", "en", "fr"),
                tmp_path_factory.mktemp("runs") / "run",
                valid=sources(data, pattern, "dev", "en", "fr"),
                settings=FAST,
                finetuning_settings=FinetuningSettings(epochs=4),
            )
        return made[pattern]

    return run


@pytest.mark.xdist_group("finetuning")
@pytest.mark.parametrize("pattern", LEARNT)
def test_what_can_be_told_apart_is_learnt_and_evaluated_alike(
    pattern: str, runs: Any, data: Path
) -> None:
    task, metric = LEARNT[pattern]
    result = runs(pattern)
    assert result.training.finished == "steps"
    assert list(result.valid) == ["en", "fr", "mean"]
    assert result.valid["mean"][metric] > 0.9
    mean = sum(result.valid[lang][metric] for lang in ("en", "fr")) / 2
    assert result.valid["mean"][metric] == pytest.approx(mean)
    # A checkpoint says what task it is; its scores are those of the run.
    dev = sources(data, pattern, "dev", "en", "fr")
    assert evaluate(result.checkpoint, dev, device="cpu") == result.valid
    written = json.loads((result.checkpoint.parent / "scores.json").read_text())
    assert written == {
        "task": task.name,
        "checkpoint": "best",
        "step": result.training.best_step,
        "valid": result.valid,
        "test": {},
    }


@pytest.mark.xdist_group("finetuning")
def test_checkpoints_have_their_labels_here_and_in_the_reference(runs: Any) -> None:
    best = runs("tag.{}.{}.conll").checkpoint
    labels = {0: "B-LOC", 1: "B-PER", 2: "I-PER", 3: "O"}
    theirs = transformers.XLMForTokenClassification.from_pretrained(best)
    assert theirs.config.id2label == labels
    assert theirs.config.label2id == {name: i for i, name in labels.items()}
    tag = tasks.TokenClassification.from_pretrained(best, aggregation="entities", device="cpu")
    [found] = tag(["the old mother sees river"], lang="en")
    assert [(one.label, one.start, one.end) for one in found] == [("PER", 8, 14), ("LOC", 20, 25)]
    best = runs("classify.{}.{}.tsv").checkpoint
    theirs = transformers.XLMForSequenceClassification.from_pretrained(best).eval()
    assert theirs.config.id2label == {0: "people", 1: "places"}
    classify = tasks.TextClassification.from_pretrained(best, device="cpu")
    [one] = classify(["le roi voit"], lang="fr")
    assert one.label == "people"
    batch = classify.tokenizer("le roi voit", lang="fr", return_tensors="pt")
    with torch.no_grad():
        scores = theirs(**batch).logits.softmax(-1)[0]
    assert list(one.scores.values()) == pytest.approx(scores.tolist(), rel=1e-4)


@pytest.mark.xdist_group("finetuning")
def test_what_learnt_the_same_labels_keeps_its_head(runs: Any, data: Path, tmp_path: Path) -> None:
    pattern = "classify.{}.{}.tsv"
    best = runs(pattern).checkpoint
    none = TrainingSettings(learning_rate=1e-12, steps=1)
    one_step = FinetuningSettings(epochs=None)
    train = sources(data, pattern, "train", "en")
    kept = finetune(ClassifyTask(), best, train, tmp_path / "same", settings=none,
                    finetuning_settings=one_step)  # fmt: skip
    before, after = (
        XLMForSequenceClassification.from_pretrained(where).state_dict()
        for where in (best, kept.checkpoint)
    )
    assert kept.checkpoint.name == "last"
    head = "sequence_summary.summary.weight"
    torch.testing.assert_close(after[head], before[head])
    for name, task, rows, names in (
        ("other", ClassifyTask(), ROWS, ["x", "y"]),
        ("value", ClassifyTask(problem="regression"), [{"text": "a", "label": 1}], ["LABEL_0"]),
    ):
        new = finetune(task, best, {"en": rows}, tmp_path / name, settings=none,
                       finetuning_settings=one_step)  # fmt: skip
        other = XLMForSequenceClassification.from_pretrained(new.checkpoint)
        assert list(other.config.id2label.values()) == names
        assert (other.state_dict()[head] - before[head][: len(names)]).abs().min() > 1e-6


def small_run(checkpoint: Path, data: Path, output: Path, **options: Any) -> FinetuningResult:
    """Train tags on English for 12 updates, and evaluate on both languages."""
    pattern = "tag.{}.{}.conll"
    settings = options.pop("settings", {})
    return finetune(
        TagTask(),
        checkpoint,
        sources(data, pattern, "train", "en"),
        output,
        valid=sources(data, pattern, "dev", "en", "fr"),
        settings=TrainingSettings(
            **{"learning_rate": 0.01, "steps": 12, "every": 6, "schedule": "constant", **settings}
        ),
        finetuning_settings=FinetuningSettings(epochs=None, **options.pop("how", {})),
        **options,
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return XLMForTokenClassification.from_pretrained(folder).state_dict()


def test_a_resumed_run_is_the_uninterrupted_one(
    checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    whole = small_run(checkpoint, data, tmp_path / "whole")

    def stop(done: Any) -> None:
        if done.step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_run(checkpoint, data, tmp_path / "parts", on_step=stop)
    with pytest.raises(InputError, match="holds a training; choose another folder; resume=True"):
        small_run(checkpoint, data, tmp_path / "parts")
    with pytest.raises(InputError, match="batch_size was 8 and is 4"):
        small_run(checkpoint, data, tmp_path / "parts", resume=True, how={"batch_size": 4})
    parts = small_run(checkpoint, data, tmp_path / "parts", resume=True)
    assert (parts.training.step, parts.valid) == (12, whole.valid)
    for name, one in weights(tmp_path / "whole" / "last").items():
        torch.testing.assert_close(
            weights(tmp_path / "parts" / "last")[name], one, rtol=0, atol=1e-6
        )
    again = small_run(checkpoint, data, tmp_path / "seed", settings={"seed": 1})
    differing = weights(again.checkpoint.parent / "last")["classifier.weight"]
    assert not torch.equal(differing, weights(tmp_path / "whole" / "last")["classifier.weight"])


def test_frozen_layers_and_rates_of_their_own(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    result = small_run(
        *(checkpoint, data, tmp_path / "run"), how={"freeze": 1, "head_learning_rate": 0.03},
        settings={"steps": 1, "weight_decay": 0.0, "warmup_steps": 0},
    )  # fmt: skip
    before = dict(transformers.XLMModel.from_pretrained(checkpoint).named_parameters())
    after = weights(result.training.checkpoint.parent / "last")
    changed = {
        name for name, one in before.items() if not torch.equal(one, after[f"transformer.{name}"])
    }
    assert changed
    assert all(".1." in name for name in changed)
    # The first step of Adam moves each weight that has a gradient by its learning rate.
    moved = max(
        (before[name].detach() - after[f"transformer.{name}"]).abs().max() for name in changed
    )
    assert float(moved) == pytest.approx(0.01, rel=1e-3)
    assert float(after["classifier.bias"].abs().max()) == pytest.approx(0.03, rel=1e-3)


def test_early_stopping_and_the_score_that_decides(
    checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    seen: list[int] = []
    result = small_run(
        *(checkpoint, data, tmp_path / "run"),
        settings={"learning_rate": 1e-9, "every": 2, "patience": 2, "metric": "fr/accuracy"},
        on_evaluation=lambda step, _: seen.append(step),
    )
    assert (result.training.finished, result.training.best_step) == ("patience", 2)
    assert seen == [2, 4, 6]
    with pytest.raises(InputError, match="metric is 'x': expected one of en/f1, en/precision"):
        small_run(checkpoint, data, tmp_path / "other", settings={"metric": "x"})


def test_epochs_and_tests_at_the_end(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    pattern = "classify.{}.{}.tsv"
    result = finetune(
        ClassifyTask(),
        checkpoint,
        sources(data, pattern, "train", "en"),
        tmp_path / "run",
        test={"fr": str(data / pattern.format("dev", "fr"))},
        finetuning_settings=FinetuningSettings(epochs=1.5, batch_size=10),
    )
    # 96 examples are 10 batches; the last of an epoch is smaller.
    assert result.training.step == 15
    assert (result.checkpoint.name, result.valid) == ("last", {})
    dev = sources(data, pattern, "dev", "fr")
    assert result.test == evaluate(result.checkpoint, dev, device="cpu")
    assert [entry["step"] for entry in read_log(tmp_path / "run") if "losses" in entry][-1] == 15


@pytest.mark.parametrize(
    ("problem", "labels", "names"),
    [
        ("multi", ["a,b", "b", "", "c"], {0: "a", 1: "b", 2: "c"}),
        ("regression", [0.5, 1, "2.5", -1.5], {0: "LABEL_0"}),
    ],
)
def test_several_labels_and_values(
    problem: str, labels: list[Any], names: dict[int, str], checkpoint: Path, tmp_path: Path
) -> None:
    rows = [{"text": word, "label": label} for word, label in zip("abcd", labels, strict=True)]
    task = ClassifyTask(problem=problem)
    settings = TrainingSettings(learning_rate=0.03, schedule="linear", every=100)
    result = finetune(
        *(task, checkpoint, {"en": rows}, tmp_path / "run"), valid={"en": rows}, settings=settings,
        finetuning_settings=FinetuningSettings(epochs=100),
    )  # fmt: skip
    assert result.valid["en"][task.metrics(list(names.values()))[0]] > 0.9
    config = transformers.XLMConfig.from_pretrained(result.checkpoint)
    assert config.id2label == names
    assert evaluate(result.checkpoint, {"en": rows}, device="cpu") == result.valid


def test_precision_and_checkpoint_agree(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    result = small_run(checkpoint, data, tmp_path / "run", settings={"precision": "bf16"})
    dev = sources(data, "tag.{}.{}.conll", "dev", "en", "fr")
    assert evaluate(result.checkpoint, dev, device="cpu") == result.valid


@pytest.mark.parametrize(
    ("train", "valid", "how", "message"),
    [
        (ROWS, [{"text": "c", "label": "z"}], {},
         "en[0]: has the label 'z': expected one that was trained on, 'x', 'y'; labels names all"),
        (ROWS[:1], ROWS, {}, "all examples have the label 'x': expected two or more; labels names"),
        (ROWS, ROWS, {"labels": ["x", "z"]}, "en[1]: has the label 'y': expected one that was tra"),
        (ROWS, ROWS, {"labels": ["x"]}, "labels is ['x']: expected two different names or more"),
        (ROWS, ROWS, {"freeze": 3}, "freeze is 3: expected a number from 0 to 2, the checkpoint's"),
        (ROWS, ROWS, {"class_weights": {"x": 1}}, "class_weights has no weight for 'y': expected"),
        (ROWS, ROWS, {"class_weights": {"x": 1, "y": "2"}}, "class_weights has '2' for 'y': exp"),
        (ROWS, ROWS, {"class_weights": "nowhere"}, "expected 'balanced', or a JSON file (No such"),
        (ROWS, ROWS, {"batch_size": 0}, "batch_size is 0: expected a whole number from 1"),
        ([*ROWS, {"text": "a " * 70, "label": "x"}], ROWS, {},
         "en[2]: the text has 72 tokens: expected at most 64, the model's max_position_embeddings"),
        (ROWS, [{"text": " ", "label": "x"}], {}, "en[0]: the text is empty, or has only characte"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_before_anything_is_trained(
    train: Any, valid: Any, how: Any, message: str, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        finetune(
            *(ClassifyTask(), checkpoint, {"en": train}, tmp_path / "run"), valid={"en": valid},
            finetuning_settings=FinetuningSettings(**how),
        )  # fmt: skip
    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_labels_that_are_to_come_can_be_named(checkpoint: Path, tmp_path: Path) -> None:
    labels = ["y", "z", "x"]
    result = finetune(
        *(ClassifyTask(), checkpoint, {"en": ROWS}, tmp_path / "run"),
        valid={"en": [{"text": "c", "label": "z"}]},
        finetuning_settings=FinetuningSettings(labels=labels, epochs=1),
    )
    config = transformers.XLMConfig.from_pretrained(result.checkpoint)
    assert list(config.id2label.values()) == labels


def test_a_loss_that_is_no_number_stops_the_run(checkpoint: Path, tmp_path: Path) -> None:
    rows = [{"text": "a", "label": 1e30}, {"text": "b", "label": math.nan}]
    with pytest.raises(TrainingError, match="step 1: loss or gradient is not a finite number"):
        finetune(ClassifyTask(problem="regression"), checkpoint, {"en": rows}, tmp_path / "run")


@pytest.mark.xdist_group("finetuning")
def test_data_for_evaluation(runs: Any, checkpoint: Path) -> None:
    best = runs("classify.{}.{}.tsv").checkpoint
    rows = [{"text": "a", "label": "neither"}]
    with pytest.raises(InputError, match="the label 'neither': expected one that was trained on, "):
        evaluate(best, {"en": rows})
    with pytest.raises(InputError, match="got no data: expected some, such as en=test"):
        evaluate(best, {})
    with pytest.raises(Exception, match="its head is language model: expected one of a task"):
        evaluate(checkpoint, {"en": rows})
