"""Finding a checkpoint, and reading it whatever its format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from xlm_model.checkpoints import formats
from xlm_model.checkpoints.formats import Framework, Tensors
from xlm_model.config import XLMConfig
from xlm_model.errors import CheckpointError, ConfigError
from xlm_model.families import read_config
from xlm_text.files.folders import (
    MERGES_FILE,
    MODEL_CONFIG_FILE,
    SPECIAL_TOKENS_FILE,
    TOKENIZER_CONFIG_FILE,
    VOCAB_FILE,
    NotFoundError,
    download,
    local_path,
)

# The weights that a folder may hold; the first that is there is read.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tf_model.h5",
)
# Beside the weights of an adapter that PEFT saved.
ADAPTER_CONFIG_FILE = "adapter_config.json"
# What a published folder holds beside the model.
TOKENIZER_FILES = (VOCAB_FILE, MERGES_FILE, TOKENIZER_CONFIG_FILE, SPECIAL_TOKENS_FILE)


@dataclass
class LoadedCheckpoint:
    """What a checkpoint holds, whatever its format.

    Attributes:
        path: The file of the weights, or the index of its shards.
        config: Its configuration.
        tensors: Its weights, PyTorch's tensors or NumPy arrays, under the published names of a
            model with a head (for XLM, `transformer.` first).
        vocab: From piece to id, where the weights' own file holds it (the original format).
    """

    path: Path
    config: XLMConfig
    tensors: Tensors
    vocab: dict[str, int] | None = None


def check_type(found: LoadedCheckpoint, config_class: type[XLMConfig]) -> None:
    """Raise a `ConfigError` for a checkpoint of another type than the model's."""
    if found.config.model_type != config_class.model_type:
        raise ConfigError(
            f"{found.path}: its model_type is {found.config.model_type!r}: expected "
            f"{config_class.model_type!r}; AutoModel and its kin load any type that is known"
        )


def read_checkpoint(
    where: str | Path,
    framework: Framework = "pt",
    *,
    subfolder: str = "",
    config: XLMConfig | None = None,
    default: type[XLMConfig] = XLMConfig,
    **hub: Any,
) -> LoadedCheckpoint:
    """Read a checkpoint in any format.

    Args:
        where: A folder, a file of weights, or a name on the Hugging Face hub.
        framework: `"pt"` for PyTorch's tensors, mapped to the file where its format allows it;
            `"np"` for NumPy arrays, which need PyTorch only for its own files (`.bin`, `.pth`).
        subfolder: Of the folder or the hub's repository.
        config: In place of the one beside the weights.
        default: The class of a configuration that does not say its type.
        **hub: Arguments of `huggingface_hub.snapshot_download`, such as `revision`.

    Raises:
        CheckpointError: nothing there, or nothing readable; the message names the file.
        ConfigError: a wrong value in the configuration.
    """
    path = find_weights(where, hub, subfolder)
    if path.suffix == ".pth":
        original = _pickles(path).read_original(path)
        try:
            config = config or XLMConfig(**original.config)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        tensors = _from_torch(original.tensors, framework)
        return LoadedCheckpoint(path, config, tensors, original.vocab)
    config_file = path.parent / MODEL_CONFIG_FILE
    if config is None:
        if not config_file.is_file():
            raise CheckpointError(f"{path}: expected {MODEL_CONFIG_FILE} beside it")
        config = read_config(config_file, default)
    tensors = formats.without_wrappers(_read_tensors(path, framework), path)
    tensors = formats.read_names(tensors, config.names, is_tied=config.tie_word_embeddings)
    return LoadedCheckpoint(path, config, tensors)


def _read_tensors(path: Path, framework: Framework) -> Tensors:
    files = formats.shard_files(path) if path.name.endswith(".index.json") else [path]
    kind = files[0].suffix if files else ""
    if kind == ".safetensors":
        return formats.read_safetensors(files, framework)
    if kind == ".h5":
        return _from_numpy(formats.read_tensorflow(path), framework)
    if kind in (".bin", ".pt"):
        return _from_torch(_pickles(path).read_pickles(files), framework)
    raise CheckpointError(
        f"{path}: expected a file ending in .safetensors, .bin, .h5 or .pth, or an index of shards"
    )


def _pickles(path: Path) -> ModuleType:
    """Return what reads PyTorch's own files: only they need PyTorch, whoever loads them."""
    try:
        from xlm_model.checkpoints import pickles
    except ImportError as error:
        raise CheckpointError(
            f"{path}: PyTorch is needed to read it: in a clone of this project: "
            "pip install '.[model]'; or use `xlm-model convert` where PyTorch is installed"
        ) from error
    return pickles


def _from_torch(tensors: Tensors, framework: Framework) -> Tensors:
    if framework == "pt":
        return tensors
    # NumPy itself has no bfloat16.
    wide = {n: t.float() if str(t.dtype) == "torch.bfloat16" else t for n, t in tensors.items()}
    return {name: tensor.detach().numpy() for name, tensor in wide.items()}


def _from_numpy(arrays: Tensors, framework: Framework) -> Tensors:
    if framework == "np":
        return arrays
    import torch

    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def find_weights(where: str | Path, hub: Mapping[str, Any], subfolder: str = "") -> Path:
    """Return the file of a checkpoint's weights, or the index of its shards.

    Args:
        where: A folder, the file itself, or a name on the hub.
        hub: Arguments of `huggingface_hub.snapshot_download`.
        subfolder: Of the folder or the repository.

    Raises:
        CheckpointError: nothing there.
    """
    try:
        path = local_path(where)
        if path is None:
            return _download(str(where), hub, subfolder)
        return _weights_at(path / subfolder if subfolder else path)
    except NotFoundError as error:
        raise CheckpointError(
            f"{str(where)!r}: neither a file nor a folder, nor to be had from the hub: {error}"
        ) from error


def _weights_at(path: Path) -> Path:
    """Return the weights' file of a folder, or the file itself."""
    if not path.exists():
        raise NotFoundError(f"no such file or folder: {path}")
    if not path.is_dir():
        return path
    found = [path / name for name in WEIGHTS if (path / name).is_file()]
    found = found or sorted(path.glob("*.pth"))
    if not found and (path / ADAPTER_CONFIG_FILE).is_file():
        raise CheckpointError(
            f"{path}: holds an adapter of PEFT alone: expected a model; load the model that it was "
            "trained on, and then `peft.PeftModel.from_pretrained(model, folder)`"
        )
    if not found:
        raise CheckpointError(
            f"{path}: no weights in this folder: expected {', '.join(WEIGHTS)}, or a .pth file"
        )
    return found[0]


def _download(name: str, hub: Mapping[str, Any], subfolder: str = "") -> Path:
    """Return the local copy of a hub checkpoint's weights, fetching what is not cached."""
    inside = f"{subfolder}/" if subfolder else ""
    first = [MODEL_CONFIG_FILE, *TOKENIZER_FILES, "*.index.json"]
    snapshot = download(name, [inside + file for file in first], hub)
    pinned = {**hub, "revision": snapshot.name}  # the commit: all files are of one version
    folder = snapshot / subfolder
    for weights in WEIGHTS:
        is_index = weights.endswith(".index.json") and (folder / weights).is_file()
        files = formats.shard_names(folder / weights) if is_index else [weights]
        download(name, [inside + file for file in files], pinned)
        if (folder / weights).is_file():
            return folder / weights
    raise CheckpointError(f"{name!r}: the hub has none of {', '.join(WEIGHTS)} under that name")


def is_named_causal(where: str | Path) -> bool:
    """Tell whether a checkpoint's name says that it was trained as a causal language model.

    The published CLM checkpoints' configurations lack `causal: true`; their names are all there is
    to go by.

    Example:
        >>> is_named_causal("FacebookAI/xlm-clm-enfr-1024"), is_named_causal("xlm-mlm-en-2048")
        (True, False)
    """
    return "clm" in re.split(r"\W|_", Path(where).name.lower())
