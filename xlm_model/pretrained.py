"""What all models share beside the forward pass: loading, saving, and first values."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from xlm_model.checkpoints import formats
from xlm_model.checkpoints.matching import NEW_HEAD, check_fit, join_tied, match, shapes_of
from xlm_model.checkpoints.reading import read_checkpoint
from xlm_model.checkpoints.writing import save
from xlm_model.config import XLMConfig
from xlm_model.outputs import OUTPUTS

Model = TypeVar("Model", bound="XLMPreTrainedModel")

# Here, as what describes the outputs does without PyTorch.
for _output in OUTPUTS:
    # The name under which files of exported models have it.
    torch.export.register_dataclass(_output, serialized_type_name=f"xlm_model.{_output.__name__}")


class XLMPreTrainedModel(nn.Module):
    """A model that is loaded from checkpoints and saved as one.

    Args:
        config: Its settings.
    """

    # Whether this is more than the bare encoder; then the encoder is called `transformer`.
    has_head = False

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.config = config

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
        found = read_checkpoint(
            where,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
        )
        config = found.config.replace(**changes) if changes else found.config
        with torch.device("meta"):
            model = cls(config)
        join_tied(found.tensors, model.tied_weights, found.path)
        report = match(shapes_of(model.published_state()), shapes_of(found.tensors))
        check_fit(report, found.path, cls.__name__, new_head=new_head, advice=NEW_HEAD)
        model._fill(found.tensors, report.new, dtype)
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
        save(folder, self.config, tensors, type(self).__name__)

    @property
    def tied_weights(self) -> dict[str, str]:
        """From a published name to that of the parameter that it is tied to, and saved as."""
        return {}

    def published_state(self) -> dict[str, Tensor]:
        """Return the parameters as a model with a head names them, tied ones once."""
        state = formats.add_encoder_prefix(dict(self.state_dict()))
        return {name: tensor for name, tensor in state.items() if name not in self.tied_weights}

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

    def _fill(
        self, tensors: formats.Tensors, new: Iterable[str], dtype: torch.dtype | None
    ) -> None:
        """Put a checkpoint's tensors into this model, which was built without storage.

        Args:
            tensors: By published name. They are taken out one by one, so that a conversion never
                holds two copies of them all.
            new: Names of the parameters to initialise.
            dtype: Convert to this type; None keeps that of each tensor.
        """
        dtype_of_new = dtype or tensors[formats.EMBEDDINGS].dtype
        state = {}
        for name, parameter in self.published_state().items():
            if name in new:
                state[name] = torch.empty(parameter.shape, dtype=dtype_of_new)
            else:
                tensor = tensors.pop(name)
                state[name] = tensor if dtype is None else tensor.to(dtype)
        if not self.has_head:
            state = formats.drop_encoder_prefix(state)
        self.load_state_dict(state, assign=True, strict=False)
        self.tie_weights()
        self.initialize(new)
