"""One score for each choice."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.errors import ConfigError
from xlm_model.heads.base import ModelWithHead, with_states
from xlm_model.heads.summary import SequenceSummary
from xlm_model.inputs import EncoderInputs
from xlm_model.losses import class_loss
from xlm_model.outputs import MultipleChoiceModelOutput

if TYPE_CHECKING:
    from typing_extensions import Unpack


class XLMForMultipleChoice(ModelWithHead):
    """One score for each choice; every padded input has the choices as its second dimension.

    Args:
        config: Its settings.

    Example:
        >>> import torch
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> model = XLMForMultipleChoice(config).eval()
        >>> model(torch.tensor([[[1, 14, 15, 1], [1, 14, 16, 1]]])).logits.shape
        torch.Size([1, 2])
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.sequence_summary = SequenceSummary(config)
        if self.sequence_summary.width != config.num_labels:
            raise ConfigError(
                f"the sequence summary gives {self.sequence_summary.width} values: expected "
                f"num_labels, {config.num_labels}, for XLMForMultipleChoice; set summary_use_proj "
                "and summary_proj_to_labels to true"
            )
        self.logits_proj = nn.Linear(config.num_labels, 1)
        self._initialize_head()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        choices: int | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> MultipleChoiceModelOutput:
        """Score the choices.

        Args:
            input_ids: Shape `(batch, choices, length)`; `(tokens,)` with a `layout`.
            attention_mask: Shape `(batch, choices, length)`.
            langs: Shape of `input_ids`.
            labels: As in `head`.
            choices: How many each example has, for packed sequences: there the shape does not say.
            **inputs: See `EncoderInputs`, with the choices as the second dimension of padded ones;
                `lengths` are ignored with a warning, as in the reference.
        """
        if inputs.get("layout") is None:
            choices = _choices(input_ids, inputs.get("inputs_embeds"))
            if inputs.pop("lengths", None) is not None:
                warnings.warn(
                    "lengths have no effect on XLMForMultipleChoice: use attention_mask",
                    stacklevel=2,
                )
            for name in ("token_type_ids", "position_ids", "inputs_embeds"):
                value: Tensor | None = inputs.get(name)  # type: ignore[assignment]
                if value is not None:
                    inputs[name] = value.flatten(0, 1)
            input_ids, attention_mask, langs = (
                None if x is None else x.flatten(0, 1) for x in (input_ids, attention_mask, langs)
            )
        encoded, layout = self._encode(input_ids, attention_mask, langs, **inputs)
        output = self.head(encoded.last_hidden_state, layout, choices=choices or 1, labels=labels)
        return with_states(output, encoded)

    def head(
        self, hidden: Tensor, layout: Layout, *, choices: int = 1, labels: Tensor | None = None
    ) -> MultipleChoiceModelOutput:
        """Score the choices from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence; the choices of an example are
                neighbours.
            choices: How many each example has; 1 scores every sequence by itself.
            labels: The right choice. Shape `(sequences // choices,)`.
        """
        scores = self.logits_proj(self.sequence_summary(hidden, layout))
        logits = scores.view(-1, choices)
        loss = None if labels is None else class_loss("labels", logits, labels)
        return MultipleChoiceModelOutput(loss=loss, logits=logits)


def _choices(input_ids: Tensor | None, inputs_embeds: Tensor | None) -> int:
    """Return how many choices each example of a padded batch has."""
    name, words, least = "input_ids", input_ids, 3
    if words is None and inputs_embeds is not None:
        name, words, least = "inputs_embeds", inputs_embeds, 4
    if words is None or words.dim() != least:
        given = "is missing" if words is None else f"has shape {tuple(words.shape)}"
        raise ValueError(f"{name} {given}: expected (batch, choices, length, …)")
    return words.shape[1]
