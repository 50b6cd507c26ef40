"""What all Keras models share: their inputs, training, loading, saving and exporting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import keras
import numpy
from keras import ops

from xlm_model.checkpoints import formats
from xlm_model.checkpoints.matching import NEW_HEAD, Shape, check_fit, join_tied, match, shapes_of
from xlm_model.checkpoints.reading import check_type, read_checkpoint
from xlm_model.checkpoints.writing import save
from xlm_model.config import XLMConfig
from xlm_model.outputs import ModelOutput
from xlm_model.tf.encoder import Encoder
from xlm_model.tf.layers import Composite
from xlm_model.tf.losses import checked_class_loss

Model = TypeVar("Model", bound="TFXLMPreTrainedModel")

# What every model takes, in the order in which it can be given without names.
INPUTS = (
    *("input_ids", "attention_mask", "langs", "token_type_ids", "position_ids", "lengths"),
    "inputs_embeds",
)


class TFXLMPreTrainedModel(Composite):
    """The encoder with a head, as a Keras model whose variables are there from the start.

    Args:
        config: The model's.
        dtype: Keras' dtype policy, such as "mixed_bfloat16"; None: the global one.
        name: Of the model.
    """

    # The output; its scores, and the inputs that are labels, each for the score at the same place.
    OUTPUT: ClassVar[Callable[..., ModelOutput]]
    SCORES: ClassVar[tuple[str, ...]] = ("logits",)
    LABELS: ClassVar[tuple[str, ...]] = ("labels",)
    # Of the ids.
    DIMENSIONS: ClassVar[tuple[str, ...]] = ("batch", "length")

    def __init__(self, config: XLMConfig, *, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(dtype=dtype, name=name, autocast=False)
        self.config = config
        self.transformer = Encoder(config, self.dtype_policy)
        self._make_head(config, self.dtype_policy)
        self.build((None, None, config.emb_dim))

    def _make_head(self, config: XLMConfig, dtype: Any) -> None:
        """Make the layers of the head; the bare encoder has none."""

    def _head(self, hidden: Any, inputs: dict[str, Any], training: bool | None) -> tuple[Any, ...]:
        """Return the scores, from the encoder's output and what the model was given."""
        return (hidden,)

    def _head_loss(self, scores: tuple[Any, ...], labels: tuple[Any, ...]) -> Any:
        """Return the loss, cross-entropy unless the head has another; shape `()`."""
        return checked_class_loss(scores[0], labels[0])

    def _flatten(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs as the encoder takes them."""
        return inputs

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Run the model; see `call`."""
        options = ("training", "output_attentions", "output_hidden_states")
        given = {name: named.pop(name) for name in options if name in named}
        return super().__call__(self._inputs(values, named), **given)

    def call(
        self,
        *values: Any,
        training: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        **named: Any,
    ) -> ModelOutput:
        """Encode a padded batch, and score it with the head.

        Args:
            *values: The inputs of `XLMModel.forward`: tensors in the order `input_ids`,
                `attention_mask`, `langs`, `token_type_ids`, `position_ids`, `lengths`; a list of
                these; or a dictionary of them, with the head's labels.
            training: Whether to drop out.
            output_attentions: Also return the attention weights; None: as configured.
            output_hidden_states: Also return each layer's output; None: as configured.
            **named: The same inputs, and `inputs_embeds` and the labels, by their names.

        Raises:
            ValueError: an input of the wrong shape, or, outside a graph, with a value out of range.
            TypeError: an input that the model does not have, or that is given twice.
        """
        inputs = self._inputs(values, named)
        labels = tuple(inputs.pop(name) for name in self.LABELS if name in inputs)
        encoded = self.transformer(
            self._flatten(inputs),
            training=training,
            with_weights=output_attentions,
            with_states=output_hidden_states,
        )
        scores = self._head(encoded.last_hidden_state, inputs, training)
        fields = dict(zip(self.SCORES, scores, strict=True))
        if labels and len(labels) == len(self.LABELS):
            fields["loss"] = self._head_loss(scores, labels)
        states, weights = encoded.hidden_states, encoded.attentions
        return self.OUTPUT(**fields, hidden_states=states, attentions=weights)

    def _inputs(self, values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """Return what is given by its names."""
        if values and isinstance(values[0], (Mapping, list, tuple)):
            first, *rest = values
            values = () if isinstance(first, Mapping) else tuple(first)
            named = {**first, **named} if isinstance(first, Mapping) else named
            values += tuple(rest)
        given = dict(zip(INPUTS[: len(values)], values, strict=True))
        known = (*INPUTS, *self.LABELS)
        for name in named:
            if name not in known or name in given:
                problem = " twice" if name in given else f": expected {', '.join(known)}"
                raise TypeError(f"{type(self).__name__} got the input {name!r}{problem}")
        return {name: value for name, value in {**given, **named}.items() if value is not None}

    # Training ---------------------------------------------------------------------------------

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss given to `compile`, or the head's own if none was.

        The labels are among the inputs, or they are `y`: a tensor, or a dictionary of them.

        Raises:
            ValueError: no labels, or weights of samples, which the head's own loss does not know.
        """
        scores, labels = self._compared(x, y, y_pred)
        if self.loss is not None:
            scores, labels = self._bare(scores), self._bare(labels)
            return super().compute_loss(x, labels, scores, sample_weight, training)
        if len(labels) != len(self.LABELS) or not labels:
            missing = ", ".join(self.LABELS) or "a loss in compile()"
            raise ValueError(f"{type(self).__name__} cannot learn without {missing}")
        if sample_weight is not None:
            raise ValueError("sample_weight needs a loss in compile(): the head's own takes none")
        loss = self._head_loss(scores, labels)
        return loss + super().compute_loss(x) if self.losses else loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the metrics given to `compile`, of the head's scores."""
        scores, labels = self._compared(x, y, y_pred)
        return super().compute_metrics(x, self._bare(labels), self._bare(scores), sample_weight)

    def _compared(self, x: Any, y: Any, y_pred: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the scores, and the labels to compare them with."""
        scores = tuple(y_pred[name] for name in self.SCORES)
        if y is not None and not isinstance(y, Mapping):
            return scores, tuple(y) if isinstance(y, (list, tuple)) else (y,)
        named = y or (x if isinstance(x, Mapping) else {})
        return scores, tuple(named[name] for name in self.LABELS if name in named)

    def _bare(self, values: tuple[Any, ...]) -> Any:
        return values[0] if len(values) == 1 else dict(zip(self.LABELS, values, strict=False))

    # Loading and saving -----------------------------------------------------------------------

    @classmethod
    def from_pretrained(
        cls: type[Model],
        where: str | Path,
        *,
        new_head: bool = False,
        dtype: Any = None,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | None = None,
        **changes: Any,
    ) -> Model:
        """Load a checkpoint in any format; PyTorch is needed only for its own, `.bin` and `.pth`.

        Arguments, errors and warnings are those of the PyTorch models' `from_pretrained`, but that
        `dtype` is Keras' dtype policy, such as "mixed_bfloat16"; None: the global one, whatever the
        file holds.
        """
        found = read_checkpoint(
            where,
            framework="np",
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            token=token,
        )
        check_type(found, XLMConfig)
        model = cls(found.config.replace(**changes) if changes else found.config, dtype=dtype)
        join_tied(found.tensors, model.tied_weights, found.path)
        variables = model._published()
        shapes: dict[str, Shape] = {
            name: tuple(variable.shape[::-1] if is_kernel else variable.shape)
            for name, (variable, is_kernel) in variables.items()
        }
        report = match(shapes, shapes_of(found.tensors))
        check_fit(report, found.path, cls.__name__, new_head=new_head, advice=NEW_HEAD)
        for name in variables.keys() - report.new:
            variable, is_kernel = variables[name]
            value = found.tensors.pop(name)
            value = value.astype("float32") if value.dtype.name == "bfloat16" else value
            variable.assign(value.T if is_kernel else value)
        return model

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json` and `model.safetensors`, which the PyTorch models load, too.

        Each file appears under its name only once it is whole.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        tensors = {}
        for name, (variable, is_kernel) in self._published().items():
            value = ops.convert_to_numpy(variable.value)
            tensors[name] = numpy.ascontiguousarray(value.T if is_kernel else value)
        architecture = type(self).__name__.removeprefix("TF")
        if not self.LABELS:
            tensors = formats.drop_encoder_prefix(tensors)
        save(folder, self.config, tensors, architecture)

    @property
    def tied_weights(self) -> dict[str, str]:
        """From a published name to that of the parameter that it is tied to, and saved as."""
        return {}

    def _published(self) -> dict[str, tuple[keras.Variable, bool]]:
        """Return each variable by its published name, and whether that stores it transposed."""
        found = {}
        for variable in self.weights:
            path = variable.path.removeprefix(f"{self.path}/")
            name, is_kernel = formats.tensorflow_name(f"{self.name}/{path}")
            found[name] = variable, is_kernel
        return found

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to make the model again, for its own `.keras` files."""
        policy = keras.saving.serialize_keras_object(self.dtype_policy)
        return {"config": self.config.to_dict(), "dtype": policy, "name": self.name}

    @classmethod
    def from_config(cls: type[Model], config: dict[str, Any], custom_objects: Any = None) -> Model:
        """Make a model from what `get_config` returned."""
        return cls(XLMConfig(**config.pop("config")), **config)

    def export(
        self,
        filepath: str | Path,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **options: Any,
    ) -> None:
        """Write the model for serving, as `keras.Model.export`.

        A SavedModel's endpoint `serve` takes a dictionary of int32 tensors, `input_ids`,
        `attention_mask` and, for a model with language embeddings, `langs`, for any batch and
        length unless `input_signature` says otherwise; it returns a dictionary of the scores.
        """
        if format != "tf_saved_model":
            super().export(filepath, format, verbose, input_signature, **options)
            return
        if input_signature is None:
            names = INPUTS[: 3 if self.config.has_lang_embeddings else 2]
            shape = (None,) * len(self.DIMENSIONS)
            specs = {n: keras.InputSpec(shape=shape, dtype="int32", name=n) for n in names}
            input_signature = [specs]
            if keras.backend.backend() == "jax":
                # Without sizes that have names JAX takes each input's length for another one.
                sizes = dict.fromkeys(names, f"({', '.join(self.DIMENSIONS)})")
                options.setdefault("jax2tf_kwargs", {"polymorphic_shapes": [sizes]})

        def serve(inputs: dict[str, Any]) -> dict[str, Any]:
            output = self(inputs, training=False)
            return {name: output[name] for name in self.SCORES}

        archive = keras.export.ExportArchive()
        archive.track(self)
        archive.add_endpoint("serve", serve, input_signature, **options)
        archive.write_out(str(filepath), verbose=verbose is not False)
