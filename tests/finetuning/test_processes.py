"""Two processes fine-tune together, and send each other nothing but what was learnt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.two_processes import ROOT, run_two_processes
from xlm_model import XLMForSequenceClassification
from xlm_model.finetuning import ClassifyTask, FinetuningResult, FinetuningSettings, finetune
from xlm_model.training import TrainingSettings, read_log

STEPS = 6


def train(checkpoint: str | Path, data: str | Path, output: str | Path) -> FinetuningResult:
    return finetune(
        ClassifyTask(),
        checkpoint,
        {"en": str(Path(data, "classify.train.en.tsv"))},
        output,
        valid={"fr": str(Path(data, "classify.dev.fr.tsv"))},
        settings=TrainingSettings(
            steps=STEPS, every=3, accumulate=2, learning_rate=0.01, weight_decay=0.0
        ),
        finetuning_settings=FinetuningSettings(epochs=None),
    )


# PyTorch's profiler says which tensors went from one process to the other.
SHARED = """
import json, math, os, sys
sys.path.insert(0, {root!r})
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from torch.profiler import ProfilerActivity, profile
from tests.finetuning.test_processes import train

torch.set_num_threads(1)
with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
    train({checkpoint!r}, {data!r}, {output!r})
if distributed.get_rank() == 0:
    sent = [event.input_shapes[0] for event in seen.events() if event.name == "gloo:broadcast"]
    print(json.dumps(list(map(math.prod, sent))))
    sys.stdout.flush()
distributed.barrier()
distributed.destroy_process_group()
# All is saved.  gloo's threads may abort a process that takes its time to end.
sys.stderr.flush()
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch has no gloo")
@pytest.mark.xdist_group("finetuning")
def test_two_processes_make_the_same_weights_and_share_gradients_alone(
    checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    two = tmp_path / "two"
    script.write_text(
        SHARED.format(root=str(ROOT), checkpoint=str(checkpoint), data=str(data), output=str(two))
    )
    printed = run_two_processes(script)
    one = train(checkpoint, data, tmp_path / "one")
    model = XLMForSequenceClassification.from_pretrained(one.training.checkpoint)
    expected = model.state_dict()
    found = XLMForSequenceClassification.from_pretrained(two / one.training.checkpoint.name)
    for name, weight in found.state_dict().items():
        torch.testing.assert_close(weight, expected[name], atol=1e-6, rtol=0, msg=name)
    scores = [read_log(folder)[-1]["scores"] for folder in (tmp_path / "one", two)]
    assert scores[0] == scores[1]
    # Floats and whole numbers once each, at the start; all words before each pass took far longer.
    words = len(expected["transformer.embeddings.weight"])
    sent = json.loads(printed.splitlines()[-1])
    assert len([size for size in sent if size >= words]) == 2, sent
