"""The model that a pretraining begins with: a new one, or a checkpoint that is made to fit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from xlm_model.checkpoints.reading import is_named_causal
from xlm_model.config import XLMConfig
from xlm_model.errors import ConfigError
from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.pretraining.specs import ObjectiveSpec, is_causal, languages_of
from xlm_model.training.seeding import Purpose, torch_seed
from xlm_text import XLMTokenizer
from xlm_text.errors import Argument, InputError

# Ids that the configuration and the vocabulary both have a word on.
_SPECIAL = {
    "bos_token_id": "bos_token_id",
    "eos_token_id": "sep_token_id",
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


class Needs(NamedTuple):
    """What data and objectives ask of a model.

    Attributes:
        tokenizer: That of the data.
        specs: The objectives.
        longest: Tokens of the longest sequence.
        seed: Of the training.
    """

    tokenizer: XLMTokenizer
    specs: Sequence[ObjectiveSpec]
    longest: int
    seed: int


def new_model(
    config: XLMConfig | Mapping[str, Any] | str | Path, needs: Needs
) -> XLMWithLMHeadModel:
    """Return a model with new weights.

    What the data decide, such as the size of the vocabulary, need not stand in the configuration.

    Args:
        config: Sizes, and whatever else is to be set.
        needs: Of the data and the objectives.

    Raises:
        ConfigError: a wrong value, or one that contradicts the data.
    """
    tokenizer, specs, longest, seed = needs
    langs = languages_of(specs)
    made = read_config(config)
    ids = made.lang2id or _new_ids(tokenizer, langs)
    _check_languages(ids, langs, "config")
    wanted: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "n_langs": max(len(ids), made.n_langs if "n_langs" in made.spelling else 1),
        "causal": bool(is_causal(specs)),
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
    needs: Needs,
    *,
    any_objective: bool = False,
    new_positions: str | None = None,
) -> XLMWithLMHeadModel:
    """Return a checkpoint's model, with embeddings of the languages that are new to it.

    Args:
        checkpoint: A folder, a file or a name on the hub.
        needs: Of the data and the objectives.
        any_objective: Allow objectives that the checkpoint was not made for.
        new_positions: How positions beyond those of the checkpoint begin, "copy" or "interpolate".

    Raises:
        InputError: the data have another vocabulary, or the checkpoint learnt another objective.
    """
    options: dict[str, Any] = {}
    settings = _config_of(checkpoint)
    if (
        new_positions is not None
        and settings is not None
        and needs.longest > settings.max_position_embeddings
    ):
        options |= {"max_position_embeddings": needs.longest, "new_positions": new_positions}
    if is_named_causal(checkpoint):
        options["causal"] = True
    torch.manual_seed(torch_seed(needs.seed, Purpose.WEIGHTS))
    model = XLMWithLMHeadModel.from_pretrained(checkpoint, dtype=torch.float32, **options)
    config = model.config
    _check_vocabulary(checkpoint, config, needs.tokenizer)
    if not any_objective:
        _check_objectives(checkpoint, config, needs.specs)
    config.causal = bool(is_causal(needs.specs))
    _check_positions(config, needs.longest, new_positions)
    if config.use_lang_emb:
        _add_languages(model, languages_of(needs.specs), checkpoint)
    return model


def _check_objectives(
    checkpoint: str | Path, config: XLMConfig, specs: Sequence[ObjectiveSpec]
) -> None:
    """Raise an `InputError` where a checkpoint learnt no objective of a kind, causal or masked."""
    learnt = {config.causal} | ({True} if config.extra.get("clm_steps") else set())
    unknown = {spec.kind == "clm" for spec in specs} - learnt
    if unknown:
        wanted = "CLM" if unknown.pop() else "masked words"
        raise InputError(
            f"{checkpoint}: learnt {config.objective}, and cannot go on with {wanted} without "
            "forgetting it",
            advice=(Argument("any_objective", True), " trains it anyway"),
        )


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


def _config_of(checkpoint: str | Path) -> XLMConfig | None:
    """Return a checkpoint's configuration; None where loading it will say what is wrong."""
    try:
        return XLMConfig.from_pretrained(checkpoint)
    except ConfigError:
        return None
