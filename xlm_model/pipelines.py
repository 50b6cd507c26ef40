"""Tasks by the names, and with the results, of transformers' pipelines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xlm_model.tasks.answering import QuestionAnswering
from xlm_model.tasks.base import Task, softmax
from xlm_model.tasks.classification import TextClassification
from xlm_model.tasks.embedding import TokenEmbedding
from xlm_model.tasks.fill_mask import FillMask
from xlm_model.tasks.generation import TextGeneration
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.tasks.tagging import TokenClassification
from xlm_text import InputError

# Names that transformers has for one and the same.
ALIASES = {"ner": "token-classification", "sentiment-analysis": "text-classification"}


class Pipeline:
    """A task whose call takes and gives what a pipeline of transformers does.

    Args:
        task: What does the work.
        lang: The texts' language, for checkpoints that need one; None: the tokenizer's own.
        **options: Options of the calls that are not given there.
    """

    # Takes examples, their language, and the options of the call.
    _results: Callable[..., list[Any]]

    def __init__(self, task: Task[Any, Any], lang: str | None = None, **options: Any) -> None:
        self.task = task
        self.lang = lang
        self.options = options

    @property
    def model(self) -> Any:
        """The model."""
        return self.task.model

    @property
    def tokenizer(self) -> Any:
        """The tokenizer."""
        return self.task.tokenizer

    def __call__(self, inputs: Any, *, lang: str | None = None, **options: Any) -> Any:
        """Return the result of an example, or a list with that of each of a list.

        Args:
            inputs: An example, or a list of them.
            lang: Their language; None: that of the pipeline.
            **options: As the pipeline's own.

        Raises:
            InputError: an example, or an option, that cannot be used.
        """
        is_one = self._is_one(inputs)
        examples = [inputs] if is_one else list(inputs)
        results = self._results(examples, lang or self.lang, **{**self.options, **options})
        return results[0] if is_one else results

    def _is_one(self, inputs: Any) -> bool:
        return isinstance(inputs, str)


class FillMaskPipeline(Pipeline):
    """`fill-mask`: a list of fills, or with several masks one for each."""

    task: FillMask

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        top_k: int = 5,
        targets: str | Sequence[str] | None = None,
    ) -> list[Any]:
        words = [targets] if isinstance(targets, str) else targets
        fill = FillMask(self.model, self.tokenizer, top_k=top_k, candidates=words)
        asked = fill.sequences(examples, lang)
        return [
            self._fills(sequence.ids, masks)
            for sequence, masks in zip(asked, fill(examples, lang), strict=True)
        ]

    def _fills(self, ids: list[int], masks: Sequence[Any]) -> list[Any]:
        places = [i for i, id_ in enumerate(ids) if id_ == self.tokenizer.mask_token_id]
        found = [
            [
                {
                    "score": fill.score,
                    "token": fill.id,
                    "token_str": self.tokenizer.decode([fill.id]),
                    "sequence": self.tokenizer.decode(
                        [*ids[:place], fill.id, *ids[place + 1 :]],
                        skip_special_tokens=len(places) == 1,
                    ),
                }
                for fill in mask.fills
            ]
            for place, mask in zip(places, masks, strict=True)
        ]
        return found[0] if len(found) == 1 else found


class TextClassificationPipeline(Pipeline):
    """`text-classification`: a label and its score; with `top_k` a list of them."""

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Classify a text, or each of a list; see `Pipeline`. The result of one is a list, too."""
        result = super().__call__(inputs, **options)
        is_dictionary = isinstance(inputs, dict)
        return result if is_dictionary or not isinstance(result, dict) else [result]

    def _is_one(self, inputs: Any) -> bool:
        return isinstance(inputs, str | dict)

    def _results(
        self, examples: list[Any], lang: str | None, *, top_k: int | None = 1
    ) -> list[Any]:
        pairs = [
            one if isinstance(one, str) else (one["text"], one["text_pair"]) for one in examples
        ]
        results: list[Any] = []
        for found in self.task(pairs, lang):
            ranked = sorted(found.scores.items(), key=lambda item: -item[1])
            rows = [{"label": label, "score": score} for label, score in ranked]
            results.append(rows[0] if top_k == 1 else rows[:top_k])
        return results


class _TaggedTokens(TokenClassification):
    """The sequence and its tokens' probabilities, as they are."""

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> Any:
        return sequences[0], computed[0]


class TokenClassificationPipeline(Pipeline):
    """`token-classification`: a dictionary for each token, or with aggregation for each entity."""

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        aggregation_strategy: str = "none",
        ignore_labels: Sequence[str] = ("O",),
    ) -> list[Any]:
        if aggregation_strategy not in ("none", "simple"):
            raise InputError(
                f"is {aggregation_strategy!r}: expected none or simple; for whole words use "
                "xlm_model.tasks.TokenClassification",
                argument="aggregation_strategy",
            )
        results = []
        for text, (sequence, scores) in zip(examples, self.task(examples, lang), strict=True):
            tokens = self._tokens(sequence, scores)
            if aggregation_strategy == "simple":
                tokens = self._entities(text, tokens)
            key = "entity" if aggregation_strategy == "none" else "entity_group"
            kept = [one for one in tokens if one[key] not in ignore_labels]
            results.append([{k: v for k, v in one.items() if k != "id"} for one in kept])
        return results

    def _tokens(self, sequence: TokenSequence, scores: Tensor) -> list[dict[str, Any]]:
        labels = self.model.config.id2label
        best = scores.max(-1)
        found = []
        for i in range(1, len(sequence) - 1):
            start, end = sequence.offsets[i]
            word = self.tokenizer.convert_ids_to_tokens(sequence.ids[i])
            entity, score = labels[int(best.indices[i])], float(best.values[i])
            found.append({"entity": entity, "score": score, "index": i, "word": word})
            found[-1] |= {"start": start, "end": end, "id": sequence.ids[i]}
        return found

    def _entities(self, text: str, tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
        groups: list[list[dict[str, Any]]] = []
        for token in tokens:
            begins, kind = _parts(token["entity"])
            is_more = groups and not begins and _parts(groups[-1][-1]["entity"])[1] == kind
            if is_more:
                groups[-1].append(token)
            else:
                groups.append([token])
        return [
            {
                "entity_group": _parts(group[0]["entity"])[1],
                "score": sum(one["score"] for one in group) / len(group),
                "word": self.tokenizer.decode([one["id"] for one in group]),
                "start": group[0]["start"],
                "end": group[-1]["end"],
            }
            for group in groups
        ]


def _parts(entity: str) -> tuple[bool, str]:
    """Return whether a label begins an entity, and of which kind it is."""
    if entity.startswith(("B-", "I-")):
        return entity.startswith("B-"), entity[2:]
    return False, entity


class QuestionAnsweringPipeline(Pipeline):
    """`question-answering`: the answer, its span and score; a list with `top_k` above 1."""

    def __call__(
        self,
        inputs: Any = None,
        *,
        question: Any = None,
        context: Any = None,
        lang: str | None = None,
        **options: Any,
    ) -> Any:
        """Answer a question, given by name or as a dictionary, or a list of them."""
        if inputs is None:
            inputs = {"question": question, "context": context}
        return super().__call__(inputs, lang=lang, **options)

    def _is_one(self, inputs: Any) -> bool:
        return isinstance(inputs, dict)

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        top_k: int = 1,
        max_answer_len: int = 15,
        handle_impossible_answer: bool = False,
    ) -> list[Any]:
        answer = QuestionAnswering(
            self.model,
            self.tokenizer,
            n_best=top_k,
            max_answer_tokens=max_answer_len,
            no_answer=handle_impossible_answer,
        )
        results: list[Any] = []
        for found in answer([(one["question"], one["context"]) for one in examples], lang):
            rows = [
                {"score": a.score, "start": a.start or 0, "end": a.end or 0, "answer": a.text}
                for a in found
            ]
            results.append(rows[0] if top_k == 1 and rows else rows)
        return results


class TextGenerationPipeline(Pipeline):
    """`text-generation`: the prompt and what follows it."""

    def _results(
        self, examples: list[Any], lang: str | None, *, return_full_text: bool = True, **how: Any
    ) -> list[Any]:
        go_on = TextGeneration(self.model, self.tokenizer, **how)
        results = []
        for prompt, found in zip(examples, go_on(examples, lang), strict=True):
            text = f"{prompt} {found.text}" if return_full_text else found.text
            results.append([{"generated_text": text}])
        return results


class _EveryToken(TokenEmbedding):
    """The states of all tokens, the special ones included."""

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> Any:
        return [computed[0].tolist()]


class FeatureExtractionPipeline(Pipeline):
    """`feature-extraction`: the state of each token, as nested lists."""

    def _results(self, examples: list[Any], lang: str | None) -> list[Any]:
        return self.task(examples, lang)


class _Logits(TextClassification):
    """The scores of the classes as they come out of the model."""

    def compute(self, sequences: list[TokenSequence]) -> Sequence[Any]:
        return self._run(self.model, self._pack(sequences)).logits.float().cpu().unbind()  # type: ignore[no-any-return]

    def finish(self, sequences: list[TokenSequence], computed: list[Any]) -> Any:
        return computed[0]


class ZeroShotClassificationPipeline(Pipeline):
    """`zero-shot-classification`: labels that a model for NLI finds to follow from the text."""

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        candidate_labels: str | Sequence[str] = (),
        hypothesis_template: str = "This example is {}.",
        multi_label: bool = False,
    ) -> list[Any]:
        labels = (
            [label.strip() for label in candidate_labels.split(",")]
            if isinstance(candidate_labels, str)
            else list(candidate_labels)
        )
        if not labels or hypothesis_template.format("a") == hypothesis_template:
            raise InputError(
                "expected candidate_labels, and a hypothesis_template with {} for each of them"
            )
        pairs = [(text, hypothesis_template.format(label)) for text in examples for label in labels]
        logits = iter(self.task(pairs, lang))
        return [
            self._ranked(text, labels, [next(logits) for _ in labels], multi_label)
            for text in examples
        ]

    def _ranked(
        self, text: str, labels: list[str], logits: list[Tensor], multi_label: bool
    ) -> dict[str, Any]:
        yes = self._entailment
        stacked = torch.stack(logits)
        if multi_label or len(labels) == 1:
            no = -1 if yes == 0 else 0
            scores = softmax(stacked[:, [no, yes]])[:, 1]
        else:
            scores = softmax(stacked[:, yes])
        order = scores.argsort(descending=True, stable=True).tolist()
        return {
            "sequence": text,
            "labels": [labels[i] for i in order],
            "scores": [float(scores[i]) for i in order],
        }

    @property
    def _entailment(self) -> int:
        for label, number in self.model.config.label2id.items():
            if label.lower().startswith("entail"):
                return int(number)
        return -1


# The pipeline of each name, and what does its work.
PIPELINES: dict[str, tuple[type[Pipeline], Callable[..., Task[Any, Any]]]] = {
    "fill-mask": (FillMaskPipeline, FillMask),
    "text-classification": (TextClassificationPipeline, TextClassification),
    "token-classification": (TokenClassificationPipeline, _TaggedTokens),
    "question-answering": (QuestionAnsweringPipeline, QuestionAnswering),
    "text-generation": (TextGenerationPipeline, TextGeneration),
    "feature-extraction": (FeatureExtractionPipeline, _EveryToken),
    "zero-shot-classification": (ZeroShotClassificationPipeline, _Logits),
}
# What chooses and loads, and is not handed to the calls.
_LOADING = ("device", "dtype", "revision", "cache_dir", "local_files_only", "token", "batch_size")


def pipeline(
    task: str,
    model: Any,
    tokenizer: Any = None,
    *,
    lang: str | None = None,
    **options: Any,
) -> Pipeline:
    """Make a pipeline, by transformers' names of tasks.

    Args:
        task: `fill-mask`, `text-classification`, `token-classification` (or `ner`),
            `question-answering`, `text-generation`, `feature-extraction` or
            `zero-shot-classification`.
        model: A folder, a name on the Hugging Face hub, or a model.
        tokenizer: Another than the checkpoint's own; needed with a model that is no name.
        lang: The texts' language, for checkpoints that need one.
        **options: Of loading: `device`, `dtype`, `revision`, `cache_dir`, `local_files_only`,
            `token`, `batch_size`. All others go with each call, such as `top_k`.

    Raises:
        InputError: no such task, or a model without a tokenizer.
        CheckpointError, ConfigError: as the model's `from_pretrained`.

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
    made, work = PIPELINES[name]
    loading = {key: options.pop(key) for key in _LOADING if key in options}
    if isinstance(model, str | Path):
        doing = work.from_pretrained(model, tokenizer=tokenizer, **loading)  # type: ignore[attr-defined]
    elif tokenizer is None:
        raise InputError("is missing: expected the model's", argument="tokenizer")
    else:
        doing = work(model, tokenizer, batch_size=loading.get("batch_size"))
    return made(doing, lang, **options)
