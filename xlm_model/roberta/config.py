"""What the `config.json` of an XLM-RoBERTa checkpoint says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from xlm_model import config_rules as rules
from xlm_model.config import XLMConfig, add_aliases
from xlm_model.errors import ConfigError
from xlm_model.names import Names
from xlm_model.roberta.names import XLM_ROBERTA

_SPELLING = {
    "hidden_size": "emb_dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "initializer_range": "init_std",
    "intermediate_size": "intermediate_dim",
    "is_decoder": "causal",
}


@dataclass(init=False)
class XLMRobertaConfig(XLMConfig):
    """Every setting of an XLM-RoBERTa model.

    As `XLMConfig`, with the keys and defaults of this type: `hidden_size`, `num_hidden_layers` …
    The attributes that the two have in common have XLM's names, too.

    Raises:
        ConfigError: a value of the wrong type or outside its range, or two keys that contradict
            each other.

    Example:
        >>> config = XLMRobertaConfig(hidden_size=32, num_attention_heads=4)
        >>> config.emb_dim, config.head_dim, config.max_tokens
        (32, 8, 510)
    """

    model_type: ClassVar[str] = "xlm-roberta"
    attribute_map: ClassVar[dict[str, str]] = _SPELLING
    published: ClassVar[dict[str, str]] = {ours: theirs for theirs, ours in _SPELLING.items()}
    names: ClassVar[Names] = XLM_ROBERTA
    zeroes_padding: ClassVar[bool] = False
    has_languages: ClassVar[bool] = False
    restarts_pairs: ClassVar[bool] = False

    vocab_size: int = field(default=30522, metadata=rules.COUNT)
    emb_dim: int = field(default=768, metadata=rules.COUNT)
    n_heads: int = field(default=12, metadata=rules.COUNT)
    intermediate_dim: int = field(default=3072, metadata=rules.COUNT)
    hidden_act: str = field(default="gelu", metadata=rules.one_of(*rules.HIDDEN_ACTIVATIONS))
    type_vocab_size: int = field(default=2, metadata=rules.COUNT)
    eos_token_id: int | list[int] | None = field(default=2, metadata=rules.IDS)
    pad_token_id: int = field(default=1, metadata=rules.ID)
    use_cache: bool = field(default=True, metadata=rules.FLAG)
    classifier_dropout: float | None = field(default=None, metadata=rules.SHARE)
    add_cross_attention: bool = field(
        default=False,
        metadata=rules.rule(lambda value: value is False, "false: there is no decoder"),
    )
    position_embedding_type: str | None = field(default=None, metadata=rules.one_of("absolute"))

    # What XLM has settings for: without a rule, so that they cannot be set.
    gelu_activation: bool = True
    sinusoidal_embeddings: bool = False
    asm: bool = False
    asm_cutoffs: list[int] | None = None
    asm_div_value: float = 4.0
    n_langs: int = 1
    use_lang_emb: bool = False
    lang2id: dict[str, int] | None = None
    id2lang: dict[int, str] | None = None
    embed_init_std: float = 0.02
    unk_index: int = 3
    mask_index: int = 5
    is_encoder: bool = True
    summary_type: str = "first"
    summary_use_proj: bool = True
    summary_activation: str | None = None
    summary_proj_to_labels: bool = True
    summary_first_dropout: float = 0.1
    summary_last_dropout: float = 0.0
    start_n_top: int = 5
    end_n_top: int = 5
    mask_token_id: int | None = None
    lang_id: int | None = None

    @property
    def ffn_dim(self) -> int:
        """Width of the feed-forward layers in between."""
        return self.intermediate_dim

    @property
    def activation(self) -> str:
        """The function between the feed-forward layers."""
        return self.hidden_act

    @property
    def embedding_std(self) -> float:
        """Standard deviation of new embeddings."""
        return self.init_std

    @property
    def first_position(self) -> int:
        """Position of each sequence's first token: those before it are the padding's."""
        return self.pad_token_id + 1

    @property
    def token_types(self) -> int:
        """Number of ids that `token_type_ids` may hold."""
        return self.type_vocab_size

    @property
    def head_dropout(self) -> float:
        """Dropout in the heads that classify."""
        return self.dropout if self.classifier_dropout is None else self.classifier_dropout

    def _check(self) -> None:
        super()._check()
        if self.max_tokens < 1:
            raise ConfigError(
                f"max_position_embeddings is {self.max_position_embeddings}: expected more than "
                f"{self.first_position}, as positions begin behind pad_token_id"
            )


add_aliases(XLMRobertaConfig)
