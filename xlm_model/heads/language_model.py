"""The language model: scores of the words at each position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from xlm_model import resizing
from xlm_model.attention import Layout
from xlm_model.checkpoints import formats
from xlm_model.config import XLMConfig
from xlm_model.errors import ConfigError
from xlm_model.heads.base import ModelWithHead
from xlm_model.inputs import IGNORED, EncoderInputs, check_ids, check_shape, shows_encoder_inputs
from xlm_model.linear import apply_linear
from xlm_model.losses import cross_entropy, per_item
from xlm_model.outputs import MaskedLMOutput

if TYPE_CHECKING:
    from typing_extensions import Unpack


class PredictionLayer(nn.Module):
    """Hidden states to scores of the words: one projection, or an adaptive softmax (`asm`).

    The adaptive softmax is that of Grave et al. 2017, "Efficient softmax approximation for GPUs".

    Args:
        config: Its `asm…` keys and sizes.
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.proj: nn.Linear | nn.AdaptiveLogSoftmaxWithLoss
        if config.asm:
            self.proj = nn.AdaptiveLogSoftmaxWithLoss(
                config.emb_dim,
                config.vocab_size,
                cutoffs=config.asm_cutoffs or [],
                div_value=config.asm_div_value,
                head_bias=True,
            )
        else:
            self.proj = nn.Linear(config.emb_dim, config.vocab_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the scores, log-probabilities if adaptive; shape `(…, vocab_size)`."""
        if isinstance(self.proj, nn.AdaptiveLogSoftmaxWithLoss):
            return self.proj.log_prob(hidden.flatten(0, -2)).view(*hidden.shape[:-1], -1)
        return apply_linear(self.proj, hidden)

    def loss(
        self, hidden: Tensor, logits: Tensor, labels: Tensor, items: Tensor | int | None = None
    ) -> Tensor:
        """Return the cross-entropy over the labels that are not -100; shape `()`.

        Args:
            hidden: What the scores were computed from. Shape `(…, dim)`.
            logits: Shape `(…, vocab_size)`.
            labels: Shape `(…)`.
            items: The loss is the sum divided by this; None: the mean.
        """
        if isinstance(self.proj, nn.AdaptiveLogSoftmaxWithLoss):
            counted = labels != IGNORED
            each = -self.proj(hidden[counted], labels[counted].long()).output
            return each.mean() if items is None else per_item(each.sum(), items)
        return cross_entropy(logits, labels, items)


class XLMWithLMHeadModel(ModelWithHead):
    """Language model: scores of the words at each position.

    With `causal=True` the scores at a position are those of the next word; without it, of the word
    itself. Labels are not shifted in either case.

    Args:
        config: Its settings.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> model = XLMWithLMHeadModel(config).eval()
        >>> ids = torch.tensor([[1, 14, config.mask_index, 1]])
        >>> model(ids).logits.shape
        torch.Size([1, 4, 100])
        >>> model(ids, logits_to_keep=torch.tensor([2])).logits.shape
        torch.Size([1, 1, 100])
    """

    accepts_loss_kwargs = True
    _keys_to_ignore_on_save: ClassVar[list[str] | None] = [formats.PROJECTION]
    # What adapters look up before they change one of two weights that are one.
    _tied_weights_keys: ClassVar[dict[str, str]] = {formats.PROJECTION: formats.EMBEDDINGS}
    # Set by tools that generate; `generate` takes its settings as arguments.
    generation_config: Any = None

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.pred_layer = self._new_predictions(config)
        self._initialize_head()

    def _new_predictions(self, config: XLMConfig) -> PredictionLayer:
        return PredictionLayer(config)

    @property
    def tied_weights(self) -> dict[str, str]:
        """The projection and the word embeddings, if the configuration says that they are one."""
        names = self.config.names
        is_tied = self.config.tie_word_embeddings and self._may_tie
        return {names.projection: names.words} if is_tied else {}

    @property
    def _may_tie(self) -> bool:
        # An adaptive softmax has no single projection that could be the embeddings.
        return not self.config.asm

    @property
    def _is_tied(self) -> bool:
        """Whether the projection is the embeddings, whatever the configuration says."""
        return self.pred_layer.proj.weight is self.transformer.embeddings.weight

    def tie_weights(self) -> None:
        """Make the projection and the word embeddings one tensor, if the configuration says so."""
        if self.tied_weights:
            self.pred_layer.proj.weight = self.transformer.embeddings.weight

    @shows_encoder_inputs
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        num_items_in_batch: Tensor | int | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> MaskedLMOutput:
        """Score the words.

        Args:
            input_ids: As in `XLMModel.forward`, like all that is not named here.
            attention_mask: Shape `(batch, length)`.
            langs: Shape `(…)`.
            labels: As in `head`.
            logits_to_keep: As in `head`.
            num_items_in_batch: As in `head`.
            **inputs: See `EncoderInputs`.
        """
        encoded, layout = self._encode(input_ids, attention_mask, langs, **inputs)
        output = self.head(
            encoded.last_hidden_state,
            layout,
            labels=labels,
            logits_to_keep=logits_to_keep,
            num_items_in_batch=num_items_in_batch,
        )
        return self._finish(output, encoded, inputs)

    def head(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        num_items_in_batch: Tensor | int | None = None,
    ) -> MaskedLMOutput:
        """Score the words from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence.
            labels: The right words, -100 where none is asked for; one for each position that
                `logits_to_keep` keeps. Shape of the logits without their last dimension.
            logits_to_keep: Score only so many last positions of each sequence, at most all of the
                shortest; or the columns of a padded batch, or tokens of a packed one, whose numbers
                are in this tensor of shape `(kept,)`. 0 scores all.
            num_items_in_batch: The loss is the sum over the labels divided by this, not their
                mean: the number of labels in all batches whose gradients are summed.

        Returns:
            The loss if there are labels, and the logits; shape `(…, vocab_size)`, or
            `(sequences, kept, vocab_size)`, or for some packed tokens `(kept, vocab_size)`.
        """
        if isinstance(logits_to_keep, Tensor):
            hidden = hidden[..., logits_to_keep, :]
        elif logits_to_keep:
            kept = min(logits_to_keep, layout.shortest)
            back = torch.arange(kept, 0, -1, device=hidden.device)
            hidden = layout.gather(hidden, layout.lengths[:, None] - back)
        logits = self.pred_layer(hidden)
        loss = None
        if labels is not None:
            check_shape("labels", labels, logits.shape[:-1])
            check_ids("labels", labels, self.config.vocab_size, IGNORED)
            labels = self._targets(labels, layout)
            loss = self.pred_layer.loss(hidden, logits, labels, num_items_in_batch)
        return MaskedLMOutput(loss=loss, logits=logits)

    def _targets(self, labels: Tensor, layout: Layout) -> Tensor:
        """Return what the scores of each position are held against; shape of the labels."""
        return labels

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, langs: Tensor | None = None, **inputs: Any
    ) -> dict[str, Any]:
        """Return what `forward` takes to score the token behind each sequence.

        No mask token is put behind the sequences, as the reference does: a causal model has learnt
        to go on from a sequence's last token.

        Args:
            input_ids: Shape `(batch, length)`.
            langs: Shape `(batch, length)`; None: the configuration's `lang_id`.
            **inputs: `attention_mask` is handed on; what belongs to a cache is not.
        """
        if langs is None and self.config.lang_id is not None and self.config.has_lang_embeddings:
            langs = torch.full_like(input_ids, self.config.lang_id)
        mask = inputs.get("attention_mask")
        return {"input_ids": input_ids, "langs": langs, "attention_mask": mask, "logits_to_keep": 1}

    def generate(
        self,
        input_ids: Tensor,
        *,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        max_new_tokens: int | None = None,
        max_length: int | None = None,
        min_new_tokens: int = 0,
        eos_token_id: int | Sequence[int] | None = None,
        stop: Sequence[int | Sequence[int]] = (),
        pad_token_id: int | None = None,
        do_sample: bool = False,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        num_beams: int = 1,
        length_penalty: float = 1.0,
        num_return_sequences: int = 1,
        **options: Any,
    ) -> Tensor:
        """Continue sequences of a causal model; each step works on the new tokens alone.

        `xlm_model.tasks.TextGeneration` does it for texts.

        Args:
            input_ids: The prompts, padded on either side. Shape `(batch, length)`.
            attention_mask: 0 for padding; None: where `input_ids` is the padding id.
            langs: Shape `(batch, length)`; a new token has the language of the prompt's last one.
                None: the configuration's `lang_id`, as in the reference.
            max_new_tokens: Most tokens to add; 20 if neither limit is given.
            max_length: Most columns of the result, the prompts' among them.
            min_new_tokens: No end token comes before so many others.
            eos_token_id: The token that ends a sequence, or several; None: the configuration's.
            stop: Tokens, or runs of tokens, that end a sequence, too. They stay in it.
            pad_token_id: Stands behind a sequence that has ended; None: the configuration's.
            do_sample: Draw each token by its probability; without it, it is the most likely one.
            temperature: The logits are divided by it before a token is drawn.
            top_k: Draw among so many of the most likely tokens only.
            top_p: Draw among the most likely tokens that together have this probability only.
            repetition_penalty: Above 1 to make tokens less likely that the sequence has already.
            seed: Sequence i of the result draws from a generator seeded with `seed + i`; None:
                seeded by `torch.manual_seed`.
            num_beams: Search for the most likely continuation with so many hypotheses.
            length_penalty: Above 1 for longer results of that search, below for shorter ones.
            num_return_sequences: For each prompt; drawn, or the best of the search.
            **options: None of transformers' others; each is refused with what to use instead.

        Returns:
            The prompts as they are, and the new tokens; shape
            `(batch * num_return_sequences, length + new)`.

        Raises:
            ValueError: a wrong value, or what cannot be had together; or the model is not causal.

        Example:
            >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4, causal=True)
            >>> model = XLMWithLMHeadModel(config).eval()
            >>> prompts = torch.tensor([[0, 14, 15]])
            >>> model.generate(prompts, max_new_tokens=4, min_new_tokens=4).shape
            torch.Size([1, 7])
        """
        from xlm_model.generation import generate as generation  # which needs this module

        if not self.config.causal:
            raise ValueError(
                "causal is False: expected a causal language model; a checkpoint that was trained "
                "as one, with CLM, is loaded with causal=True"
            )
        generation.check_fixed(options)
        new_tokens = generation.read_length(input_ids, max_new_tokens, max_length)
        eos = self.config.eos_token_id if eos_token_id is None else eos_token_id
        sampling = generation.read_sampling(
            do_sample, temperature, top_k, top_p, repetition_penalty
        )
        generation.check_counts(num_beams, num_return_sequences, sampling, bool(stop))
        return generation.generate(
            self,
            input_ids,
            attention_mask=attention_mask,
            langs=langs,
            new_tokens=new_tokens,
            ending=generation.read_ending(eos, stop, min_new_tokens, new_tokens),
            sampling=sampling,
            num_beams=num_beams,
            length_penalty=length_penalty,
            num_return_sequences=num_return_sequences,
            pad_token_id=self.config.pad_token_id if pad_token_id is None else pad_token_id,
            seed=seed,
        )

    def get_output_embeddings(self) -> nn.Module:
        """Return the projection to the words."""
        return self.pred_layer.proj

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace the projection to the words; `tie_weights` would tie it again."""
        self.pred_layer.proj = new_embeddings  # type: ignore[assignment]

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> nn.Embedding:
        """Cut or extend the vocabulary of the embeddings and of the projection, in place.

        As `XLMModel.resize_token_embeddings`; the bias of a new word is 0, as in the reference, or
        the mean of the others where the projection is not tied to the embeddings.

        Raises:
            ConfigError: also for an adaptive softmax, whose clusters are bound to the vocabulary.
        """
        proj, before = self.pred_layer.proj, self.config.vocab_size
        rows = resizing.rows_wanted(new_num_tokens, pad_to_multiple_of, before)
        if rows != before and not isinstance(proj, nn.Linear):
            raise ConfigError(
                f"vocab_size is {rows}: expected {before}; an adaptive softmax (asm) cannot be "
                "resized"
            )
        is_tied = self._is_tied
        embeddings = super().resize_token_embeddings(rows, mean_resizing=mean_resizing)
        if rows != before and isinstance(proj, nn.Linear):
            std = None if mean_resizing else self.config.init_std
            resizing.resize_linear(proj, rows, std, is_tied=is_tied)
        return embeddings
