"""The network as it is trained: mlx-lm's Llama, weight for weight, in a form that is fast on a CPU.

mlx-lm loads what is saved here; a test holds the logits of both together. The one difference is `fast_exp`, which trades
1e-3 of relative accuracy during training for a speed that MLX's exponential does not have on a CPU.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import mlx.nn as nn

from punie.training.pretrain.recipe import Shape

_SQUARINGS = 12
_HEAD_PAIRS = 6
_HEAD_STRENGTH = 6.0


def fast_exp(x: mx.array) -> mx.array:
    """exp(x) for x <= 0 as (1 + x / 4096) ** 4096: twelve multiplications."""
    y = mx.maximum(1.0 + x / 2**_SQUARINGS, 0.0)
    for _ in range(_SQUARINGS):
        y = y * y
    return y


@mx.custom_function
def softmax(scores: mx.array) -> mx.array:
    weights = fast_exp(scores - mx.max(scores, axis=-1, keepdims=True))
    return weights / mx.sum(weights, axis=-1, keepdims=True)


@softmax.vjp
def _softmax_vjp(_: mx.array, cotangent: mx.array, probabilities: mx.array) -> mx.array:
    weighted = cotangent * probabilities
    return weighted - probabilities * mx.sum(weighted, axis=-1, keepdims=True)


@mx.custom_function
def token_losses(logits: mx.array, targets: mx.array) -> mx.array:
    """(rows, length, vocabulary) logits, (rows, length) ids -> (rows, length) cross-entropies in nats."""
    shifted = logits - mx.max(logits, axis=-1, keepdims=True)
    chosen = mx.take_along_axis(shifted, targets[..., None], axis=-1).squeeze(-1)
    return mx.log(mx.sum(fast_exp(shifted), axis=-1)) - chosen


@token_losses.vjp
def _token_losses_vjp(
    primals: tuple[mx.array, mx.array], cotangent: mx.array, _: mx.array
) -> tuple[mx.array, mx.array]:
    logits, targets = primals
    hit = mx.arange(logits.shape[-1]) == targets[..., None]
    return (softmax(logits) - hit) * cotangent[..., None], mx.zeros_like(targets)


@mx.custom_function
def silu(x: mx.array) -> mx.array:
    return x * _sigmoid(x)


@silu.vjp
def _silu_vjp(x: mx.array, cotangent: mx.array, _: mx.array) -> mx.array:
    gate = _sigmoid(x)
    return cotangent * gate * (1.0 + x * (1.0 - gate))


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
        self.rope = nn.RoPE(shape.width // shape.heads, base=10_000)

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
        self.input_layernorm = nn.RMSNorm(shape.width, eps=1e-5)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, eps=1e-5)

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        x = x + self.self_attn(self.input_layernorm(x), mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Backbone(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = [Block(shape) for _ in range(shape.layers)]
        self.norm = nn.RMSNorm(shape.width, eps=1e-5)


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

    Source of the figures: measured, see docs/LOG.md. The head's q and k biases are the same rotation apart for every
    token, so its attention peaks at the previous position before anything is learnt.
    """
    model.embed_tokens.weight = mx.random.normal(model.embed_tokens.weight.shape) * 0.5
    model.norm.weight = mx.full(model.norm.weight.shape, 0.2)
    size = shape.width // shape.heads
    frequencies = 10_000.0 ** (-mx.arange(_HEAD_PAIRS) * 2.0 / size)
    attention = model.layers[0].self_attn
    for linear in (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj):
        linear.bias = mx.zeros_like(linear.bias)
    half = size // 2
    key, query = mx.zeros(shape.width), mx.zeros(shape.width)
    key[:_HEAD_PAIRS] = _HEAD_STRENGTH
    query[:_HEAD_PAIRS] = _HEAD_STRENGTH * mx.cos(frequencies)
    query[half : half + _HEAD_PAIRS] = -_HEAD_STRENGTH * mx.sin(frequencies)
    attention.k_proj.bias, attention.q_proj.bias = key, query


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
        "rms_norm_eps": 1e-5,
        "vocab_size": shape.vocabulary,
        "rope_theta": 10_000,
        "attention_bias": True,
        "tie_word_embeddings": True,
        "max_position_embeddings": 1024,
        "torch_dtype": "float32",
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
