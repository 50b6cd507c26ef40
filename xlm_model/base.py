"""What all models share beside the forward pass: building, loading, saving, resizing, pruning."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from xlm_model import checkpoints, formats
from xlm_model.config import XLMConfig

if TYPE_CHECKING:
    from xlm_model.encoder import XLMModel

Model = TypeVar("Model", bound="XLMPreTrainedModel")


class XLMPreTrainedModel(nn.Module):
    """What every XLM model does beside its forward pass."""

    # The model without its head.
    transformer: XLMModel

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def _encoder(self) -> XLMModel:
        return self.transformer

    @classmethod
    def from_pretrained(
        cls: type[Model],
        where: str | Path,
        *,
        new_head: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | None = None,
        **changes: Any,
    ) -> Model:
        """Load a checkpoint, in evaluation mode.

        The weights stay mapped to their file where its format allows it, and are read as they are
        used; nothing is built twice.

        Args:
            where: A folder, a file, or a name on the Hugging Face hub.
            new_head: Initialise at random what the checkpoint lacks, or holds in another size, of
                the head; without it that is an error.
            dtype: Convert the weights; None keeps them as stored.
            device: Where the model goes.
            revision: Branch, tag or commit on the hub.
            cache_dir: Where the hub's files are kept.
            local_files_only: Do not go to the hub; take what is cached.
            token: For private checkpoints on the hub.
            **changes: Keys of the configuration to change, such as `causal=True`, `num_labels=3`.

        Raises:
            CheckpointError: nothing readable there, or it does not fit this model; what is missing,
                left over or of another shape is listed.
            ConfigError: a wrong value in the configuration or the changes.

        Warns:
            UserWarning: lists the head's weights that were left out or newly initialised.
        """
        found = checkpoints.read_checkpoint(
            where,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
        )
        config = found.config.replace(**changes) if changes else found.config
        with torch.device("meta"):
            model = cls(config)
        checkpoints.fill_model(model, found, dtype=dtype, new_head=new_head)
        return model.to(device).eval()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors`, in the layout that transformers reads.

        Each file appears under its name only once it is whole.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        tensors = self.published_state()
        if not self.has_head:
            tensors = formats.drop_encoder_prefix(tensors)
        checkpoints.save(folder, self.config, tensors, type(self).__name__)

    @property
    def has_head(self) -> bool:
        """Whether this is more than the bare encoder."""
        return self._encoder is not self

    @property
    def is_tied(self) -> bool:
        """Whether the word embeddings are the projection to words, too."""
        return False

    def published_state(self) -> dict[str, Tensor]:
        """Return the parameters as a model with a head names them, tied ones once."""
        state = formats.add_encoder_prefix(dict(self.state_dict()))
        if self.is_tied:
            del state[checkpoints.TIED_OUTPUT]
        return state

    def tie_weights(self) -> None:
        """Make weights that the configuration ties one tensor; nothing to do without an output."""

    @torch.no_grad()
    def initialize(self, names: Iterable[str]) -> None:
        """Give new parameters their first values, with the reference's distributions."""
        for name in names:
            owner, _, leaf = name.rpartition(".")
            module = self.get_submodule(owner)
            value: Tensor = getattr(module, leaf)
            if leaf == "bias":
                value.zero_()
            elif isinstance(module, nn.LayerNorm):
                value.fill_(1.0)
            elif isinstance(module, nn.Embedding):
                value.normal_(std=self.config.embed_init_std)
                if module.padding_idx is not None:
                    value[module.padding_idx].zero_()
            else:
                value.normal_(std=self.config.init_std)

    def _initialize_head(self) -> None:
        self.initialize(n for n, _ in self.named_parameters() if not n.startswith("transformer."))
        self.tie_weights()

    def gradient_checkpointing_enable(self) -> None:
        """Recompute each layer in the backward pass: less memory, more time."""
        self._encoder.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        """Keep each layer's activations for the backward pass."""
        self._encoder.gradient_checkpointing = False

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the word embeddings."""
        return self._encoder.embeddings

    def resize_token_embeddings(self, vocab_size: int) -> nn.Embedding:
        """Cut or extend the vocabulary; old rows keep their values, new ones are random.

        Args:
            vocab_size: Number of words from now on.

        Returns:
            The new word embeddings.

        Raises:
            ConfigError: the padding id or an adaptive softmax's cutoffs lie beyond the new size.
        """
        self._set_config(self.config.replace(vocab_size=vocab_size))
        old = self._encoder.embeddings
        new = nn.Embedding(
            vocab_size,
            old.embedding_dim,
            padding_idx=old.padding_idx,
            dtype=old.weight.dtype,
            device=old.weight.device,
        )
        nn.init.normal_(new.weight, std=self.config.embed_init_std)
        with torch.no_grad():
            rows = min(vocab_size, old.num_embeddings)
            new.weight[:rows] = old.weight[:rows]
        self._encoder.embeddings = new
        return new

    def prune_heads(self, heads: dict[int, list[int]]) -> None:
        """Remove attention heads for good; they are recorded in the configuration.

        Args:
            heads: For each layer, the heads to remove, numbered from 0 as they were before any
                was pruned.

        Raises:
            ConfigError: a layer or head that does not exist, or a layer left without heads.
        """
        before = self.config.pruned_heads or {}
        pruned = {
            layer: sorted({*before.get(layer, ()), *heads.get(layer, ())})
            for layer in {*before, *heads}
        }
        self._set_config(self.config.replace(pruned_heads=pruned))
        for layer in heads:
            left = [h for h in range(self.config.n_heads) if h not in before.get(layer, ())]
            kept = [at for at, head in enumerate(left) if head not in pruned[layer]]
            self._encoder.attention(layer).keep_heads(kept)

    def _set_config(self, config: XLMConfig) -> None:
        self.config = config
        self._encoder.config = config
