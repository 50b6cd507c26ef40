"""`generate` of a language model: ids in, ids out, by the arguments that transformers has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xlm_model.attention import pack
from xlm_model.generation.beam_search import beam_search
from xlm_model.generation.decoder import CachedDecoder, Continuation, Ending
from xlm_model.generation.sampling import Sampling, sample
from xlm_model.heads.language_model import XLMWithLMHeadModel
from xlm_model.inputs import check_ids, check_shape
from xlm_model.modes import evaluating

# What is taken only where it asks for what happens anyway, and what to use for anything else.
FIXED: dict[str, tuple[tuple[Any, ...], str]] = {
    "use_cache": ((True,), "leave it out: keys and values are always cached"),
    "return_dict_in_generate": ((False,), "the ids alone; `model(ids).logits` has scores"),
    "output_scores": ((False,), "`model(ids).logits`"),
    "early_stopping": ((False,), "`length_penalty`"),
    "num_beam_groups": ((1,), "`num_beams`"),
    "generation_config": ((), "its settings as arguments"),
    "stop_strings": ((), "`stop`, with the ids of each"),
    "stopping_criteria": ((), "`stop`, or `xlm_model.generation` with a loop of your own"),
    "logits_processor": ((), "`xlm_model.generation` with a loop of your own"),
    "streamer": ((), "`xlm_model.generation` with a loop of your own"),
    "assistant_model": ((), "the model alone"),
}


@dataclass(frozen=True)
class Prompts:
    """What is to be continued.

    Attributes:
        input_ids: With padding. Shape `(batch, length)`.
        ids: Without it, of each.
        langs: The languages of these tokens; None without language embeddings.
    """

    input_ids: Tensor
    ids: list[list[int]]
    langs: list[list[int]] | None


@torch.no_grad()
def generate(
    model: XLMWithLMHeadModel,
    input_ids: Tensor,
    *,
    attention_mask: Tensor | None,
    langs: Tensor | None,
    new_tokens: int,
    ending: Ending,
    sampling: Sampling,
    num_beams: int,
    length_penalty: float,
    num_return_sequences: int,
    pad_token_id: int,
    seed: int | None,
) -> Tensor:
    """Continue sequences; see `XLMWithLMHeadModel.generate`."""
    prompts = _read_prompts(model, input_ids, attention_mask, langs)
    longest = max(map(len, prompts.ids)) + new_tokens
    if longest > model.config.max_tokens:
        raise ValueError(
            f"the longest prompt and max_new_tokens have {longest} tokens together: expected at "
            f"most {model.config.longest_told}"
        )
    copies = 1 if num_beams > 1 else num_return_sequences
    ids = [row for row in prompts.ids for _ in range(copies)]
    of_tokens = None if prompts.langs is None else [r for r in prompts.langs for _ in range(copies)]
    with evaluating(model):
        stepper = CachedDecoder(model, pack(ids, of_tokens, model.device), new_tokens)
        if num_beams > 1:
            found = beam_search(
                stepper,
                len(ids),
                width=num_beams,
                new_tokens=new_tokens,
                end=ending,
                length_penalty=length_penalty,
                returned=num_return_sequences,
            )
        else:
            first = int(torch.randint(2**31, ())) if seed is None else seed
            seeds = range(first, first + len(ids))
            found = sample(stepper, ids, sampling, new_tokens=new_tokens, end=ending, seeds=seeds)
    return _join(prompts.input_ids, found, num_return_sequences, pad_token_id)


def read_length(input_ids: Tensor, max_new_tokens: int | None, max_length: int | None) -> int:
    """Return the limit of new tokens.

    Raises:
        ValueError: both limits are given, or no token may be added.
    """
    if max_new_tokens is not None and max_length is not None:
        raise ValueError("got both max_new_tokens and max_length: expected one of them")
    new_tokens = 20 if max_new_tokens is None else max_new_tokens
    if max_length is not None:
        new_tokens = max_length - input_ids.shape[-1]
    if new_tokens < 1:
        raise ValueError(
            f"{new_tokens} tokens may be added: expected 1 or more; the prompt counts "
            "in max_length, and not in max_new_tokens"
        )
    return new_tokens


def read_ending(
    eos: int | Sequence[int] | None, stop: Sequence[int | Sequence[int]], least: int, longest: int
) -> Ending:
    """Return what ends a sequence.

    Args:
        eos: The end token, or several.
        stop: Tokens, or runs of them.
        least: No end token comes before so many new tokens.
        longest: The limit of new tokens.

    Raises:
        ValueError: an empty run, or more tokens than there may be.
    """
    runs = tuple((one,) if isinstance(one, int) else tuple(one) for one in stop)
    if not all(runs):
        raise ValueError(f"stop is {stop}: expected ids, or runs of one or more ids")
    if least > longest:
        raise ValueError(f"min_new_tokens is {least}: expected at most {longest}, max_new_tokens")
    tokens = () if eos is None else (eos,) if isinstance(eos, int) else tuple(eos)
    return Ending(tokens, runs, least)


def read_sampling(
    do_sample: bool,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    repetition_penalty: float,
) -> Sampling:
    """Return how the next token is chosen.

    Raises:
        ValueError: a value out of range, or one that has no effect.
    """
    for name, value in (
        ("temperature", temperature),
        ("top_k", top_k),
        ("top_p", top_p),
        ("repetition_penalty", repetition_penalty),
    ):
        if value is not None and not value > 0:
            raise ValueError(f"{name} is {value}: expected a number above 0")
    if do_sample:
        return Sampling(temperature, top_k, top_p, repetition_penalty)
    if temperature != 1 or top_k is not None or top_p is not None:
        raise ValueError("temperature, top_k and top_p choose by chance: expected do_sample=True")
    return Sampling(repetition_penalty=repetition_penalty)


def check_counts(num_beams: int, num_return_sequences: int, sampling: Sampling, stop: bool) -> None:
    """Raise a `ValueError` if what is asked for together cannot be done together."""
    if num_beams < 1 or num_return_sequences < 1:
        raise ValueError("expected num_beams and num_return_sequences of 1 or more")
    if num_beams > 1 and num_return_sequences > num_beams:
        raise ValueError(
            f"num_return_sequences is {num_return_sequences}: expected at most {num_beams}, "
            "num_beams"
        )
    if num_beams > 1 and (sampling != Sampling() or stop):
        raise ValueError(
            f"num_beams is {num_beams}: expected neither do_sample nor repetition_penalty nor stop "
            "with it, as the likeliest continuation leaves nothing to choose"
        )
    if num_beams == 1 and sampling.temperature is None and num_return_sequences > 1:
        raise ValueError(
            f"num_return_sequences is {num_return_sequences}: expected do_sample=True or num_beams "
            "with it, as the likeliest token makes but one sequence"
        )


def check_fixed(options: Mapping[str, Any]) -> None:
    """Raise a `ValueError` for an argument that asks for what is not here."""
    for name, value in options.items():
        if name not in FIXED:
            raise ValueError(f"generate has no argument {name!r}")
        allowed, instead = FIXED[name]
        if value is not None and value not in allowed:
            raise ValueError(f"{name} is not supported: expected {instead}")


def _read_prompts(
    model: XLMWithLMHeadModel,
    input_ids: Tensor,
    attention_mask: Tensor | None,
    langs: Tensor | None,
) -> Prompts:
    if input_ids.dim() != 2 or not input_ids.numel():
        raise ValueError(f"input_ids has shape {tuple(input_ids.shape)}: expected (batch, length)")
    check_ids("input_ids", input_ids, model.config.vocab_size)
    check_shape("attention_mask", attention_mask, input_ids.shape)
    keep = input_ids != model.config.pad_token_id if attention_mask is None else attention_mask != 0
    if not keep.any(1).all():
        raise ValueError("input_ids has a row of padding alone: expected a token to go on from")
    if not model.config.has_lang_embeddings:
        langs = None
    elif langs is None and model.config.lang_id is not None:
        langs = torch.full_like(input_ids, model.config.lang_id)
    check_shape("langs", langs, input_ids.shape)
    check_ids("langs", langs, model.config.n_langs)
    return Prompts(
        input_ids,
        _kept(input_ids, keep),
        None if langs is None else _kept(langs, keep),
    )


def _kept(values: Tensor, keep: Tensor) -> list[list[int]]:
    return [row[kept].tolist() for row, kept in zip(values, keep, strict=True)]


def _join(input_ids: Tensor, found: list[Continuation], count: int, padding: int) -> Tensor:
    """Return the prompts and what was added, padded on the right; `(sequences, longest)`."""
    rows = [[*one.ids, *([] if one.end is None else [one.end])] for one in found]
    longest = max(map(len, rows))
    added = [[*row, *[padding] * (longest - len(row))] for row in rows]
    new = torch.tensor(added, dtype=input_ids.dtype, device=input_ids.device)
    return torch.cat([input_ids.repeat_interleave(count, 0), new.view(len(rows), longest)], 1)
