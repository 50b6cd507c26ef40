"""A small vocabulary of XLM-RoBERTa's kind, trained here and read by transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import transformers
from tokenizers import models, pre_tokenizers, trainers

from ..helpers import TEXTS
from .support import TINY, perturbed

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
MORE = [
    "Les plantes créent de l'énergie grâce à un processus appelé photosynthèse.",
    "Wo liegt die alte Stadt am Fluss?",
    "Река течёт через старый город.",
    "It rains. It is dry. Who came? Anna came home in the evening.",
]


@pytest.fixture(scope="session")
def roberta_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return transformers' tokenizer of a Unigram model, with `<mask>` behind all pieces."""
    made = tokenizers.Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=220, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator([*TEXTS, *MORE] * 5, trainer)
    scores = json.loads(made.to_str())["model"]["vocab"]
    assert [piece for piece, _ in scores[:4]] == SPECIAL
    vocab = [(piece, score) for piece, score in [*scores, ["<mask>", 0.0]]]
    tokenizer = transformers.XLMRobertaTokenizer(vocab=vocab)
    folder = tmp_path_factory.mktemp("vocabulary")
    tokenizer.save_pretrained(folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


def folder_of(name: str, tokenizer: Any, folder: Path, **settings: Any) -> Any:
    """Write a checkpoint of the reference with this vocabulary; return the reference's model."""
    options = {**TINY, "max_position_embeddings": 130, "vocab_size": len(tokenizer), **settings}
    model = perturbed(getattr(transformers, name)(transformers.XLMRobertaConfig(**options)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval()
