"""`generate` against transformers' own, over the reference's forward pass on whole sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from xlm_model import XLMConfig, XLMWithLMHeadModel

from .helpers import TINY, reference

PROMPTS = torch.tensor([[0, 14, 15, 16], [0, 20, 21, 22], [0, 30, 31, 32]])
LANGS = torch.tensor([[0] * 4, [1] * 4, [0] * 4])


class Continued(transformers.XLMWithLMHeadModel):  # type: ignore[misc]
    """The reference, scoring the token behind the last one: it would put a mask token there."""

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Any = None, **_: Any
    ) -> dict[str, Any]:
        first = self.langs.repeat_interleave(len(input_ids) // len(self.langs), 0)
        return {"input_ids": input_ids, "langs": first[:, :1].expand_as(input_ids)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, XLMWithLMHeadModel]:
    """Return the reference's causal model and ours; sequences end at different lengths."""
    torch.manual_seed(3)
    folder: Path = tmp_path_factory.mktemp("causal")
    theirs = reference("XLMWithLMHeadModel", causal=True, n_langs=2, n_layers=3)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.mul_(1.5)
        theirs.pred_layer.proj.bias[1] += 6.0
    theirs.save_pretrained(folder)
    continued = Continued.from_pretrained(folder).eval()
    continued.langs = LANGS
    return continued, XLMWithLMHeadModel.from_pretrained(folder)


@pytest.mark.parametrize(
    "options",
    [
        {"max_new_tokens": 12},
        {"max_length": 9},
        {"max_new_tokens": 12, "min_new_tokens": 6},
        {"max_new_tokens": 12, "eos_token_id": [1, 40, 41, 42]},
        {"max_new_tokens": 8, "repetition_penalty": 1.7},
        {"max_new_tokens": 8, "num_beams": 3},
        {"max_new_tokens": 8, "num_beams": 4, "num_return_sequences": 3},
        {"max_new_tokens": 8, "num_beams": 3, "min_new_tokens": 5},
        {"max_new_tokens": 8, "num_beams": 3, "length_penalty": 2.0},
        {"max_new_tokens": 8, "num_beams": 2, "eos_token_id": [1, 40, 41]},
        {},
    ],
)
def test_the_tokens_are_transformers(models: Any, options: dict[str, Any]) -> None:
    theirs, ours = models
    options = {"pad_token_id": 2, **options}
    given = {"max_length": None, **options} if "max_length" not in options else options
    if not {"max_length", "max_new_tokens"} & options.keys():
        given["max_new_tokens"] = 20  # our default, and that of older versions of theirs
    expected = theirs.generate(
        PROMPTS, attention_mask=torch.ones_like(PROMPTS), use_cache=False, **given
    )
    got = ours.generate(PROMPTS, langs=LANGS, **options)
    assert got.tolist() == expected.tolist()


def test_what_is_drawn_follows_the_seed(models: Any) -> None:
    _, ours = models
    options = {"langs": LANGS, "max_new_tokens": 6, "do_sample": True}
    first = ours.generate(PROMPTS, **options, num_return_sequences=2, seed=5)
    assert first.shape[0] == 6
    assert torch.equal(first, ours.generate(PROMPTS, **options, num_return_sequences=2, seed=5))
    assert torch.equal(first[::2, :4], PROMPTS)
    assert not torch.equal(first[0], first[1])
    torch.manual_seed(8)
    second = ours.generate(PROMPTS, **options)
    torch.manual_seed(8)
    assert torch.equal(second, ours.generate(PROMPTS, **options))
    # Among one token there is no choice.
    narrow = ours.generate(PROMPTS, **options, top_k=1)
    assert torch.equal(narrow, ours.generate(PROMPTS, langs=LANGS, max_new_tokens=6))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("masked", [True, False])
def test_padding_on_either_side_changes_nothing(side: str, masked: bool, models: Any) -> None:
    _, ours = models
    rows = [[0, 14, 15, 16, 17], [0, 20]]
    padded = [
        row + [2] * (5 - len(row)) if side == "right" else [2] * (5 - len(row)) + row
        for row in rows
    ]
    ids = torch.tensor(padded)
    options: dict[str, Any] = {"max_new_tokens": 7}
    mask = {"attention_mask": (ids != 2).long()} if masked else {}
    got = ours.generate(ids, **mask, **options)
    assert torch.equal(got[:, :5], ids)
    for row, result in zip(rows, got[:, 5:].tolist(), strict=True):
        alone = ours.generate(torch.tensor([row]), **options)[0, len(row) :].tolist()
        assert result == alone + [2] * (len(result) - len(alone))


def test_a_run_of_tokens_stops_a_sequence_and_stays_in_it(models: Any) -> None:
    _, ours = models
    options = {"langs": LANGS, "max_new_tokens": 10, "min_new_tokens": 10}
    whole = ours.generate(PROMPTS, **options)[0, 4:].tolist()
    run = whole[3:5]
    where = next(i for i in range(10) if whole[i : i + 2] == run) + 2
    got = ours.generate(PROMPTS[:1], **{**options, "langs": LANGS[:1]}, stop=[run])
    assert got[0, 4:].tolist() == whole[:where]
    assert (
        ours.generate(PROMPTS[:1], langs=LANGS[:1], stop=[run[1]], max_new_tokens=10).shape[1] < 14
    )


def test_the_language_is_the_configurations_unless_given(models: Any) -> None:
    theirs, ours = models
    assert torch.equal(ours.generate(PROMPTS), ours.generate(PROMPTS, langs=LANGS * 0))
    inputs = ours.prepare_inputs_for_generation(PROMPTS, use_cache=True, position_ids=None)
    assert torch.equal(inputs["langs"], torch.zeros_like(PROMPTS))
    with torch.no_grad():
        logits = ours(**inputs).logits
        expected = theirs(PROMPTS, langs=LANGS * 0).logits[:, -1:]
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-5)


def test_a_model_in_training_generates_without_dropout(tmp_path: Path) -> None:
    config = XLMConfig(**{**TINY, "dropout": 0.5}, causal=True)
    model = XLMWithLMHeadModel(config).train()
    model.transformer.embeddings.eval()  # as who freezes a part of it does
    options = {"max_new_tokens": 10, "min_new_tokens": 10}
    got = model.generate(PROMPTS, **options)
    modules = dict(model.named_modules())
    assert [name for name in modules if not modules[name].training] == ["transformer.embeddings"]
    assert torch.equal(got, model.eval().generate(PROMPTS, **options))
    assert not got.requires_grad
    assert model.can_generate()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "0 tokens may be added"),
        ({"max_length": 4}, "0 tokens may be added"),
        ({"max_length": 9, "max_new_tokens": 9}, "got both"),
        ({"max_new_tokens": 21}, "have 25 tokens together: expected at most 24"),
        ({"max_new_tokens": 5, "min_new_tokens": 6}, "min_new_tokens is 6: expected at most 5"),
        ({"num_return_sequences": 2}, "expected do_sample=True or num_beams"),
        ({"num_beams": 2, "num_return_sequences": 3}, "expected at most 2, num_beams"),
        ({"num_beams": 2, "do_sample": True}, "leaves nothing to choose"),
        ({"temperature": 0.5}, "expected do_sample=True"),
        ({"do_sample": True, "top_p": 0}, "top_p is 0: expected a number above 0"),
        ({"stop": [[]]}, "expected ids, or runs"),
        ({"streamer": print}, "streamer is not supported: expected `xlm_model.generation`"),
        ({"use_cache": False}, "keys and values are always cached"),
        ({"max_tokens": 5}, "generate has no argument 'max_tokens'"),
        ({"langs": LANGS + 2}, "langs holds 2: expected ids from 0 to 1"),
        ({"attention_mask": torch.zeros(3, 4)}, "a row of padding alone"),
    ],
)
def test_what_cannot_be_generated_is_said(
    models: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        models[1].generate(PROMPTS, **options)


def test_a_model_that_is_not_causal_does_not_go_on() -> None:
    with pytest.raises(ValueError, match=r"causal is False: .* loaded with causal=True"):
        XLMWithLMHeadModel(XLMConfig(**TINY)).generate(PROMPTS)
