"""The published names of tensors, and reading safetensors and TensorFlow's `tf_model.h5`.

Nothing here needs PyTorch: a file is read into its tensors, or into NumPy arrays. What PyTorch
pickled is read in `pickles`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

from xlm_model.errors import CheckpointError
from xlm_model.names import XLM, Names

# What tensors are read into, as safetensors calls them: PyTorch's tensors, or NumPy arrays.
Framework = Literal["pt", "np"]
# Tensors of either, by name.
Tensors = dict[str, Any]

ENCODER = XLM.encoder
# The projection to words, and the word embeddings that it may be tied to, by a model's own names.
PROJECTION, EMBEDDINGS = XLM.projection, XLM.words

# What a tool puts into the names of the weights of a model that it wraps, and the tool.
WRAPPERS = {
    "base_model.model.": "PEFT",
    "module.": "DataParallel, DistributedDataParallel",
    "_orig_mod.": "torch.compile",
    "_fsdp_wrapped_module.": "FullyShardedDataParallel",
    "_checkpoint_wrapped_module.": "PyTorch's checkpoint_wrapper",
}

# A TensorFlow variable's last name, and the published one; a kernel is stored transposed.
TENSORFLOW_LEAVES = {
    "kernel": "weight",
    "gamma": "weight",
    "embeddings": "weight",
    "weight": "weight",
    "beta": "bias",
    "bias": "bias",
}


def add_encoder_prefix(
    tensors: Tensors, prefix: str = XLM.encoder, beside: tuple[str, ...] = XLM.beside
) -> Tensors:
    """Return names as a model with a head has them: the encoder's under `transformer.`.

    `drop_encoder_prefix` is the way back. A bare encoder's checkpoint and the original
    implementation's have no prefix; `pred_layer` is the only head that the latter knows.

    Args:
        tensors: By name.
        prefix: Another family's.
        beside: What begins so is no part of the encoder.
    """
    if any(name.startswith(prefix) for name in tensors):
        return tensors
    return {
        name if name.startswith(beside) else prefix + name: tensor
        for name, tensor in tensors.items()
    }


def published(tensors: Tensors, names: Names) -> Tensors:
    """Return a model's own weights under their published names in a model with a head."""
    full = add_encoder_prefix(tensors, beside=names.beside)
    return {names.published(name): tensor for name, tensor in full.items()}


def read_names(tensors: Tensors, names: Names, *, is_tied: bool) -> Tensors:
    """Return the weights of a checkpoint under their published names in a model with a head.

    Args:
        tensors: By the names that a file has, or a model's own.
        names: The family's.
        is_tied: Whether the configuration ties the projection to the word embeddings.
    """
    if any(name.startswith((XLM.encoder, "layer_norm_emb.")) for name in tensors):
        tensors = published(tensors, names)  # a model's own, with a head or without
    tensors = add_encoder_prefix(tensors, names.encoder, names.beside_in_files)
    tensors = {name: tensor for name, tensor in tensors.items() if name not in names.ignored}
    for double, name in names.doubles.items():
        if double in tensors:
            value = tensors.pop(double)
            if not is_tied or name not in tensors:
                tensors[name] = value
    return tensors


def without_wrappers(tensors: Tensors, where: Path | str) -> Tensors:
    """Return names without what a wrapper put into them, such as DistributedDataParallel.

    Args:
        tensors: By name.
        where: The checkpoint, for the messages.

    Raises:
        CheckpointError: among them are an adapter's weights that are not merged.

    Warns:
        UserWarning: says which wrapper's names were found.
    """
    names = {name: name for name in tensors}
    found: dict[str, str] = {}
    for name in tensors:
        if "lora_" in name or ".base_layer." in name:
            raise CheckpointError(
                f"{where}: {name} belongs to an adapter that is not merged: expected a model's "
                "weights alone; load it with peft, or call its `merge_and_unload()` and save again"
            )
        short = name
        for wrapper, owner in WRAPPERS.items():
            if f".{wrapper}" in f".{short}":
                found[wrapper] = owner
                short = f".{short}".replace(f".{wrapper}", ".").removeprefix(".")
        names[name] = short
    if not found:
        return tensors
    told = ", ".join(f"{wrapper!r} ({owner})" for wrapper, owner in found.items())
    warnings.warn(f"{where}: its names have {told}, read without", stacklevel=2)
    return {names[name]: tensor for name, tensor in tensors.items()}


def drop_encoder_prefix(tensors: Tensors, prefix: str = XLM.encoder) -> Tensors:
    """Return names as the bare encoder has them."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def read_safetensors(files: Iterable[Path], framework: Framework = "pt") -> Tensors:
    """Read safetensors files; PyTorch's tensors are mapped to them.

    Raises:
        CheckpointError: truncated, corrupt, or written by another framework's layout.
    """
    tensors: Tensors = {}
    for file in files:
        try:
            with safe_open(file, framework=framework) as opened:
                layout = (opened.metadata() or {}).get("format", "pt")
                if layout not in ("pt", "pytorch"):
                    raise CheckpointError(
                        f"{file}: its tensors are in the layout of '{layout}': expected 'pt'"
                    )
                tensors.update({name: opened.get_tensor(name) for name in opened.keys()})  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise unreadable(file, "a safetensors file", error) from error
    return tensors


def read_tensorflow(file: Path) -> Tensors:
    """Read a `tf_model.h5` that the TFXLM classes wrote into NumPy arrays.

    Raises:
        CheckpointError: corrupt or in another layout, or h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise CheckpointError(f"{file}: h5py is needed to read it: pip install h5py") from error
    tensors: Tensors = {}
    try:
        with h5py.File(file, "r") as opened:
            for layer in opened.attrs["layer_names"]:
                group = opened[layer]
                for weight in group.attrs["weight_names"]:
                    variable = weight if isinstance(weight, str) else weight.decode()
                    name, is_kernel = tensorflow_name(variable)
                    if name in tensors:  # the embeddings are stored once more for their tie
                        continue
                    value = group[weight][()]
                    tensors[name] = value.T.copy() if is_kernel else value
    except Exception as error:  # what a damaged file raises depends on the byte
        raise unreadable(file, "a tf_model.h5 as the TFXLM classes wrote it", error) from error
    return tensors


def tensorflow_name(variable: str) -> tuple[str, bool]:
    """Return a variable's published name, and whether it is stored transposed.

    Example:
        >>> tensorflow_name("tfxlm_model/transformer/attentions_._0/q_lin/kernel:0")
        ('transformer.attentions.0.q_lin.weight', True)
    """
    *path, leaf = variable.removesuffix(":0").replace("_._", "/").split("/")[1:]
    if leaf not in TENSORFLOW_LEAVES:
        raise KeyError(f"unknown variable {variable}")
    return ".".join([*path, TENSORFLOW_LEAVES[leaf]]), leaf == "kernel"


def shard_names(index: Path) -> list[str]:
    """Return the names of the files that an index names.

    Raises:
        CheckpointError: not an index, or a file outside its folder.
    """
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(index, "an index of shards", error) from error
    for name in map(str, names):
        if Path(name).name != name:
            raise CheckpointError(
                f"{index}: names the file {name!r}: expected one beside the index"
            )
    return sorted(map(str, names))


def shard_files(index: Path) -> list[Path]:
    """Return the files that an index names.

    Raises:
        CheckpointError: as `shard_names`, or a file is missing.
    """
    files = [index.parent / name for name in shard_names(index)]
    for file in files:
        if not file.is_file():
            raise CheckpointError(f"{index}: names the file {file.name!r}: expected it beside it")
    return files


def unreadable(file: Path, expected: str, error: Exception) -> CheckpointError:
    """Return the error of a file that is not what it should be."""
    first_line = str(error).partition("\n")[0]
    return CheckpointError(
        f"{file}: expected {expected}, whole and uncorrupted: {type(error).__name__}: {first_line}"
    )
