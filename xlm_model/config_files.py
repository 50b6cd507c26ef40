"""Where a checkpoint's `config.json` lies, and what stands in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm_model.errors import ConfigError
from xlm_text.files.folders import MODEL_CONFIG_FILE, NotFoundError, download, local_path

# Arguments that say which version of a checkpoint on the hub, and where it is kept.
HUB_OPTIONS = ("revision", "cache_dir", "local_files_only", "force_download", "token")


def find_config(where: str | Path, subfolder: str, hub: Mapping[str, Any]) -> Path:
    """Return where a configuration lies, fetching it from the hub if it is not here."""
    try:
        path = local_path(where)
        if path is None:
            name = str(Path(subfolder) / MODEL_CONFIG_FILE)
            path = download(str(where), [name], hub)
    except NotFoundError as error:
        raise ConfigError(
            f"{str(where)!r}: neither a file nor a folder, nor to be had from the hub: {error}"
        ) from error
    return path / subfolder / MODEL_CONFIG_FILE if path.is_dir() else path


def read_keys(path: str | Path) -> dict[str, Any]:
    """Return what a `config.json` holds, unchecked.

    Raises:
        ConfigError: not a JSON object in UTF-8; the message names the file.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: expected a configuration in JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected a JSON object, not a {type(values).__name__}")
    return values
