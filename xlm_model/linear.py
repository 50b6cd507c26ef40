"""Linear layers, through the faster of PyTorch's two matrix libraries where nothing watches.

The layers are PyTorch's own class, so that whatever looks for linear layers finds them: to quantise
or adapt them, to export, or to count.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from xlm_model.tracing import is_watched


def _is_made_by_intel() -> bool:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            return "GenuineIntel" in file.read(1000)
    except OSError:  # not Linux
        return False


# Whether there is the operator that torch.compile puts in the place of a linear layer, which has no
# gradient, and MKL is not the faster one.
_ONEDNN = (
    torch._C._has_mkldnn
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and not (torch._C.has_mkl and _is_made_by_intel())
)


def apply_linear(layer: nn.Module, input: Tensor) -> Tensor:
    """Return `layer(input)`; for fp32 inference on a CPU that is not Intel's, through oneDNN.

    PyTorch gives such a product to MKL, which does not make full use of processors that are not
    Intel's: measured on an AMD processor with AVX-512, oneDNN is 1.2 times as fast for a thousand
    tokens and 1.8 times for four. On an Intel Xeon with AVX-512 MKL is 1.06 times as fast, and
    stays. The results differ by rounding.

    The layer is called as usual if it is anything but a plain `torch.nn.Linear`, or if something
    could notice the difference: a gradient, a hook, a tracer, a mode, a functional transform.

    Args:
        layer: A `torch.nn.Linear`, or what a tool has put in the place of one.
        input: Shape `(…, in_features)`.
    """
    # What is watched comes first: the questions behind it could not be compiled.
    if _ONEDNN and not is_watched() and _is_plain_inference(input) and _is_plain(layer):
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            input, layer.weight, layer.bias, "none", [], ""
        )
        return product
    return layer(input)  # type: ignore[no-any-return]


def _is_plain_inference(input: Tensor) -> bool:
    return (
        not torch.is_grad_enabled()
        and type(input) is Tensor
        and input.dtype == torch.float32
        and input.is_cpu
        and input.numel() > 0
        and not torch.is_autocast_enabled("cpu")
        and bool(torch.backends.mkldnn.enabled)
    )


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer is PyTorch's own, with parameters of its own, and called without detours."""
    if type(layer) is not nn.Linear:
        return False
    weight, bias = layer._parameters.get("weight"), layer._parameters.get("bias")
    return (
        type(weight) is nn.Parameter
        and (bias is None or type(bias) is nn.Parameter)
        and weight.dtype == torch.float32
        and weight.is_cpu
        and "forward" not in layer.__dict__
        and not (layer._forward_hooks or layer._forward_pre_hooks)
    )
