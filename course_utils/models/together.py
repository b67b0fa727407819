"""Batch normalisation over the items of several processes that train one model together.

Each process sees its share of a batch only. A module with an attribute `together` that is True
takes its mean and variance over the shares of all of them: the statistics that one process with
the whole batch would find.
"""

from __future__ import annotations

import torch.distributed as dist
import torch.distributed.nn.functional as collectives
from torch import Tensor, nn


def total(x: Tensor) -> Tensor:
    """The sum of `x` over all processes; a gradient that arrives here is summed likewise.

    Every process must come here as often as the others, or all of them wait for ever.
    """
    return collectives.all_reduce(x)


def synchronise(model: nn.Module) -> nn.Module:
    """Let the batch normalisation of a model count the items of all processes, and return it.

    Raises:
        ValueError: a layer is torch's own batch normalisation, which cannot; its name is said.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not isinstance(
            module, nn.SyncBatchNorm
        ):
            raise ValueError(
                f"{name} is torch's {type(module).__name__}, whose statistics are those of one "
                "process: use models.convolution.MaskedBatchNorm, or on GPUs nn.SyncBatchNorm"
            )
        if hasattr(module, "together"):
            module.together = dist.is_initialized() and dist.get_world_size() > 1
    return model
