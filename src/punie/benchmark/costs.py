"""What time and memory go by, as columns of numbers: each costs so many seconds, or bytes, that measuring tells.

The columns follow from the layers of a transformer. Multiplications with weights: of one position, as many as a layer
has weights (Kaplan et al., arXiv 2001.08361, section 2.1), once forward, once backward through frozen weights, and once
more forward where a layer is checkpointed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from punie.benchmark.anatomy import Anatomy
from punie.training.workload import Widest, Work

KEPT, LIVE, LOGITS = 2.2, 2.1, 4.0
"""Arrays of a layer's outputs that are kept for the gradient, that a layer needs while it is computed, and arrays of
logits: of float32 models of the Qwen2 type on a CPU, measured (docs/LOG.md)."""

_BLOCK = 128
"""Attention in blocks computes a row's pairs up to the end of the block: about half of them (training/attention.py)."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much of a model learns."""

    num_layers: int
    grad_checkpoint: bool


def time_columns(anatomy: Anatomy, depth: Depth, work: Work, *, learning: bool = True) -> np.ndarray:
    """Steps and groups counted, the others in multiplications: forward, backward, again, attention, head."""
    taught = depth.num_layers if learning else 0
    again = taught if depth.grad_checkpoint else 0
    passes = anatomy.layers + 2 * taught + again
    return np.array(
        [
            work.steps,
            work.groups,
            anatomy.products * _layered(work, anatomy.layers),
            anatomy.products * _layered(work, taught),
            anatomy.products * work.positions * again,
            anatomy.heads * anatomy.head_size * work.pairs * passes,
            anatomy.hidden * anatomy.vocabulary * work.targets * (2 if learning else 1),
        ]
    )


def _layered(work: Work, layers: int) -> float:
    return work.positions * (layers - 1) + work.last if layers else 0.0


def memory_columns(anatomy: Anatomy, depth: Depth, widest: Widest) -> np.ndarray:
    """Bytes beyond what is counted: kept for the gradient, at work in one layer, attention's shares, logits."""
    layer = anatomy.number * anatomy.outputs
    whole = depth.num_layers - 1 + widest.last / widest.positions
    kept = anatomy.number * anatomy.hidden * whole + KEPT * layer if depth.grad_checkpoint else KEPT * layer * whole
    pairs = widest.rows * widest.width * (widest.width + _BLOCK) / 2
    return np.array(
        [
            widest.positions * kept,
            widest.positions * LIVE * layer,
            anatomy.number * anatomy.heads * pairs * (1 if depth.grad_checkpoint else whole),
            LOGITS * 4 * anatomy.vocabulary * widest.targets,
        ]
    )


def counted(anatomy: Anatomy) -> int:
    """Bytes that are there whatever a step does: weights, moments, the sum of gradients and the next."""
    return anatomy.weights + anatomy.optimizer + 2 * anatomy.trainable_bytes
