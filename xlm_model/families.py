"""The types of models that are known, by the `model_type` of their configurations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm_model.config import XLMConfig
from xlm_model.config_files import read_keys
from xlm_model.errors import ConfigError
from xlm_model.flaubert.config import FlaubertConfig
from xlm_model.roberta.config import XLMRobertaConfig

CONFIGS: dict[str, type[XLMConfig]] = {
    config.model_type: config for config in (XLMConfig, XLMRobertaConfig, FlaubertConfig)
}


def config_class(
    values: Mapping[str, Any], default: type[XLMConfig] = XLMConfig
) -> type[XLMConfig]:
    """Return the class that reads the keys of a `config.json`.

    Args:
        values: The keys.
        default: The class where they do not say what they are for, as in old files.

    Raises:
        ConfigError: of another type; the message lists those that are known.

    Example:
        >>> config_class({"model_type": "flaubert"}).__name__
        'FlaubertConfig'
    """
    model_type = values.get("model_type")
    if model_type is None:
        return default
    if model_type not in CONFIGS:
        raise ConfigError(f"model_type is {model_type!r}: expected one of {', '.join(CONFIGS)}")
    return CONFIGS[model_type]


def read_config(path: str | Path, default: type[XLMConfig] = XLMConfig) -> XLMConfig:
    """Read a `config.json` of any type that is known.

    Args:
        path: The file.
        default: The class where it does not say what it is for.

    Raises:
        ConfigError: no JSON object in UTF-8, of another type, or a wrong value; the message names
            the file.
    """
    values = read_keys(path)
    try:
        return config_class(values, default)(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
