"""KyTea models with one bit that is wrong: one clear error, or the model still works.

Two thousand of them:

    XLM_FLIPS=2000 pytest -n auto tests/text/test_damaged_kytea_models.py
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from xlm_text import InputError, XLMTokenizer
from xlm_text.segmenters import japanese

from .support import FIXTURES, KYTEA_MODEL, sentences

FOLDER = FIXTURES / "vocabulary"
MODEL = KYTEA_MODEL.read_bytes()
FLIPS = int(os.environ.get("XLM_FLIPS") or 4)

# Found by trying: what the two programs do with the model whose bit of that number is flipped.
BROKEN = {
    "KyTea loads it, Vaporetto panics": 62380,
    "KyTea has not the memory, Vaporetto panics": 96981,
    "KyTea is killed, Vaporetto loads it": 67988,
    "Vaporetto aborts": 158101,
    "both find text that is not UTF-8": 3141,
    "KyTea never ends": 164028,
}


def flipped(data, bit, path):
    data = bytearray(data)
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(path))


def assert_one_error(tokenizer, path, capfd):
    with pytest.raises(InputError) as caught:
        tokenizer("これはペンです。", lang="ja")
    message = str(caught.value)
    assert message.startswith(f"{str(path)!r} is not a KyTea model that ")
    assert "fetch it again" in message
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")
    # The other languages do not need it.
    assert tokenizer("This is", lang="en")["input_ids"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_gets_one_clear_error(name, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(japanese, "_PROBE_SECONDS", 5)
    path = tmp_path / "model.bin"
    assert_one_error(flipped(MODEL, BROKEN[name], path), path, capfd)


@pytest.mark.slow
def test_a_model_that_asks_for_gigabytes_does_not_get_them(tmp_path, capfd):
    path = tmp_path / "model.bin"
    assert_one_error(flipped(MODEL, 225711, path), path, capfd)
    # A process of its own, which starts no others than those that try the model.
    code = (
        "import resource, sys, xlm_text\n"
        "try:\n"
        "    xlm_text.XLMTokenizer.from_pretrained(kytea_model=sys.argv[1])('あ', lang='ja')\n"
        "except xlm_text.InputError:\n"
        "    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
    assert int(done.stdout) < 1_500_000  # kilobytes


@pytest.mark.parametrize("number", range(FLIPS))
def test_any_bit(number, tmp_path):
    choose = random.Random(number)
    # The beginning, where the characters and the dictionary are, is the part that is read best.
    bit = choose.randrange(len(MODEL) * 8 if number % 2 else 100_000)
    # A process of its own: nothing may end it.
    code = (
        "import sys, xlm_text\n"
        "from xlm_text.segmenters import japanese\n"
        "japanese._PROBE_SECONDS = 5\n"
        "tokenizer = xlm_text.XLMTokenizer.from_pretrained(sys.argv[1], kytea_model=sys.argv[2])\n"
        "try:\n"
        "    print(len(tokenizer(sys.argv[3:], lang='ja')['input_ids']))\n"
        "except xlm_text.InputError as error:\n"
        "    print('error:', error)\n"
    )
    flipped(MODEL, bit, tmp_path / "model.bin")
    lines = sentences("ja")
    done = subprocess.run(
        [sys.executable, "-c", code, str(FOLDER), str(tmp_path / "model.bin"), *lines],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(FIXTURES.parent), "PYTHONIOENCODING": "utf-8"},
    )
    assert (done.returncode, done.stderr) == (0, ""), bit
    assert done.stdout == f"{len(lines)}\n" or done.stdout.startswith("error: "), bit


def test_a_bit_of_a_real_model(wikipedia_kytea, tmp_path, capfd):
    path = tmp_path / "model.bin"
    bit = 8 * 3_299_421
    assert_one_error(flipped(wikipedia_kytea.read_bytes(), bit, path), path, capfd)
