"""The two examples of the documentation of XLM run unchanged but for the import.

They are run twice, with the names of transformers and with ours, on a folder that transformers
made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from ..test_pipelines import close
from .conftest import folder_of

FILL = """
import torch
from {models} import pipeline

pipeline = pipeline(task="fill-mask", model=FOLDER, dtype={dtype}, device="cpu")
found = pipeline("Les plantes créent <mask> grâce à un processus appelé photosynthèse.")
"""
BY_HAND = """
import torch
from {models} import AutoModelForMaskedLM
from {tokenizers} import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModelForMaskedLM.from_pretrained(
    FOLDER, dtype={dtype}, device_map={device_map}, attn_implementation="sdpa"
)
text = "Les plantes créent <mask> grâce à un processus appelé photosynthèse."
inputs = tokenizer(text, return_tensors="pt").to(model.device)

with torch.no_grad():
    outputs = model(**inputs)
    predictions = outputs.logits

masked_index = torch.where(inputs["input_ids"] == tokenizer.mask_token_id)[1]
predicted_token_id = predictions[0, masked_index].argmax(dim=-1)
predicted_token = tokenizer.decode(predicted_token_id)
"""
THEIRS = {"models": "transformers", "tokenizers": "transformers"}
OURS = {"models": "xlm_model", "tokenizers": "xlm_text"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, roberta_tokenizer: Any) -> Path:
    torch.manual_seed(0)  # the fixtures of a module come before that of each test
    folder = tmp_path_factory.mktemp("xlm-roberta")
    folder_of("XLMRobertaForMaskedLM", roberta_tokenizer, folder)
    return folder


def run(example: str, folder: Path, **names: str) -> dict[str, Any]:
    """Return what an example leaves in its variables."""
    found: dict[str, Any] = {"FOLDER": str(folder)}
    exec(example.format(**names), found)
    return found


@pytest.mark.parametrize("dtype", ["torch.float32", "'auto'", "None"])
def test_the_pipeline_fills_the_mask_as_transformers_does(dtype: str, folder: Path) -> None:
    theirs, ours = (run(FILL, folder, dtype=dtype, **names)["found"] for names in (THEIRS, OURS))
    assert len(theirs) == 5
    close(ours, theirs)


def test_half_precision_fills_it_within_its_own_rounding(folder: Path) -> None:
    theirs, ours = (
        run(FILL, folder, dtype=dtype, **names)["found"]
        for dtype, names in (("torch.float32", THEIRS), ("torch.float16", OURS))
    )
    assert ours[0]["score"] == pytest.approx(theirs[0]["score"], rel=0.02)


@pytest.mark.parametrize(
    ("dtype", "device_map"),
    [("'auto'", "'auto'"), ("torch.float32", "'cpu'"), ("'float32'", "None")],
)
def test_the_mask_filled_by_hand_is_that_of_transformers(
    dtype: str, device_map: str, folder: Path
) -> None:
    theirs, ours = (
        run(BY_HAND, folder, dtype=dtype, device_map=device_map, **names)
        for names in (THEIRS, OURS)
    )
    assert isinstance(theirs["model"], transformers.XLMRobertaForMaskedLM)
    assert ours["inputs"]["input_ids"].equal(theirs["inputs"]["input_ids"])
    assert ours["inputs"].input_ids is ours["inputs"]["input_ids"]
    assert ours["masked_index"].equal(theirs["masked_index"])
    assert len(ours["masked_index"]) == 1
    close(ours["predictions"].tolist(), theirs["predictions"].tolist())
    assert ours["predicted_token_id"].equal(theirs["predicted_token_id"])
    assert ours["predicted_token"] == theirs["predicted_token"]
