"""The encoder with each of the two question-answering heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xlm_model.base import XLMPreTrainedModel
from xlm_model.config import XLMConfig
from xlm_model.encoder import XLMModel
from xlm_model.errors import ConfigError
from xlm_model.inputs import check_ids, check_shape, class_loss
from xlm_model.layers import take_positions
from xlm_model.outputs import QuestionAnsweringModelOutput, XLMForQuestionAnsweringOutput

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from xlm_model.inputs import EncoderInputs


class XLMForQuestionAnsweringSimple(XLMPreTrainedModel):
    """Scores of each token as the start, and as the end, of the answer."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        if config.num_labels != 2:
            raise ConfigError(
                f"num_labels is {config.num_labels}: expected 2, start and end, for "
                "XLMForQuestionAnsweringSimple"
            )
        self.transformer = XLMModel(config)
        self.qa_outputs = nn.Linear(config.emb_dim, 2)
        self._initialize_head()

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
            attention_mask: *Shape:* (batch, length)
            langs: *Shape:* (batch, length)
            start_positions: First token of the answer; beyond the length: takes no part in the
                loss. *Shape:* (batch,)
            end_positions: Last token of the answer, likewise. *Shape:* (batch,)
            **inputs: See `EncoderInputs`.
        """
        encoded = self.transformer(input_ids, attention_mask, langs, **inputs)
        start, end = self.qa_outputs(encoded.last_hidden_state).unbind(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            losses = []
            for name, logits, at in (
                ("start_positions", start, start_positions),
                ("end_positions", end, end_positions),
            ):
                at = at.squeeze(-1) if at.dim() > 1 else at
                check_shape(name, at, logits.shape[:1])
                length = logits.shape[1]
                at = at.long().clamp(0, length)
                losses.append(nn.functional.cross_entropy(logits, at, ignore_index=length))
            loss = (losses[0] + losses[1]) / 2
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start.contiguous(),
            end_logits=end.contiguous(),
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )


class StartLogits(nn.Module):
    """Score of each token as the answer's start."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.emb_dim, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """Score; *shape:* (batch, length), from (batch, length, dim)."""
        return self.dense(hidden).squeeze(-1)  # type: ignore[no-any-return]


class EndLogits(nn.Module):
    """Score of each token as the answer's end, given the start's state."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense_0 = nn.Linear(2 * config.emb_dim, config.emb_dim)
        self.LayerNorm = nn.LayerNorm(config.emb_dim, eps=config.layer_norm_eps)
        self.dense_1 = nn.Linear(config.emb_dim, 1)

    def forward(self, hidden: Tensor, start: Tensor) -> Tensor:
        """Score; *shape:* (…), from two states of (…, dim)."""
        joint = self.dense_0(torch.cat([hidden, start], dim=-1)).tanh()
        return self.dense_1(self.LayerNorm(joint)).squeeze(-1)  # type: ignore[no-any-return]


class AnswerClass(nn.Module):
    """Score of «no answer», from the start's state and the classification token's."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense_0 = nn.Linear(2 * config.emb_dim, config.emb_dim)
        self.dense_1 = nn.Linear(config.emb_dim, 1, bias=False)

    def forward(self, start: Tensor, cls: Tensor) -> Tensor:
        """Score; *shape:* (batch,), from two states of (batch, dim)."""
        joint = self.dense_0(torch.cat([start, cls], dim=-1)).tanh()
        return self.dense_1(joint).squeeze(-1)  # type: ignore[no-any-return]


class SpanHead(nn.Module):
    """Start, end and answer class: the head of XLNet's SQuAD 2.0 model (Yang et al. 2019)."""

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
        start_positions: Tensor,
        end_positions: Tensor,
        cls_index: Tensor | None,
        is_impossible: Tensor | None,
        p_mask: Tensor | None,
    ) -> Tensor:
        """Return the loss, the end scored from the right start; *shape:* ()."""
        start_state = take_positions(hidden, start_positions)
        start = masked(self.start_logits(hidden), p_mask)
        end = masked(self.end_logits(hidden, start_state[:, None].expand_as(hidden)), p_mask)
        loss = (
            class_loss("start_positions", start, start_positions)
            + class_loss("end_positions", end, end_positions)
        ) / 2
        if cls_index is None or is_impossible is None:
            return loss
        score = self.answer_class(start_state, take_positions(hidden, cls_index))
        target = is_impossible.to(score.dtype)
        return loss + nn.functional.binary_cross_entropy_with_logits(score, target) / 2

    def search(
        self, hidden: Tensor, cls_index: Tensor | None, p_mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return the likeliest starts, the likeliest ends of each, and the answer class's score."""
        length = hidden.shape[1]
        for name, count in (("start_n_top", self.start_n_top), ("end_n_top", self.end_n_top)):
            if count > length:
                raise ValueError(
                    f"{name} is {count} and the sequence has {length} tokens: expected at least as "
                    f"many tokens; lower {name} in the configuration or lengthen the sequence"
                )
        start = masked(self.start_logits(hidden), p_mask).softmax(-1)
        start_top, start_index = start.topk(self.start_n_top, dim=-1)
        index = start_index[:, :, None].expand(-1, -1, hidden.shape[-1])
        start_states = hidden.gather(1, index)[:, None].expand(-1, length, -1, -1)
        each = hidden[:, :, None].expand_as(start_states)
        end = masked(
            self.end_logits(each, start_states), None if p_mask is None else p_mask[:, :, None]
        ).softmax(1)
        end_top, end_index = end.topk(self.end_n_top, dim=1)
        expected_start = torch.einsum("blh,bl->bh", hidden, start)
        cls = hidden[:, -1] if cls_index is None else take_positions(hidden, cls_index)
        score = self.answer_class(expected_start, cls)
        return start_top, start_index, end_top.flatten(1), end_index.flatten(1), score


def masked(logits: Tensor, p_mask: Tensor | None) -> Tensor:
    """Return the logits, very low where `p_mask` is 1; *shape:* the logits'."""
    if p_mask is None:
        return logits
    p_mask = p_mask.to(logits.dtype)
    low = 65500.0 if logits.dtype == torch.float16 else 1e30
    return logits * (1 - p_mask) - low * p_mask


class XLMForQuestionAnswering(XLMPreTrainedModel):
    """Start, end and answer class, with a beam search over starts and ends."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.transformer = XLMModel(config)
        self.qa_outputs = SpanHead(config)
        self._initialize_head()

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
            attention_mask: *Shape:* (batch, length)
            langs: *Shape:* (batch, length)
            start_positions: First token of the answer. *Shape:* (batch,)
            end_positions: Last token of the answer. *Shape:* (batch,)
            is_impossible: 1 if the question has no answer; counts in the loss together with
                `cls_index`. *Shape:* (batch,)
            cls_index: Position of the classification token; None: the last. *Shape:* (batch,)
            p_mask: 1 for tokens that cannot be in an answer. *Shape:* (batch, length)
            **inputs: See `EncoderInputs`.
        """
        encoded = self.transformer(input_ids, attention_mask, langs, **inputs)
        hidden: Tensor = encoded.last_hidden_state
        given = {
            "start_positions": start_positions,
            "end_positions": end_positions,
            "cls_index": cls_index,
            "is_impossible": is_impossible,
        }
        start, end, cls, impossible = (
            x.squeeze(-1) if x is not None and x.dim() > 1 else x for x in given.values()
        )
        for name, value in zip(given, (start, end, cls, impossible), strict=True):
            check_shape(name, value, hidden.shape[:1])
        check_ids("cls_index", cls, hidden.shape[1])
        check_shape("p_mask", p_mask, hidden.shape[:2])
        others = {"hidden_states": encoded.hidden_states, "attentions": encoded.attentions}
        if start is not None and end is not None:
            check_ids("start_positions", start, hidden.shape[1])
            loss = self.qa_outputs.loss(hidden, start, end, cls, impossible, p_mask)
            return XLMForQuestionAnsweringOutput(loss=loss, **others)
        return XLMForQuestionAnsweringOutput(
            None, *self.qa_outputs.search(hidden, cls, p_mask), **others
        )
