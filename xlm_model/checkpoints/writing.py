"""Writing a model as a folder in the published layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
from safetensors import SafetensorError

from xlm_model.checkpoints.formats import Tensors
from xlm_model.checkpoints.reading import WEIGHTS
from xlm_model.config import XLMConfig
from xlm_model.errors import CheckpointError
from xlm_text.files.folders import MODEL_CONFIG_FILE, whole_file


def save(folder: str | Path, config: XLMConfig, tensors: Tensors, architecture: str) -> None:
    """Write `config.json` and `model.safetensors`, each under its name only once it is whole.

    Args:
        folder: Made if it is not there.
        config: The model's.
        tensors: Its weights, all PyTorch's tensors or all NumPy arrays, under their published
            names.
        architecture: Name of the PyTorch model that the folder is for.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    values: dict[str, Any] = {**config.to_diff_dict(), "architectures": [architecture]}
    values.pop("torch_dtype", None)
    values["dtype"] = dtypes.pop() if len(dtypes) == 1 else "float32"
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            whole_file(folder / MODEL_CONFIG_FILE) as text,
            whole_file(folder / WEIGHTS[0]) as binary,
        ):
            write_json(text, values)
            _write_tensors(binary, tensors)
            # safetensors makes a file that only its owner can read.
            binary.chmod(text.stat().st_mode)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: cannot be written: {error}") from error


def _write_tensors(file: Path, tensors: Tensors) -> None:
    metadata = {"format": "pt"}
    if all(isinstance(tensor, numpy.ndarray) for tensor in tensors.values()):
        from safetensors import numpy as arrays

        arrays.save_file(tensors, file, metadata)
        return
    from safetensors import torch as pytorch

    tensors = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    pytorch.save_file(tensors, file, metadata)


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write a JSON file as the published ones are: indented, in UTF-8."""
    file.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
