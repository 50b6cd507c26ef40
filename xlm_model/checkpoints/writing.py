"""Writing a model as a folder in the published layout."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy
from safetensors import SafetensorError

from xlm_model.checkpoints.formats import Tensors
from xlm_model.checkpoints.reading import WEIGHTS
from xlm_model.config import XLMConfig
from xlm_model.errors import CheckpointError
from xlm_text.files.folders import MODEL_CONFIG_FILE, whole_file

# Above this the weights are written in several files, as transformers does.
MAX_SHARD_SIZE = "50GB"
INDEX_FILE = "model.safetensors.index.json"


def save(
    folder: str | Path,
    config: XLMConfig,
    tensors: Tensors,
    architecture: str,
    max_shard_size: int | str = MAX_SHARD_SIZE,
) -> None:
    """Write `config.json` and `model.safetensors`, each under its name only once all are whole.

    Weights that a former call left in the folder in other files, of the same format, go.

    Args:
        folder: Made if it is not there.
        config: The model's.
        tensors: Its weights, all PyTorch's tensors or all NumPy arrays, under their published
            names.
        architecture: Name of the PyTorch model that the folder is for.
        max_shard_size: Write several files, and an index, where PyTorch's tensors take more.

    Raises:
        CheckpointError: the folder cannot be written.
        ValueError: a size that is none.
    """
    shards, index = _shards(tensors, max_shard_size)
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    values: dict[str, Any] = {**config.to_diff_dict(), "architectures": [architecture]}
    values.pop("torch_dtype", None)
    values["dtype"] = dtypes.pop() if len(dtypes) == 1 else "float32"
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            text = files.enter_context(whole_file(folder / MODEL_CONFIG_FILE))
            write_json(text, values)
            if index is not None:
                write_json(files.enter_context(whole_file(folder / INDEX_FILE)), index)
            for name, names in shards.items():
                binary = files.enter_context(whole_file(folder / name))
                _write_tensors(binary, {key: tensors[key] for key in names})
                # safetensors makes a file that only its owner can read.
                binary.chmod(text.stat().st_mode)
        _remove_others(folder, {*shards, INDEX_FILE} if index is not None else {*shards})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: cannot be written: {error}") from error


def _shards(
    tensors: Tensors, max_size: int | str
) -> tuple[dict[str, list[str]], dict[str, Any] | None]:
    """Return which file holds which tensors, and the index if there are several files."""
    if all(isinstance(tensor, numpy.ndarray) for tensor in tensors.values()):
        return {WEIGHTS[0]: list(tensors)}, None
    from huggingface_hub import split_torch_state_dict_into_shards

    try:
        split = split_torch_state_dict_into_shards(tensors, max_shard_size=max_size)
    except ValueError as error:
        raise ValueError(
            f"max_shard_size is {max_size!r}: expected bytes, or a size such as '5GB'"
        ) from error
    if not split.is_sharded:
        return {WEIGHTS[0]: list(tensors)}, None
    index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
    return split.filename_to_tensors, index


def _remove_others(folder: Path, kept: set[str]) -> None:
    """Remove the weights that were here before, or readers would take them for the new ones."""
    for file in folder.glob("model*"):
        is_ours = re.fullmatch(r"model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?", file.name)
        if is_ours and file.name not in kept:
            file.unlink()


def _write_tensors(file: Path, tensors: Tensors) -> None:
    metadata = {"format": "pt"}
    if all(isinstance(tensor, numpy.ndarray) for tensor in tensors.values()):
        from safetensors import numpy as arrays

        arrays.save_file(tensors, file, metadata)
        return
    from safetensors import torch as pytorch

    written = {}
    seen = set()
    for name, tensor in tensors.items():
        value = tensor.detach().contiguous()
        # The format has no tensors that share: whatever else a user tied is written twice.
        written[name] = value.clone() if value.data_ptr() in seen else value
        seen.add(value.data_ptr())
    pytorch.save_file(written, file, metadata)


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write a JSON file as the published ones are: indented, in UTF-8."""
    file.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
