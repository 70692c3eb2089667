"""A model with fewer bits for each weight, at several widths. Runs in the shipping child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx
from mlx_lm.convert import convert

from punie.shipping.messages import Event, QuantizeAsked, weight_bytes
from punie.shipping.probes import ask_reference, measure
from punie.shipping.tokenizers import require_same_tokenizer
from punie.training.student import load_model


def quantize(asked: QuantizeAsked) -> Iterator[Event]:
    """Measure the model as it is, then write and measure one width after another, each as it was read back."""
    model, tokenizer = load_model(asked.model)
    probes = ask_reference(model, tokenizer)
    yield measure("before", model, weight_bytes(Path(asked.model)), probes, reference=True)
    del model
    for bits, output in asked.outputs.items():
        mx.clear_cache()
        convert(asked.model, output, quantize=True, q_bits=bits)
        narrow, its_tokenizer = load_model(output)
        require_same_tokenizer(tokenizer, its_tokenizer, output)
        yield measure(f"{bits}-bit", narrow, weight_bytes(Path(output)), probes)
        del narrow
