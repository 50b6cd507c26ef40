"""Tasks take models that other tools have wrapped, in whatever mode they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from xlm_model import XLMForSequenceClassification, XLMModel, XLMWithLMHeadModel, tasks
from xlm_text import InputError, XLMTokenizer

from .helpers import LANGS_OF_TEXTS as LANGS
from .helpers import TEXTS, small


def vectors(model: Any, tokenizer: XLMTokenizer) -> torch.Tensor:
    return torch.stack(tasks.SentenceEmbedding(model, tokenizer)(TEXTS, LANGS))


def refuse(*_: Any) -> Any:
    raise AssertionError("something was compiled")


def test_a_compiled_model_is_taken_and_compiles_nothing(tokenizer: XLMTokenizer) -> None:
    model = small(XLMModel, tokenizer)
    right = vectors(model, tokenizer)
    assert torch.equal(vectors(torch.compile(model, backend=refuse), tokenizer), right)
    model.compile(backend=refuse)
    assert torch.equal(vectors(model, tokenizer), right)


@pytest.fixture
def process_group(tmp_path: Path) -> Iterator[None]:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process_group")
def test_a_model_in_data_parallel_is_taken(tokenizer: XLMTokenizer) -> None:
    model = small(XLMModel, tokenizer)
    right = vectors(model, tokenizer)
    parallel = nn.parallel.DistributedDataParallel(model)
    for wrapped in (parallel, torch.compile(parallel, backend=refuse), nn.DataParallel(model)):
        assert torch.equal(vectors(wrapped, tokenizer), right)


def adapted(model: Any, **settings: Any) -> Any:
    """Wrap a model with LoRA whose every weight is random, as if it was trained."""
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    wrapped = peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_lin"], **settings))
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if parameter.requires_grad:
                assert "lora" in name or "modules_to_save" in name
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return wrapped


def test_the_adapters_of_peft_stay_in_effect(tokenizer: XLMTokenizer) -> None:
    model = small(XLMModel, tokenizer)
    before = vectors(model, tokenizer)
    wrapped = adapted(model)
    found = vectors(wrapped, tokenizer)
    assert (found - before).abs().max() > 1e-3
    assert torch.equal(vectors(torch.compile(wrapped, backend=refuse), tokenizer), found)
    with wrapped.disable_adapter():
        assert torch.equal(vectors(wrapped, tokenizer), before)
    merged = wrapped.merge_and_unload()
    torch.testing.assert_close(vectors(merged, tokenizer), found, rtol=1e-4, atol=1e-5)


def test_a_head_that_peft_trained_is_the_one_that_answers(tokenizer: XLMTokenizer) -> None:
    model = small(XLMForSequenceClassification, tokenizer)
    wrapped = adapted(model, modules_to_save=["sequence_summary"])
    found = tasks.TextClassification(wrapped, tokenizer)(TEXTS, LANGS)
    batch = tokenizer(TEXTS, lang=LANGS, padding=True, return_tensors="pt")
    with torch.no_grad():
        # Through PEFT's own layers, padded.
        output = wrapped.base_model.model(
            batch["input_ids"], attention_mask=batch["attention_mask"], langs=batch["langs"]
        )
    right = output.logits.softmax(-1)
    for one, scores in zip(found, right.tolist(), strict=True):
        assert list(one.scores.values()) == pytest.approx(scores, rel=1e-4)


def test_an_adapter_of_virtual_tokens_is_refused(tokenizer: XLMTokenizer) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    config = peft.PromptTuningConfig(
        num_virtual_tokens=3, token_dim=32, num_transformer_submodules=1, num_layers=2,
        num_attention_heads=4,
    )  # fmt: skip
    model = small(XLMModel, tokenizer)
    # PEFT's constructor asks for more than a test of the refusal needs.
    wrapped = peft.PeftModel.__new__(peft.PeftModel)
    nn.Module.__init__(wrapped)
    wrapped._is_prompt_learning = True
    wrapped._peft_config, wrapped.active_adapter = {"default": config}, "default"
    wrapped.base_model = model
    with pytest.raises(InputError, match="model has the adapter 'default' of PEFT's type PROMPT_"):
        tasks.SentenceEmbedding(wrapped, tokenizer)


def test_a_model_in_training_mode_answers_without_dropout_and_goes_on_training(
    tokenizer: XLMTokenizer,
) -> None:
    model = small(XLMModel, tokenizer, dropout=0.5)
    right = vectors(model, tokenizer)
    model.train()
    model.attention(0).eval()  # frozen by whoever trains it
    modes = {name: module.training for name, module in model.named_modules()}
    assert set(modes.values()) == {True, False}
    stream = tasks.SentenceEmbedding(model, tokenizer).stream(TEXTS * 100, "en")
    torch.testing.assert_close(next(stream), right[0])
    # Between two results, too.
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert torch.equal(vectors(model, tokenizer), right)
    assert {name: module.training for name, module in model.named_modules()} == modes


def test_the_mode_comes_back_after_an_error(tokenizer: XLMTokenizer) -> None:
    model = small(XLMModel, tokenizer).train()
    model.layer_norm_emb.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        vectors(model, tokenizer)
    assert all(module.training for module in model.modules())


def test_a_tokenizer_that_would_drop_the_language_is_refused(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    theirs = transformers.XLMTokenizer.from_pretrained(tmp_path)
    model = small(XLMWithLMHeadModel, tokenizer)
    message = (
        "tokenizer is transformers' XLMTokenizer, which would drop the texts' languages: "
        rf"expected xlm_text.XLMTokenizer.from_pretrained\('{tmp_path}'\)"
    )
    with pytest.raises(InputError, match=message):
        tasks.FillMask(model, theirs)
    with pytest.raises(InputError, match=r"tokenizer is a str: expected xlm_text\.XLMTokenizer"):
        tasks.FillMask(model, "xlm-mlm-en-2048")  # type: ignore[arg-type]
