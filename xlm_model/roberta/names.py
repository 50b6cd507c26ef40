"""XLM-RoBERTa's names of parameters."""

from __future__ import annotations

from xlm_model.names import Names

_LAYER = "roberta.encoder.layer.{}."

XLM_ROBERTA = Names(
    encoder="roberta.",
    words="roberta.embeddings.word_embeddings.weight",
    positions="roberta.embeddings.position_embeddings.weight",
    projection="lm_head.decoder.weight",
    table={
        "transformer.embeddings.": "roberta.embeddings.word_embeddings.",
        "transformer.position_embeddings.": "roberta.embeddings.position_embeddings.",
        "transformer.type_embeddings.": "roberta.embeddings.token_type_embeddings.",
        "transformer.layer_norm_emb.": "roberta.embeddings.LayerNorm.",
        "transformer.attentions.{}.q_lin.": _LAYER + "attention.self.query.",
        "transformer.attentions.{}.k_lin.": _LAYER + "attention.self.key.",
        "transformer.attentions.{}.v_lin.": _LAYER + "attention.self.value.",
        "transformer.attentions.{}.out_lin.": _LAYER + "attention.output.dense.",
        "transformer.layer_norm1.{}.": _LAYER + "attention.output.LayerNorm.",
        "transformer.ffns.{}.lin1.": _LAYER + "intermediate.dense.",
        "transformer.ffns.{}.lin2.": _LAYER + "output.dense.",
        "transformer.layer_norm2.{}.": _LAYER + "output.LayerNorm.",
        "pooler.": "roberta.pooler.",
        "pred_layer.dense.": "lm_head.dense.",
        "pred_layer.layer_norm.": "lm_head.layer_norm.",
        "pred_layer.proj.weight": "lm_head.decoder.weight",
        "pred_layer.proj.bias": "lm_head.bias",
    },
    beside=("pooler.",),
    optional="roberta.pooler.",
    doubles={"lm_head.decoder.bias": "lm_head.bias"},
    ignored=frozenset({"roberta.embeddings.position_ids"}),
)
