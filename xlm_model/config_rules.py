"""What each key of a configuration may hold, in code and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Other spellings of a key, as published files and other libraries use them.
ALIASES = {
    "n_words": "vocab_size",
    "hidden_size": "emb_dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "bos_index": "bos_token_id",
    "eos_index": "eos_token_id",
    "pad_index": "pad_token_id",
}
# Between feed-forward layers; XLM has the first two.
HIDDEN_ACTIVATIONS = ("gelu", "relu", "gelu_new", "gelu_pytorch_tanh", "silu", "swish", "tanh")
ACTIVATIONS = ("gelu", "linear", "relu", "sigmoid", "silu", "swish", "tanh")
SUMMARY_TYPES = ("cls_index", "first", "last", "mean")
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_int(value)


def _is_int_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_int, value))


def _has_int_keys(value: Any) -> bool:
    # In JSON the keys of a map are strings.
    return isinstance(value, Mapping) and all(str(k).isdecimal() for k in value)


def rule(allows: Callable[[Any], bool], expected: str) -> dict[str, Any]:
    """Return a field's metadata: what its key may hold beside null, in code and in words."""
    return {"allows": allows, "expected": expected}


def one_of(*names: str) -> dict[str, Any]:
    """Return the rule of a key that holds one of some names."""
    return rule(lambda value: value in names, "one of " + ", ".join(names))


FLAG = rule(lambda value: isinstance(value, bool), "true or false")
COUNT = rule(lambda value: _is_int(value) and value > 0, "a whole number above 0")
ID = rule(lambda value: _is_int(value) and value >= 0, "a whole number from 0")
IDS = rule(
    lambda value: _is_int_list(value if isinstance(value, list) else [value]),
    "a whole number, or a list of them",
)
SHARE = rule(lambda value: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1")
POSITIVE = rule(lambda value: _is_number(value) and value > 0, "a number above 0")
INTS = rule(_is_int_list, "a list of whole numbers")
NAMES = rule(_has_int_keys, "a map from whole numbers to names")
LABELS = rule(lambda value: _has_int_keys(value) and bool(value), NAMES["expected"])
NUMBERS = rule(
    lambda value: isinstance(value, Mapping) and all(map(_is_int, value.values())),
    "a map from names to whole numbers",
)
HEADS = rule(
    lambda value: _has_int_keys(value) and all(map(_is_int_list, value.values())),
    "a map from layers, counted from 0, to lists of heads",
)
