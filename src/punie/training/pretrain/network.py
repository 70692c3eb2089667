"""The network as it is trained: mlx-lm's Llama, weight for weight, in a form that is fast on a CPU.

mlx-lm loads what is saved here; a test holds the logits of both together. The one difference is `fast_exp`, whose
attention weights and probabilities are off by up to 2e-4 of the largest: the price, during training, of a speed that
MLX's exponential does not have on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, cast

import mlx.core as mx
import mlx.nn as nn

from punie.training.pretrain.recipe import CONTEXT, SMALLEST_HEAD, Shape
from punie.training.pretrain.tokenizer import END, SPECIAL, TURN_END

_SQUARINGS = 12
_BASE = 10_000
_EPSILON = 1e-5
_HEAD_PAIRS = SMALLEST_HEAD // 2
_HEAD_STRENGTH = 6.0

_Arguments = ParamSpec("_Arguments")


def fast_exp(x: mx.array) -> mx.array:
    """exp(x) for x <= 0 as (1 + x / 4096) ** 4096, within 2e-4: twelve multiplications."""
    y = mx.maximum(1.0 + x / 2**_SQUARINGS, 0.0)
    for _ in range(_SQUARINGS):
        y = y * y
    return y


def _with_gradient(
    forward: Callable[_Arguments, mx.array], backward: Callable[..., Any]
) -> Callable[_Arguments, mx.array]:
    """`forward` with a vector-Jacobian product written by hand, which spares the steps of `fast_exp`."""
    function = mx.custom_function(forward)
    function.vjp(backward)
    return cast("Callable[_Arguments, mx.array]", function)


def _softmax(scores: mx.array) -> mx.array:
    weights = fast_exp(scores - mx.max(scores, axis=-1, keepdims=True))
    return weights / mx.sum(weights, axis=-1, keepdims=True)


def _softmax_vjp(_: mx.array, cotangent: mx.array, probabilities: mx.array) -> mx.array:
    weighted = cotangent * probabilities
    return weighted - probabilities * mx.sum(weighted, axis=-1, keepdims=True)


softmax = _with_gradient(_softmax, _softmax_vjp)


def _token_losses(logits: mx.array, targets: mx.array) -> mx.array:
    """(rows, length, vocabulary) logits, (rows, length) ids -> (rows, length) cross-entropies in nats."""
    shifted = logits - mx.max(logits, axis=-1, keepdims=True)
    chosen = mx.take_along_axis(shifted, targets[..., None], axis=-1).squeeze(-1)
    return mx.log(mx.sum(fast_exp(shifted), axis=-1)) - chosen


def _token_losses_vjp(
    primals: tuple[mx.array, mx.array], cotangent: mx.array, _: mx.array
) -> tuple[mx.array, mx.array]:
    logits, targets = primals
    hit = mx.arange(logits.shape[-1]) == targets[..., None]
    return (softmax(logits) - hit) * cotangent[..., None], mx.zeros_like(targets)


token_losses = _with_gradient(_token_losses, _token_losses_vjp)


def _silu(x: mx.array) -> mx.array:
    return x * _sigmoid(x)


def _silu_vjp(x: mx.array, cotangent: mx.array, _: mx.array) -> mx.array:
    gate = _sigmoid(x)
    return cotangent * gate * (1.0 + x * (1.0 - gate))


silu = _with_gradient(_silu, _silu_vjp)


def _sigmoid(x: mx.array) -> mx.array:
    small = fast_exp(-mx.abs(x))
    return mx.where(x > 0, 1.0, small) / (1.0 + small)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.k_proj = nn.Linear(shape.width, shape.width)
        self.v_proj = nn.Linear(shape.width, shape.width)
        self.o_proj = nn.Linear(shape.width, shape.width)
        self.rope = nn.RoPE(shape.width // shape.heads, base=_BASE)

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        rows, length, width = x.shape
        q, k, v = (
            project(x).reshape(rows, length, self.heads, -1).transpose(0, 2, 1, 3)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        scores = (self.rope(q) * (width // self.heads) ** -0.5) @ self.rope(k).transpose(0, 1, 3, 2) + mask
        return self.o_proj((softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(rows, length, width))


class MLP(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down_proj = nn.Linear(shape.hidden, shape.width, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        return self.down_proj(silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = MLP(shape)
        self.input_layernorm = nn.RMSNorm(shape.width, eps=_EPSILON)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, eps=_EPSILON)

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        x = x + self.self_attn(self.input_layernorm(x), mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Backbone(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = [Block(shape) for _ in range(shape.layers)]
        self.norm = nn.RMSNorm(shape.width, eps=_EPSILON)


class Network(nn.Module):
    """(rows, length) token ids -> (rows, length, vocabulary) logits; names of weights are those of mlx-lm's Llama."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.model = Backbone(shape)
        _initialise(self.model, shape)

    def __call__(self, tokens: mx.array) -> mx.array:
        x = self.model.embed_tokens(tokens)
        mask = nn.MultiHeadAttention.create_additive_causal_mask(tokens.shape[1])
        for layer in self.model.layers:
            x = layer(x, mask)
        return self.model.embed_tokens.as_linear(self.model.norm(x))


def _initialise(model: Backbone, shape: Shape) -> None:
    """Large embeddings, so that a token's identity survives the residual stream, and a first head that looks back one.

    The figures were found by trial: without them copying does not form within a short training.
    """
    model.embed_tokens.weight = mx.random.normal(model.embed_tokens.weight.shape) * 0.5
    model.norm.weight = mx.full(model.norm.weight.shape, 0.2)
    attention = model.layers[0].self_attn
    for linear in (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj):
        linear.bias = mx.zeros_like(linear.bias)
    attention.q_proj.bias, attention.k_proj.bias = _looking_back(shape)


def _looking_back(shape: Shape) -> tuple[mx.array, mx.array]:
    """Biases of q and k with which the first head attends to the position before, whatever the tokens are.

    The q bias is the k bias turned by the rotation of one position, in the pairs of features that rotate fastest.
    """
    size = shape.width // shape.heads
    half = size // 2
    frequencies = _BASE ** (-mx.arange(_HEAD_PAIRS) * 2.0 / size)
    query, key = mx.zeros(shape.width), mx.zeros(shape.width)
    key[:_HEAD_PAIRS] = _HEAD_STRENGTH
    query[:_HEAD_PAIRS] = _HEAD_STRENGTH * mx.cos(frequencies)
    query[half : half + _HEAD_PAIRS] = -_HEAD_STRENGTH * mx.sin(frequencies)
    return query, key


def configuration(shape: Shape) -> dict[str, Any]:
    """config.json for mlx-lm. `llama`, not `qwen2`: for qwen2 transformers replaces the tokenizer without a word."""
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "intermediate_size": shape.hidden,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "rms_norm_eps": _EPSILON,
        "vocab_size": shape.vocabulary,
        "rope_theta": _BASE,
        "attention_bias": True,
        "tie_word_embeddings": True,
        "max_position_embeddings": CONTEXT,
        "torch_dtype": "float32",
        "eos_token_id": SPECIAL.index(TURN_END),
        "pad_token_id": SPECIAL.index(END),
    }
