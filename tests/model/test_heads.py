"""Every head on packed sequences gives what it gives each sequence alone, losses included."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import xlm_model
from xlm_model import XLMConfig
from xlm_model.attention import PackedLayout, PaddedLayout, pack
from xlm_model.outputs import XLMForQuestionAnsweringOutput

from .helpers import TINY

SEQUENCES = [[1, *range(14, 14 + n), 1] for n in (7, 3, 3, 1, 12, 2)]
LANGS = [[i % 3] * len(ids) for i, ids in enumerate(SEQUENCES)]
SIZES = [len(ids) for ids in SEQUENCES]
TOKENS = sum(SIZES)

# For each sequence: its class; the classes of its tokens; their words; an answer in it.
LABELS = [i % 3 for i in range(len(SEQUENCES))]
TOKEN_LABELS = [[-100 if i % 4 == 3 else i % 3 for i in range(size)] for size in SIZES]
WORDS = [[-100 if i % 3 == 1 else 14 + i for i in range(size)] for size in SIZES]
STARTS, ENDS = [1, 0, 2, 1, 13, 0], [3, 4, 3, 2, 13, 1]


def build(name: str, **changes: Any) -> Any:
    config = XLMConfig(**{**TINY, "n_langs": 3, "num_labels": 3, **changes})
    model = getattr(xlm_model, name)(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def alone(model: Any, number: int, **options: Any) -> Any:
    """Call a model on one sequence, as a padded batch of one without padding."""
    ids, langs = torch.tensor([SEQUENCES[number]]), torch.tensor([LANGS[number]])
    # With a mask, as a sequence may hold the id of padding.
    return model(ids, torch.ones_like(ids), langs, **options)


def together(model: Any, **options: Any) -> Any:
    return model(**pack(SEQUENCES, LANGS).inputs, **options)


def assert_same(got: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("XLMModel", "last_hidden_state"),
        ("XLMWithLMHeadModel", "logits"),
        ("XLMForTokenClassification", "logits"),
        ("XLMForQuestionAnsweringSimple", "start_logits"),
        ("XLMForQuestionAnsweringSimple", "end_logits"),
    ],
)
def test_a_value_of_each_token(name: str, output: str, causal: bool) -> None:
    model = build(name, causal=causal, **({"num_labels": 2} if "Simple" in name else {}))
    expected = [getattr(alone(model, i), output)[0] for i in range(len(SEQUENCES))]
    assert_same(getattr(together(model), output), torch.cat(expected))


@pytest.mark.parametrize("summary_type", ["first", "last", "mean", "cls_index"])
@pytest.mark.parametrize("name", ["XLMForSequenceClassification", "XLMForMultipleChoice"])
def test_a_value_of_each_sequence(name: str, summary_type: str) -> None:
    model = build(name, summary_type=summary_type)
    if name == "XLMForMultipleChoice":
        expected = [
            model(
                torch.tensor([[SEQUENCES[i]]]),
                torch.ones(1, 1, SIZES[i]),
                torch.tensor([[LANGS[i]]]),
            ).logits
            for i in range(len(SEQUENCES))
        ]
    else:
        expected = [alone(model, i).logits for i in range(len(SEQUENCES))]
    assert_same(together(model).logits, torch.cat(expected))


@pytest.mark.parametrize("masked", [False, True])
def test_the_beam_search(masked: bool) -> None:
    model = build("XLMForQuestionAnswering")
    # The shortest sequence has as many tokens as the search takes starts.
    masks = [[float(masked and 0 < i < size - 2) for i in range(size)] for size in SIZES]
    cls = [0, 1, 0, 2, 0, 1]
    output = together(
        model,
        cls_index=torch.tensor(cls),
        p_mask=torch.tensor(list(itertools.chain.from_iterable(masks))),
    )
    spans = output.spans()
    for i, (mask, at) in enumerate(zip(masks, cls, strict=True)):
        right = alone(model, i, cls_index=torch.tensor([at]), p_mask=torch.tensor([mask]))
        for name in ("start_top_index", "start_top_log_probs", "end_top_log_probs", "cls_logits"):
            assert_same(getattr(output, name)[i], getattr(right, name)[0])
        for got, expected in zip(spans, right.spans(), strict=True):
            assert_same(got[i], expected[0])
    # None given: the last token of each sequence.
    last = together(model).cls_logits
    assert_same(last, torch.cat([alone(model, i).cls_logits for i in range(len(SEQUENCES))]))


def test_a_search_stays_inside_each_sequence_where_all_but_one_token_is_masked() -> None:
    model = build("XLMForQuestionAnswering")
    masks = [[float(i != 0) for i in range(size)] for size in SIZES]
    output = together(model, p_mask=torch.tensor(list(itertools.chain.from_iterable(masks))))
    for index in (output.start_top_index, output.end_top_index):
        assert (index < torch.tensor(SIZES)[:, None]).all()
    for i, mask in enumerate(masks):
        right = alone(model, i, p_mask=torch.tensor([mask]))
        for name in ("start_top_log_probs", "end_top_log_probs", "cls_logits"):
            assert_same(getattr(output, name)[i], getattr(right, name)[0])
        assert output.start_top_index[i, 0] == 0


def losses(name: str) -> tuple[dict[str, Tensor], list[dict[str, Tensor]], list[float]]:
    """Return the labels of the packed call, those of each sequence, and each one's weight."""
    if name in ("XLMWithLMHeadModel", "XLMForTokenClassification"):
        rows = WORDS if name == "XLMWithLMHeadModel" else TOKEN_LABELS
        packed = {"labels": torch.tensor(list(itertools.chain.from_iterable(rows)))}
        return (
            packed,
            [{"labels": torch.tensor([row])} for row in rows],
            [float(sum(label != -100 for label in row)) for row in rows],
        )
    if name == "XLMForSequenceClassification":
        each = {"labels": torch.tensor(LABELS)}
    else:
        each = {"start_positions": torch.tensor(STARTS), "end_positions": torch.tensor(ENDS)}
    if name == "XLMForQuestionAnswering":
        each["cls_index"] = torch.tensor([0, 1, 0, 2, 0, 1])
        each["is_impossible"] = torch.tensor([0.0, 1, 0, 0, 1, 0])
    single = [{k: v[i : i + 1] for k, v in each.items()} for i in range(len(SEQUENCES))]
    return each, single, [1.0] * len(SEQUENCES)


@pytest.mark.parametrize(
    "name",
    [
        "XLMWithLMHeadModel",
        "XLMForSequenceClassification",
        "XLMForTokenClassification",
        "XLMForQuestionAnsweringSimple",
        "XLMForQuestionAnswering",
    ],
)
def test_the_loss_and_its_gradients(name: str) -> None:
    model = build(name, **({"num_labels": 2} if "Simple" in name else {}))
    packed, single, weights = losses(name)
    total = sum(
        alone(model, i, **labels).loss * weight
        for i, (labels, weight) in enumerate(zip(single, weights, strict=True))
    ) / sum(weights)
    total.backward()
    expected = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    loss = together(model, **packed).loss
    loss.backward()
    assert_same(loss, total)
    for parameter_name, parameter in model.named_parameters():
        right = expected[parameter_name]
        if right is None:
            assert parameter.grad is None
        else:
            torch.testing.assert_close(parameter.grad, right, rtol=1e-4, atol=1e-5)


def test_the_choices_of_an_example_are_neighbours() -> None:
    model = build("XLMForMultipleChoice", summary_type="mean")
    labels = torch.tensor([1, 0])
    output = together(model, choices=3, labels=labels)
    scores = together(model).logits
    assert scores.shape == (6, 1)
    assert torch.equal(output.logits, scores.view(2, 3))
    assert_same(output.loss, -scores.view(2, 3).log_softmax(-1)[[0, 1], labels].mean())


def test_an_answer_outside_its_sequence_takes_no_part_in_the_loss() -> None:
    model = build("XLMForQuestionAnsweringSimple", num_labels=2)
    # Sequence 3 has 3 tokens; the longest has 14.
    starts, ends = torch.tensor(STARTS), torch.tensor(ENDS)
    starts[3] = 3
    right = (
        sum(
            alone(model, i, start_positions=starts[i : i + 1], end_positions=starts[i : i + 1]).loss
            for i in range(6)
            if i != 3
        )
        / 5
    )
    assert_same(together(model, start_positions=starts, end_positions=starts).loss, right)
    with pytest.raises(ValueError, match="start_positions holds 3: expected ids from 0 to 2"):
        together(build("XLMForQuestionAnswering"), start_positions=starts, end_positions=ends)


@pytest.mark.parametrize("kept", [1, 2, torch.tensor([0, 8, 30])])
def test_scores_only_of_some_positions(kept: Any) -> None:
    model = build("XLMWithLMHeadModel")
    logits = together(model).logits
    if isinstance(kept, int):
        expected = torch.stack([part[-kept:] for part in logits.split(SIZES)])
    else:
        expected = logits[kept]
    assert_same(together(model, logits_to_keep=kept).logits, expected)


def test_each_layers_states() -> None:
    model = build("XLMForTokenClassification")
    states = together(model, output_hidden_states=True).hidden_states
    expected = [alone(model, i, output_hidden_states=True).hidden_states for i in range(6)]
    for layer, state in enumerate(states):
        assert_same(state, torch.cat([one[layer][0] for one in expected]))


def test_packed_sequences_compile_into_one_graph() -> None:
    model = build("XLMForSequenceClassification", summary_type="mean")
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    assert_same(together(compiled).logits, together(model).logits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention_mask": torch.ones(TOKENS)}, "got both attention_mask and layout"),
        ({"lengths": torch.tensor(SIZES)}, "got both lengths and layout"),
        ({"output_attentions": True}, "output_attentions is True with packed sequences"),
        ({"input_ids": torch.ones(2, 5, dtype=torch.long)}, rf"expected \({TOKENS},\)"),
        ({"langs": torch.ones(3, dtype=torch.long)}, r"langs has shape \(3,\)"),
        ({"layout": PackedLayout([TOKENS])}, f"the sequence has {TOKENS} tokens: expected at most"),
    ],
)
def test_inputs_that_contradict_the_layout(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("XLMForTokenClassification")(**{**pack(SEQUENCES, LANGS).inputs, **changes})


def test_spans_of_a_search_are_each_end_of_each_start() -> None:
    output = XLMForQuestionAnsweringOutput(
        start_top_index=torch.tensor([[4, 2]]),
        start_top_log_probs=torch.tensor([[0.5, 0.25]]),
        end_top_index=torch.tensor([[5, 6, 7, 8, 9, 3]]),
        end_top_log_probs=torch.tensor([[0.5, 0.5, 0.25, 0.25, 0.125, 0.0]]),
    )
    starts, ends, scores = output.spans()
    assert starts.tolist() == [[4, 2, 4, 2, 4, 2]]
    assert ends.tolist() == [[5, 6, 7, 8, 9, 3]]
    assert_same(scores.exp(), torch.tensor([[0.25, 0.125, 0.125, 0.0625, 0.0625, 0.0]]))
    with pytest.raises(ValueError, match="there are no spans"):
        XLMForQuestionAnsweringOutput(loss=torch.tensor(1.0)).spans()


# Layouts ----------------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=6), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_a_packed_layout_is_a_list_of_sequences(sizes: list[int], seed: int) -> None:
    layout = PackedLayout(sizes)
    torch.manual_seed(seed)
    values = torch.randn(sum(sizes), 3)
    sequences = values.split(sizes)
    index = torch.tensor([(seed + i) % size for i, size in enumerate(sizes)])
    several = torch.stack([index, index * 0], 1)
    assert layout.shape == (len(values),)
    assert (layout.shortest, layout.longest) == (min(sizes), max(sizes))
    assert layout.lengths.tolist() == sizes
    assert layout.positions.tolist() == [i for size in sizes for i in range(size)]
    assert torch.equal(layout.first(values), torch.stack([one[0] for one in sequences]))
    assert torch.equal(layout.last(values), torch.stack([one[-1] for one in sequences]))
    assert_same(layout.mean(values), torch.stack([one.mean(0) for one in sequences]))
    at = torch.stack([one[i] for one, i in zip(sequences, index, strict=True)])
    assert torch.equal(layout.gather(values, index), at)
    assert torch.equal(layout.gather(values, several), torch.stack([at, layout.first(values)], 1))
    spread = layout.spread(several)
    assert spread.shape == (len(values), 2)
    assert torch.equal(layout.first(spread), several)
    assert torch.equal(layout.last(spread), several)
    padded = layout.to_padded(values, -1.0)
    for row, one in zip(padded, sequences, strict=True):
        assert torch.equal(row[: len(one)], one)
        assert (row[len(one) :] == -1).all()
    assert all(map(torch.equal, layout.split(values), sequences))


def test_a_padded_layout_counts_its_padding() -> None:
    """The reference's semantics: `last` and `mean` do not look at the mask."""
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    layout = PaddedLayout(2, 3, mask=mask)
    values = torch.arange(12.0).view(2, 3, 2)
    assert layout.first(values).tolist() == [[0, 1], [6, 7]]
    assert layout.last(values).tolist() == [[4, 5], [10, 11]]
    assert layout.mean(values).tolist() == [[2, 3], [8, 9]]
    assert layout.gather(values, torch.tensor([1, 2])).tolist() == [[2, 3], [10, 11]]
    assert layout.gather(values, torch.tensor([[1], [2]])).tolist() == [[[2, 3]], [[10, 11]]]
    assert layout.spread(torch.tensor([5, 6])).tolist() == [[5, 5, 5], [6, 6, 6]]
    assert layout.lengths.tolist() == [3, 3]
    assert (layout.shortest, layout.longest) == (3, 3)
    assert layout.to_padded(values) is values
