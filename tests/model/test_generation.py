"""Generation against plain loops over the reference's forward pass on the whole sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_model.attention import pack
from xlm_model.generation import CachedDecoder, Sampling, beam_search, sample
from xlm_model.tasks import TextError, TextGeneration
from xlm_text import InputError, XLMTokenizer

from .helpers import reference

END = 1
NEW = 14
PROMPTS = [[0, 14, 15, 16, 17], [0], [0, 20, 21], [0, 30, 31, 32, 33, 34, 35, 36], [0, 22, 23]]
LANGS = [[i % 2] * len(prompt) for i, prompt in enumerate(PROMPTS)]


@pytest.fixture
def models(tmp_path: Path) -> tuple[Any, XLMWithLMHeadModel]:
    """Return the reference's causal model and ours; sequences end at different lengths."""
    theirs = reference("XLMWithLMHeadModel", causal=True, n_langs=2, n_layers=3)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.mul_(1.5)
        theirs.pred_layer.proj.bias[END] += 11.0
    theirs.save_pretrained(tmp_path)
    return theirs.eval(), XLMWithLMHeadModel.from_pretrained(tmp_path)


class Recomputed:
    """A stepper that runs the reference's forward pass over whole sequences, one at a time."""

    def __init__(self, model: Any, prompts: list[list[int]], langs: list[list[int]]) -> None:
        self.model = model
        self.rows = [list(prompt) for prompt in prompts]
        self.langs = [lang[0] for lang in langs]

    def start(self) -> Tensor:
        return torch.stack(
            [next_scores(self.model, row, lang) for row, lang in zip(self.rows, self.langs)]  # noqa: B905
        )

    def step(self, ids: Tensor) -> Tensor:
        self.rows = [[*row, id_] for row, id_ in zip(self.rows, ids.tolist(), strict=True)]
        return self.start()

    def select(self, rows: Tensor) -> None:
        self.rows = [self.rows[i] for i in rows]
        self.langs = [self.langs[i] for i in rows]


@torch.no_grad()
def next_scores(model: Any, ids: list[int], lang: int) -> Tensor:
    return model(torch.tensor([ids]), langs=torch.tensor([[lang] * len(ids)])).logits[0, -1]


def cached(model: XLMWithLMHeadModel, new_tokens: int = NEW) -> CachedDecoder:
    return CachedDecoder(model, pack(PROMPTS, LANGS), new_tokens)


@torch.inference_mode()
def test_greedy_is_the_plain_loop_token_for_token(models: Any) -> None:
    theirs, ours = models
    found = sample(cached(ours), PROMPTS, Sampling(), new_tokens=NEW, end=END, seeds=[0] * 5)
    for prompt, langs, one in zip(PROMPTS, LANGS, found, strict=True):
        ids = list(prompt)
        for token in [*one.ids, *([END] if one.finished else [])]:
            scores = next_scores(theirs, ids, langs[0])
            # The best, or one that only rounding puts behind it.
            torch.testing.assert_close(scores[token], scores.max(), rtol=1e-5, atol=1e-4)
            ids.append(token)
        assert END not in one.ids
        assert one.finished or len(one.ids) == NEW
    assert len({len(one.ids) for one in found}) > 1, "all sequences are of one length"


@torch.inference_mode()
def test_scores_at_each_step_are_those_of_the_whole_sequence(models: Any) -> None:
    theirs, ours = models
    a, b = cached(ours), Recomputed(theirs, PROMPTS, LANGS)
    torch.testing.assert_close(a.start(), b.start(), rtol=1e-5, atol=1e-4)
    for number in range(6):
        if number == 3:
            for stepper in (a, b):
                stepper.select(torch.tensor([4, 0, 0, 2]))
        ids = torch.arange(20 + number, 20 + number + (5 if number < 3 else 4))
        torch.testing.assert_close(a.step(ids), b.step(ids), rtol=1e-5, atol=1e-4)


def plain_beam_search(
    model: Any, prompt: list[int], lang: int, width: int, penalty: float
) -> list[int]:
    """Search with lists: every hypothesis is run whole, all their continuations are sorted."""
    going: list[tuple[float, list[int]]] = [(0.0, [])]
    ended: list[tuple[float, list[int]]] = []
    for step in range(NEW):
        every = []
        for total, ids in going:
            scores = next_scores(model, prompt + ids, lang).log_softmax(-1).tolist()
            every += [(total + score, [*ids, token]) for token, score in enumerate(scores)]
        every.sort(key=lambda one: -one[0])
        for cut in (width, 2 * width):
            assert every[cut - 1][0] - every[cut][0] > 1e-4, "rounding decides: take another seed"
        ended += [(t / len(ids) ** penalty, ids) for t, ids in every[:width] if ids[-1] == END]
        ended = sorted(ended, key=lambda one: -one[0])[:width]
        going = [one for one in every[: 2 * width] if one[1][-1] != END][:width]
        best = going[0][0] / len(going[0][1]) ** penalty
        if step < NEW - 1 and len(ended) == width and ended[-1][0] >= best:
            return ended[0][1]
    return max([*ended, *((t / len(ids) ** penalty, ids) for t, ids in going)])[1]


@pytest.mark.parametrize(("width", "penalty"), [(2, 1.0), (4, 1.0), (3, 0.3), (3, 2.0)])
@torch.inference_mode()
def test_beam_search_is_the_plain_loop_token_for_token(
    width: int, penalty: float, models: Any
) -> None:
    theirs, ours = models
    found = beam_search(
        cached(ours), len(PROMPTS), width=width, new_tokens=NEW, end=END, length_penalty=penalty
    )
    for prompt, langs, one in zip(PROMPTS, LANGS, found, strict=True):
        right = plain_beam_search(theirs, prompt, langs[0], width, penalty)
        assert [*one.ids, *([END] if one.finished else [])] == right
    assert any(one.finished for one in found)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0),
        Sampling(temperature=0.7, top_k=5),
        Sampling(temperature=1.3, top_p=0.8, repetition_penalty=1.4),
        Sampling(repetition_penalty=1.8),
    ],
)
@torch.inference_mode()
def test_sampling_is_that_of_full_recomputation_with_the_same_seed(
    sampling: Sampling, models: Any
) -> None:
    theirs, ours = models
    options: dict[str, Any] = {"new_tokens": NEW, "end": END, "seeds": [3, 4, 5, 6, 7]}
    found = sample(cached(ours), PROMPTS, sampling, **options)
    right = sample(Recomputed(theirs, PROMPTS, LANGS), PROMPTS, sampling, **options)
    assert found == right
    if sampling.temperature:
        others = {**options, "seeds": [13, 14, 15, 16, 17]}
        assert sample(cached(ours), PROMPTS, sampling, **others) != found


@pytest.mark.parametrize("top_p", [None, 0.05, 0.6, 0.999])
@pytest.mark.parametrize("top_k", [None, 1, 7, 100])
def test_scores_are_adjusted_as_in_the_reference(top_p: Any, top_k: Any) -> None:
    scores = torch.randn(3, 60) * 4
    ids = torch.randint(60, (3, 8))
    processors = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(1.7)])
    processors.append(TemperatureLogitsWarper(0.6))
    if top_k:
        processors.append(TopKLogitsWarper(top_k))
    if top_p:
        processors.append(TopPLogitsWarper(top_p))
    seen = torch.zeros(3, 60, dtype=torch.bool).scatter(1, ids, True)
    got = Sampling(0.6, top_k, top_p, 1.7).adjust(scores, seen)
    torch.testing.assert_close(got, processors(ids, scores.clone()))


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    scores = torch.tensor([[0.1, 0.2, 0.0, 0.3, 0.4]]).log().expand(4000, -1)
    chances = [torch.Generator().manual_seed(seed) for seed in range(4000)]
    drawn = Sampling(temperature=1.0).choose(scores, torch.zeros(4000, 5).bool(), chances)
    shares = drawn.bincount(minlength=5) / 4000
    # Four standard deviations of a share of 4,000 draws are at most 0.032.
    torch.testing.assert_close(shares, scores[0].exp(), rtol=0, atol=0.032)
    assert shares[2] == 0


@torch.inference_mode()
def test_a_step_works_on_one_token_of_each_sequence_that_goes_on(models: Any) -> None:
    _, ours = models
    rows = []
    ours.transformer.ffns[0].lin1.register_forward_hook(
        lambda _, given, __: rows.append(given[0].shape[0])
    )
    found = sample(cached(ours), PROMPTS, Sampling(), new_tokens=NEW, end=END, seeds=[0] * 5)
    tokens = [len(one.ids) + one.finished for one in found]
    assert rows[0] == sum(map(len, PROMPTS))
    assert rows[1:] == [sum(t > step for t in tokens) for step in range(1, max(tokens))]


# The task -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained()


def small(tokenizer: XLMTokenizer, **settings: Any) -> XLMWithLMHeadModel:
    config: dict[str, Any] = {
        "emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 40,
        "causal": True, "embed_init_std": 0.3, "init_std": 0.2,
    }  # fmt: skip
    return XLMWithLMHeadModel(XLMConfig(vocab_size=len(tokenizer), **{**config, **settings})).eval()


TEXTS = ["The river", "", "In the morning the committee", "Where?"]


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 1.0, "top_p": 0.9, "seed": 3}, {"num_beams": 3}]
)
def test_results_do_not_depend_on_the_batch(options: Any, tokenizer: XLMTokenizer) -> None:
    model = small(tokenizer)
    together = TextGeneration(model, tokenizer, max_new_tokens=9, **options)
    alone = TextGeneration(model, tokenizer, max_new_tokens=9, batch_size=1, **options)
    found = together(TEXTS, "en")
    assert found == alone(TEXTS, "en") == together(TEXTS, "en")
    for one in found:
        assert one.text == tokenizer.decode(one.ids, skip_special_tokens=True)
        assert one.finished or len(one.ids) == 9


def test_the_prompt_is_read_behind_the_first_token(tokenizer: XLMTokenizer) -> None:
    model = small(tokenizer)
    [found] = TextGeneration(model, tokenizer, max_new_tokens=1)(["The river"], "en")
    ids = [tokenizer.bos_token_id, *tokenizer.encode("The river", add_special_tokens=False)]
    scores = model(torch.tensor([ids])).logits[0, -1]
    torch.testing.assert_close(scores[found.ids], scores.max()[None])


def test_an_mlm_checkpoint_does_not_generate(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    model = small(tokenizer, causal=False)
    with pytest.raises(InputError, match=r"cannot generate with a MLM checkpoint.*any_objective"):
        TextGeneration(model, tokenizer)
    anyway = TextGeneration(model, tokenizer, any_objective=True, max_new_tokens=3)
    assert len(anyway(["The river"], "en")[0].ids) <= 3
    # The published CLM checkpoints do not say that they are: their names do.
    for name in ("xlm-mlm-enfr-1024", "xlm-clm-enfr-1024"):
        model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    with pytest.raises(InputError, match="cannot generate"):
        TextGeneration.from_pretrained(tmp_path / "xlm-mlm-enfr-1024", device="cpu")
    clm = TextGeneration.from_pretrained(tmp_path / "xlm-clm-enfr-1024", device="cpu")
    assert clm.model.config.causal


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens is 0: expected at least 1"),
        ({"temperature": 0.0}, "temperature is 0.0: expected a number above 0"),
        ({"top_p": 1.5, "temperature": 1.0}, "top_p is 1.5: expected at most 1"),
        ({"top_k": 5}, "expected a temperature with them"),
        ({"num_beams": 2, "temperature": 1.0}, "num_beams is 2: expected no temperature"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_options(options: Any, message: str, tokenizer: XLMTokenizer) -> None:
    with pytest.raises(InputError, match=message):
        TextGeneration(small(tokenizer), tokenizer, **options)


def test_a_prompt_without_room_to_go_on(tokenizer: XLMTokenizer) -> None:
    go_on = TextGeneration(small(tokenizer), tokenizer, max_new_tokens=30)
    with pytest.raises(TextError, match="text 1: the text has 16 tokens and max_new_tokens is 30"):
        go_on(["The river", "a " * 15], "en")
