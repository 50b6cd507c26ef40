"""What the model tests share: tiny reference checkpoints, and inputs for them."""

from __future__ import annotations

import os

# Before any import that reads it: tests never go to the network.
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch

transformers = pytest.importorskip(
    "transformers", reason="the reference, transformers, is not installed"
)

torch.set_num_threads(1)
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

# Every dropout off: with the two implementations' random numbers drawn in different orders, losses
# and gradients are comparable in training mode only without.
TINY = {
    "vocab_size": 60,
    "emb_dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "max_position_embeddings": 24,
    "embed_init_std": 0.3,
    "init_std": 0.2,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "summary_first_dropout": 0.0,
    "start_n_top": 3,
    "end_n_top": 2,
}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def reference(name: str, **settings: object) -> torch.nn.Module:
    """Build the reference's model of this name, no parameter at a value that hides a mistake."""
    model = getattr(transformers, name)(transformers.XLMConfig(**{**TINY, **settings}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Three sequences of 9, 6 and 2 tokens, padded."""
    ids = torch.randint(14, 60, (3, 9))
    ids[1, 6:] = 2
    ids[2, 2:] = 2
    return {"input_ids": ids}
