"""Scores of each token as the start, and as the end, of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads.base import ModelWithHead
from xlm_model.inputs import IGNORED, EncoderInputs, check_shape, shows_encoder_inputs
from xlm_model.outputs import QuestionAnsweringModelOutput

if TYPE_CHECKING:
    from typing_extensions import Unpack


class XLMForQuestionAnsweringSimple(ModelWithHead):
    """Scores of each token as the start, and as the end, of the answer.

    Args:
        config: Its settings.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> model = XLMForQuestionAnsweringSimple(config).eval()
        >>> model(torch.tensor([[1, 14, 15, 1]])).start_logits.shape
        torch.Size([1, 4])
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        config.check_spans()
        self.qa_outputs = nn.Linear(config.emb_dim, 2)
        self._initialize_head()

    @shows_encoder_inputs
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> QuestionAnsweringModelOutput:
        """Score starts and ends.

        Args:
            input_ids: As in `XLMModel.forward`, like all that is not named here.
            attention_mask: Shape `(batch, length)`.
            langs: Shape `(…)`.
            start_positions: As in `head`.
            end_positions: As in `head`.
            **inputs: See `EncoderInputs`.
        """
        encoded, layout = self._encode(input_ids, attention_mask, langs, **inputs)
        output = self.head(
            encoded.last_hidden_state,
            layout,
            start_positions=start_positions,
            end_positions=end_positions,
        )
        return self._finish(output, encoded, inputs)

    def head(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
    ) -> QuestionAnsweringModelOutput:
        """Score starts and ends from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence.
            start_positions: First token of the answer, counted from its sequence's first; beyond
                the sequence: takes no part in the loss. Shape `(sequences,)`.
            end_positions: Last token of the answer, likewise. Shape `(sequences,)`.
        """
        start, end = self.qa_outputs(hidden).unbind(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = (
                _position_loss("start_positions", start, layout, start_positions)
                + _position_loss("end_positions", end, layout, end_positions)
            ) / 2
        return QuestionAnsweringModelOutput(
            loss=loss, start_logits=start.contiguous(), end_logits=end.contiguous()
        )


def _position_loss(name: str, logits: Tensor, layout: Layout, positions: Tensor) -> Tensor:
    """Return the mean cross-entropy of a position among those of its sequence; shape `()`."""
    positions = positions.squeeze(-1) if positions.dim() > 1 else positions
    check_shape(name, positions, layout.lengths.shape)
    positions = positions.long().clamp(min=0)
    positions = positions.masked_fill(positions >= layout.lengths, IGNORED)
    padded = layout.to_padded(logits, -torch.inf)
    return nn.functional.cross_entropy(padded, positions, ignore_index=IGNORED)
