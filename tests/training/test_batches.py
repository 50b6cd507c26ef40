"""Which rows come when."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_model import XLMConfig
from xlm_model.pretraining import MaskedLM, TranslationLM
from xlm_model.pretraining.mixture import Mixture, Source
from xlm_model.pretraining.rows import open_rows
from xlm_model.training import TrainingSettings
from xlm_model.training.atomic_folder import AtomicFolder
from xlm_model.training.epochs import Epochs, cut
from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora import Corpus
from xlm_text.errors import InputError

CONFIG = XLMConfig(vocab_size=5000, emb_dim=8, n_layers=1, n_heads=2, n_langs=2)


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=60), st.integers(min_value=1, max_value=900)
)
def test_every_batch_has_a_row_and_every_row_a_batch(lengths: list[int], tokens: int) -> None:
    borders = cut(np.array(lengths), tokens)
    assert (borders[0], borders[-1]) == (0, len(lengths))
    assert (np.diff(borders) > 0).all()
    # Any order makes as many batches, so that the number of a batch says its epoch.
    assert len(cut(np.array(lengths[::-1]), tokens)) == len(borders)


def test_an_epoch_has_every_row_once_and_the_next_another_order() -> None:
    epochs = Epochs(np.full(50, 10), 40, seed=3, number=0)
    first, second = (
        [row for i in range(13) for row in epochs.rows(13 * epoch + i)] for epoch in (0, 1)
    )
    assert epochs.batches == 13
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


@pytest.fixture(scope="module")
def mixture(
    corpus: Corpus, tokenizer: XLMTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Mixture:
    folder = tmp_path_factory.mktemp("rows")
    rows = {
        label: open_rows(corpus, "train", label, folder, vocab_size=len(tokenizer))
        for label in ("en", "fr")
    }
    pairs = open_rows(
        corpus, "train", "en-fr", folder, vocab_size=len(tokenizer), stripped=(0, 1), max_length=20
    )
    config = CONFIG.replace(vocab_size=len(tokenizer))
    sources = [
        Source("mlm:en", MaskedLM(config), rows["en"], (0,)),
        Source("mlm:fr", MaskedLM(config), rows["fr"], (1,)),
        Source("tlm:en-fr", TranslationLM(config), pairs, (0, 1)),
    ]
    return Mixture(sources, tokens=256, seed=5)


def test_rows_are_those_of_the_corpus(corpus: Corpus, mixture: Mixture) -> None:
    table = corpus.dataset("train", lang="en-fr").to_table()
    expected = [
        (a[1:-1], b[1:-1])
        for a, b in zip(
            table["input_ids"].to_pylist(), table["input_ids_pair"].to_pylist(), strict=True
        )
    ]
    short = [pair for pair in expected if all(len(side) <= 20 for side in pair)]
    pairs = mixture.sources[2].rows
    assert [tuple(side.tolist() for side in pairs[i]) for i in range(len(pairs))] == short
    assert pairs.too_long == len(expected) - len(short) > 0
    english = corpus.dataset("train", lang="en").to_table()["input_ids"].to_pylist()
    rows = mixture.sources[0].rows
    assert [rows[i][0].tolist() for i in range(len(rows))] == english


def test_flat_files_give_the_same_rows(
    corpus: Corpus, mixture: Mixture, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    text = Path(corpus.folder).parent / "en.txt"
    flat = corpora.prepare(
        [f"en={text}"],
        str(tmp_path / "flat"),
        model=tokenizer,
        blocks=32,
        format="bin",
        split={"train": 0.8, "valid": 0.2},
    )
    found = open_rows(flat, "train", "en", tmp_path, vocab_size=len(tokenizer))
    rows = mixture.sources[0].rows
    assert len(found) == len(rows) > 10
    assert all((found[i][0] == rows[i][0]).all() for i in range(len(rows)))
    with pytest.raises(InputError, match="no texts of 'de' in train: there are en"):
        open_rows(flat, "train", "de", tmp_path, vocab_size=len(tokenizer))


def test_a_batch_depends_on_its_number_alone(mixture: Mixture) -> None:
    numbers = [0, 7, 3, 2100, 40]
    other = pickle.loads(pickle.dumps(mixture))  # as another process has it
    for number in numbers:
        one, two = mixture[number], other[number]
        assert one.name == two.name
        assert one.input_ids.equal(two.input_ids)
        assert one.kept.equal(two.kept)


def test_languages_are_drawn_by_a_power_of_their_rows(mixture: Mixture) -> None:
    english, french, _ = (len(source.rows) for source in mixture.sources)
    ratio = (english / french) ** 0.7
    expected = [0.5 * ratio / (1 + ratio), 0.5 / (1 + ratio), 0.5]
    np.testing.assert_allclose(mixture.shares, expected)
    drawn = np.bincount([mixture.draw(number)[0] for number in range(8192)], minlength=3) / 8192
    np.testing.assert_allclose(drawn, expected, atol=0.025)


def test_a_short_stream_is_read_again(mixture: Mixture) -> None:
    batches = [mixture[number] for number in range(200)]
    french = [batch for batch in batches if batch.name == "mlm:fr"]
    rows = mixture.sources[1].rows
    assert len(french) * 256 > 3 * rows.lengths.sum()


def test_places_of_batches_are_counted_over_pieces(mixture: Mixture) -> None:
    seen = [0, 0, 0]
    for number in range(2500):
        source, place = mixture.draw(number)
        assert place == seen[source]
        seen[source] += 1


# Settings and folders ---------------------------------------------------------------------------


def test_rates_rise_and_fall_as_the_paper_has_it() -> None:
    settings = TrainingSettings(steps=100, warmup_steps=10)
    assert [settings.rate(step) for step in (0, 4, 9, 39)] == [0.1, 0.5, 1.0, 0.5]
    linear = TrainingSettings(steps=100, warmup_steps=10, schedule="linear")
    assert [linear.rate(step) for step in (9, 10, 55)] == [1.0, 1.0, 0.5]
    assert TrainingSettings(steps=10**6).warmup == 30_000


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "steps is 0: expected a whole number from 1"),
        ({"learning_rate": 0}, "learning_rate is 0: expected a number above 0"),
        ({"schedule": "cosine"}, "schedule is 'cosine': expected one of inverse-sqrt, linear"),
        ({"precision": "fp16"}, "precision is 'fp16': expected one of fp32, bf16"),
        ({"patience": 0}, "patience is 0: expected a whole number from 1"),
    ],
)
def test_wrong_settings_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainingSettings(**setting)  # type: ignore[arg-type]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = AtomicFolder(tmp_path / "last")
    (folder.begin() / "a").write_text("1")
    folder.finish()
    (folder.begin() / "a").write_text("2")
    folder.abandon()
    assert [(p.name, (p / "a").read_text()) for p in tmp_path.iterdir()] == [("last", "1")]
    # Killed between the two renames: what was written was whole.
    written = folder.begin()
    (written / "a").write_text("3")
    written.rename(tmp_path / ".last.whole")
    folder.path.rename(tmp_path / ".last.former")
    folder.recover()
    assert [(p.name, (p / "a").read_text()) for p in tmp_path.iterdir()] == [("last", "3")]
