"""What a model can do beside its forward pass: compile, other types, dropout, resizing, pruning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import xlm_model
from xlm_model import ConfigError, XLMConfig, XLMForQuestionAnswering, XLMModel, XLMWithLMHeadModel
from xlm_model.attention import PackedLayout, PaddedLayout

from .helpers import IDS, LANGS, TINY, reference


def build(name: str = "XLMWithLMHeadModel", **settings: Any) -> Any:
    return getattr(xlm_model, name)(XLMConfig(**{**TINY, **settings})).eval()


HEADS = (
    "XLMModel",
    "XLMWithLMHeadModel",
    "XLMForSequenceClassification",
    "XLMForTokenClassification",
    "XLMForQuestionAnsweringSimple",
    "XLMForQuestionAnswering",
)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", HEADS)
def test_compiles_into_one_graph(name: str, causal: bool) -> None:
    model = build(name, causal=causal, n_langs=2)
    # Tracing is what a model can break; which code is made of the graph is the compiler's matter.
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    expected, got = model(IDS, langs=LANGS), compiled(IDS, langs=LANGS)
    assert type(got) is type(expected)
    for ours, theirs in zip(got.to_tuple(), expected.to_tuple(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", HEADS)
def test_exports_for_any_batch_and_length(name: str, causal: bool) -> None:
    model = build(name, causal=causal, n_langs=2)
    batch, length = torch.export.Dim("batch", max=64), torch.export.Dim("length", min=3, max=24)
    shape = {0: batch, 1: length}
    program = torch.export.export(
        model,
        (IDS,),
        {"attention_mask": (IDS != 2).long(), "langs": LANGS},
        dynamic_shapes={"input_ids": shape, "attention_mask": shape, "langs": shape},
    )
    ids = torch.randint(14, 60, (3, 11))
    inputs = {"attention_mask": torch.ones_like(ids), "langs": torch.ones_like(ids)}
    expected, got = model(ids, **inputs), program.module()(ids, **inputs)
    assert type(got) is type(expected)
    for ours, theirs in zip(got.to_tuple(), expected.to_tuple(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", HEADS)
def test_half_precision_stays_near_the_references(
    name: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    theirs = reference(name).eval()
    theirs.save_pretrained(tmp_path)
    ours = getattr(xlm_model, name).from_pretrained(tmp_path, dtype=dtype)
    exact = getattr(xlm_model, name).from_pretrained(tmp_path)
    error = near(ours(IDS)[0], exact(IDS)[0])
    # Half precision is as far from the truth as the reference's is, give or take the rounding.
    assert error < 1.5 * near(theirs.to(dtype)(IDS)[0], exact(IDS)[0]) + 4 * torch.finfo(dtype).eps


def near(got: torch.Tensor, expected: torch.Tensor) -> float:
    assert got.dtype in (torch.bfloat16, torch.float16)
    return ((got.float() - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_masked_answer_is_finite_in_half_precision(dtype: torch.dtype) -> None:
    model: XLMForQuestionAnswering = build("XLMForQuestionAnswering").to(dtype)
    p_mask = torch.tensor([[0, 0, 0, 0, 1], [0, 0, 1, 1, 1]])
    output = model(IDS, p_mask=p_mask)
    assert all(torch.isfinite(value).all() for value in output.values())
    assert (output.start_top_index[1][:2] < 2).all()


def test_a_row_of_padding_is_finite() -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        mask = torch.tensor([[1] * 5, [0] * 5])
        states = build("XLMModel").to(dtype)(IDS, attention_mask=mask).last_hidden_state
        assert torch.isfinite(states).all()
        assert (states[1] == 0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("causal", [False, True])
def test_cuda_gives_what_the_cpu_gives(dtype: torch.dtype, causal: bool) -> None:
    model = build(causal=causal, n_langs=2)
    expected = model(IDS, langs=LANGS).logits
    got = model.to("cuda", dtype)(IDS.cuda(), langs=LANGS.cuda()).logits.float().cpu()
    tolerance = {torch.float32: 1e-4}.get(dtype, 0.1)
    torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)
    with pytest.raises(ValueError, match="input_ids holds 60"):
        model(torch.full((1, 3), 60, device="cuda"))


# Dropout with probability 1 is the one that needs no random numbers.
@pytest.mark.parametrize("where", ["dropout", "attention_dropout", "summary_first_dropout"])
@pytest.mark.parametrize("name", ["XLMForSequenceClassification", "XLMForTokenClassification"])
def test_dropout_is_where_the_references_is(name: str, where: str, tmp_path: Path) -> None:
    theirs = reference(name, **{where: 1.0}).train()
    theirs.save_pretrained(tmp_path)
    ours = getattr(xlm_model, name).from_pretrained(tmp_path).train()
    labels = torch.tensor([0, 1]) if "Sequence" in name else IDS % 2
    for extra in ({}, {"output_attentions": True}):
        expected, got = (m(IDS, labels=labels, **extra) for m in (theirs, ours))
        torch.testing.assert_close(got.logits, expected.logits)


def test_dropout_only_while_training() -> None:
    model = build(dropout=0.5, attention_dropout=0.5)
    assert torch.equal(model(IDS).logits, model(IDS).logits)
    model.train()
    assert not torch.equal(model(IDS).logits, model(IDS).logits)


def test_gradient_checkpointing_changes_memory_and_no_gradient() -> None:
    model = build(dropout=0.3, attention_dropout=0.3).train()
    gradients = []
    saved = []
    for switch in (model.gradient_checkpointing_disable, model.gradient_checkpointing_enable):
        switch()
        torch.manual_seed(5)
        model.zero_grad()
        count = 0

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal count
            count += 1
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = model(IDS, labels=IDS).loss
        saved.append(count)
        loss.backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)
    assert saved[1] < saved[0] / 2


@pytest.mark.parametrize("size", [50, 70])
@pytest.mark.parametrize("tied", [True, False])
def test_resizing_keeps_the_words_that_stay(size: int, tied: bool, tmp_path: Path) -> None:
    theirs = reference("XLMWithLMHeadModel", tie_word_embeddings=tied).eval()
    theirs.save_pretrained(tmp_path)
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path)
    theirs.resize_token_embeddings(size, mean_resizing=False)
    embeddings = ours.resize_token_embeddings(size)
    assert embeddings is ours.get_input_embeddings()
    assert (ours.config.vocab_size, embeddings.num_embeddings) == (size, size)
    assert ours(IDS).logits.shape == (2, 5, size)
    torch.testing.assert_close(ours(IDS).logits[..., :50], theirs(IDS).logits[..., :50])
    assert (ours.pred_layer.proj.weight is embeddings.weight) == tied
    assert ours.get_output_embeddings().out_features == size
    with pytest.raises(ValueError, match=f"expected ids from 0 to {size - 1}"):
        ours(IDS * 0 + size)
    ours.save_pretrained(tmp_path / "resized")
    again = XLMWithLMHeadModel.from_pretrained(tmp_path / "resized")
    assert torch.equal(again(IDS).logits, ours(IDS).logits)


def test_what_cannot_be_resized() -> None:
    with pytest.raises(ConfigError, match="an adaptive softmax"):
        build(asm=True, asm_cutoffs=[20]).resize_token_embeddings(50)
    with pytest.raises(ConfigError, match="pad_token_id is 2: expected an id below 2"):
        build("XLMModel").resize_token_embeddings(2)


def test_pruned_heads_are_those_that_add_nothing(tmp_path: Path) -> None:
    model = build()
    silenced = build()
    silenced.load_state_dict(model.state_dict())
    for layer, heads in {0: [1, 3], 1: [0]}.items():
        for head in heads:
            out = silenced.transformer.attentions[layer].out_lin.weight
            out.data[:, 8 * head : 8 * head + 8] = 0
    # In two steps: a head keeps its number when others are gone.
    model.prune_heads({0: [1]})
    model.prune_heads({0: [3], 1: [0]})
    assert model.config.pruned_heads == {0: [1, 3], 1: [0]}
    assert model.transformer.attentions[0].q_lin.weight.shape == (16, 32)
    torch.testing.assert_close(model(IDS).logits, silenced(IDS).logits)
    model.save_pretrained(tmp_path)
    again = XLMWithLMHeadModel.from_pretrained(tmp_path)
    assert torch.equal(again(IDS).logits, model(IDS).logits)
    with pytest.raises(ConfigError, match="keep some of their 4 heads"):
        model.prune_heads({0: [0, 2]})


@pytest.mark.parametrize("causal", [False, True])
def test_the_layers_serve_tokens_without_padding(causal: bool) -> None:
    """One row of tokens of several sentences, packed, gives what a padded batch gives."""
    model: XLMModel = build("XLMModel", causal=causal, n_langs=2)
    lengths = [5, 3]
    padded = model(IDS, langs=LANGS).last_hidden_state

    class Alone(PackedLayout):
        """Attention inside each sentence by that of a padded batch of one."""

        def attend(self, query: Any, key: Any, value: Any, **options: Any) -> Any:
            sentences = zip(*(x.split(lengths) for x in (query, key, value)), strict=True)
            contexts = [
                PaddedLayout(1, len(s[0])).attend(*(x[None] for x in s), **options)[0][0]
                for s in sentences
            ]
            return torch.cat(contexts), None

    def pack(rows: torch.Tensor) -> torch.Tensor:
        return torch.cat([row[:length] for row, length in zip(rows, lengths, strict=True)])

    positions = torch.cat([torch.arange(length) for length in lengths])
    packed = model.encode(
        model.embed(pack(IDS), pack(LANGS), position_ids=positions), Alone(lengths)
    )
    torch.testing.assert_close(packed.last_hidden_state, pack(padded))


@torch.no_grad()
def test_only_the_first_layers_run_on_request() -> None:
    model = build("XLMModel", n_langs=2)
    states = model(IDS, langs=LANGS, output_hidden_states=True).hidden_states
    for layers, right in enumerate(states):
        torch.testing.assert_close(model(IDS, langs=LANGS, layers=layers)[0], right)
    for layers in (-1, 3):
        with pytest.raises(ValueError, match=f"layers is {layers}: expected 0 to 2"):
            model(IDS, layers=layers)
