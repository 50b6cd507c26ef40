"""The files that a Unigram vocabulary comes in: ``tokenizer.json``, and SentencePiece's model."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from xlm_text.errors import InputError, MissingComponentError
from xlm_text.files.text_files import read_json
from xlm_text.unigram.vocabulary import UNKNOWN, UnigramVocabulary

TOKENIZER_FILE = "tokenizer.json"
SENTENCEPIECE_FILE = "sentencepiece.bpe.model"

# What SentencePiece's files call the kinds of models and pieces.
_UNIGRAM = 1
_CONTROL, _USER_DEFINED = 3, 4
# SentencePiece has its unknown piece and its two control tokens first; the reference puts four of
# its own there.
_FIRST = 3


@dataclass(frozen=True)
class UnigramFile:
    """What a file says.

    Attributes:
        vocabulary: the pieces.
        added_tokens: the tokens that are never cut, by their ids.
        settings: what the file says of settings.

    """

    vocabulary: UnigramVocabulary
    added_tokens: dict[int, AddedToken] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def read_tokenizer_file(path: Path, as_it_is: bool = False) -> UnigramFile:
    """Read a ``tokenizer.json``.

    Args:
        path: the file.
        as_it_is: use the stages that stand there, and not those of the reference's class.

    Raises:
        InputError: the file cannot be read, or its model is none of Unigram's kind.

    """
    content = read_json(path)
    try:
        model = content["model"]
        kind = model.get(
            "type", "Unigram" if isinstance(model["vocab"], list) else "of another kind"
        )
        if kind != "Unigram":
            raise InputError(f"its model is {kind}, but XLM-RoBERTa's are Unigram")
        tokens = {int(token.pop("id")): AddedToken(**token) for token in content["added_tokens"]}
        entries = [(piece, float(score)) for piece, score in model["vocab"]]
        charsmap = _charsmap(content.get("normalizer"))
        own = _own_stages(content) if as_it_is else {}
        return UnigramFile(UnigramVocabulary(entries, charsmap, **own), tokens, _sides(content))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not what the tokenizers library writes ({type(error).__name__}: {error})"
        ) from None


def _own_stages(content: Mapping[str, Any]) -> dict[str, Any]:
    model, names = content["model"], ("normalizer", "pre_tokenizer", "decoder")
    return {
        "unknown": model.get("unk_id") or 0,
        "byte_fallback": bool(model.get("byte_fallback")),
        "stages": {name: content.get(name) for name in names},
    }


def _charsmap(normalizer: Any) -> str | None:
    """Return SentencePiece's table of characters, wherever it stands among the normalizers."""
    if not normalizer:
        return None
    several = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    return next(
        (one["precompiled_charsmap"] for one in several if one["type"] == "Precompiled"), None
    )


def _sides(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return on which sides the file cuts and pads; how long the rows are is the call's."""
    found = {}
    for name, setting in (("truncation", "truncation_side"), ("padding", "padding_side")):
        if content.get(name):
            found[setting] = str(content[name]["direction"]).lower()
    return found


def read_sentencepiece_file(path: Path, tokens: Mapping[str, str]) -> UnigramFile:
    """Read SentencePiece's own model.

    Args:
        path: the file.
        tokens: the special tokens by their roles.

    Raises:
        InputError: the file cannot be read as what it should be.
        MissingComponentError: the package that reads it is not installed.

    """
    model = _parse(path)
    if model.trainer_spec.model_type != _UNIGRAM:
        raise InputError(f"{path}: its model is not a Unigram model, but XLM-RoBERTa's are")
    first = [tokens[f"{role}_token"] for role in ("bos", "pad", "eos", "unk")]
    assert first[UNKNOWN] == tokens["unk_token"]
    pieces = [(piece.piece, piece.score) for piece in model.pieces[_FIRST:]]
    entries = [*((token, 0.0) for token in first), *pieces, (tokens["mask_token"], 0.0)]
    charsmap = b64encode(model.normalizer_spec.precompiled_charsmap).decode() or None
    try:
        vocabulary = UnigramVocabulary(entries, charsmap)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    never_cut = {
        piece.piece: AddedToken(piece.piece, normalized=False, special=piece.type == _CONTROL)
        for piece in model.pieces
        if piece.type in (_CONTROL, _USER_DEFINED)
    }
    added = {vocabulary.ids[text]: token for text, token in never_cut.items()}
    return UnigramFile(vocabulary, added, {"additional_special_tokens": tuple(never_cut)})


def _parse(path: Path) -> Any:
    try:
        from sentencepiece import sentencepiece_model_pb2
    except ImportError:
        raise MissingComponentError(
            f"{path} takes the packages 'sentencepiece' and 'protobuf' to read: install them with "
            "`pip install sentencepiece protobuf`, or in a clone of this project "
            f"`pip install '.[sentencepiece]'`; or put a {TOKENIZER_FILE} beside it"
        ) from None
    from google.protobuf.message import DecodeError

    model = sentencepiece_model_pb2.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except DecodeError:
        raise InputError(f"{path}: not a model of SentencePiece") from None
    return model
