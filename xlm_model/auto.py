"""The class that fits a checkpoint, by what its configuration says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from xlm_model import heads
from xlm_model.checkpoints.reading import LoadedCheckpoint
from xlm_model.config import XLMConfig
from xlm_model.config_files import HUB_OPTIONS, find_config
from xlm_model.encoder import XLMModel
from xlm_model.errors import ConfigError
from xlm_model.families import config_class, read_config
from xlm_model.flaubert import models as flaubert
from xlm_model.heads.detection import HEADS, Heads, find_head
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.roberta import heads as roberta
from xlm_model.roberta.encoder import XLMRobertaModel

Model = type[XLMPreTrainedModel]


@dataclass(frozen=True)
class Family:
    """The models of one type.

    Attributes:
        encoder: The bare encoder.
        models: From what a model is for to those that are; the first one, unless a checkpoint's
            `architectures` name another.
        heads: How the head of a checkpoint is told from the names of its parameters.
    """

    encoder: Model
    models: Mapping[str, tuple[Model, ...]]
    heads: Heads


_XLM: dict[str, tuple[Model, ...]] = {
    "masked language modelling": (heads.XLMWithLMHeadModel,),
    "causal language modelling": (heads.XLMWithLMHeadModel,),
    "sequence classification": (heads.XLMForSequenceClassification,),
    "token classification": (heads.XLMForTokenClassification,),
    "question answering": (heads.XLMForQuestionAnsweringSimple, heads.XLMForQuestionAnswering),
    "multiple choice": (heads.XLMForMultipleChoice,),
}
_FLAUBERT: dict[str, tuple[Model, ...]] = {
    "masked language modelling": (flaubert.FlaubertWithLMHeadModel,),
    "causal language modelling": (flaubert.FlaubertWithLMHeadModel,),
    "sequence classification": (flaubert.FlaubertForSequenceClassification,),
    "token classification": (flaubert.FlaubertForTokenClassification,),
    "question answering": (
        flaubert.FlaubertForQuestionAnsweringSimple,
        flaubert.FlaubertForQuestionAnswering,
    ),
    "multiple choice": (flaubert.FlaubertForMultipleChoice,),
}
_ROBERTA: dict[str, tuple[Model, ...]] = {
    "masked language modelling": (roberta.XLMRobertaForMaskedLM,),
    "causal language modelling": (roberta.XLMRobertaForCausalLM,),
    "sequence classification": (roberta.XLMRobertaForSequenceClassification,),
    "token classification": (roberta.XLMRobertaForTokenClassification,),
    "question answering": (roberta.XLMRobertaForQuestionAnswering,),
    "multiple choice": (roberta.XLMRobertaForMultipleChoice,),
}
FAMILIES: dict[str, Family] = {
    "xlm": Family(XLMModel, _XLM, HEADS),
    "xlm-roberta": Family(
        XLMRobertaModel,
        _ROBERTA,
        (
            ("lm_head.", "language model", roberta.XLMRobertaForMaskedLM),
            ("qa_outputs.", "question answering", roberta.XLMRobertaForQuestionAnswering),
            (
                "classifier.out_proj.",
                "sequence classification",
                roberta.XLMRobertaForSequenceClassification,
            ),
            ("classifier.", "token classification", roberta.XLMRobertaForTokenClassification),
        ),
    ),
    "flaubert": Family(
        flaubert.FlaubertModel,
        _FLAUBERT,
        tuple(
            (start, purpose, getattr(flaubert, cls.__name__.replace("XLM", "Flaubert")))
            for start, purpose, cls in HEADS
        ),
    ),
}


def find_model(found: LoadedCheckpoint) -> tuple[str, Model]:
    """Return what a checkpoint's head is for, and the model that it was saved from.

    The names of its parameters tell; where two models have the same, its `architectures` do.
    """
    family = FAMILIES[found.config.model_type]
    purpose, model = find_head(found.tensors, family.heads, family.encoder)
    if model is roberta.XLMRobertaForMaskedLM and found.config.causal:
        return purpose, roberta.XLMRobertaForCausalLM
    is_pooled = any(map(found.config.names.is_optional, found.tensors))
    if model is roberta.XLMRobertaForTokenClassification and is_pooled:
        return "multiple choice", roberta.XLMRobertaForMultipleChoice
    return purpose, model


def fitting(model: Model, where: str | Path, **options: Any) -> XLMPreTrainedModel:
    """Load a checkpoint of any type into what its family has in the place of one of XLM's models.

    Args:
        model: One of XLM's.
        where: A folder, a file, or a name on the hub.
        **options: As `from_pretrained`.

    Raises:
        CheckpointError, ConfigError: as `from_pretrained`, or the family has no such model.
    """
    config = read_config_of(where, options)
    if config.model_type == XLMConfig.model_type:
        return model.from_pretrained(where, **options)
    family = FAMILIES[config.model_type]
    known = [family.encoder, *(one for models in family.models.values() for one in models)]
    # The last of those that follow one another is the most special: a causal model, if it is one.
    found = [one for one in known if issubclass(one, model)]
    if not found:
        raise ConfigError(
            f"{where}: model_type is {config.model_type!r}: expected one with a {model.__name__}"
        )
    is_causal = config.causal or options.get("causal")
    return found[-1 if is_causal else 0].from_pretrained(where, **options)


def read_config_of(where: str | Path, options: Mapping[str, Any]) -> XLMConfig:
    """Return the configuration of a checkpoint, of whatever type."""
    if Path(where).suffix == ".pth":
        return XLMConfig()  # the original implementation's: XLM's
    hub = {k: options[k] for k in (*HUB_OPTIONS, "subfolder") if k in options}
    config: XLMConfig = AutoConfig.from_pretrained(_config_of(None, where), **hub)
    return config


class AutoConfig:
    """Reads a configuration of any type that is known.

    Example:
        >>> AutoConfig.for_model("xlm-roberta", hidden_size=32, num_attention_heads=4).emb_dim
        32
    """

    @classmethod
    def from_pretrained(cls, where: str | Path, **options: Any) -> Any:
        """Read the `config.json` of a folder, a file itself, or a checkpoint on the hub.

        Args:
            where: A folder, a file, or a name on the Hugging Face hub.
            **options: As `XLMConfig.from_pretrained`; `trust_remote_code` has no effect.

        Raises:
            ConfigError: no configuration there, of an unknown type, or with a wrong value.
        """
        options.pop("trust_remote_code", None)
        subfolder = options.get("subfolder") or ""
        hub = {k: options[k] for k in HUB_OPTIONS if options.get(k) is not None}
        path = find_config(where, subfolder, hub)
        return type(read_config(path)).from_pretrained(where, **options)

    @classmethod
    def for_model(cls, model_type: str, **values: Any) -> XLMConfig:
        """Return a new configuration of a type, by its name.

        Raises:
            ConfigError: an unknown type, or a wrong value.
        """
        return config_class({"model_type": model_type})(**values)


class _AutoModel:
    """Dispatches on the type of a checkpoint; is never an object itself."""

    purpose: ClassVar[str | None] = None

    def __init__(self) -> None:
        raise TypeError(
            f"{type(self).__name__} is not made itself: expected "
            f"{type(self).__name__}.from_pretrained(…) or .from_config(…)"
        )

    @classmethod
    def from_pretrained(cls, where: str | Path, *, config: Any = None, **options: Any) -> Any:
        """Load a checkpoint into the model of its type.

        Args:
            where: A folder, a file, or a name on the Hugging Face hub.
            config: In place of the checkpoint's.
            **options: As the model's `from_pretrained`: `dtype`, `device`, `device_map`,
                `revision`, `local_files_only`, `num_labels` …

        Raises:
            CheckpointError, ConfigError, ValueError: as the model's `from_pretrained`; the type is
                not known, or has no such model.
        """
        given = config if isinstance(config, XLMConfig) else None
        if given is None:
            given = read_config_of(_config_of(config, where), options)
        return cls._model(given).from_pretrained(where, config=config, **options)

    @classmethod
    def from_config(cls, config: Any, **options: Any) -> Any:
        """Build a model with new weights.

        Args:
            config: Its settings.
            **options: `dtype`, and keys of the configuration to change.
        """
        return cls._model(config)._from_config(config, **options)

    @classmethod
    def _model(cls, config: XLMConfig) -> Model:
        family = FAMILIES[config.model_type]
        if cls.purpose is None:
            return family.encoder
        models = family.models[cls.purpose]
        named = config.extra.get("architectures") or ()
        return next((model for model in models if model.__name__ in named), models[0])


def _config_of(config: Any, where: str | Path) -> str | Path:
    """Return where a checkpoint's configuration is: what is given in its place, or the same."""
    if isinstance(config, str | Path):
        return config
    if config is not None:
        raise ConfigError(
            f"config is a {type(config).__name__}: expected one of AutoConfig.from_pretrained, or "
            "a folder"
        )
    # A file of weights has its configuration beside it.
    path = Path(where)
    return path.parent if path.is_file() and path.suffix != ".json" else where


class AutoModel(_AutoModel):
    """The bare encoder that fits a checkpoint.

    Example:
        >>> config = AutoConfig.for_model("xlm", vocab_size=100, emb_dim=32, n_heads=4)
        >>> type(AutoModel.from_config(config)).__name__
        'XLMModel'
    """


class AutoModelForMaskedLM(_AutoModel):
    """The language model that fits a checkpoint, to fill masks."""

    purpose = "masked language modelling"


class AutoModelForCausalLM(_AutoModel):
    """The language model that fits a checkpoint, to go on."""

    purpose = "causal language modelling"


class AutoModelForSequenceClassification(_AutoModel):
    """The model that classifies sequences and fits a checkpoint."""

    purpose = "sequence classification"


class AutoModelForTokenClassification(_AutoModel):
    """The model that classifies tokens and fits a checkpoint."""

    purpose = "token classification"


class AutoModelForQuestionAnswering(_AutoModel):
    """The model that answers questions and fits a checkpoint."""

    purpose = "question answering"


class AutoModelForMultipleChoice(_AutoModel):
    """The model that chooses and fits a checkpoint."""

    purpose = "multiple choice"
