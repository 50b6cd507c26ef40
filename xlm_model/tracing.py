"""Whether something follows what the model does, beside the caller who wants the result."""

from __future__ import annotations

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd import forward_ad
from torch.nn.modules import module as calls


def has_values(tensor: Tensor) -> bool:
    """Whether a tensor's values may decide what is done next.

    They are not there while a graph is made of the model (`torch.compile`, `torch.export`, the ONNX
    exporter, `make_fx`), would become part of it for good (`torch.jit.trace`), or are those of many
    calls at once (`torch.func.vmap`).
    """
    if torch.compiler.is_compiling():
        return False
    return not (tensor.is_meta or isinstance(tensor, FakeTensor) or _is_recorded())


def is_watched() -> bool:
    """Whether another operator with the same result could be noticed by somebody.

    That is whoever records or redirects operators, a functional transform or tangents, to which a
    new operator may be unknown, and a hook on the calls of all modules.
    """
    return torch.compiler.is_compiling() or bool(
        _is_recorded()
        or torch._C._len_torch_function_stack()
        or forward_ad._current_level >= 0
        or calls._global_forward_hooks
        or calls._global_forward_pre_hooks
    )


def _is_recorded() -> bool:
    """Whether a mode, a functional transform or a tracer gets every operator to see."""
    return bool(
        torch._C._len_torch_dispatch_stack()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    )
