"""Tasks by the names, and with the results, of transformers' pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from xlm_model import loading_arguments as arguments
from xlm_model.pipelines.answering import QuestionAnsweringPipeline
from xlm_model.pipelines.base import Pipeline
from xlm_model.pipelines.classes import TextClassificationPipeline, ZeroShotClassificationPipeline
from xlm_model.pipelines.tokens import FeatureExtractionPipeline, TokenClassificationPipeline
from xlm_model.pipelines.words import FillMaskPipeline, TextGenerationPipeline
from xlm_text import AutoTokenizer, InputError

__all__ = ["Pipeline", "pipeline"]

PIPELINES: dict[str, type[Pipeline]] = {
    "fill-mask": FillMaskPipeline,
    "text-classification": TextClassificationPipeline,
    "token-classification": TokenClassificationPipeline,
    "question-answering": QuestionAnsweringPipeline,
    "text-generation": TextGenerationPipeline,
    "feature-extraction": FeatureExtractionPipeline,
    "zero-shot-classification": ZeroShotClassificationPipeline,
}
# Other names of the same.
ALIASES = {"ner": "token-classification", "sentiment-analysis": "text-classification"}
# Options of loading that go on as they are.
_HUB = ("revision", "cache_dir", "local_files_only", "token")
# Options of transformers' that change nothing here.
_WITHOUT_EFFECT = arguments.WITHOUT_EFFECT | {"framework", "use_fast", "num_workers"}


def pipeline(
    task: str,
    model: Any,
    tokenizer: Any = None,
    *,
    lang: str | None = None,
    device: Any = None,
    device_map: Any = None,
    dtype: torch.dtype | str | None = None,
    torch_dtype: torch.dtype | str | None = None,
    batch_size: int | None = None,
    **options: Any,
) -> Pipeline:
    """Make a pipeline, by transformers' names of tasks.

    Args:
        task: `fill-mask`, `text-classification`, `token-classification` (or `ner`),
            `question-answering`, `text-generation`, `feature-extraction` or
            `zero-shot-classification`.
        model: A folder, a name on the Hugging Face hub, or a model.
        tokenizer: Another than the checkpoint's own, or its folder or name; needed with a model
            that is no name.
        lang: The texts' language, for checkpoints that need one.
        device: Where the model works, such as "cuda:0", 0 for the first GPU, or -1 for the CPU;
            None: the GPU if there is one.
        device_map: The same, by accelerate's name; "auto" for the GPU if there is one.
        dtype: Convert the weights, such as `torch.bfloat16` or "bfloat16"; None or "auto" keeps
            them as stored.
        torch_dtype: The same, by its older name.
        batch_size: Most sequences that go through the model together; None: as many as suit the
            device.
        **options: Of loading `revision`, `cache_dir`, `local_files_only` and `token`. All others
            are options of the calls, such as `top_k`.

    Raises:
        InputError: no such task or option, or a model without a tokenizer.
        CheckpointError, ConfigError, ValueError: as the model's `from_pretrained`.

    Example:
        >>> from xlm_model import XLMConfig, XLMWithLMHeadModel
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> model = XLMWithLMHeadModel(config).eval()
        >>> fill = pipeline("fill-mask", model, tokenizer, lang="en", top_k=2)
        >>> [sorted(found) for found in fill("Paris is the <special1> of France.")][0]
        ['score', 'sequence', 'token', 'token_str']
    """
    name = ALIASES.get(task, task)
    if name not in PIPELINES:
        raise InputError(f"is {task!r}: expected one of {', '.join(PIPELINES)}", argument="task")
    made = PIPELINES[name]
    hub = {key: options.pop(key) for key in _HUB if key in options}
    options = {key: value for key, value in options.items() if key not in _WITHOUT_EFFECT}
    target = _device(device, device_map)
    wanted = arguments.read_dtype(torch_dtype if dtype is None else dtype)
    if isinstance(tokenizer, str | Path):
        tokenizer = AutoTokenizer.from_pretrained(tokenizer, **hub)
    if isinstance(model, str | Path):
        loaded = made.work.from_pretrained(
            model, device=target, dtype=wanted, tokenizer=tokenizer, **hub
        )
        model, tokenizer = loaded.model, loaded.tokenizer
    elif tokenizer is None:
        raise InputError("is missing: expected the model's", argument="tokenizer")
    elif target is not None or wanted is not None:
        model = model.to(target, wanted)
    return made(model, tokenizer, lang, batch_size, **options)


def _device(device: Any, device_map: Any) -> torch.device | str | None:
    """Return where the model goes; None for the best device there is."""
    if device_map is not None:
        return arguments.read_device(device, device_map)
    return "cpu" if device == -1 else device
