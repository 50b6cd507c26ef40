"""What the model tests share: one thread, fixed random numbers, a padded batch."""

from __future__ import annotations

import pytest
import torch
import transformers

from xlm_text import XLMTokenizer

torch.set_num_threads(1)
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Three sequences of 9, 6 and 2 tokens, padded."""
    ids = torch.randint(14, 60, (3, 9))
    ids[1, 6:] = 2
    ids[2, 2:] = 2
    return {"input_ids": ids}


@pytest.fixture(scope="session")
def tokenizer() -> XLMTokenizer:
    """Return the demonstration tokenizer, for models with language embeddings."""
    return XLMTokenizer.from_pretrained(use_lang_emb=True)
