"""What the Keras models can do beside their sums: load, save, train, export, and refuse.

They run on the backend that KERAS_BACKEND names; `test_tf_on_jax` runs them on JAX.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import xlm_model
from xlm_model import CheckpointError, ConfigError, XLMConfig
from xlm_text import XLMTokenizer

from .helpers import IDS, LANGS, TINY, original, reference, write_keras
from .keras_side import (
    BACKEND,
    NAMES,
    arrays,
    assert_close,
    both,
    fields,
    keras,
    loss_and_gradients,
    published,
    pytorch,
    pytorch_gradients,
    tf_models,
)
from .test_checkpoints import FORMATS

pytestmark = [
    pytest.mark.slow,
    # Of Keras with a new NumPy.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

LM = "XLMWithLMHeadModel"
CHOICES = "XLMForMultipleChoice"
ANSWERS = "XLMForQuestionAnsweringSimple"
SMALL = {**TINY, "n_layers": 1, "n_langs": 2}
ids, langs = IDS.numpy(), LANGS.numpy()


def model_of(name: str = LM, **settings: Any) -> Any:
    return getattr(tf_models, f"TF{name}")(XLMConfig(**{**SMALL, **settings}))


def with_choices(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return inputs with the choices as their second dimension for the model that has them."""
    return {n: x[None] for n, x in inputs.items()} if name == CHOICES else inputs


# Checkpoints ------------------------------------------------------------------------------------


def save_original(model: Any, folder: Path) -> None:
    torch.save(original(model), folder / "mlm.pth")


@pytest.mark.parametrize("layout", [*FORMATS, "the original implementation", "tf_model.h5"])
def test_every_format_is_read(layout: str, tmp_path: Path) -> None:
    write = {"the original implementation": save_original, "tf_model.h5": write_keras, **FORMATS}
    theirs = reference(LM, n_langs=2).eval()
    write[layout](theirs, tmp_path)
    ours = tf_models.TFXLMWithLMHeadModel.from_pretrained(tmp_path)
    with torch.no_grad():
        expected = theirs(IDS, langs=LANGS).logits.numpy()
    got = ours(ids, langs=langs).logits
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_pytorch_and_the_reference_load_what_is_saved(name: str, tmp_path: Path) -> None:
    ours = model_of(name)
    ours.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [name]
    inputs = with_choices(name, {"input_ids": IDS, "langs": LANGS})
    expected = fields(ours(**arrays(inputs)))
    with torch.no_grad():
        assert_close(expected, fields(getattr(xlm_model, name).from_pretrained(tmp_path)(**inputs)))
        theirs, loading = getattr(transformers, name).from_pretrained(
            tmp_path, output_loading_info=True
        )
        assert not any(loading.values()), loading
        for field, value in expected.items():
            right = theirs.eval()(**inputs)[field.removesuffix(".0")]
            np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-5)


def test_a_name_is_found_in_the_hubs_cache(tmp_path: Path) -> None:
    repository = tmp_path / "models--FacebookAI--xlm-tiny"
    pytorch(LM).save_pretrained(repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    tf_models.TFXLMWithLMHeadModel.from_pretrained(
        "xlm-tiny", cache_dir=tmp_path, local_files_only=True
    )


def test_what_does_not_fit_is_listed(tmp_path: Path) -> None:
    pytorch("XLMModel").save_pretrained(tmp_path)
    classifier = tf_models.TFXLMForTokenClassification
    with pytest.raises(CheckpointError, match="new_head=True initialises") as raised:
        classifier.from_pretrained(tmp_path)
    assert "does not fit TFXLMForTokenClassification" in str(raised.value)
    assert "missing: classifier.weight" in str(raised.value)
    with pytest.raises(CheckpointError, match=r"holds \(60, 32\), the configuration expects \(70,"):
        tf_models.TFXLMModel.from_pretrained(tmp_path, vocab_size=70)
    with pytest.warns(UserWarning, match="new at random:\n  missing: classifier.weight") as warned:
        model = classifier.from_pretrained(tmp_path, new_head=True, num_labels=5)
    assert warned[0].filename == __file__
    kernel = keras.ops.convert_to_numpy(model.classifier.kernel)
    assert kernel.shape == (32, 5)
    assert 0.1 < kernel.std() < 0.3  # init_std is 0.2


def test_a_new_model_starts_with_pytorchs_distributions() -> None:
    settings = {**SMALL, "vocab_size": 4000, "emb_dim": 64, "n_langs": 30}
    ours = tf_models.TFXLMWithLMHeadModel(XLMConfig(**settings), name="lm")
    state = xlm_model.XLMWithLMHeadModel(XLMConfig(**settings)).published_state()
    values = published(ours.weights, [v.value for v in ours.weights])
    assert values.keys() == state.keys()
    for name, value in values.items():
        assert value.std() == pytest.approx(float(state[name].std()), rel=0.2), name
        assert value.mean() == pytest.approx(float(state[name].mean()), abs=0.05), name
    assert (values["transformer.embeddings.weight"][2] == 0).all()
    # A variable is called as the old TFXLM classes called it.
    paths = {variable.path for variable in ours.weights}
    assert "lm/transformer/attentions_._0/q_lin/kernel" in paths


WITHOUT_PYTORCH = """
import sys, warnings
from pathlib import Path

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("no PyTorch here")

sys.meta_path.insert(0, NoTorch())
import numpy, xlm_model
assert not {"torch", "keras", "tensorflow", "jax"} & sys.modules.keys()
from xlm_model.tf import TFXLMWithLMHeadModel
folder = Path(sys.argv[1])
for name in ("safetensors", "bfloat16", "h5"):
    model = TFXLMWithLMHeadModel.from_pretrained(folder / name)
    model.save_pretrained(folder / f"{name} again")
    model({"input_ids": numpy.array([[1, 14, 1]])})
try:
    TFXLMWithLMHeadModel.from_pretrained(folder / "bin")
except xlm_model.CheckpointError as error:
    print(error)
assert "torch" not in sys.modules
"""


def test_pytorch_is_not_needed(tmp_path: Path) -> None:
    theirs = reference(LM)
    theirs.save_pretrained(tmp_path / "safetensors")
    write_keras(theirs, tmp_path / "h5")
    FORMATS["bin"](theirs, tmp_path / "bin")
    theirs.bfloat16().save_pretrained(tmp_path / "bfloat16")
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_PYTORCH, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "pytorch_model.bin: PyTorch is needed to read it" in run.stdout
    exact = load_file(tmp_path / "safetensors" / "model.safetensors")
    for name in ("safetensors", "h5", "bfloat16"):
        for key, tensor in load_file(tmp_path / f"{name} again" / "model.safetensors").items():
            right = exact[key].bfloat16().float() if name == "bfloat16" else exact[key]
            assert torch.equal(tensor, right), (name, key)


# Inputs -----------------------------------------------------------------------------------------


def test_inputs_come_as_tensors_lists_dictionaries_and_keywords(tokenizer: XLMTokenizer) -> None:
    model = model_of()
    tensors = [keras.ops.convert_to_tensor(x) for x in (ids, ids != 2, langs)]
    named = dict(zip(("input_ids", "attention_mask", "langs"), tensors, strict=True))
    expected = fields(model(*tensors))
    assert not np.allclose(expected["logits.0"], model(tensors[0]).logits)
    for output in (
        model(tensors),
        model(tuple(tensors)),
        model(named),
        model(**named),
        model(named["input_ids"], **{n: named[n] for n in ("langs", "attention_mask")}),
        model({"input_ids": tensors[0], "langs": tensors[2]}, attention_mask=tensors[1]),
        model({**named, "labels": None}, training=False),
        model.call(named),
    ):
        assert_close(expected, fields(output))
    # What the tokenizer returns is taken as it is.
    larger = model_of(vocab_size=len(tokenizer), n_langs=len(tokenizer.lang2id or {}))
    batch = tokenizer(["Hello!", "To be"], lang="en", padding=True, return_tensors="np")
    assert_close(fields(larger(**batch)), fields(larger(batch)))


def test_an_output_is_a_dataclass_and_a_tuple() -> None:
    output = model_of()(ids, labels=ids, output_hidden_states=True)
    loss, logits, states = output.to_tuple()
    assert loss is output.loss is output[0] is output["loss"]
    assert logits is output.logits
    assert len(states) == 2
    assert output.attentions is None


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({}, ValueError, "expected either input_ids or inputs_embeds, got neither"),
        ({"input_ids": ids + 46}, ValueError, "input_ids holds 60: expected ids from 0 to 59"),
        (
            {"input_ids": ids[0]},
            ValueError,
            r"input_ids has shape \(5,\): expected \(batch, length",
        ),
        ({"input_ids": ids * 1.0}, ValueError, "input_ids has dtype float32: expected int64 or"),
        ({"input_ids": np.full((1, 25), 14)}, ValueError, "has 25 tokens: expected at most 24"),
        ({"input_ids": ids, "langs": langs + 1}, ValueError, "langs holds 2: expected ids from 0"),
        ({"input_ids": ids, "labels": ids[:1]}, ValueError, r"labels has shape \(1, 5\): expected"),
        ({"input_ids": ids, "labels": ids - 99}, ValueError, "labels holds -98: .* or -100"),
        ({"input_ids": ids, "mask": ids}, TypeError, "got the input 'mask': expected input_ids"),
    ],
)
def test_a_bad_input_is_one_clear_error(inputs: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        model_of()(**inputs)


def test_inputs_that_contradict_each_other_or_the_head() -> None:
    with pytest.raises(TypeError, match="got the input 'input_ids' twice"):
        model_of()(ids, input_ids=ids)
    choices = model_of(CHOICES)
    with pytest.raises(
        ValueError, match=r"input_ids has shape \(2, 5\): expected \(batch, choices"
    ):
        choices(ids)
    with pytest.warns(UserWarning, match="use attention_mask"):
        choices(ids[None], lengths=np.array([1, 1]))
    answers = model_of(ANSWERS)
    with pytest.raises(ValueError, match=r"start_positions has shape \(1,\): expected \(2,\)"):
        answers(ids, start_positions=np.array([1]), end_positions=np.array([1, 2]))
    assert answers(ids, start_positions=np.array([1, 2])).loss is None


def test_configurations_that_no_model_has() -> None:
    with pytest.raises(ConfigError, match="asm is true: expected false; only XLMWithLMHeadModel"):
        model_of(asm=True, asm_cutoffs=[20])
    with pytest.raises(ConfigError, match="num_labels is 3: expected 2, start and end"):
        model_of(ANSWERS, num_labels=3)
    with pytest.raises(ConfigError, match="the sequence summary gives 32 values"):
        model_of(CHOICES, summary_use_proj=False)


# Training ---------------------------------------------------------------------------------------

TWO_BATCHES = {
    "input_ids": torch.cat([IDS, IDS.flip(0)]),
    "attention_mask": torch.cat([IDS != 2, IDS.flip(0) != 2]).long(),
    "langs": torch.cat([LANGS, LANGS]),
}
SPANS = {
    "start_positions": torch.tensor([0, 1, 2, 9]),  # 9 is beyond the sequence: it does not count
    "end_positions": torch.tensor([1, 1, 4, 0]),
}
LABELS: dict[str, dict[str, torch.Tensor]] = {
    LM: {"labels": TWO_BATCHES["input_ids"].masked_fill(TWO_BATCHES["input_ids"] == 1, -100)},
    "XLMForSequenceClassification": {"labels": torch.tensor([0, 1, 1, 0])},
    CHOICES: {"labels": torch.tensor([1, 0])},
    "XLMForTokenClassification": {"labels": TWO_BATCHES["input_ids"] % 2},
    ANSWERS: SPANS,
}


@pytest.mark.parametrize("labels_are", ["inputs", "targets"])
@pytest.mark.parametrize("name", LABELS)
def test_an_epoch_of_fit_is_pytorchs(name: str, labels_are: str, tmp_path: Path) -> None:
    theirs, ours = both(name, tmp_path, n_layers=1, n_langs=2)
    inputs, labels = TWO_BATCHES, LABELS[name]
    if name == CHOICES:
        inputs = {n: x.unflatten(0, (2, 2)) for n, x in inputs.items()}
    size = len(inputs["input_ids"]) // 2
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    losses = []
    for batch in (slice(0, size), slice(size, None)):
        optimizer.zero_grad()
        loss = theirs(**{n: x[batch] for n, x in {**inputs, **labels}.items()}).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    targets: Any = arrays(labels)
    data = {"x": arrays(inputs), "y": targets if len(targets) > 1 else targets["labels"]}
    if labels_are == "inputs":
        data = {"x": {**data["x"], **targets}}
    # Step by step: compiling is tested below, once.
    ours.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    history = ours.fit(**data, batch_size=size, epochs=1, shuffle=False, verbose=0)
    assert history.history["loss"] == pytest.approx([sum(losses) / 2], rel=1e-5)
    got = published(ours.weights, [v.value for v in ours.weights])
    assert_close({n: t.detach().numpy() for n, t in theirs.published_state().items()}, got)
    ours.save_pretrained(tmp_path / "trained")
    again = getattr(xlm_model, name).from_pretrained(tmp_path / "trained")
    with torch.no_grad():
        assert_close(fields(again(**inputs)), fields(ours(**arrays(inputs))))


def test_fit_compiled_with_metrics_evaluate_and_predict() -> None:
    name = "XLMForSequenceClassification"
    model, labels = model_of(name), LABELS[name]["labels"].numpy()
    inputs = arrays(TWO_BATCHES)
    model.compile(keras.optimizers.Adam(0.01), metrics=["accuracy"])
    history = model.fit(inputs, labels, epochs=8, batch_size=2, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    found = model.evaluate(inputs, labels, batch_size=2, verbose=0, return_dict=True)
    output = model.predict(inputs, batch_size=2, verbose=0)
    assert type(output) is xlm_model.outputs.SequenceClassifierOutput
    assert_close(fields(model(inputs)), fields(output))
    right = torch.nn.functional.cross_entropy(torch.tensor(output.logits), torch.tensor(labels))
    assert found["loss"] == pytest.approx(right.item(), rel=1e-4)
    assert found["accuracy"] == (output.logits.argmax(-1) == labels).mean()


def test_a_loss_of_ones_own_is_given_scores_and_labels() -> None:
    spans, inputs = arrays(SPANS), arrays(TWO_BATCHES)
    spans["start_positions"] = np.array([0, 1, 2, 4])
    model = model_of(ANSWERS)
    own = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss={"start_positions": own, "end_positions": own}, run_eagerly=True)
    loss = model.evaluate(inputs, spans, verbose=0)
    # Keras adds the two losses up, the head's own takes their mean.
    expected = float(model({**inputs, **spans}).loss) * 2
    assert (loss[0] if isinstance(loss, list) else loss) == pytest.approx(expected, rel=1e-5)


def test_nothing_to_learn_from_is_said() -> None:
    inputs = arrays(TWO_BATCHES)
    for name, missing in ((LM, "labels"), (ANSWERS, "start_positions, end_positions")):
        model = model_of(name)
        model.compile("sgd", run_eagerly=True)
        with pytest.raises(ValueError, match=f"cannot learn without {missing}"):
            model.fit(inputs, verbose=0)
    encoder = model_of("XLMModel")
    encoder.compile("sgd", run_eagerly=True)
    with pytest.raises(ValueError, match=r"cannot learn without a loss in compile"):
        encoder.fit(inputs, verbose=0)
    model = model_of(LM)
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(ValueError, match="sample_weight needs a loss in compile"):
        model.fit(inputs, inputs["input_ids"], sample_weight=np.ones(4), verbose=0)


def test_dropout_is_for_training_only() -> None:
    model = model_of(dropout=0.5, attention_dropout=0.5)
    outputs = [np.asarray(model(ids, training=t).logits) for t in (False, None, True, True)]
    assert (outputs[0] == outputs[1]).all()
    assert not np.allclose(outputs[0], outputs[2])
    assert not np.allclose(outputs[2], outputs[3])


# Graphs -----------------------------------------------------------------------------------------


def compiled(function: Any, *, xla: bool = True) -> Any:
    if BACKEND == "tensorflow":
        import tensorflow

        return tensorflow.function(function, jit_compile=xla)
    import jax

    return jax.jit(function)


@pytest.mark.parametrize("name", NAMES)
def test_a_graph_gives_the_same_output(name: str) -> None:
    model = model_of(name)
    inputs = arrays(with_choices(name, {"input_ids": IDS, "langs": LANGS}))
    output = compiled(model, xla=name in (LM, ANSWERS))(inputs)
    assert type(output) is type(model(inputs))
    assert_close(fields(model(inputs)), fields(output))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the other test compiles JAX with XLA, too")
def test_a_training_step_compiled_by_xla_has_the_same_gradients() -> None:
    model = model_of(causal=True)
    inputs = {"input_ids": ids, "langs": langs, "labels": ids}
    variables = [v.value for v in model.trainable_variables]
    import tensorflow

    @tensorflow.function(jit_compile=True)
    def step(inputs: Any) -> Any:
        with tensorflow.GradientTape() as tape:
            loss = model(inputs, training=True).loss
        gradients = tape.gradient(loss, variables)
        return loss, [tensorflow.convert_to_tensor(gradient) for gradient in gradients]

    loss, gradients = step(inputs)
    expected_loss, expected = loss_and_gradients(model, inputs)
    assert float(loss) == pytest.approx(expected_loss, rel=1e-5)
    assert_close(expected, published(model.trainable_variables, gradients))


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_mixed_precision_is_as_near_as_pytorchs(half: str, tmp_path: Path) -> None:
    theirs, ours = both(LM, tmp_path, n_layers=1, n_langs=2)
    mixed = tf_models.TFXLMWithLMHeadModel.from_pretrained(tmp_path, dtype=f"mixed_{half}")
    assert {keras.backend.standardize_dtype(v.dtype) for v in mixed.weights} == {"float32"}
    inputs = {"input_ids": IDS, "langs": LANGS, "labels": IDS}
    exact, got = fields(ours(arrays(inputs))), mixed(arrays(inputs), output_hidden_states=True)
    assert keras.backend.standardize_dtype(got.logits.dtype) == half
    assert keras.backend.standardize_dtype(got.hidden_states[0].dtype) == half
    assert keras.backend.standardize_dtype(got.loss.dtype) == "float32"
    _, exact_gradients = loss_and_gradients(ours, arrays(inputs))
    loss, gradients = loss_and_gradients(mixed, arrays(inputs))
    assert loss == pytest.approx(float(exact["loss.0"]), rel=0.01)
    theirs = theirs.to(getattr(torch, half))
    with torch.no_grad():
        logits = theirs(**inputs).logits.float().numpy()
    _, rounded = pytorch_gradients(theirs, inputs)

    def off(some: Any, right: Any) -> float:
        return max(float(np.abs(some[n] - right[n]).max()) for n in right)

    right = {"logits": exact["logits.0"]}
    near = {"logits": np.asarray(keras.ops.cast(got.logits, "float32"))}
    assert 0 < off(near, right) < 2 * off({"logits": logits}, right)
    assert 0 < off(gradients, exact_gradients) < 2 * off(rounded, exact_gradients)


# Files of Keras ---------------------------------------------------------------------------------


def test_keras_own_files(tmp_path: Path) -> None:
    model = model_of()
    expected = fields(model(ids, langs=langs))
    model.save_weights(tmp_path / "x.weights.h5")
    other = model_of()
    assert not np.allclose(other(ids, langs=langs).logits, expected["logits.0"])
    other.load_weights(tmp_path / "x.weights.h5")
    assert_close(expected, fields(other(ids, langs=langs)))
    model.save(tmp_path / "x.keras")
    again = keras.models.load_model(tmp_path / "x.keras")
    assert type(again) is tf_models.TFXLMWithLMHeadModel
    assert again.config == model.config
    assert_close(expected, fields(again(ids, langs=langs)))


@pytest.mark.parametrize("name", [LM, CHOICES, ANSWERS])
def test_export_for_serving(name: str, tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow writes what is served")
    model = model_of(name, n_langs=1 if name == ANSWERS else 2)
    model.export(tmp_path, verbose=False)
    served = tensorflow.saved_model.load(tmp_path)
    inputs = {"input_ids": ids, "attention_mask": (ids != 2).astype(int), "langs": langs}
    if name == ANSWERS:
        del inputs["langs"]  # it has no language embeddings
    for rows in (1, 2):
        some = with_choices(name, {n: x[:rows, 1:].astype("int32") for n, x in inputs.items()})
        expected = fields(model(some))
        given = {n: tensorflow.constant(x) for n, x in some.items()}
        for got in (served.serve(given), served.signatures["serving_default"](**given)):
            assert_close(expected, {f"{n}.0": value.numpy() for n, value in got.items()})


def test_inside_another_model(tmp_path: Path) -> None:
    encoder = tf_models.TFXLMModel(XLMConfig(**SMALL), name="q_lin")
    words = keras.Input((None,), dtype="int32")
    states = encoder({"input_ids": words}).last_hidden_state
    outer = keras.Model(words, keras.layers.Dense(1)(states[:, 0]))
    outer.compile("sgd", "mse", run_eagerly=True)
    outer.fit(ids, np.zeros((2, 1)), verbose=0)
    encoder.save_pretrained(tmp_path)
    again = xlm_model.XLMModel.from_pretrained(tmp_path)
    with torch.no_grad():
        assert_close(fields(encoder(ids)), fields(again(IDS)))


def test_a_file_of_tensorflows_layout_is_refused(tmp_path: Path) -> None:
    model_of().save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "tf"})
    with pytest.raises(CheckpointError, match="in the layout of 'tf': expected 'pt'"):
        tf_models.TFXLMWithLMHeadModel.from_pretrained(tmp_path)


def test_a_checkpoint_of_a_relative_is_refused(tmp_path: Path) -> None:
    # Its names are XLM's; its layers may not be.
    config = xlm_model.FlaubertConfig(vocab_size=60, emb_dim=32, n_layers=1, n_heads=4)
    xlm_model.FlaubertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="its model_type is 'flaubert': expected 'xlm'"):
        tf_models.TFXLMModel.from_pretrained(tmp_path)
