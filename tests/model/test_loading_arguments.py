"""What `from_pretrained` takes, by our names and by transformers'."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from xlm_model import (
    CheckpointError,
    ConfigError,
    XLMConfig,
    XLMForSequenceClassification,
    XLMModel,
    XLMWithLMHeadModel,
)

from .helpers import IDS, TINY, reference


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    XLMWithLMHeadModel(XLMConfig(**TINY)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"dtype": "bfloat16"}, torch.bfloat16),
        ({"dtype": torch.float16}, torch.float16),
        ({"torch_dtype": "float16"}, torch.float16),
        ({"dtype": "auto"}, torch.float32),
        ({"dtype": None}, torch.float32),
        ({"dtype": "torch.float64"}, torch.float64),
    ],
)
def test_weights_are_converted_by_a_types_name(
    options: dict[str, Any], expected: torch.dtype, folder: Path
) -> None:
    model = XLMWithLMHeadModel.from_pretrained(folder, **options)
    assert model.dtype == expected
    if "torch.float64" not in options.values():  # a spelling that only we take
        theirs = transformers.XLMWithLMHeadModel.from_pretrained(folder, **options)
        assert theirs.dtype == expected


@pytest.mark.parametrize(
    "where",
    [{"device_map": "cpu"}, {"device_map": {"": "cpu"}}, {"device": "cpu"}, {"device_map": None}],
)
def test_one_device_is_taken_in_any_form(where: dict[str, Any], folder: Path) -> None:
    assert XLMModel.from_pretrained(folder, **where).device == torch.device("cpu")
    on_meta = XLMModel.from_pretrained(folder, device_map={"": "meta"})
    assert on_meta.device.type == "meta"


def test_auto_is_the_accelerator_if_there_is_one(folder: Path) -> None:
    expected = (
        torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
    )
    assert XLMModel.from_pretrained(folder, device_map="auto").device.type == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "dtype is 'int8': expected 'auto', or a floating-point type"),
        ({"dtype": "bf17"}, "dtype is 'bf17'"),
        ({"device_map": {"transformer": 0, "pred_layer": 1}}, "accelerate's `dispatch_model`"),
        ({"device_map": "gpu"}, "device is 'gpu': expected one such as 'cpu'"),
        ({"device": "cpu", "device_map": "cpu"}, "got both device and device_map"),
        (
            {"attn_implementation": "flash_attention_2"},
            "attn_implementation is 'flash_attention_2'",
        ),
        ({"load_in_8bit": True}, r"load_in_8bit is not supported: .*torchao's `quantize_"),
        ({"variant": "fp16"}, "variant is not supported: give the file itself"),
        ({"config": 5}, "config is a int: expected an XLMConfig"),
    ],
)
def test_what_is_not_supported_is_named_with_what_to_use(
    options: dict[str, Any], message: str, folder: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        XLMModel.from_pretrained(folder, **options)


def test_a_mistyped_argument_is_named_alone(folder: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        XLMModel.from_pretrained(folder, num_label=3)
    assert str(raised.value) == "no configuration key is called num_label: did you mean num_labels?"
    with pytest.raises(ConfigError) as raised:
        XLMModel.from_pretrained(folder, qwertz=3)
    assert str(raised.value) == "no configuration key is called qwertz"


def test_what_changes_nothing_is_taken(folder: Path) -> None:
    plain = XLMModel.from_pretrained(folder)
    model = XLMModel.from_pretrained(
        folder,
        low_cpu_mem_usage=True,
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation="eager",
        load_in_8bit=False,
        quantization_config=None,
        revision=None,
        token=None,
    )
    assert torch.equal(model(IDS).last_hidden_state, plain(IDS).last_hidden_state)


def test_a_configuration_takes_the_place_of_the_checkpoints(folder: Path, tmp_path: Path) -> None:
    mine = XLMConfig(**TINY, causal=True)
    mine.save_pretrained(tmp_path)
    expected = XLMWithLMHeadModel.from_pretrained(folder, causal=True)(IDS).logits
    theirs = transformers.XLMConfig(**TINY, causal=True)
    for config in (mine, tmp_path, str(tmp_path), theirs, mine.to_dict()):
        model = XLMWithLMHeadModel.from_pretrained(folder, config=config, dropout=0.5)
        assert torch.equal(model(IDS).logits, expected)
        assert model.config.dropout == 0.5
    assert mine.dropout == 0


def test_weights_take_the_place_of_the_checkpoints(folder: Path) -> None:
    model = XLMWithLMHeadModel(XLMConfig(**TINY)).eval()
    for arguments in ({"where": folder}, {"where": None, "config": model.config}):
        again = XLMWithLMHeadModel.from_pretrained(**arguments, state_dict=model.state_dict())
        assert torch.equal(again(IDS).logits, model(IDS).logits)
    with pytest.raises(ValueError, match="got a state_dict alone"):
        XLMModel.from_pretrained(None, state_dict=model.state_dict())
    with pytest.raises(ValueError, match="got no checkpoint"):
        XLMModel.from_pretrained(None, config=model.config)


def test_a_folder_inside_is_found(folder: Path) -> None:
    model = XLMModel.from_pretrained(folder.parent, subfolder=folder.name)
    assert torch.equal(model(IDS)[0], XLMModel.from_pretrained(folder)(IDS)[0])
    with pytest.raises(CheckpointError, match="no such file or folder"):
        XLMModel.from_pretrained(folder, subfolder="deeper")


@pytest.mark.filterwarnings("ignore:.*new at random")
def test_what_differs_is_returned_as_the_reference_returns_it(folder: Path) -> None:
    _, ours = XLMForSequenceClassification.from_pretrained(
        folder, ignore_mismatched_sizes=True, output_loading_info=True
    )
    _, theirs = transformers.XLMForSequenceClassification.from_pretrained(
        folder, output_loading_info=True
    )
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert set(ours[key]) == set(theirs[key]), key
    assert ours["error_msgs"] == []


def test_a_head_of_another_size_may_be_new_by_either_name(tmp_path: Path) -> None:
    XLMForSequenceClassification(XLMConfig(**TINY)).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="new_head=True"):
        XLMForSequenceClassification.from_pretrained(tmp_path, num_labels=5)
    for name in ("new_head", "ignore_mismatched_sizes"):
        with pytest.warns(UserWarning, match=r"mismatched: sequence_summary.summary.weight"):
            model = XLMForSequenceClassification.from_pretrained(
                tmp_path, num_labels=5, **{name: True}
            )
        assert model(IDS).logits.shape == (2, 5)


@pytest.mark.parametrize(
    ("prefix", "owner"),
    [
        ("module.", "DistributedDataParallel"),
        ("_orig_mod.", "torch.compile"),
        ("base_model.model.", "PEFT"),
        ("module._orig_mod.", "torch.compile"),
    ],
)
@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_a_wrappers_names_are_recognised_and_said(
    prefix: str, owner: str, suffix: str, folder: Path, tmp_path: Path
) -> None:
    state = load_file(folder / "model.safetensors")
    wrapped = {prefix + name: tensor for name, tensor in state.items()}
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    if suffix == "bin":
        torch.save(wrapped, tmp_path / "pytorch_model.bin")
    else:
        save_file(wrapped, tmp_path / "model.safetensors")
    with pytest.warns(UserWarning, match=rf"its names have .*{owner}\), read without"):
        model = XLMWithLMHeadModel.from_pretrained(tmp_path)
    assert torch.equal(model(IDS).logits, XLMWithLMHeadModel.from_pretrained(folder)(IDS).logits)


def test_a_part_that_was_compiled_is_recognised(folder: Path, tmp_path: Path) -> None:
    model = XLMWithLMHeadModel.from_pretrained(folder)
    expected = model(IDS).logits
    model.transformer = torch.compile(model.transformer, backend="eager")
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    assert any("transformer._orig_mod." in name for name in model.state_dict())
    model.config.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="'_orig_mod.' \\(torch.compile\\)"):
        assert torch.equal(XLMWithLMHeadModel.from_pretrained(tmp_path)(IDS).logits, expected)


def test_an_adapter_is_told_from_a_model(folder: Path, tmp_path: Path) -> None:
    state = load_file(folder / "model.safetensors")
    name = "base_model.model.pred_layer.proj.lora_A.default.weight"
    save_file({**state, name: torch.zeros(2, 32)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match="belongs to an adapter that is not merged"):
        XLMWithLMHeadModel.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="holds an adapter of PEFT alone"):
        XLMWithLMHeadModel.from_pretrained(tmp_path)


# In a process of its own: what is registered stays so.
REGISTERED = """
import sys
import torch
import transformers
from xlm_model import XLMConfig, XLMForSequenceClassification, XLMModel

transformers.AutoConfig.register("xlm", XLMConfig, exist_ok=True)
for auto, model in (
    (transformers.AutoModel, XLMModel),
    (transformers.AutoModelForSequenceClassification, XLMForSequenceClassification),
):
    auto.register(XLMConfig, model, exist_ok=True)
folder = sys.argv[1]
model = transformers.AutoModel.from_pretrained(folder, dtype="bfloat16")
assert type(model) is XLMModel and model.dtype == torch.bfloat16
model = transformers.AutoModelForSequenceClassification.from_pretrained(
    folder, num_labels=3, ignore_mismatched_sizes=True
)
assert type(model) is XLMForSequenceClassification and model.config.num_labels == 3
assert type(transformers.AutoModel.from_config(model.config, dtype="float16")) is XLMModel
"""


def test_auto_classes_load_our_models_once_they_are_registered(folder: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", REGISTERED, str(folder)]
    subprocess.run(command, check=True)


def test_a_references_checkpoint_says_its_type(tmp_path: Path) -> None:
    reference("XLMModel").to(torch.bfloat16).save_pretrained(tmp_path)
    model = XLMModel.from_pretrained(tmp_path)
    assert model.config.dtype == json.loads((tmp_path / "config.json").read_text())["dtype"]
    assert model.dtype == torch.bfloat16
    assert model.name_or_path == str(tmp_path)
