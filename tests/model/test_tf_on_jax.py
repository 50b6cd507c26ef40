"""The Keras models on JAX: their own tests, in a process of their own, as a backend is for good.

`KERAS_BACKEND=jax pytest -m slow tests/model/test_tf_exact.py tests/model/test_tf_use.py` runs all
of them; here are those in which the backend counts.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# JAX compiles each operation for each shape: all of them would take a minute more.
CHOSEN = "LMHeadModel or plain or summary or sequence_label or optional_input or with_metrics"
# What is computed is the same; a test calls nothing often enough for quick code to pay.
COMPILE_QUICKLY = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
LEFT_OUT = "embeddings_in_place or the_reference or a_graph or epoch"


@pytest.mark.slow
def test_on_jax() -> None:
    pytest.importorskip("keras", reason="Keras 3 is not installed")
    pytest.importorskip("jax", reason="JAX is not installed")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"),
            *("-m", "slow", "-k", f"({CHOSEN}) and not ({LEFT_OUT})"),
            *(TESTS / "test_tf_exact.py", TESTS / "test_tf_use.py"),
        ],
        cwd=TESTS.parents[1],
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": COMPILE_QUICKLY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-1000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed is not None
    assert int(passed[1]) > 30
