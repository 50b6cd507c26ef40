"""What all tasks share: loading, and the way of a stream of examples through the model."""

from __future__ import annotations

import itertools
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from xlm_model.attention import PackedBatch
from xlm_model.auto import fitting
from xlm_model.config import XLMConfig
from xlm_model.modes import evaluating
from xlm_model.outputs import ModelOutput
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks import batching
from xlm_model.tasks.batching import Batcher, Limits, chunks, prefetch
from xlm_model.tasks.devices import find_device, quantize
from xlm_model.tasks.models import unwrap
from xlm_model.tasks.sequences import TokenSequence, pack_sequences
from xlm_model.tasks.tokenizers import (
    NO_LANGUAGES,
    TaskTokenizer,
    check_tokenizer,
    has_languages,
    load_tokenizer,
)
from xlm_text import InputError
from xlm_text.errors import Argument

Example = TypeVar("Example")
Result = TypeVar("Result")
Self = TypeVar("Self", bound="Task[Any, Any]")


class Asked(NamedTuple):
    """An example of a stream.

    Attributes:
        number: From 0.
        example: What the task takes.
        lang: The text's language; None: the tokenizer's own.
        lang_pair: The second text's; None: that of the first.
    """

    number: int
    example: Any
    lang: str | None
    lang_pair: str | None


class TextError(InputError):
    """One of the examples cannot be used; the results of all before it have been given.

    number: Its position in the stream, from 0.
    """

    @property
    def index(self) -> int:
        """The position, under another name."""
        assert self.number is not None
        return self.number

    @classmethod
    def of(cls, error: InputError, number: int) -> TextError:
        """Say of an error that it was this example's."""
        return cls(*error.args, argument=error.argument, advice=error.advice, number=number)


class Task(Generic[Example, Result]):
    """A model and a tokenizer that turn examples into results.

    A list of examples gives a list of results; `stream` takes any iterable and gives results as
    they come, in the examples' order, in memory that does not grow with their number.

    Args:
        model: With the task's head. It works in evaluation mode, whatever mode it is in. What
            `torch.compile`, PEFT, `DataParallel` or `DistributedDataParallel` made of it is taken,
            too: PEFT's layers are in effect, and nothing is compiled.
        tokenizer: The checkpoint's.
        batch_size: Most sequences that go through the model together; None: as many as suit the
            device. It changes the speed, not the results.

    Raises:
        InputError: model and tokenizer do not belong together, or the tokenizer is not this
            project's.
    """

    models: ClassVar[tuple[type[XLMPreTrainedModel], ...]]
    # Tokens of the longest sequence; None: as many as the model has positions.
    max_length: int | None = None

    def __init__(
        self, model: Any, tokenizer: TaskTokenizer, *, batch_size: int | None = None
    ) -> None:
        check_at_least("batch_size", batch_size, 1)
        model = unwrap(model)
        self._check_model(model)
        check_tokenizer(tokenizer, model.config)
        self._check_sizes(model.config, tokenizer)
        self.model = model
        self.tokenizer = tokenizer
        self._batcher = Batcher(self._limits(), batch_size)
        self._told = False

    @classmethod
    def from_pretrained(
        cls: type[Self],
        where: str | Path,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        int8: bool = False,
        tokenizer: TaskTokenizer | None = None,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | None = None,
        **options: Any,
    ) -> Self:
        """Load a checkpoint for the task.

        Args:
            where: A folder, or a name on the Hugging Face hub.
            device: Where the model works; None: the GPU if there is one, else the CPU.
            dtype: Convert the weights, to `torch.bfloat16` for one; None keeps them as stored.
            int8: Turn the linear layers' weights into 8-bit numbers; on a CPU only.
            tokenizer: Another than the checkpoint's own.
            revision: Branch, tag or commit on the hub.
            cache_dir: Where the hub's files are kept.
            local_files_only: Do not go to the hub; take what is cached.
            token: For private checkpoints on the hub.
            **options: The task's own; see its class.

        Raises:
            CheckpointError, ConfigError: as the model's `from_pretrained`.
            InputError: a device that is not there, or options that cannot be used.
        """
        hub = {
            "revision": revision,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
            "token": token,
        }
        device = find_device(device)
        if int8 and device.type != "cpu":
            raise InputError(
                Argument("int8", True),
                " works on a CPU only: expected ",
                Argument("device", "cpu"),
                f", not {str(device)!r}",
            )
        model = cls._load(where, device=device, dtype=dtype, **hub)
        if int8:
            quantize(model)
        tokenizer = tokenizer or load_tokenizer(where, model.config, **hub)
        return cls(model, tokenizer, **options)

    @classmethod
    def _load(cls, where: str | Path, **options: Any) -> XLMPreTrainedModel:
        return fitting(cls.models[0], where, **options)

    def __call__(
        self,
        examples: Iterable[Example],
        lang: str | Iterable[str] | None = None,
        lang_pair: str | Iterable[str] | None = None,
    ) -> list[Result]:
        """Return the result of each example.

        Args:
            examples: See the class.
            lang: The texts' language, or one for each; None: the tokenizer's own.
            lang_pair: That of the second texts; None: that of the first.

        Raises:
            TextError: an example that cannot be used.
        """
        return list(self.stream(examples, lang, lang_pair))

    def stream(
        self,
        examples: Iterable[Example],
        lang: str | Iterable[str] | None = None,
        lang_pair: str | Iterable[str] | None = None,
        *,
        skipped: Callable[[TextError], None] | None = None,
    ) -> Iterator[Result]:
        """Give the result of each example as it comes.

        Examples are read in chunks; the next one is tokenized while the model works.

        Args:
            examples, lang, lang_pair: Those of the call.
            skipped: Called for an example that cannot be used, between the results of those around
                it, which has no result then. None: raise its error there.

        Raises:
            TextError: an example that cannot be used, after the results of those before it.
        """
        if isinstance(examples, str):
            raise InputError(f"examples is the string {examples!r:.40}: expected a list of them")
        if not has_languages(self.tokenizer) and not (lang is None and lang_pair is None):
            self._tell_unused()
            lang = lang_pair = None
        asked = _with_languages(examples, lang, lang_pair)
        parts = chunks(asked, self._batcher.limits.chunk)
        prepare = partial(self._prepare_chunk, stop=skipped is None)
        for prepared in prefetch(prepare, parts):
            results = self.results([each for each in prepared if isinstance(each, list)])
            for each in prepared:
                if isinstance(each, list):
                    yield next(results)
                elif skipped is None:
                    raise each
                else:
                    skipped(each)

    def results(self, prepared: Sequence[list[Any]]) -> Iterator[Result]:
        """Give the result of each example, from what `prepare` made of it.

        Args:
            prepared: The sequences of each example.
        """
        sequences = [one for each in prepared for one in each]
        computed = iter(self._batcher.run(sequences, self._size, self._compute_batch))
        for each in prepared:
            yield self.finish(each, [next(computed) for _ in each])

    @property
    def config(self) -> XLMConfig:
        """The model's configuration."""
        config: XLMConfig = self.model.config
        return config

    @property
    def device(self) -> torch.device:
        """Where the model works."""
        # The embeddings: quantised layers have no parameters.
        return self.model.get_input_embeddings().weight.device  # type: ignore[no-any-return]

    def _tell_unused(self) -> None:
        """Say, once, that this checkpoint has no use for languages."""
        if not self._told:
            self._told = True
            warnings.warn(NO_LANGUAGES, stacklevel=3)

    # What a task defines --------------------------------------------------------------------

    @abstractmethod
    def prepare(self, asked: Sequence[Asked]) -> list[Any]:
        """Return a list of sequences for each example."""

    @abstractmethod
    def compute(self, sequences: list[Any]) -> Sequence[Any]:
        """Run the model on a batch and return what it says of each sequence, on the CPU."""

    @abstractmethod
    def finish(self, sequences: list[Any], computed: list[Any]) -> Result:
        """Make an example's result of what `compute` gave for its sequences."""

    # ----------------------------------------------------------------------------------------

    def _pack(self, sequences: Sequence[TokenSequence]) -> PackedBatch:
        """Put sequences one behind the other, where the model works."""
        return pack_sequences(sequences, self.device)

    def _run(self, model: Any, batch: PackedBatch, **options: Any) -> Any:
        """Call the task's model, or its encoder, on packed sequences.

        Whatever its configuration says, it gives neither attention weights nor each layer's states,
        and no tuple.
        """
        output: ModelOutput = model(
            **batch.inputs,
            output_attentions=False,
            output_hidden_states=False,
            return_dict=True,
            **options,
        )
        return output

    def _limits(self) -> Limits:
        return batching.CPU if self.device.type == "cpu" else batching.ACCELERATOR

    def _size(self, sequence: Any) -> int:
        """Return how many tokens a sequence counts for in a batch."""
        return len(sequence)

    @torch.inference_mode()
    def _compute_batch(self, sequences: list[Any]) -> Sequence[Any]:
        with evaluating(self.model):
            return self.compute(sequences)

    def _prepare_chunk(self, chunk: list[Asked], stop: bool) -> list[list[Any] | TextError]:
        """Tokenize each example, or return its error; with `stop` nothing behind the first."""
        try:
            return [*self.prepare(chunk)]
        except InputError:
            prepared: list[list[Any] | TextError] = []
            for asked in chunk:
                try:
                    prepared += self.prepare([asked])
                except InputError as error:
                    # The tokenizer counts the texts of its call, of which this is the only one.
                    prepared.append(TextError.of(error, asked.number))
                    if stop:
                        break
            return prepared

    @classmethod
    def _check_model(cls, model: Any) -> None:
        if not isinstance(model, cls.models):
            names = " or ".join(known.__name__ for known in cls.models)
            raise InputError(f"model is a {type(model).__name__}: expected {names}")

    @staticmethod
    def _check_sizes(config: XLMConfig, tokenizer: Any) -> None:
        if len(tokenizer) > config.vocab_size:
            raise InputError(
                f"the tokenizer has {len(tokenizer)} tokens and the model {config.vocab_size}: "
                "expected the tokenizer of the same checkpoint"
            )
        ids = (getattr(tokenizer, "lang2id", None) or {}).values()
        if config.has_lang_embeddings and max(ids, default=0) >= config.n_langs:
            raise InputError(
                f"the tokenizer has language ids up to {max(ids)} and the model {config.n_langs} "
                "languages: expected the tokenizer of the same checkpoint"
            )


def check_at_least(name: str, value: float | None, least: float) -> None:
    """Raise an `InputError` that names the argument if it is below `least`; None is allowed."""
    if value is not None and value < least:
        raise InputError(f"is {value}: expected at least {least}", argument=name)


def softmax(logits: Tensor) -> Tensor:
    """Return probabilities in fp32, whatever the logits' type; over the last dimension."""
    return logits.float().softmax(-1)


def label_names(config: XLMConfig, labels: Sequence[str] | None) -> list[str]:
    """Return the classes' names: those given, the configuration's, or LABEL_0, LABEL_1 …

    Raises:
        InputError: another count of names than of classes.
    """
    if labels is not None:
        if len(labels) != config.num_labels:
            raise InputError(
                f"has {len(labels)} names: expected {config.num_labels}, the checkpoint's "
                "num_labels",
                argument="labels",
            )
        return list(labels)
    known = config.id2label or {}
    return [known.get(i, f"LABEL_{i}") for i in range(config.num_labels)]


def _with_languages(
    examples: Iterable[Any],
    lang: str | Iterable[str] | None,
    lang_pair: str | Iterable[str] | None,
) -> Iterator[Asked]:
    """Put the two languages beside each example."""
    first, second = _language_of("lang", lang), _language_of("lang_pair", lang_pair)
    for i, example in enumerate(examples):
        yield Asked(i, example, first(i), second(i))


def _language_of(name: str, lang: str | Iterable[str] | None) -> Callable[[int], str | None]:
    if lang is None or isinstance(lang, str):
        return lambda i: lang
    each = iter(lang)

    def following(i: int) -> str:
        for one in itertools.islice(each, 1):
            return one
        raise InputError(f"{name} has {i} languages: expected one for each text")

    return following
