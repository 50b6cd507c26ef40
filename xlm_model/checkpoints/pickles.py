"""Reading what PyTorch pickled: state dictionaries, and the original implementation's files.

Nothing in a pickle is ever run. This module needs PyTorch, and is imported only for such a file.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xlm_model.checkpoints.formats import ENCODER, Tensors, add_encoder_prefix, unreadable
from xlm_model.errors import CheckpointError
from xlm_text.files.fastbpe import published_piece

# Parameters of the original implementation that describe a model; the rest describe its training.
ORIGINAL_PARAMS = (
    *("emb_dim", "n_layers", "n_heads", "dropout", "attention_dropout"),
    *("gelu_activation", "sinusoidal_embeddings", "asm", "asm_cutoffs", "asm_div_value"),
    *("n_langs", "use_lang_emb", "lang2id", "id2lang"),
    *("max_vocab", "min_count", "share_inout_emb", "mlm_steps", "clm_steps"),
)

ORIGINAL_SPECIAL = {
    "bos_index": "<s>",
    "eos_index": "</s>",
    "pad_index": "<pad>",
    "unk_index": "<unk>",
    "mask_index": "<special1>",
}


def read_pickles(files: Iterable[Path]) -> Tensors:
    """Read state dictionaries that `torch.save` wrote; nothing in them is run.

    Raises:
        CheckpointError: truncated, corrupt, or holding anything but named tensors.
    """
    tensors: Tensors = {}
    for file in files:
        state = load_pickle(file)
        if not _is_state_dict(state):
            raise CheckpointError(f"{file}: expected a dictionary of tensors")
        tensors.update(state)
    return tensors


def load_pickle(file: Path) -> Any:
    """Load plain data and tensors; whatever else a pickle asks for is refused, not run.

    Raises:
        CheckpointError: truncated, corrupt, or asking for code to be run.
    """
    try:
        with torch.serialization.safe_globals(_ARRAY_STAND_INS):
            # Files from before PyTorch 1.6 are no zip archives and cannot be mapped.
            return torch.load(
                file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file)
            )
    except pickle.UnpicklingError as error:
        asked = re.search(
            r"Unsupported (?:global|class|operand)[^\n]*?\b([\w.]+\.[\w.]+)", str(error)
        )
        what = f" ({asked[1]})" if asked else ""
        raise CheckpointError(
            f"{file}: expected tensors and plain data only: it is corrupt, or asks for code to be "
            f"run{what}, which is never done"
        ) from error
    except Exception as error:  # what a damaged pickle raises depends on the byte
        raise unreadable(file, "a PyTorch file", error) from error


class _StandIn:
    """Takes the place of a NumPy array or number in a pickle: built, never looked into."""

    def __init__(self, *args: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


# The original trainer pickles NumPy arrays among its parameters.  A model needs none of them, so
# NumPy's constructors are not trusted: an empty stand-in answers to their names.
_ARRAY_STAND_INS: list[Any] = [
    (_StandIn, f"numpy.{name}")
    for name in (
        "ndarray",
        "dtype",
        "core.multiarray._reconstruct",
        "_core.multiarray._reconstruct",
        "core.multiarray.scalar",
        "_core.multiarray.scalar",
    )
]


def _is_state_dict(state: Any) -> bool:
    return isinstance(state, dict) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    )


@dataclass
class Original:
    """What a `.pth` file of the original implementation holds.

    Attributes:
        tensors: The weights, under the published names.
        config: Keys of a published configuration.
        vocab: The published vocabulary, from piece to id.
    """

    tensors: Tensors
    config: dict[str, Any]
    vocab: dict[str, int]


def read_original(file: Path) -> Original:
    """Read a checkpoint of the original implementation.

    Raises:
        CheckpointError: not such a file, or of a kind that has no published form.
    """
    data = load_pickle(file)
    if not isinstance(data, dict) or "params" not in data or "dico_word2id" not in data:
        raise CheckpointError(
            f"{file}: expected a dictionary with 'model', 'params' and 'dico_word2id', as the "
            "original implementation saves"
        )
    if "model" not in data:
        raise CheckpointError(
            f"{file}: holds {', '.join(map(repr, data))}: expected 'model'; a translation model's "
            "encoder and decoder have no published form"
        )
    params, state, words = data["params"], data["model"], data["dico_word2id"]
    if not _is_state_dict(state) or not isinstance(params, dict) or not isinstance(words, dict):
        raise CheckpointError(
            f"{file}: expected 'model' to hold tensors, 'params' and 'dico_word2id' plain data"
        )
    if params.get("use_memory"):
        raise CheckpointError(
            f"{file}: product-key memory layers (use_memory) have no published form"
        )
    # Several GPUs: the trainer saved the model inside its parallel wrapper.
    tensors = add_encoder_prefix({name.removeprefix("module."): t for name, t in state.items()})
    config = _original_config(file, params, words, tensors)
    return Original(tensors, config, published_vocab(words))


def _original_config(
    file: Path, params: dict[str, Any], words: dict[str, int], tensors: Tensors
) -> dict[str, Any]:
    positions = tensors.get(ENCODER + "position_embeddings.weight")
    if positions is None:
        raise CheckpointError(f"{file}: expected position_embeddings.weight among its tensors")
    config = {key: params[key] for key in ORIGINAL_PARAMS if key in params}
    # The original, too, takes these from its dictionary when it loads a model.
    config["n_words"] = len(words)
    config |= {key: words[word] for key, word in ORIGINAL_SPECIAL.items() if word in words}
    config["max_position_embeddings"] = positions.shape[0]
    config["tie_word_embeddings"] = params.get("share_inout_emb", True)
    # The original calls one network both ways; only its training steps say which way it learnt.
    config["causal"] = bool(params.get("clm_steps")) and not params.get("mlm_steps")
    if not params.get("asm"):
        config.pop("asm_cutoffs", None)  # still the text of the command line then
    return config


def published_vocab(words: dict[str, int]) -> dict[str, int]:
    """Return the published spelling of the original dictionary's words.

    Example:
        >>> published_vocab({"<s>": 0, "the": 14, "th@@": 15})
        {'<s>': 0, 'the</w>': 14, 'th': 15}
    """
    return {published_piece(word): i for word, i in words.items()}
