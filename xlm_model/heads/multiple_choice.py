"""One score for each choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads.base import ModelWithHead
from xlm_model.heads.summary import SequenceSummary
from xlm_model.inputs import EncoderInputs, check_choices, shows_encoder_inputs
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

    accepts_loss_kwargs = True

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self._add_head(config)
        self._initialize_head()

    def _add_head(self, config: XLMConfig) -> None:
        config.check_choices()
        self.sequence_summary = SequenceSummary(config)
        self.logits_proj = nn.Linear(config.num_labels, 1)

    def _scores(self, hidden: Tensor, layout: Layout) -> Tensor:
        """Return the score of each sequence; shape `(sequences, 1)`."""
        scores: Tensor = self.logits_proj(self.sequence_summary(hidden, layout))
        return scores

    @shows_encoder_inputs
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        choices: int | None = None,
        num_items_in_batch: Tensor | int | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> MultipleChoiceModelOutput:
        """Score the choices.

        Args:
            input_ids: Shape `(batch, choices, length)`; `(tokens,)` with a `layout`.
            attention_mask: Shape `(batch, choices, length)`.
            langs: Shape of `input_ids`.
            labels: As in `head`.
            choices: How many each example has, for packed sequences: there the shape does not say.
            num_items_in_batch: As in `head`.
            **inputs: See `EncoderInputs`, with the choices as the second dimension of padded ones;
                `lengths` are ignored with a warning, as in the reference.
        """
        if inputs.get("layout") is None:
            lengths = inputs.pop("lengths", None)
            choices = check_choices(input_ids, inputs.get("inputs_embeds"), lengths)
            for name in ("token_type_ids", "position_ids", "inputs_embeds"):
                value: Tensor | None = inputs.get(name)  # type: ignore[assignment]
                if value is not None:
                    inputs[name] = value.flatten(0, 1)
            input_ids, attention_mask, langs = (
                None if x is None else x.flatten(0, 1) for x in (input_ids, attention_mask, langs)
            )
        encoded, layout = self._encode(input_ids, attention_mask, langs, **inputs)
        output = self.head(
            encoded.last_hidden_state,
            layout,
            choices=choices or 1,
            labels=labels,
            num_items_in_batch=num_items_in_batch,
        )
        return self._finish(output, encoded, inputs)

    def head(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        choices: int = 1,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
    ) -> MultipleChoiceModelOutput:
        """Score the choices from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence; the choices of an example are
                neighbours.
            choices: How many each example has; 1 scores every sequence by itself.
            labels: The right choice. Shape `(sequences // choices,)`.
            num_items_in_batch: The loss is the sum over the labels divided by this, not their
                mean: the number of labels in all batches whose gradients are summed.
        """
        logits = self._scores(hidden, layout).view(-1, choices)
        loss = None
        if labels is not None:
            loss = class_loss("labels", logits, labels, num_items_in_batch)
        return MultipleChoiceModelOutput(loss=loss, logits=logits)
