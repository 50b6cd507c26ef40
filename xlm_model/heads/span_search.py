"""Start, end and answer class, with a beam search over starts and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads.base import ModelWithHead
from xlm_model.inputs import IGNORED, EncoderInputs, check_ids, check_shape, shows_encoder_inputs
from xlm_model.losses import class_loss
from xlm_model.outputs import XLMForQuestionAnsweringOutput

if TYPE_CHECKING:
    from typing_extensions import Unpack


class StartLogits(nn.Module):
    """Score of each token as the answer's start."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.emb_dim, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """Score; shape `(…)`, from `(…, dim)`."""
        return self.dense(hidden).squeeze(-1)  # type: ignore[no-any-return]


class EndLogits(nn.Module):
    """Score of each token as the answer's end, given the start's state."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense_0 = nn.Linear(2 * config.emb_dim, config.emb_dim)
        self.LayerNorm = nn.LayerNorm(config.emb_dim, eps=config.layer_norm_eps)
        self.dense_1 = nn.Linear(config.emb_dim, 1)

    def forward(self, hidden: Tensor, start: Tensor) -> Tensor:
        """Score; shape `(…)`, from two states of shape `(…, dim)`."""
        joint = self.dense_0(torch.cat([hidden, start], dim=-1)).tanh()
        return self.dense_1(self.LayerNorm(joint)).squeeze(-1)  # type: ignore[no-any-return]


class AnswerClass(nn.Module):
    """Score of "no answer", from the start's state and the classification token's."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense_0 = nn.Linear(2 * config.emb_dim, config.emb_dim)
        self.dense_1 = nn.Linear(config.emb_dim, 1, bias=False)

    def forward(self, start: Tensor, cls: Tensor) -> Tensor:
        """Score; shape `(sequences,)`, from two states of shape `(sequences, dim)`."""
        joint = self.dense_0(torch.cat([start, cls], dim=-1)).tanh()
        return self.dense_1(joint).squeeze(-1)  # type: ignore[no-any-return]


class SpanHead(nn.Module):
    """Start, end and answer class: the head of XLNet's SQuAD 2.0 model (Yang et al. 2019).

    Args:
        config: Its sizes, `start_n_top` and `end_n_top`.
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.start_n_top = config.start_n_top
        self.end_n_top = config.end_n_top
        self.start_logits = StartLogits(config)
        self.end_logits = EndLogits(config)
        self.answer_class = AnswerClass(config)

    def loss(
        self,
        hidden: Tensor,
        layout: Layout,
        start_positions: Tensor,
        end_positions: Tensor,
        cls_index: Tensor | None,
        is_impossible: Tensor | None,
        p_mask: Tensor | None,
    ) -> Tensor:
        """Return the loss, the end scored from the right start; shape `()`."""
        start_state = layout.gather(hidden, start_positions)
        start = masked(self.start_logits(hidden), p_mask)
        end = masked(self.end_logits(hidden, layout.spread(start_state)), p_mask)
        start, end = (layout.to_padded(logits, -torch.inf) for logits in (start, end))
        loss = (
            class_loss("start_positions", start, start_positions)
            + class_loss("end_positions", end, end_positions)
        ) / 2
        if cls_index is None or is_impossible is None:
            return loss
        score = self.answer_class(start_state, layout.gather(hidden, cls_index))
        target = is_impossible.to(score.dtype)
        return loss + nn.functional.binary_cross_entropy_with_logits(score, target) / 2

    def search(
        self, hidden: Tensor, layout: Layout, cls_index: Tensor | None, p_mask: Tensor | None
    ) -> XLMForQuestionAnsweringOutput:
        """Return the most likely starts, ends of each, and the answer class's score."""
        for name, count in (("start_n_top", self.start_n_top), ("end_n_top", self.end_n_top)):
            if count > layout.shortest:
                raise ValueError(
                    f"{name} is {count} and the sequence has {layout.shortest} tokens: expected at "
                    f"least as many tokens; lower {name} in the configuration or lengthen the "
                    "sequence"
                )
        start_logits = masked(self.start_logits(hidden), p_mask)
        start, start_top, start_index = _best(start_logits, layout, self.start_n_top)
        # A score for each token as the end of each of the starts.
        start_states = layout.spread(layout.gather(hidden, start_index))
        end_logits = masked(
            self.end_logits(hidden.unsqueeze(-2).expand_as(start_states), start_states),
            None if p_mask is None else p_mask.unsqueeze(-1),
        )
        _, end_top, end_index = _best(end_logits, layout, self.end_n_top)
        expected_start = torch.einsum("blh,bl->bh", layout.to_padded(hidden), start)
        cls = layout.last(hidden) if cls_index is None else layout.gather(hidden, cls_index)
        return XLMForQuestionAnsweringOutput(
            start_top_log_probs=start_top,
            start_top_index=start_index,
            end_top_log_probs=end_top.flatten(1),
            end_top_index=end_index.flatten(1),
            cls_logits=self.answer_class(expected_start, cls),
        )


def masked(logits: Tensor, p_mask: Tensor | None) -> Tensor:
    """Return the logits, very low where `p_mask` is 1; shape of the logits."""
    if p_mask is None:
        return logits
    p_mask = p_mask.to(logits.dtype)
    low = 65500.0 if logits.dtype == torch.float16 else 1e30
    return logits * (1 - p_mask) - low * p_mask


def _best(logits: Tensor, layout: Layout, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the probabilities of each sequence's tokens, the highest, and their positions.

    Args:
        logits: Shape `(…, *rest)`.
        layout: Which of them belong to which sequence.
        count: How many of each sequence.

    Returns:
        Shape `(sequences, longest, *rest)`, and twice `(sequences, count, *rest)`.
    """
    probabilities = layout.to_padded(logits, -torch.inf).softmax(1)
    # A masked token's probability may be 0, too, but it is a token: what is behind a sequence's end
    # comes after it.
    behind = layout.to_padded(torch.zeros_like(logits), 1.0)
    top, index = (probabilities - behind).topk(count, dim=1)
    return probabilities, top, index


class XLMForQuestionAnswering(ModelWithHead):
    """Start, end and answer class, with a beam search over starts and ends.

    Args:
        config: Its settings.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> output = XLMForQuestionAnswering(config).eval()(torch.tensor([[1, 14, 15, 1, 16, 1]]))
        >>> starts, ends, scores = output.spans()
        >>> starts.shape
        torch.Size([1, 25])
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.qa_outputs = SpanHead(config)
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
        is_impossible: Tensor | None = None,
        cls_index: Tensor | None = None,
        p_mask: Tensor | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> XLMForQuestionAnsweringOutput:
        """Return the loss if both positions are given, else search for answers.

        Args:
            input_ids: As in `XLMModel.forward`, like all that is not named here.
            attention_mask: Shape `(batch, length)`.
            langs: Shape `(…)`.
            start_positions: As in `head`, like all that follow.
            end_positions: Likewise.
            is_impossible: Likewise.
            cls_index: Likewise.
            p_mask: Likewise.
            **inputs: See `EncoderInputs`.
        """
        encoded, layout = self._encode(input_ids, attention_mask, langs, **inputs)
        output = self.head(
            encoded.last_hidden_state,
            layout,
            start_positions=start_positions,
            end_positions=end_positions,
            is_impossible=is_impossible,
            cls_index=cls_index,
            p_mask=p_mask,
        )
        return self._finish(output, encoded, inputs)

    def head(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        is_impossible: Tensor | None = None,
        cls_index: Tensor | None = None,
        p_mask: Tensor | None = None,
    ) -> XLMForQuestionAnsweringOutput:
        """Return the loss if both positions are given, else search for answers.

        Positions count from each sequence's first token.

        Args:
            hidden: The encoder's states. Shape `(…, dim)`.
            layout: Which of them belong to which sequence.
            start_positions: First token of the answer. Shape `(sequences,)`.
            end_positions: Last token of the answer. Shape `(sequences,)`.
            is_impossible: 1 if the question has no answer; counts in the loss together with
                `cls_index`. Shape `(sequences,)`.
            cls_index: Position of the classification token; None: the last. Shape `(sequences,)`.
            p_mask: 1 for tokens that cannot be in an answer. Shape `(…)`.
        """
        given = {
            "start_positions": start_positions,
            "end_positions": end_positions,
            "cls_index": cls_index,
            "is_impossible": is_impossible,
        }
        start, end, cls, impossible = (
            x.squeeze(-1) if x is not None and x.dim() > 1 else x for x in given.values()
        )
        lengths = layout.lengths
        for name, value in zip(given, (start, end, cls, impossible), strict=True):
            check_shape(name, value, lengths.shape)
        check_ids("cls_index", cls, lengths)
        check_shape("p_mask", p_mask, layout.shape)
        if start is None or end is None:
            return self.qa_outputs.search(hidden, layout, cls, p_mask)
        check_ids("start_positions", start, lengths)
        check_ids("end_positions", end, lengths, IGNORED)
        loss = self.qa_outputs.loss(hidden, layout, start, end, cls, impossible, p_mask)
        return XLMForQuestionAnsweringOutput(loss=loss)
