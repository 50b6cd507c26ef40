"""How every model behaves, by what transformers asks of all of its models and of XLM's.

Each question is asked of the reference, too, wherever it can answer with values.
"""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

import xlm_model
from xlm_model import XLMConfig

from .helpers import reference

BATCH, LENGTH, CHOICES, DIM, LAYERS, HEADS, WORDS, LABELS = 13, 7, 4, 32, 2, 4, 99, 2
SETTINGS: dict[str, Any] = {
    "vocab_size": WORDS,
    "n_langs": 2,
    "emb_dim": DIM,
    "n_layers": LAYERS,
    "n_heads": HEADS,
    "max_position_embeddings": 512,
    "num_labels": LABELS,
    "start_n_top": 5,
    "end_n_top": 5,
    "embed_init_std": 0.3,
    "init_std": 0.2,
}
QUIET = {"dropout": 0.0, "attention_dropout": 0.0, "summary_first_dropout": 0.0}
MODELS = (
    "XLMModel",
    "XLMWithLMHeadModel",
    "XLMForQuestionAnswering",
    "XLMForSequenceClassification",
    "XLMForQuestionAnsweringSimple",
    "XLMForTokenClassification",
    "XLMForMultipleChoice",
)
CLASSIFIERS = (
    "XLMForSequenceClassification",
    "XLMForTokenClassification",
    "XLMForMultipleChoice",
)
every_model = pytest.mark.parametrize("name", MODELS)


def build(name: str, **settings: Any) -> Any:
    torch.manual_seed(0)
    return getattr(xlm_model, name)(XLMConfig(**{**SETTINGS, **settings})).eval()


def pair_of(name: str, **settings: Any) -> tuple[Any, Any]:
    """Return the reference's model of this name, and ours with its weights."""
    theirs = reference(name, **{**SETTINGS, **settings}).eval()
    ours = build(name, **settings)
    ours.load_state_dict(theirs.state_dict())
    ours.tie_weights()
    return theirs, ours


def inputs_for(name: str, *, labelled: bool = False) -> dict[str, Tensor]:
    """Return a batch without padding for a model of this name, and its labels if asked for."""
    torch.manual_seed(1)
    shape = (BATCH, CHOICES, LENGTH) if name == "XLMForMultipleChoice" else (BATCH, LENGTH)
    inputs = {
        "input_ids": torch.randint(14, WORDS, shape),
        "langs": torch.randint(0, 2, shape),
        "attention_mask": torch.ones(shape, dtype=torch.long),
    }
    if labelled:
        inputs |= labels_for(name)
    return inputs


def labels_for(name: str) -> dict[str, Tensor]:
    if name == "XLMWithLMHeadModel":
        return {"labels": torch.randint(0, WORDS, (BATCH, LENGTH))}
    if name == "XLMForTokenClassification":
        return {"labels": torch.randint(0, LABELS, (BATCH, LENGTH))}
    if name == "XLMForSequenceClassification":
        return {"labels": torch.randint(0, LABELS, (BATCH,))}
    if name == "XLMForMultipleChoice":
        return {"labels": torch.randint(0, CHOICES, (BATCH,))}
    if name == "XLMModel":
        return {}
    start = torch.randint(0, LENGTH - 1, (BATCH,))
    return {"start_positions": start, "end_positions": start + 1}


def loss_of(name: str, output: Any) -> Tensor:
    return output[0].mean() if name == "XLMModel" else output.loss  # type: ignore[no-any-return]


def assert_same(got: Any, expected: Any, tolerance: float = 1e-5) -> None:
    assert list(got) == list(expected)
    for key, value in expected.items():
        torch.testing.assert_close(got[key], value, atol=tolerance, rtol=tolerance)


# Shapes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("labelled", [False, True])
@every_model
def test_outputs_have_the_references_names_and_shapes(name: str, labelled: bool) -> None:
    theirs, ours = pair_of(name)
    inputs = inputs_for(name, labelled=labelled)
    with torch.no_grad():
        expected, got = (model(**inputs) for model in (theirs, ours))
    assert {k: v.shape for k, v in got.items()} == {k: v.shape for k, v in expected.items()}
    if name != "XLMForQuestionAnswering" or labelled:
        assert_same(got, expected)


def test_the_shapes_are_those_of_the_arguments() -> None:
    shapes = {
        name: {k: tuple(v.shape) for k, v in build(name)(**inputs_for(name)).items()}
        for name in MODELS
    }
    tokens = (BATCH, LENGTH)
    assert shapes == {
        "XLMModel": {"last_hidden_state": (*tokens, DIM)},
        "XLMWithLMHeadModel": {"logits": (*tokens, WORDS)},
        "XLMForQuestionAnswering": {
            "start_top_log_probs": (BATCH, 5),
            "start_top_index": (BATCH, 5),
            "end_top_log_probs": (BATCH, 25),
            "end_top_index": (BATCH, 25),
            "cls_logits": (BATCH,),
        },
        "XLMForSequenceClassification": {"logits": (BATCH, LABELS)},
        "XLMForQuestionAnsweringSimple": {"start_logits": tokens, "end_logits": tokens},
        "XLMForTokenClassification": {"logits": (*tokens, LABELS)},
        "XLMForMultipleChoice": {"logits": (BATCH, CHOICES)},
    }


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("cls_index", "is_impossible"),
        ("cls_index", "is_impossible", "p_mask"),
    ],
)
def test_the_head_with_a_search_takes_what_the_references_takes(more: tuple[str, ...]) -> None:
    theirs, ours = pair_of("XLMForQuestionAnswering")
    given = {
        "cls_index": torch.zeros(BATCH, dtype=torch.long),
        "is_impossible": torch.randint(0, 2, (BATCH,)).float(),
        "p_mask": torch.zeros(BATCH, LENGTH),
    }
    inputs = {**inputs_for("XLMForQuestionAnswering", labelled=True), **{k: given[k] for k in more}}
    expected, got = (model(**inputs) for model in (theirs, ours))
    assert got.loss.shape == ()
    assert_same(got, expected)


@every_model
def test_sinusoidal_positions_make_no_other_difference(name: str) -> None:
    theirs, ours = pair_of(name, sinusoidal_embeddings=True)
    inputs = inputs_for(name, labelled=True)
    assert_same(ours(**inputs), theirs(**inputs))


# States and weights of attention ----------------------------------------------------------------


@pytest.mark.parametrize("by", ["argument", "configuration"])
@every_model
def test_every_layers_state_and_attention_is_returned(name: str, by: str) -> None:
    theirs, ours = pair_of(name)
    inputs = inputs_for(name)
    asked = {"output_hidden_states": True, "output_attentions": True}
    if by == "configuration":
        for model in (theirs, ours):
            model.config.update(asked)
        asked = {}
    with torch.no_grad():
        expected, got = (model(**inputs, **asked) for model in (theirs, ours))
    rows = BATCH * CHOICES if name == "XLMForMultipleChoice" else BATCH
    assert [tuple(s.shape) for s in got.hidden_states] == [(rows, LENGTH, DIM)] * (LAYERS + 1)
    assert [tuple(a.shape) for a in got.attentions] == [(rows, HEADS, LENGTH, LENGTH)] * LAYERS
    for key in ("hidden_states", "attentions"):
        torch.testing.assert_close(got[key], expected[key], atol=1e-5, rtol=1e-5)
    # They come last, in this order, and do not change what comes first.
    assert list(got)[-2:] == ["hidden_states", "attentions"]
    first = ours(**inputs, output_hidden_states=False, output_attentions=False)
    torch.testing.assert_close(got[0], first[0], atol=1e-5, rtol=1e-5)


@every_model
def test_gradients_reach_the_states_and_the_attention(name: str) -> None:
    model = build(name, output_hidden_states=True, output_attentions=True)
    output = model(**inputs_for(name))
    state, weights = output.hidden_states[0], output.attentions[0]
    state.retain_grad()
    weights.retain_grad()
    output[0].flatten()[0].backward(retain_graph=True)
    assert state.grad is not None
    assert weights.grad is not None


@every_model
def test_a_tuple_and_an_output_hold_the_same(name: str) -> None:
    model = build(name)
    for labelled in (False, True):
        for more in ({}, {"output_hidden_states": True, "output_attentions": True}):
            inputs = {**inputs_for(name, labelled=labelled), **more}
            named, plain = model(**inputs), model(**inputs, return_dict=False)
            assert type(plain) is tuple
            torch.testing.assert_close(plain, named.to_tuple())


# The same again ---------------------------------------------------------------------------------


@every_model
def test_two_calls_are_equal(name: str) -> None:
    model = build(name)
    inputs = inputs_for(name)
    assert all(torch.equal(a, b) for a, b in zip(*(model(**inputs)[:] for _ in range(2))))  # noqa: B905


@every_model
def test_a_row_is_what_it_is_in_a_batch(name: str) -> None:
    model = build(name)
    inputs = inputs_for(name)
    batch = model(**inputs)
    row = model(**{key: value[:1] for key, value in inputs.items()})
    for key, value in row.items():
        torch.testing.assert_close(value, batch[key][:1], atol=1e-5, rtol=1e-5)


@every_model
def test_embeddings_in_place_of_ids_give_the_same(name: str) -> None:
    model = build(name)
    inputs = inputs_for(name)
    expected = model(**inputs)
    embedded = model.get_input_embeddings()(inputs.pop("input_ids"))
    assert_same(model(**inputs, inputs_embeds=embedded), expected)


@every_model
def test_copies_pickles_and_saved_weights_give_the_same(name: str, tmp_path: Path) -> None:
    model = build(name)
    inputs = inputs_for(name)
    expected = model(**inputs)
    assert_same(copy.deepcopy(model)(**inputs), expected)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    assert_same(torch.load(file, weights_only=False)(**inputs), expected)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = build(name)
    other.load_state_dict(torch.load(file))
    assert_same(other(**inputs), expected)
    model.save_pretrained(tmp_path)
    again, info = getattr(xlm_model, name).from_pretrained(tmp_path, output_loading_info=True)
    assert_same(again(**inputs), expected)
    assert not any(info.values())
    theirs = getattr(transformers, name).from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert {k: v.shape for k, v in theirs(**inputs).items()} == {
            k: v.shape for k, v in expected.items()
        }
        if name != "XLMForQuestionAnswering":
            assert_same(theirs(**inputs), expected)


@every_model
def test_a_saved_configuration_names_the_model(name: str, tmp_path: Path) -> None:
    build(name).save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["architectures"] == [name]
    assert written["model_type"] == "xlm"
    assert written["dtype"] == "float32"


@every_model
def test_weights_come_from_a_dictionary_alone(name: str) -> None:
    model = build(name)
    again = type(model).from_pretrained(None, config=model.config, state_dict=model.state_dict())
    assert_same(again(**inputs_for(name)), model(**inputs_for(name)))


@pytest.mark.parametrize("name", ["XLMForSequenceClassification", "XLMForTokenClassification"])
def test_a_mismatched_head_is_ignored_only_if_asked(name: str, tmp_path: Path) -> None:
    build(name).save_pretrained(tmp_path)
    cls = getattr(xlm_model, name)
    with pytest.raises(xlm_model.CheckpointError, match="mismatched"):
        cls.from_pretrained(tmp_path, num_labels=42)
    with pytest.warns(UserWarning, match="mismatched"):
        model = cls.from_pretrained(tmp_path, num_labels=42, ignore_mismatched_sizes=True)
    assert model(**inputs_for(name)).logits.shape[-1] == 42
    # Of the encoder nothing may be ignored.
    with pytest.raises(xlm_model.CheckpointError, match="mismatched"):
        cls.from_pretrained(tmp_path, vocab_size=50, ignore_mismatched_sizes=True)


@pytest.mark.filterwarnings("ignore:.*new at random")
@every_model
def test_a_head_on_a_bare_encoder_is_all_that_is_new(name: str, tmp_path: Path) -> None:
    encoder = build("XLMModel")
    encoder.save_pretrained(tmp_path)
    model, info = getattr(xlm_model, name).from_pretrained(
        tmp_path, new_head=True, output_loading_info=True
    )
    own = {n for n, _ in model.named_parameters() if not n.startswith("transformer.")}
    assert info["missing_keys"] == (set() if name == "XLMModel" else own)
    assert info["unexpected_keys"] == set()
    inputs = inputs_for("XLMModel")
    assert_same(model.base_model(**inputs), encoder(**inputs))


@every_model
def test_the_encoder_of_a_model_is_loaded_alone(name: str, tmp_path: Path) -> None:
    model = build(name)
    model.base_model.save_pretrained(tmp_path)
    again = xlm_model.XLMModel.from_pretrained(tmp_path)
    inputs = inputs_for("XLMModel")
    assert_same(again(**inputs), model.base_model(**inputs))


# First values -----------------------------------------------------------------------------------


@every_model
def test_first_values_follow_the_configuration(name: str) -> None:
    model = build(name, init_std=1e-10, embed_init_std=1e-10)
    for parameter in model.parameters():
        mean = parameter.mean().item()
        assert abs(mean) < 1e-6 or mean == 1.0


@every_model
def test_first_values_are_distributed_as_the_references(name: str) -> None:
    torch.manual_seed(0)
    theirs = getattr(transformers, name)(transformers.XLMConfig(**{**SETTINGS, "emb_dim": 128}))
    ours = build(name, emb_dim=128)
    expected, got = (dict(model.named_parameters()) for model in (theirs, ours))
    assert got.keys() == expected.keys()
    for key, parameter in expected.items():
        if parameter.numel() < 30:
            continue  # too few to tell a distribution from
        deviations = [one.std(correction=0).item() for one in (got[key], parameter)]
        few = parameter.numel() < 1000
        torch.testing.assert_close(*deviations, atol=1e-9, rtol=0.4 if few else 0.06, msg=key)


def test_the_padding_words_row_is_zero() -> None:
    assert (build("XLMModel").embeddings.weight[2] == 0).all()


# Embeddings -------------------------------------------------------------------------------------


@every_model
def test_embeddings_are_got_and_set(name: str) -> None:
    theirs, ours = pair_of(name)
    assert type(ours.get_input_embeddings()) is nn.Embedding
    new = nn.Embedding(10, DIM)
    ours.set_input_embeddings(new)
    assert ours.get_input_embeddings() is new
    for model in (theirs, ours):
        out = model.get_output_embeddings()
        assert out is None or isinstance(out, nn.Linear)
    assert (ours.get_output_embeddings() is None) == (theirs.get_output_embeddings() is None)
    if ours.get_output_embeddings() is not None:
        layer = nn.Linear(DIM, 10)
        ours.set_output_embeddings(layer)
        assert ours.get_output_embeddings() is layer
    else:
        with pytest.raises(AttributeError, match="has no projection to the words"):
            ours.set_output_embeddings(nn.Linear(DIM, 10))


@pytest.mark.parametrize("tied", [True, False])
@every_model
def test_the_vocabulary_is_resized(name: str, tied: bool) -> None:
    model = build(name, tie_word_embeddings=tied)
    inputs = inputs_for(name)
    before = model.get_input_embeddings().weight.detach().clone()
    for size in (WORDS + 10, WORDS - 15):
        rows = model.resize_token_embeddings(size)
        assert model.config.vocab_size == len(rows.weight) == rows.num_embeddings == size
        inputs["input_ids"].clamp_(max=size - 1)
        model(**inputs)
        kept = min(size, len(before))
        assert torch.equal(rows.weight[:kept], before[:kept])
        projection = model.get_output_embeddings()
        if projection is not None:
            assert projection.weight.shape == (size, DIM)
            assert projection.bias.shape == (size,)
            assert (projection.weight is rows.weight) == tied


def test_tied_weights_are_one_and_stay_one(tmp_path: Path) -> None:
    model = build("XLMWithLMHeadModel")
    embeddings, projection = model.get_input_embeddings(), model.get_output_embeddings()
    assert embeddings.weight is projection.weight
    assert len(list(model.parameters())) == len({id(p) for p in model.parameters()})
    untied = build("XLMWithLMHeadModel", tie_word_embeddings=False)
    assert len(list(untied.parameters())) == len(list(model.parameters())) + 1
    model.save_pretrained(tmp_path)
    again = xlm_model.XLMWithLMHeadModel.from_pretrained(tmp_path)
    assert again.get_input_embeddings().weight is again.get_output_embeddings().weight
    assert set(model._tied_weights_keys) == set(transformers.XLMWithLMHeadModel._tied_weights_keys)
    # A checkpoint of tied weights is loaded into two of their own only by the configuration.
    with pytest.raises(xlm_model.CheckpointError, match=r"missing: pred_layer.proj.weight"):
        xlm_model.XLMWithLMHeadModel.from_pretrained(tmp_path, tie_word_embeddings=False)


# Training ---------------------------------------------------------------------------------------


@every_model
def test_every_parameter_learns_as_in_the_reference(name: str) -> None:
    theirs, ours = pair_of(name, **QUIET)
    inputs = inputs_for(name, labelled=True)
    for model in (theirs, ours):
        loss_of(name, model.train()(**inputs)).backward()
    expected = {n: p.grad for n, p in theirs.named_parameters()}
    for key, parameter in ours.named_parameters():
        if expected[key] is None:
            assert parameter.grad is None, key
        else:
            torch.testing.assert_close(parameter.grad, expected[key], atol=1e-5, rtol=1e-4, msg=key)


@pytest.mark.parametrize("options", [None, {"use_reentrant": False}, {"use_reentrant": True}])
@pytest.mark.parametrize("called", ["gradient_checkpointing", "activation_checkpointing"])
@every_model
def test_layers_that_are_recomputed_have_the_same_gradients(
    name: str, called: str, options: dict[str, Any] | None
) -> None:
    model = build(name, **QUIET).train()
    inputs = inputs_for(name, labelled=True)
    loss_of(name, model(**inputs)).backward()
    expected = {n: p.grad for n, p in model.named_parameters()}
    model.zero_grad()
    assert not model.is_gradient_checkpointing
    getattr(model, f"{called}_enable")(**{f"{called}_kwargs": options})
    assert model.is_gradient_checkpointing
    forwards = []
    model.base_model.ffns[0].register_forward_hook(lambda *_: forwards.append(1))
    loss_of(name, model(**inputs)).backward()
    assert len(forwards) == 2
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, expected[key], atol=1e-6, rtol=1e-5)
    getattr(model, f"{called}_disable")()
    assert not model.is_gradient_checkpointing


def test_adapters_learn_through_frozen_embeddings_that_are_recomputed() -> None:
    model = build("XLMModel", **QUIET).train()
    model.get_input_embeddings().requires_grad_(False)
    with torch.no_grad():
        words = model.get_input_embeddings()(inputs_for("XLMModel")["input_ids"])
    assert not words.requires_grad
    model.enable_input_require_grads()
    assert model.get_input_embeddings()(inputs_for("XLMModel")["input_ids"]).requires_grad
    model.disable_input_require_grads()
    assert not model.get_input_embeddings()(inputs_for("XLMModel")["input_ids"]).requires_grad


@pytest.mark.parametrize(
    ("problem", "labels", "dtype"),
    [
        ("multi_label_classification", 2, torch.float),
        ("single_label_classification", 2, torch.long),
        ("regression", 1, torch.float),
    ],
)
def test_each_kind_of_problem_has_the_references_loss(
    problem: str, labels: int, dtype: torch.dtype
) -> None:
    theirs, ours = pair_of(
        "XLMForSequenceClassification", problem_type=problem, num_labels=labels, **QUIET
    )
    targets = torch.randint(0, 2, (BATCH, labels)).to(dtype)
    if problem == "single_label_classification":
        targets = targets[:, 0]
    inputs = inputs_for("XLMForSequenceClassification")
    losses = [model.train()(**inputs, labels=targets).loss for model in (theirs, ours)]
    torch.testing.assert_close(losses[1], losses[0], atol=1e-5, rtol=1e-5)
    losses[1].backward()


@pytest.mark.parametrize("name", [n for n in MODELS if n != "XLMModel"])
def test_a_small_batch_is_learnt_by_heart(name: str) -> None:
    model = build(name, **QUIET, init_std=0.02, embed_init_std=0.02).train()
    inputs = {key: value[:4] for key, value in inputs_for(name, labelled=True).items()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        loss = loss_of(name, model(**inputs))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


# What tools ask ---------------------------------------------------------------------------------


@every_model
def test_facts_are_the_references(name: str) -> None:
    theirs, ours = pair_of(name)
    for key in ("device", "dtype", "main_input_name", "base_model_prefix", "name_or_path"):
        assert getattr(ours, key) == getattr(theirs, key), key
    for arguments in ({}, {"only_trainable": True}, {"exclude_embeddings": True}):
        assert ours.num_parameters(**arguments) == theirs.num_parameters(**arguments)
    ours.requires_grad_(False)
    assert ours.num_parameters(only_trainable=True) == 0
    weights = sum(p.numel() * 4 for p in ours.parameters())
    assert ours.get_memory_footprint() == weights
    assert ours.can_generate() == theirs.can_generate()
    assert ours.base_model is (ours if name == "XLMModel" else ours.transformer)
    assert ours.half().dtype == torch.float16
    assert ours.get_memory_footprint() == weights // 2
    if name != "XLMForMultipleChoice":
        ours.float()(**ours.dummy_inputs)


def test_the_configuration_has_the_common_properties() -> None:
    config = XLMConfig(**SETTINGS)
    for key, value in (
        ("hidden_size", DIM),
        ("num_hidden_layers", LAYERS),
        ("num_attention_heads", HEADS),
        ("vocab_size", WORDS),
    ):
        assert getattr(config, key) == value
        setattr(config, key, value * 2)
        assert getattr(config, key) == value * 2
        assert getattr(XLMConfig(**{key: value * 4}), key) == value * 4


def test_a_configuration_goes_through_text_files_and_folders(tmp_path: Path) -> None:
    config = XLMConfig(**SETTINGS, lang2id={"en": 0, "fr": 1}, output_attentions=True)
    assert json.loads(config.to_json_string())["emb_dim"] == DIM
    config.to_json_file(tmp_path / "one.json")
    assert XLMConfig.from_json_file(tmp_path / "one.json") == config
    config.save_pretrained(tmp_path)
    assert XLMConfig.from_pretrained(tmp_path) == config
    config.save_pretrained(tmp_path / "inside")
    assert XLMConfig.from_pretrained(tmp_path, subfolder="inside") == config
    theirs = transformers.XLMConfig.from_pretrained(tmp_path)
    for key, value in config.to_dict().items():
        if key not in ("num_labels", "output_attentions"):
            assert getattr(theirs, key) == value, key


def test_the_number_of_labels_makes_their_names() -> None:
    config = XLMConfig(num_labels=5)
    assert (len(config.id2label), len(config.label2id)) == (5, 5)
    config.num_labels = 3
    assert (len(config.id2label), len(config.label2id)) == (3, 3)


def test_keys_of_every_model_are_taken() -> None:
    common = {
        "return_dict": False,
        "output_hidden_states": True,
        "dtype": "float16",
        "chunk_size_feed_forward": 5,
        "architectures": ["XLMModel"],
        "finetuning_task": "nli",
        "id2label": {0: "label"},
        "label2id": {"label": 0},
        "bos_token_id": 6,
        "pad_token_id": 7,
        "eos_token_id": 8,
        "problem_type": "regression",
    }
    config = XLMConfig(**common)
    assert {key: getattr(config, key) for key in common} == common
    assert {key: config.to_dict()[key] for key in common} == common
