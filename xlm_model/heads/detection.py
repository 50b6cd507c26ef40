"""Which head a checkpoint has, told from the names of its parameters."""

from __future__ import annotations

from collections.abc import Iterable

from xlm_model.encoder import XLMModel
from xlm_model.heads.language_model import XLMWithLMHeadModel
from xlm_model.heads.multiple_choice import XLMForMultipleChoice
from xlm_model.heads.question_answering import XLMForQuestionAnsweringSimple
from xlm_model.heads.sequence_classification import XLMForSequenceClassification
from xlm_model.heads.span_search import XLMForQuestionAnswering
from xlm_model.heads.token_classification import XLMForTokenClassification
from xlm_model.pretrained import XLMPreTrainedModel

# A head's parameter, what the head is for, and its model; the first that fits counts.
Heads = tuple[tuple[str, str, type[XLMPreTrainedModel]], ...]
HEADS: Heads = (
    ("pred_layer.", "language model", XLMWithLMHeadModel),
    ("qa_outputs.start_logits.", "question answering, beam search", XLMForQuestionAnswering),
    ("qa_outputs.", "question answering", XLMForQuestionAnsweringSimple),
    ("logits_proj.", "multiple choice", XLMForMultipleChoice),
    ("sequence_summary.", "sequence classification", XLMForSequenceClassification),
    ("classifier.", "token classification", XLMForTokenClassification),
)


def find_head(
    names: Iterable[str], heads: Heads = HEADS, encoder: type[XLMPreTrainedModel] = XLMModel
) -> tuple[str, type[XLMPreTrainedModel]]:
    """Return what a checkpoint's head is for, and the model that has it; the encoder if none.

    Args:
        names: Of the checkpoint's parameters.
        heads: Those of another family.
        encoder: Its bare encoder.

    Example:
        >>> find_head(["transformer.embeddings.weight", "classifier.weight"])[0]
        'token classification'
    """
    names = list(names)
    for prefix, purpose, cls in heads:
        if any(name.startswith(prefix) for name in names):
            return purpose, cls
    return "none", encoder
