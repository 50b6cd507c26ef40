"""What all models share beside the forward pass: loading, saving, and the published names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from xlm_model import loading_arguments as arguments
from xlm_model.checkpoints import formats
from xlm_model.checkpoints.matching import NEW_HEAD, check_fit, join_tied, match, shapes_of
from xlm_model.checkpoints.reading import LoadedCheckpoint, check_type, read_checkpoint
from xlm_model.checkpoints.writing import MAX_SHARD_SIZE, save
from xlm_model.config import XLMConfig
from xlm_model.config_files import HUB_OPTIONS
from xlm_model.interface import ToolInterface
from xlm_model.outputs import OUTPUTS, ModelOutput

Model = TypeVar("Model", bound="XLMPreTrainedModel")
Output = TypeVar("Output", bound=ModelOutput)

# Here, as what describes the outputs does without PyTorch.
for _output in OUTPUTS:
    # The name under which files of exported models have it.
    torch.export.register_dataclass(_output, serialized_type_name=f"xlm_model.{_output.__name__}")


class XLMPreTrainedModel(ToolInterface):
    """A model that is loaded from checkpoints and saved as one.

    Args:
        config: Its settings. The model keeps this object, and changes it when it is resized.
    """

    # Whether this is more than the bare encoder; then the encoder is called `transformer`.
    has_head = False
    # What the class itself takes beside the configuration, and `from_pretrained`, too.
    own_arguments: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_pretrained(
        cls: type[Model],
        where: str | Path | None,
        *,
        new_head: bool = False,
        ignore_mismatched_sizes: bool = False,
        new_positions: str | None = None,
        config: Any = None,
        state_dict: Mapping[str, Tensor] | None = None,
        dtype: torch.dtype | str | None = None,
        torch_dtype: torch.dtype | str | None = None,
        device: torch.device | str | None = None,
        device_map: Any = None,
        attn_implementation: str | None = None,
        output_loading_info: bool = False,
        subfolder: str = "",
        **options: Any,
    ) -> Model:
        """Load a checkpoint, in evaluation mode.

        The weights stay mapped to their file where its format allows it, and are read as they are
        used; nothing is built twice.

        Args:
            where: A folder, a file, or a name on the Hugging Face hub; None with a `config` and a
                `state_dict`.
            new_head: Initialise at random what the checkpoint lacks, or holds in another size, of
                the head; without it that is an error.
            ignore_mismatched_sizes: The same, by transformers' name.
            new_positions: How to begin where `max_position_embeddings` is changed: "copy" has the
                first positions again behind the last one, "interpolate" draws all of them out over
                the new range; without it another number is an error.
            config: In place of the checkpoint's: an `XLMConfig`, its folder or file, or another
                library's with the same keys. It is copied.
            state_dict: Weights in place of the checkpoint's.
            dtype: Convert the weights, such as `torch.bfloat16` or "bfloat16"; None or "auto" keeps
                them as stored.
            torch_dtype: The same, by its older name.
            device: Where the model goes; None: the CPU.
            device_map: The same, by accelerate's name; "auto" for the accelerator if there is one.
            attn_implementation: "sdpa" or "eager", which make no difference: the kernel is chosen
                by what is asked for.
            output_loading_info: Return a pair: the model, and a dictionary of `missing_keys`,
                `unexpected_keys`, `mismatched_keys` and `error_msgs`.
            subfolder: Of the folder or the repository.
            **options: For the hub `revision`, `cache_dir`, `local_files_only`, `force_download` and
                `token`; and keys of the configuration to change, such as `causal=True` or
                `num_labels=3`. Arguments that change nothing here, such as `low_cpu_mem_usage`, are
                taken.

        Raises:
            CheckpointError: nothing readable there, or it does not fit this model; what is missing,
                left over or of another shape is listed.
            ConfigError: a wrong value in the configuration or the changes.
            ValueError: an argument with a wrong value, or one that asks for something that is done
                in another way here; the message says how.

        Warns:
            UserWarning: lists the head's weights that were left out or newly initialised.
        """
        arguments.check_attention(attn_implementation)
        target = arguments.read_device(device, device_map)
        wanted = arguments.read_dtype(torch_dtype if dtype is None else dtype)
        hub = {k: options.pop(k) for k in HUB_OPTIONS if k in options}
        hub = {k: v for k, v in hub.items() if v is not None}
        own = {name: options.pop(name) for name in cls.own_arguments if name in options}
        changes = arguments.rest_of(options)
        given = arguments.read_config(config, cls.config_class)
        found = _find(cls.config_class, where, given, state_dict, subfolder, hub)
        own |= cls._arguments_for(found, own)
        settings = found.config.replace(**changes)
        positions = settings.max_position_embeddings
        if new_positions is not None:
            settings.max_position_embeddings = found.config.max_position_embeddings
        with torch.device("meta"):
            model = cls(settings, **own)
        join_tied(found.tensors, model.tied_weights, found.path)
        shapes = shapes_of(model.published_state()), shapes_of(found.tensors)
        report = match(*shapes, model.config.names)
        check_fit(
            report,
            found.path,
            cls.__name__,
            new_head=new_head or ignore_mismatched_sizes,
            advice=NEW_HEAD,
        )
        model._fill(found.tensors, report.new, wanted)
        if new_positions is not None:
            model.resize_position_embeddings(positions, new_positions)
        model.to(target).eval()
        return (model, report.as_loading_info()) if output_loading_info else model  # type: ignore[return-value]

    @classmethod
    def _arguments_for(cls, found: LoadedCheckpoint, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the class' own arguments for a checkpoint, where they are not given."""
        return {}

    @classmethod
    def _from_config(
        cls: type[Model],
        config: XLMConfig,
        *,
        dtype: torch.dtype | str | None = None,
        torch_dtype: torch.dtype | str | None = None,
        attn_implementation: str | None = None,
        **options: Any,
    ) -> Model:
        """Build a model with new weights, as transformers' `AutoModel.from_config` asks for."""
        arguments.check_attention(attn_implementation)
        wanted = arguments.read_dtype(torch_dtype if dtype is None else dtype)
        model = cls(config.replace(**arguments.rest_of(options)))
        return model if wanted is None else model.to(wanted)

    def save_pretrained(
        self,
        folder: str | Path,
        *,
        is_main_process: bool = True,
        state_dict: Mapping[str, Tensor] | None = None,
        max_shard_size: int | str = MAX_SHARD_SIZE,
        safe_serialization: bool = True,
        push_to_hub: bool = False,
        **options: Any,
    ) -> None:
        """Write `config.json` and `model.safetensors`, in the layout that transformers reads.

        What is written follows from the weights: a projection that is no longer the embeddings is
        written, too, and the configuration then says so. Each file appears under its name only once
        all of them are whole.

        Args:
            folder: Made if it is not there.
            is_main_process: Whether to write at all: one of several processes does.
            state_dict: Weights in place of the model's own, such as those that `accelerate`
                gathered.
            max_shard_size: Write several files, and an index, where the weights take more; bytes,
                or a number with a unit, such as "5GB".
            safe_serialization: Must be True; `torch.save(model.state_dict(), …)` writes a pickle.
            push_to_hub: Upload the folder afterwards; see `push_to_hub` for the options.
            **options: Of `push_to_hub`, with `repo_id`.

        Raises:
            CheckpointError: the folder cannot be written.
            ValueError: a wrong argument.
        """
        if not safe_serialization:
            raise ValueError(
                "safe_serialization is False: expected True; `torch.save(model.state_dict(), …)` "
                "writes a pickle, which `from_pretrained` reads, too"
            )
        for name in ("variant", "distributed_checkpoint"):
            if options.pop(name, None):
                raise ValueError(f"{name} is not supported: expected the files' usual names")
        options = {k: v for k, v in options.items() if not k.startswith("save_")}
        if options and not push_to_hub:
            raise ValueError(f"save_pretrained has no argument {next(iter(options))!r}")
        if is_main_process:
            names = self.config.names
            state = None if state_dict is None else formats.published(dict(state_dict), names)
            tensors, is_tied = self._tensors_to_save(state)
            config = self.config
            if config.tie_word_embeddings != is_tied and self._may_tie:
                config = config.replace(tie_word_embeddings=is_tied)
            if not self.has_head:
                tensors = formats.drop_encoder_prefix(tensors, names.encoder)
            # FSDP2 makes a class of its own of a model's.
            name = type(self).__name__.removeprefix("FSDP")
            save(folder, config, tensors, name, max_shard_size)
        if push_to_hub:
            self._upload(Path(folder), **{"repo_id": Path(folder).name, **options})

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Upload model",
        private: bool | None = None,
        token: str | None = None,
        revision: str | None = None,
        create_pr: bool = False,
        **options: Any,
    ) -> str:
        """Upload the model to the Hugging Face hub, and return the address of the commit.

        Args:
            repo_id: The repository, which is made if it is not there.
            commit_message: Of the commit.
            private: Whether a new repository is private; None: as the account has it.
            token: Of the account; None: the one that is logged in.
            revision: Branch to commit to.
            create_pr: Open a pull request instead.
            **options: Of `save_pretrained`, such as `max_shard_size`.
        """
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder, **options)
            return self._upload(
                Path(folder),
                repo_id=repo_id,
                commit_message=commit_message,
                private=private,
                token=token,
                revision=revision,
                create_pr=create_pr,
            )

    @staticmethod
    def _upload(
        folder: Path,
        *,
        repo_id: str,
        commit_message: str = "Upload model",
        private: bool | None = None,
        token: str | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> str:
        from huggingface_hub import HfApi  # here, as it takes a while to import

        api = HfApi(token=token)
        repository = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            commit_message=commit_message,
            revision=revision,
            create_pr=create_pr,
            allow_patterns=["*.json", "*.safetensors", "*.txt"],
        )
        return str(commit.commit_url)

    def as_asked(self, output: Output, return_dict: bool | None) -> Output:
        """Return an output, or the tuple of what is in it if that is asked for, or configured."""
        if return_dict is None:
            # A tracer takes no other containers than tuples.
            is_traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
            return_dict = self.config.return_dict and not is_traced
        return output if return_dict else output.to_tuple()  # type: ignore[return-value]

    # Ties ---------------------------------------------------------------------------------------

    @property
    def tied_weights(self) -> dict[str, str]:
        """From a published name to that of the parameter that it is tied to, and saved as."""
        return {}

    @property
    def _may_tie(self) -> bool:
        """Whether the model has a projection that could be the word embeddings."""
        return False

    def tie_weights(self) -> None:
        """Make weights that the configuration ties one tensor; nothing to do without an output."""

    def published_state(self) -> dict[str, Tensor]:
        """Return the weights as a model with a head names them, tied ones once."""
        state = formats.published(dict(self.state_dict()), self.config.names)
        return {name: tensor for name, tensor in state.items() if name not in self.tied_weights}

    def _tensors_to_save(self, state: dict[str, Tensor] | None) -> tuple[dict[str, Tensor], bool]:
        """Return the weights by their published names, and whether the projection is tied.

        Args:
            state: In place of the model's own, under published names.
        """
        own, names = state is None, self.config.names
        state = formats.published(dict(self.state_dict()), names) if state is None else {**state}
        if not self._may_tie:
            return state, self.config.tie_word_embeddings
        projection, embeddings = state.get(names.projection), state[names.words]
        is_tied = projection is None or _is_same(projection, embeddings)
        if not own and projection is not None and not is_tied:
            # Weights that were gathered from several processes are copies of each other.
            is_tied = self.config.tie_word_embeddings and torch.equal(projection, embeddings)
        if is_tied:
            state.pop(names.projection, None)
        else:
            state |= {double: state[name] for double, name in names.doubles.items()}
        return state, is_tied

    # Filling ------------------------------------------------------------------------------------

    def resize_position_embeddings(
        self, new_num_position_embeddings: int, new_positions: str = "copy"
    ) -> None:
        """Have more or fewer positions; see `XLMModel.resize_position_embeddings`."""
        self.base_model.resize_position_embeddings(new_num_position_embeddings, new_positions)

    def _fill(
        self, tensors: formats.Tensors, new: Iterable[str], dtype: torch.dtype | None
    ) -> None:
        """Put a checkpoint's tensors into this model, which was built without storage.

        Args:
            tensors: By published name. They are taken out one by one, so that a conversion never
                holds two copies of them all.
            new: Names of the parameters to initialise.
            dtype: Convert to this type; None keeps that of each tensor.
        """
        names = self.config.names
        dtype_of_new = dtype or tensors[names.words].dtype
        state = {}
        for name, parameter in self.published_state().items():
            if name in new:
                state[names.own(name)] = torch.empty(parameter.shape, dtype=dtype_of_new)
            else:
                tensor = tensors.pop(name)
                state[names.own(name)] = tensor if dtype is None else tensor.to(dtype)
        if not self.has_head:
            state = formats.drop_encoder_prefix(state)
        self.load_state_dict(state, assign=True, strict=False)
        self.tie_weights()
        self.initialize(map(names.own, new))


def _find(
    config_class: type[XLMConfig],
    where: str | Path | None,
    config: XLMConfig | None,
    state_dict: Mapping[str, Tensor] | None,
    subfolder: str,
    hub: dict[str, Any],
) -> LoadedCheckpoint:
    """Return a checkpoint, with the configuration and the weights that are given in their place."""
    if state_dict is None:
        if where is None:
            raise ValueError("got no checkpoint: expected one, or config and state_dict")
        found = read_checkpoint(
            where, subfolder=subfolder, config=config, default=config_class, **hub
        )
        check_type(found, config_class)
        found.config._name_or_path = str(where)
        return found
    if config is None:
        if where is None:
            raise ValueError("got a state_dict alone: expected its config, too, or a checkpoint")
        config = config_class.from_pretrained(where, subfolder=subfolder, **hub)
    tensors = formats.without_wrappers(dict(state_dict), "state_dict")
    tensors = formats.read_names(tensors, config.names, is_tied=config.tie_word_embeddings)
    found = LoadedCheckpoint(Path("state_dict"), config, tensors)
    check_type(found, config_class)
    return found


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are one in storage."""
    return one is other or (
        one.shape == other.shape
        and one.stride() == other.stride()
        and not one.is_meta
        and one.data_ptr() == other.data_ptr()
        and one.device == other.device
        and one.numel() > 0
    )
