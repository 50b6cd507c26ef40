"""An encoder and its tokenizer as the first module of a model of sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

try:
    from sentence_transformers.base.modules import InputModule
except ImportError as error:  # pragma: no cover - the tests have it
    raise ImportError(
        f"{error}: this needs sentence-transformers 6; in a clone of this project: "
        "pip install '.[sentences]'"
    ) from error

from torch import Tensor

from xlm_model.encoder import XLMModel
from xlm_text import InputError, XLMTokenizer

Self = TypeVar("Self", bound="XLMTransformer")


class XLMTransformer(InputModule):  # type: ignore[misc]
    """Texts to the states of their tokens; a `Pooling` module behind it makes vectors of them.

    The module that sentence-transformers makes of a checkpoint by itself tokenizes every text in
    one language, and passes no language to the model: this one takes `lang`.

    Args:
        model: The encoder.
        tokenizer: The checkpoint's.
        lang: The texts' language; None: the tokenizer's own. `encode(texts, lang="de")` goes
            before it.
        max_seq_length: Longer texts are cut to so many tokens; None: to what the model can take.

    Example:
        >>> from sentence_transformers import SentenceTransformer
        >>> from sentence_transformers.sentence_transformer.modules import Pooling
        >>> from xlm_model import XLMConfig
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> words = XLMTransformer(XLMModel(config), tokenizer, lang="en")
        >>> embed = SentenceTransformer(modules=[words, Pooling(32)], device="cpu")
        >>> embed.encode(["Hello!", "How are you?"]).shape
        (2, 32)
    """

    config_file_name = "sentence_xlm_config.json"
    config_keys = ["lang", "max_seq_length"]  # noqa: RUF012
    forward_kwargs = {"lang"}  # noqa: RUF012

    def __init__(
        self,
        model: XLMModel,
        tokenizer: XLMTokenizer,
        lang: str | None = None,
        max_seq_length: int | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.lang = lang
        longest = model.config.max_position_embeddings
        self.max_seq_length = min(max_seq_length or longest, longest)

    def preprocess(
        self,
        inputs: Sequence[str],
        prompt: str | None = None,
        lang: str | None = None,
        **others: Any,
    ) -> dict[str, Any]:
        """Tokenize a batch of texts, and pad it.

        Args:
            inputs: The texts.
            prompt: Put before each.
            lang: Their language; None: the module's.
            **others: Have no effect.

        Raises:
            InputError: something that is no text, or a language that the tokenizer does not know.
        """
        for text in inputs:
            if not isinstance(text, str):
                raise InputError(f"an input is {text!r:.60}: expected a text")
        encoded = self.tokenizer(
            [(prompt or "") + text for text in inputs],
            lang=lang or self.lang,
            padding=True,
            truncation=True,
            max_length=self.max_seq_length,
            return_tensors="pt",
        )
        return dict(encoded)

    def forward(self, features: dict[str, Any], **others: Any) -> dict[str, Any]:
        """Add the tokens' last states, as `token_embeddings`; shape `(batch, length, dim)`."""
        states: Tensor = self.model(
            features["input_ids"], features["attention_mask"], features.get("langs")
        ).last_hidden_state
        return {**features, "token_embeddings": states}

    def get_embedding_dimension(self) -> int:
        """Return the width of a state."""
        return self.model.config.emb_dim

    def save(self, output_path: str, *arguments: Any, **options: Any) -> None:
        """Write the checkpoint, as `save_pretrained` does, and the module's own settings."""
        self.model.save_pretrained(output_path)
        self.tokenizer.save_pretrained(output_path)
        self.save_config(output_path)

    @classmethod
    def load(
        cls: type[Self],
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        **options: Any,
    ) -> Self:
        """Load what `save` wrote; arguments as in `InputModule.load`."""
        hub = {
            "subfolder": subfolder,
            "token": token,
            "cache_folder": cache_folder,
            "revision": revision,
            "local_files_only": local_files_only,
        }
        folder = Path(cls.load_dir_path(model_name_or_path, **hub))
        settings = cls.load_config(model_name_or_path, **hub)
        tokenizer = XLMTokenizer.from_pretrained(folder)
        return cls(XLMModel.from_pretrained(folder), tokenizer, **settings)
