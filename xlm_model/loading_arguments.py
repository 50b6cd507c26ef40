"""What other libraries' `from_pretrained` takes: turned into our words, or refused with advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from xlm_model.config import XLMConfig

# Arguments that change nothing here, whatever their value: weights are mapped and nothing is built
# twice, no code of a checkpoint is ever run, and a pickle is read as plain data.
WITHOUT_EFFECT = frozenset(
    {
        *("low_cpu_mem_usage", "trust_remote_code", "code_revision", "use_safetensors"),
        *("weights_only", "adapter_kwargs", "_from_auto", "_fast_init", "_commit_hash"),
    }
)
# Arguments that ask for something else, and what does it here.
INSTEAD = {
    "quantization_config": "load the model, then torchao's `quantize_(model, …)`",
    "load_in_8bit": "load the model, then torchao's `quantize_(model, …)`",
    "load_in_4bit": "load the model, then torchao's `quantize_(model, …)`",
    "max_memory": "load the model, then accelerate's `dispatch_model`",
    "offload_folder": "load the model, then accelerate's `disk_offload`",
    "offload_state_dict": "leave it out: weights stay mapped to their file",
    "variant": "give the file itself in place of the folder",
    "from_tf": "leave it out: a folder's `tf_model.h5` is found",
    "from_flax": "a checkpoint of PyTorch or TensorFlow",
    "gguf_file": "a checkpoint of PyTorch or TensorFlow",
    "tp_plan": "load the model, then PyTorch's `fully_shard`",
    "proxies": "the environment's HTTPS_PROXY",
}
ATTENTION = (None, "sdpa", "eager")


def read_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """Return the type that weights are converted to; None and "auto" keep them as stored.

    Raises:
        ValueError: no floating-point type of that name.
    """
    if dtype is None or dtype == "auto":
        return None
    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise ValueError(
            f"dtype is {dtype!r}: expected 'auto', or a floating-point type such as 'bfloat16'"
        )
    return found


def read_device(device: Any, device_map: Any) -> torch.device:
    """Return the one device that a model goes to.

    Args:
        device: Ours; None: the CPU, unless the other says more.
        device_map: Also one device, or a map of "" to it, or "auto" for the accelerator if there
            is one.

    Raises:
        ValueError: both are given, or the model would be split.
    """
    if device is not None and device_map is not None:
        raise ValueError("got both device and device_map: expected one of them")
    found = device if device_map is None else device_map
    if isinstance(found, Mapping):
        if set(found) != {""}:
            raise ValueError(
                f"device_map has {len(found)} entries: expected one device for the whole model; to "
                "split it, load it and use accelerate's `dispatch_model`"
            )
        found = found[""]
    if found in ("auto", "balanced", "balanced_low_0", "sequential"):
        found = (
            torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        )
    if found is None:
        return torch.device("cpu")
    try:
        return torch.device(found)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device is {found!r}: expected one such as 'cpu' or 'cuda:0', or 'auto'"
        ) from error


def read_config(config: Any, config_class: type[XLMConfig] = XLMConfig) -> XLMConfig | None:
    """Return the configuration that is given in place of the checkpoint's, as one of ours.

    Args:
        config: One of ours, its folder or file, a dictionary, or another library's with `to_dict`.
        config_class: The model's.

    Raises:
        ConfigError: a wrong value in it.
        ValueError: none of these.
    """
    if config is None or isinstance(config, XLMConfig):
        return config
    if isinstance(config, str) or hasattr(config, "__fspath__"):
        return config_class.from_pretrained(config)
    values = config if isinstance(config, Mapping) else getattr(config, "to_dict", dict)()
    if not values:
        raise ValueError(
            f"config is a {type(config).__name__}: expected an {config_class.__name__}, or a folder"
        )
    return config_class(**values)


def check_attention(implementation: str | None) -> None:
    """Raise a `ValueError` if an implementation of attention is asked for that is not here."""
    if implementation not in ATTENTION:
        raise ValueError(
            f"attn_implementation is {implementation!r}: expected 'sdpa', or to be left out: "
            "attention goes through PyTorch's fused kernels, flash attention among them where the "
            "device and type have it"
        )


def rest_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are left to change the configuration.

    Raises:
        ValueError: one asks for what is done in another way here; the message says how.
    """
    for name, instead in INSTEAD.items():
        if options.get(name):
            raise ValueError(f"{name} is not supported: {instead}")
    return {k: v for k, v in options.items() if k not in WITHOUT_EFFECT and k not in INSTEAD}
