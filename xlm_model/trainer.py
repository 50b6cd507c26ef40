"""transformers' Trainer for this project's models: what it saves can be loaded."""

from __future__ import annotations

from typing import Any

try:
    from transformers.trainer import Trainer as _Trainer
except ImportError as error:  # pragma: no cover - the tests have both
    raise ImportError(
        f"{error}: the Trainer needs transformers and accelerate; in a clone of this project: "
        "pip install '.[trainer]'"
    ) from error

from xlm_model.pretrained import XLMPreTrainedModel

__all__ = ["Trainer"]


class Trainer(_Trainer):  # type: ignore[misc]
    """`transformers.Trainer`, which saves this project's models as `save_pretrained` does.

    transformers' own trains them, too, but saves whole folders of its own classes only: of any
    other model it writes the weights without a configuration, and fails where two are tied.
    Arguments and methods are those of `transformers.Trainer`.

    Example:
        >>> import tempfile
        >>> import torch
        >>> import transformers
        >>> from xlm_model import XLMConfig, XLMForSequenceClassification
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> example = {"input_ids": torch.tensor([1, 14, 15, 1]), "labels": torch.tensor(1)}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     arguments = transformers.TrainingArguments(
        ...         folder, max_steps=2, use_cpu=True, disable_tqdm=True, save_strategy="no"
        ...     )
        ...     model = XLMForSequenceClassification(config)
        ...     trainer = Trainer(model, arguments, train_dataset=[example] * 8)
        ...     trainer.remove_callback(transformers.PrinterCallback)
        ...     steps = trainer.train().global_step
        ...     trainer.save_model()
        ...     type(XLMForSequenceClassification.from_pretrained(folder)) is type(model), steps
        (True, 2)
    """

    def _save(
        self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None
    ) -> None:
        model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        if not isinstance(model, XLMPreTrainedModel):
            super()._save(output_dir, state_dict)
            return
        # The tokenizer and the arguments; the weights are written in place of the empty ones.
        super()._save(output_dir, state_dict={})
        model.save_pretrained(
            output_dir or self.args.output_dir,
            state_dict=state_dict,
            is_main_process=self.args.should_save,
        )
