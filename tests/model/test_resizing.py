"""More or fewer words, languages and positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import xlm_model
from xlm_model import CheckpointError, ConfigError, XLMConfig, XLMModel, XLMWithLMHeadModel

from .helpers import IDS, LANGS, TINY, reference


def build(name: str = "XLMWithLMHeadModel", **settings: Any) -> Any:
    return getattr(xlm_model, name)(XLMConfig(**{**TINY, **settings})).eval()


@pytest.mark.parametrize("size", [50, 70])
@pytest.mark.parametrize("tied", [True, False])
def test_frozen_embeddings_stay_frozen_as_in_the_reference(size: int, tied: bool) -> None:
    theirs = reference("XLMWithLMHeadModel", tie_word_embeddings=tied)
    ours = build(tie_word_embeddings=tied)
    for model in (theirs, ours):
        model.get_input_embeddings().requires_grad_(False)
        model.resize_token_embeddings(size)
    frozen = [{n for n, p in m.named_parameters() if not p.requires_grad} for m in (theirs, ours)]
    # The reference then freezes the projection's bias as well, which nobody asked for.
    assert frozen[1] == frozen[0] - {"pred_layer.proj.bias"}


@pytest.mark.parametrize("tied", [True, False])
def test_an_optimiser_goes_on_with_the_same_parameters(tied: bool) -> None:
    model = build(tie_word_embeddings=tied)
    before = dict(model.named_parameters())
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    model(IDS, labels=IDS).loss.backward()
    model.resize_token_embeddings(70)
    assert all(parameter is before[name] for name, parameter in model.named_parameters())
    assert before["transformer.embeddings.weight"].grad is None
    old = model.get_input_embeddings().weight.detach().clone()
    ids = torch.tensor([[1, 65, 69, 1]])
    model(ids, labels=ids).loss.backward()
    optimiser.step()
    changed = (model.get_input_embeddings().weight != old).any(1)
    assert changed[65]
    assert changed[69]


@pytest.mark.parametrize("tied", [True, False])
def test_new_words_are_as_likely_as_the_reference_makes_them(tied: bool) -> None:
    theirs = reference("XLMWithLMHeadModel", tie_word_embeddings=tied).eval()
    ours = build(tie_word_embeddings=tied)
    ours.load_state_dict(theirs.state_dict())
    for model in (theirs, ours):
        model.resize_token_embeddings(80)
    with torch.no_grad():
        got, expected = ours(IDS).logits, theirs(IDS).logits
    # Both are within rounding of the mean word's score.
    torch.testing.assert_close(got, expected, atol=1e-3, rtol=1e-3)
    old = theirs.get_input_embeddings().weight[:60]
    new = ours.get_input_embeddings().weight[60:]
    torch.testing.assert_close(new, old.mean(0).expand_as(new), atol=1e-3, rtol=1e-3)
    assert not torch.equal(new[0], new[1])


def test_new_words_are_as_random_as_in_a_new_model_if_asked() -> None:
    model = build(embed_init_std=0.5, vocab_size=60)
    model.resize_token_embeddings(2000, mean_resizing=False)
    rows = model.get_input_embeddings().weight[60:]
    assert 0.45 < rows.std() < 0.55
    assert (model.get_output_embeddings().bias[60:] == 0).all()


@pytest.mark.parametrize("name", ["XLMModel", "XLMWithLMHeadModel", "XLMForTokenClassification"])
def test_a_size_may_be_rounded_up_and_may_be_left_out(name: str) -> None:
    theirs, ours = reference(name), build(name)
    assert ours.resize_token_embeddings() is ours.get_input_embeddings()
    for arguments in ((None, 64), (65, 32), (61,)):
        rows = [model.resize_token_embeddings(*arguments).weight.shape for model in (theirs, ours)]
        assert rows[0] == rows[1]
        assert ours.config.vocab_size == theirs.config.vocab_size
    for wrong in ({"new_num_tokens": 0}, {"pad_to_multiple_of": 1.5}):
        with pytest.raises(ValueError, match="expected a whole number above 0"):
            ours.resize_token_embeddings(**wrong)


def test_a_head_that_is_no_longer_tied_is_not_tied_again() -> None:
    model = build()
    model.pred_layer.proj.weight = torch.nn.Parameter(torch.randn(60, 32))
    before = model(IDS).logits
    model.resize_token_embeddings(70)
    torch.testing.assert_close(model(IDS).logits[..., :60], before)


def test_languages_keep_their_embeddings_under_new_ids(tmp_path: Path) -> None:
    model = build(n_langs=2, lang2id={"en": 0, "fr": 1}, id2lang={0: "en", 1: "fr"})
    before = model(IDS, langs=LANGS).logits
    table = model.transformer.lang_embeddings
    parameter, old = table.weight, table.weight.detach().clone()
    new = {"de": 0, "en": 1, "fr": 2, "oc": 3}
    model.resize_language_embeddings(new, like={"oc": "fr"})
    assert torch.equal(model(IDS, langs=LANGS + 1).logits, before)
    assert torch.equal(table.weight[3], old[1])
    torch.testing.assert_close(table.weight[0], old.mean(0))
    assert table.weight is parameter
    assert (table.num_embeddings, model.config.n_langs) == (4, 4)
    assert model.config.id2lang == {0: "de", 1: "en", 2: "fr", 3: "oc"}
    model.save_pretrained(tmp_path)
    again = XLMWithLMHeadModel.from_pretrained(tmp_path)
    assert torch.equal(again(IDS, langs=LANGS + 2).logits, model(IDS, langs=LANGS + 2).logits)


def test_a_model_of_one_language_gets_more() -> None:
    model = build("XLMModel", lang2id={"en": 0})
    before = model(IDS).last_hidden_state
    model.resize_language_embeddings({"en": 0, "fr": 1})
    assert torch.equal(model(IDS, langs=LANGS).last_hidden_state, before)
    model(IDS, langs=LANGS).last_hidden_state.sum().backward()
    assert model.lang_embeddings.weight.grad is not None


@pytest.mark.parametrize(
    ("lang2id", "like", "message"),
    [
        ({"en": 0, "fr": 2}, None, "expected the ids 0 to 1, each once"),
        ({"en": 0, "de": 1}, None, "lang2id lacks fr"),
        ({"en": 0, "fr": 1, "oc": 2}, {"oc": "ca"}, "like is .*: expected new languages"),
    ],
)
def test_languages_that_do_not_fit_change_nothing(
    lang2id: dict[str, int], like: Any, message: str
) -> None:
    model = build("XLMModel", n_langs=2, lang2id={"en": 0, "fr": 1})
    with pytest.raises(ConfigError, match=message):
        model.resize_language_embeddings(lang2id, like)
    assert model.config.lang2id == {"en": 0, "fr": 1}
    assert len(model.lang_embeddings.weight) == 2
    with pytest.raises(ConfigError, match="use_lang_emb is False"):
        build("XLMModel", use_lang_emb=False).resize_language_embeddings({"en": 0, "fr": 1})


def test_a_checkpoint_is_read_with_more_positions(tmp_path: Path) -> None:
    model = build("XLMModel")
    model.save_pretrained(tmp_path)
    table = model.position_embeddings.weight
    with pytest.raises(CheckpointError, match="new_positions"):
        XLMModel.from_pretrained(tmp_path, max_position_embeddings=47)
    load = {"max_position_embeddings": 47}
    copied = XLMModel.from_pretrained(tmp_path, new_positions="copy", **load)
    assert torch.equal(copied.position_embeddings.weight, torch.cat([table, table[:23]]))
    assert torch.equal(copied(IDS).last_hidden_state, model(IDS).last_hidden_state)
    assert copied.config.max_position_embeddings == 47
    long = torch.randint(14, 60, (1, 47))
    assert copied(long).last_hidden_state.shape == (1, 47, 32)
    drawn = XLMModel.from_pretrained(tmp_path, new_positions="interpolate", **load)
    # 24 positions over 47: every second is one that was trained, the others between two.
    torch.testing.assert_close(drawn.position_embeddings.weight[::2], table)
    torch.testing.assert_close(
        drawn.position_embeddings.weight[1::2], (table[1:] + table[:-1]) / 2, atol=1e-6, rtol=1e-5
    )
    with pytest.raises(ValueError, match="new_positions is 'guess': expected one of copy, inter"):
        XLMModel.from_pretrained(tmp_path, new_positions="guess", **load)
    copied.save_pretrained(tmp_path / "long")
    assert XLMModel.from_pretrained(tmp_path / "long").config.max_position_embeddings == 47


def test_sinusoidal_positions_are_computed_never_trained_and_saved(tmp_path: Path) -> None:
    model = build(sinusoidal_embeddings=True)
    name = "transformer.position_embeddings.weight"
    assert name not in dict(model.named_parameters())
    assert name in model.state_dict()
    model.save_pretrained(tmp_path)
    theirs = reference("XLMWithLMHeadModel", sinusoidal_embeddings=True)
    theirs = type(theirs).from_pretrained(tmp_path).eval()
    torch.testing.assert_close(theirs(IDS).logits, model(IDS).logits, atol=1e-5, rtol=1e-5)
    longer = XLMWithLMHeadModel.from_pretrained(
        tmp_path, max_position_embeddings=40, new_positions="copy"
    )
    expected = build(sinusoidal_embeddings=True, max_position_embeddings=40)
    assert torch.equal(longer.state_dict()[name], expected.state_dict()[name])


@pytest.mark.parametrize("heads", [{-1: [0]}, {0: [0], -2: [1]}, {0: [0], 1: [4]}, {2: [0]}])
def test_heads_that_do_not_exist_are_refused_before_anything_changes(
    heads: dict[int, list[int]], tmp_path: Path
) -> None:
    model = build()
    before = model(IDS).logits
    with pytest.raises(ConfigError, match=r"pruned_heads is .*: expected .*layers"):
        model.prune_heads(heads)
    assert torch.equal(model(IDS).logits, before)
    assert model.config.pruned_heads is None
    model.save_pretrained(tmp_path)
    assert torch.equal(XLMWithLMHeadModel.from_pretrained(tmp_path)(IDS).logits, before)


def test_pruned_layers_stay_frozen_and_known() -> None:
    model = build("XLMModel").requires_grad_(False)
    before = dict(model.named_parameters())
    model.prune_heads({0: [1]})
    assert all(p is before[n] and not p.requires_grad for n, p in model.named_parameters())
