"""Linear layers with 8-bit weights, by torchao and by PyTorch itself."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from xlm_model import tasks
from xlm_text import InputError, XLMTokenizer

from ..helpers import LANGS_OF_TEXTS, TEXTS, folder_of
from .support import MODELS, assert_same, build, inputs, reference_of, values

torchao = pytest.importorskip("torchao.quantization", reason="torchao is not installed")

pytestmark = pytest.mark.slow


def linear_layers(model: nn.Module) -> dict[str, nn.Linear]:
    return {name: x for name, x in model.named_modules() if isinstance(x, nn.Linear)}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("config", "tolerance"),
    [
        (torchao.Int8WeightOnlyConfig, 1e-4),
        # An input between two of its steps is rounded to either.
        (torchao.Int8DynamicActivationInt8WeightConfig, 0.1),
    ],
)
def test_torchao_does_to_a_model_what_it_does_to_the_references(
    name: str, config: Any, tolerance: float
) -> None:
    exact, given = build(name), inputs(name)
    model, theirs = copy.deepcopy(exact), reference_of(name, exact)
    for each in (model, theirs):
        torchao.quantize_(each, config())
    for layer, old in linear_layers(exact).items():
        weight = model.get_submodule(layer).weight
        assert type(weight) is not nn.Parameter, layer
        # Half a step of a row's 127.
        steps = old.weight.detach().abs().amax(1, keepdim=True) / 127
        assert ((weight.dequantize() - old.weight).abs() <= 0.51 * steps).all()
    with torch.no_grad():
        got, expected = model(**given), theirs(**given)
        padding = given["attention_mask"][..., None]
        if name == "XLMModel":
            got.last_hidden_state *= padding
            expected.last_hidden_state *= padding
        assert_same(values(got)[:1], values(expected.to_tuple())[:1], tolerance)
        assert not torch.equal(values(got)[0], values(exact(**given))[0])


@pytest.mark.parametrize("name", MODELS)
def test_dynamic_quantization_takes_every_linear_layer(name: str) -> None:
    exact, given = build(name), inputs(name)
    theirs = reference_of(name, exact)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is to be removed one day
        model, expected = (
            torch.ao.quantization.quantize_dynamic(each, {nn.Linear}) for each in (exact, theirs)
        )
    assert not linear_layers(model)
    for layer in linear_layers(exact):
        assert isinstance(model.get_submodule(layer), torch.ao.nn.quantized.dynamic.Linear)
    with torch.no_grad():
        assert_same(model(**given), list(expected(**given).values()), tolerance=1e-4)


def test_a_task_gives_every_linear_layer_eight_bits(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    folder_of("XLMForSequenceClassification", tokenizer, tmp_path)
    exact, classify = (
        tasks.TextClassification.from_pretrained(tmp_path, device="cpu", int8=int8)
        for int8 in (False, True)
    )
    layers = linear_layers(classify.model)
    assert len(layers) == 13
    for layer in layers.values():
        assert type(layer.weight) is not nn.Parameter
        assert layer.weight.qdata.dtype == torch.int8
    # 8 bits for an input: not the same numbers, but near them.
    for got, right in zip(
        classify(TEXTS, LANGS_OF_TEXTS), exact(TEXTS, LANGS_OF_TEXTS), strict=True
    ):
        assert got.score != right.score
        assert got.scores == pytest.approx(right.scores, abs=0.05)


def test_a_quantized_result_does_not_depend_on_the_batch(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    folder_of("XLMModel", tokenizer, tmp_path)
    embed = tasks.SentenceEmbedding.from_pretrained(tmp_path, device="cpu", int8=True)
    together = embed(TEXTS, LANGS_OF_TEXTS)
    for text, lang, expected in zip(TEXTS, LANGS_OF_TEXTS, together, strict=True):
        [alone] = embed([text], lang)
        # A number that lies between two steps may be rounded to either.
        assert torch.cosine_similarity(alone, expected, dim=0) > 0.9999


def test_what_is_missing_is_named(
    tokenizer: XLMTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of("XLMModel", tokenizer, tmp_path)
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(InputError, match=r"int8=True needs torchao .*pip install '\.\[int8\]'"):
        tasks.SentenceEmbedding.from_pretrained(tmp_path, device="cpu", int8=True)


def test_nothing_is_printed_of_kernels_for_other_devices() -> None:
    lines = [
        "import torch",
        "from xlm_model.tasks.devices import quantize",
        "quantize(torch.nn.Sequential(torch.nn.Linear(8, 8)))",
        "import logging; print(logging.root.isEnabledFor(logging.WARNING))",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
