"""The model that a pretraining begins with: a new one, or a checkpoint that is made to fit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from xlm_model.checkpoints.reading import is_named_causal
from xlm_model.config import XLMConfig
from xlm_model.errors import ConfigError
from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.training.draws import Purpose, torch_seed
from xlm_text import XLMTokenizer
from xlm_text.errors import Argument, InputError

# Ids that the configuration and the vocabulary both have a word on.
_SPECIAL = {
    "bos_token_id": "bos_token_id",
    "eos_token_id": "eos_token_id",
    "pad_token_id": "pad_token_id",
    "unk_index": "unk_token_id",
    "mask_index": "mask_token_id",
}


def read_config(config: XLMConfig | Mapping[str, Any] | str | Path) -> XLMConfig:
    """Return a configuration; a path is that of a JSON file."""
    if isinstance(config, XLMConfig):
        return config.replace()
    if isinstance(config, Mapping):
        return XLMConfig(**config)
    return XLMConfig.from_json_file(config)


def new_model(
    config: XLMConfig | Mapping[str, Any] | str | Path,
    tokenizer: XLMTokenizer,
    langs: Sequence[str],
    *,
    causal: bool,
    longest: int,
    seed: int,
) -> XLMWithLMHeadModel:
    """Return a model with new weights.

    What the data decide, such as the size of the vocabulary, need not stand in the configuration.

    Args:
        config: Sizes, and whatever else is to be set.
        tokenizer: That of the data.
        langs: Languages in the data.
        causal: Whether it only learns to go on with a text.
        longest: Tokens of the longest sequence.
        seed: Of the training.

    Raises:
        ConfigError: a wrong value, or one that contradicts the data.
    """
    made = read_config(config)
    ids = made.lang2id or _new_ids(tokenizer, langs)
    _check_languages(ids, langs, "config")
    wanted: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "n_langs": max(len(ids), made.n_langs if "n_langs" in made.spelling else 1),
        "causal": causal,
        **{key: getattr(tokenizer, name) for key, name in _SPECIAL.items()},
    }
    wanted = {key: value for key, value in wanted.items() if value is not None}
    for key, value in wanted.items():
        if key in made.spelling and getattr(made, key) != value:
            raise ConfigError(
                f"{made.spelling[key]} is {getattr(made, key)!r}: expected {value!r}, as the data "
                "and the objectives have it; it may be left out"
            )
    if "max_position_embeddings" not in made.spelling and longest > made.max_position_embeddings:
        wanted["max_position_embeddings"] = longest
    names = {number: name for name, number in ids.items()}
    made.update({**wanted, "lang2id": ids, "id2lang": names})
    _check_positions(made, longest)
    torch.manual_seed(torch_seed(seed, Purpose.WEIGHTS))
    return XLMWithLMHeadModel(made)


def model_from(
    checkpoint: str | Path,
    tokenizer: XLMTokenizer,
    langs: Sequence[str],
    *,
    causal: bool | None,
    longest: int,
    seed: int,
    any_objective: bool = False,
    new_positions: str | None = None,
) -> XLMWithLMHeadModel:
    """Return a checkpoint's model, with embeddings of the languages that are new to it.

    Args:
        checkpoint: A folder, a file or a name on the hub.
        tokenizer: That of the data.
        langs: Languages in the data.
        causal: Whether the objectives are causal, None for both kinds.
        longest: Tokens of the longest sequence.
        seed: Of the training.
        any_objective: Allow objectives that the checkpoint was not made for.
        new_positions: How positions beyond those of the checkpoint begin, "copy" or "interpolate".

    Raises:
        InputError: the data have another vocabulary, or the checkpoint learnt another objective.
    """
    settings = XLMConfig.from_pretrained(checkpoint) if _has_config(checkpoint) else None
    options: dict[str, Any] = {}
    positions = None if settings is None else settings.max_position_embeddings
    if new_positions is not None and positions is not None and longest > positions:
        options |= {"max_position_embeddings": longest, "new_positions": new_positions}
    torch.manual_seed(torch_seed(seed, Purpose.WEIGHTS))
    if is_named_causal(checkpoint):
        options["causal"] = True
    model = XLMWithLMHeadModel.from_pretrained(checkpoint, dtype=torch.float32, **options)
    config = model.config
    _check_vocabulary(checkpoint, config, tokenizer)
    if causal is not config.causal:
        if not any_objective:
            learnt = config.objective
            raise InputError(
                f"{checkpoint}: learnt {learnt}, and cannot go on with "
                f"{'masked words' if causal is False else 'CLM'} without forgetting it",
                advice=(Argument("any_objective", True), " trains it anyway"),
            )
        config.causal = bool(causal)
    _check_positions(config, longest, new_positions)
    if config.use_lang_emb:
        _add_languages(model, langs, checkpoint)
    return model


def _new_ids(tokenizer: XLMTokenizer, langs: Sequence[str]) -> dict[str, int]:
    """Return ids for languages: the tokenizer's, if it knows them all."""
    known = tokenizer.lang2id or {}
    if set(langs) <= set(known):
        return {str(lang): int(id_) for lang, id_ in known.items()}
    return {lang: id_ for id_, lang in enumerate(sorted(langs))}


def _check_languages(ids: Mapping[str, int], langs: Sequence[str], argument: str) -> None:
    missing = [lang for lang in langs if lang not in ids]
    if missing:
        raise InputError(
            f"has lang2id for {', '.join(ids)}: expected {', '.join(missing)}, too",
            argument=argument,
        )


def _add_languages(model: XLMWithLMHeadModel, langs: Sequence[str], name: str | Path) -> None:
    config = model.config
    known = dict(config.lang2id or {})
    new = [lang for lang in langs if lang not in known]
    if not new:
        return
    if not known and config.n_langs > 1:
        raise InputError(
            f"{name}: has embeddings of {config.n_langs} languages, and does not say of which: "
            "expected lang2id in its config.json"
        )
    model.resize_language_embeddings(known | {lang: len(known) + i for i, lang in enumerate(new)})
    warnings.warn(
        f"{name}: {', '.join(new)} {'is' if len(new) == 1 else 'are'} new to it; the embedding of "
        "a new language begins as the mean of the others",
        stacklevel=4,
    )


def _check_positions(config: XLMConfig, longest: int, how: str | None = None) -> None:
    if longest > config.max_position_embeddings:
        raise InputError(
            f"the data have rows of {longest} tokens: expected at most "
            f"{config.max_position_embeddings}, the model's max_position_embeddings",
            advice=() if how else (Argument("new_positions", "copy"), " gives it more"),
        )


def _check_vocabulary(checkpoint: str | Path, config: XLMConfig, tokenizer: XLMTokenizer) -> None:
    """Raise an `InputError` unless ids of the data mean what they mean to the checkpoint."""
    size = len(tokenizer)
    try:
        theirs = XLMTokenizer.from_pretrained(checkpoint).get_vocab()
    except (InputError, OSError):
        theirs = None  # weights alone: only their number can be compared
    advice = f"run `xlm-tok prepare` again with --model {checkpoint}, or begin with a new model"
    if theirs is not None:
        ours = tokenizer.get_vocab()
        differing = [piece for piece, id_ in ours.items() if theirs.get(piece) != id_]
        if differing:
            piece = differing[0]
            raise InputError(
                f"{checkpoint}: the data were made with another vocabulary: {len(differing):,} of "
                f"{len(ours):,} pieces differ, such as {piece!r} (id {ours[piece]} in the data, "
                f"{theirs.get(piece, 'none')} in the checkpoint); {advice}"
            )
    if size > config.vocab_size:
        raise InputError(
            f"{checkpoint}: the data were made with a vocabulary of {size:,} entries: expected "
            f"the checkpoint's, {config.vocab_size:,}; {advice}"
        )


def _has_config(checkpoint: str | Path) -> bool:
    try:
        XLMConfig.from_pretrained(checkpoint)
    except ConfigError:
        return False  # loading it will say what is wrong, or is an original file
    return True
