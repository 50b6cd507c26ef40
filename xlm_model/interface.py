"""What tools that train, adapt and place models ask of one, by the names of transformers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from xlm_model.config import XLMConfig


class ToolInterface(nn.Module):
    """Facts about a model, and switches, that do not depend on what it computes.

    Args:
        config: Its settings.
    """

    config_class: ClassVar[type[XLMConfig]] = XLMConfig
    base_model_prefix: ClassVar[str] = "transformer"
    main_input_name: ClassVar[str] = "input_ids"
    input_modalities: ClassVar[str] = "text"
    output_modalities: ClassVar[tuple[str, ...]] = ("text",)
    supports_gradient_checkpointing: ClassVar[bool] = True
    # Whether `forward` takes `num_items_in_batch`, so that trainers need not scale the loss.
    accepts_loss_kwargs: ClassVar[bool] = False

    # Modules that are placed and sharded as a whole.
    _no_split_modules: ClassVar[list[str]] = ["MultiHeadAttention", "FeedForward"]
    # What may be missing in a checkpoint, as `tie_weights` restores it; trainers ask.
    _keys_to_ignore_on_save: ClassVar[list[str] | None] = None

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        self.gradient_checkpointing_kwargs: dict[str, Any] = {}
        # One of so many layers is checkpointed.
        self.checkpointed_layers = 1
        self._input_hook: Any = None

    @property
    def device(self) -> torch.device:
        """Where the model is; that of its first parameter."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights; that of the first parameter."""
        return next(p.dtype for p in self.parameters() if p.is_floating_point())

    @property
    def name_or_path(self) -> str:
        """Where the model was loaded from; empty if nowhere."""
        return self.config.name_or_path

    @property
    def base_model(self) -> Any:
        """The encoder, which is the model itself if it has no head."""
        return getattr(self, self.base_model_prefix, self)

    @property
    def dummy_inputs(self) -> dict[str, Tensor]:
        """A small batch that `forward` takes, but for the choices of `XLMForMultipleChoice`."""
        ids = torch.arange(16, device=self.device).view(2, 8) % self.config.vocab_size
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def num_parameters(self, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
        """Count the parameters, tied ones once.

        Args:
            only_trainable: Leave out those that are frozen.
            exclude_embeddings: Leave out all tables of embeddings.
        """
        tables = {id(m.weight) for m in self.modules() if isinstance(m, nn.Embedding)}
        return sum(
            parameter.numel()
            for parameter in self.parameters()
            if (parameter.requires_grad or not only_trainable)
            and not (exclude_embeddings and id(parameter) in tables)
        )

    def get_memory_footprint(self, return_buffers: bool = True) -> int:
        """Return the bytes that the weights take.

        Args:
            return_buffers: Count the buffers, too.
        """
        tensors: list[Tensor] = [*self.parameters(), *(self.buffers() if return_buffers else ())]
        return sum(tensor.nbytes for tensor in tensors)

    def can_generate(self) -> bool:
        """Whether the model has `generate`."""
        return hasattr(self, "generate")

    # Switches -----------------------------------------------------------------------------------

    def gradient_checkpointing_enable(
        self,
        gradient_checkpointing_kwargs: Mapping[str, Any] | None = None,
        every_n_layers: int = 1,
        offload: bool = False,
    ) -> None:
        """Recompute layers in the backward pass: less memory, more time.

        Args:
            gradient_checkpointing_kwargs: Arguments of `torch.utils.checkpoint.checkpoint`;
                `use_reentrant` is False unless they say otherwise.
            every_n_layers: Recompute one of so many layers, from the first on.
            offload: Must be False.

        Raises:
            ValueError: a wrong argument.
        """
        if every_n_layers < 1:
            raise ValueError(f"every_n_layers is {every_n_layers}: expected at least 1")
        if offload:
            raise ValueError(
                "offload is True: expected False; `torch.autograd.graph.save_on_cpu` around the "
                "forward pass keeps activations in the CPU's memory"
            )
        self.base_model.gradient_checkpointing = True
        self.base_model.gradient_checkpointing_kwargs = dict(gradient_checkpointing_kwargs or {})
        self.base_model.checkpointed_layers = every_n_layers

    def gradient_checkpointing_disable(self) -> None:
        """Keep each layer's activations for the backward pass."""
        self.base_model.gradient_checkpointing = False

    def activation_checkpointing_enable(
        self,
        activation_checkpointing_kwargs: Mapping[str, Any] | None = None,
        every_n_layers: int = 1,
        offload: bool = False,
    ) -> None:
        """Do as `gradient_checkpointing_enable`; transformers 5 has both names."""
        self.gradient_checkpointing_enable(
            activation_checkpointing_kwargs, every_n_layers=every_n_layers, offload=offload
        )

    def activation_checkpointing_disable(self) -> None:
        """Do as `gradient_checkpointing_disable`."""
        self.gradient_checkpointing_disable()

    @property
    def is_gradient_checkpointing(self) -> bool:
        """Whether layers are recomputed in the backward pass."""
        return bool(self.base_model.gradient_checkpointing)

    def enable_input_require_grads(self) -> None:
        """Let the word embeddings' output have a gradient, though they may be frozen.

        Adapters need it together with gradient checkpointing with `use_reentrant=True`.
        """
        if self._input_hook is None:
            self._input_hook = self.get_input_embeddings().register_forward_hook(_require_gradient)

    def disable_input_require_grads(self) -> None:
        """Take back `enable_input_require_grads`."""
        if self._input_hook is not None:
            self._input_hook.remove()
            self._input_hook = None

    # Embeddings ---------------------------------------------------------------------------------

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the word embeddings."""
        return self.base_model.embeddings  # type: ignore[no-any-return]

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the word embeddings; what they were tied to stays, and is saved on its own."""
        self.base_model.embeddings = value

    def get_output_embeddings(self) -> nn.Module | None:
        """Return the projection to the words, if the model has one."""
        return None

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace the projection to the words.

        Raises:
            AttributeError: the model has none.
        """
        raise AttributeError(f"{type(self).__name__} has no projection to the words")

    def get_position_embeddings(self) -> nn.Module:
        """Return the position embeddings."""
        return self.base_model.position_embeddings  # type: ignore[no-any-return]

    # First values -------------------------------------------------------------------------------

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
                value.normal_(std=self.config.embedding_std)
                if module.padding_idx is not None:
                    value[module.padding_idx].zero_()
            else:
                value.normal_(std=self.config.init_std)


def _require_gradient(module: nn.Module, inputs: Any, output: Tensor) -> None:
    output.requires_grad_(True)
