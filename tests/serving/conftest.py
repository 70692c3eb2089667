"""A model that writes what it is told to, behind the real server.

Its layers add nothing, every token is its own direction, and the output matrix maps each token to the one that follows
it in a script: a table of successors in the shape of a llama. mlx_lm loads it like any other model. The last token of
the question is the cue, so one server can be asked for a good tool call, a broken one, or an answer without end.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from punie.serving.server import HOST, ManagedServer

END = "<|end|>"
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "@plain": ("Certainly", "."),
    "@call": ('<tool_call>{"name":"read","arguments":{"path":"', "\u00c3", "\u00a9", '.py"}}', "</tool_call>"),
    "@broken": ('<tool_call>{"name":"read"', "</tool_call>"),
    "@shapeless": ('<tool_call>{"name":"read"}', "</tool_call>"),
    "@endless": ("la", "la"),
}
"""Cue and answer, token by token. The two odd characters are the byte-level names of the two bytes of an é."""

WIDTH = 288


def _tokenizer() -> Tokenizer:
    bytes_only = {name: number for number, name in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=bytes_only, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END])
    pieces = dict.fromkeys(piece for cue, script in SCRIPTS.items() for piece in (cue, *script))
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in pieces if piece not in bytes_only])
    return tokenizer


def _tensors(tokenizer: Tokenizer) -> dict[str, np.ndarray]:
    number = tokenizer.token_to_id
    follows = dict.fromkeys(range(WIDTH), number(END))
    for cue, script in SCRIPTS.items():
        follows |= {number(one): number(two) for one, two in pairwise((cue, *script))}
    head = np.zeros((WIDTH, WIDTH), np.float32)
    for token, successor in follows.items():
        head[successor, token] = 1.0
    layer = "model.layers.0"
    square = {
        f"{layer}.{name}.weight": np.zeros((WIDTH, WIDTH), np.float32)
        for name in (
            *(f"self_attn.{part}_proj" for part in "qkvo"),
            *(f"mlp.{part}_proj" for part in ("gate", "up", "down")),
        )
    }
    norms = {
        f"{name}.weight": np.ones(WIDTH, np.float32)
        for name in (f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm", "model.norm")
    }
    embedding = {"model.embed_tokens.weight": np.eye(WIDTH, dtype=np.float32), "lm_head.weight": head}
    return square | norms | embedding


def _config(tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 9,
        "rms_norm_eps": 1e-6,
        "vocab_size": WIDTH,
        "tie_word_embeddings": False,
        "eos_token_id": tokenizer.token_to_id(END),
    }


@pytest.fixture(scope="session")
def scripted_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from safetensors.numpy import save_file

    folder = tmp_path_factory.mktemp("scripted")
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    save_file(_tensors(tokenizer), str(folder / "model.safetensors"), metadata={"format": "mlx"})
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "tool_parser_type": "json_tools",
        "chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps(_config(tokenizer)))
    return folder


def _adapter(folder: Path, scale: float) -> Path:
    """A rank-2 LoRA over the values and the output of attention; with scale 0 it is loaded and changes nothing."""
    from safetensors.numpy import save_file

    keys = ["self_attn.v_proj", "self_attn.o_proj"]
    random = np.random.default_rng(1)
    tensors = {}
    for key in keys:
        tensors[f"model.layers.0.{key}.lora_a"] = random.normal(size=(WIDTH, 2)).astype(np.float32)
        tensors[f"model.layers.0.{key}.lora_b"] = (scale * random.normal(size=(2, WIDTH))).astype(np.float32)
    folder.mkdir()
    save_file(tensors, str(folder / "adapters.safetensors"))
    parameters = {"keys": keys, "rank": 2, "scale": 1.0, "dropout": 0.0}
    config = {"fine_tune_type": "lora", "num_layers": 1, "lora_parameters": parameters}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def live_adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _adapter(tmp_path_factory.mktemp("adapters") / "live", scale=1.0)


@pytest.fixture(scope="session")
def dead_adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _adapter(tmp_path_factory.mktemp("adapters") / "dead", scale=0.0)


@pytest.fixture(scope="session")
def scripted_server(scripted_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedServer]:
    """One server for all tests that leave it alive."""
    server = ManagedServer(scripted_model, log=tmp_path_factory.mktemp("server") / "server.log")
    asyncio.run(server.start())
    yield server
    server.stop()


Answer = dict[str, Any] | None
Reply = Callable[[dict[str, Any]], Answer | Awaitable[Answer]]
Toy = Callable[[Reply], AbstractAsyncContextManager[tuple[str, list[dict[str, Any]]]]]


@pytest.fixture
def toy() -> Toy:
    """A server of a few lines, for what the real one cannot be made to do: gives its address and the questions it got.

    It answers a question with what `reply` says; for None it resets the connection. An answer can name its `status`,
    and an `error` comes with the head of the request, its authorization included.
    """

    @asynccontextmanager
    async def serve(reply: Reply) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
        questions: list[dict[str, Any]] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if head.startswith("get /health"):
                writer.write(b"HTTP/1.0 200 Toy\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            question = json.loads(await reader.readexactly(int(head.split("content-length: ")[1].split()[0])))
            questions.append(question)
            said = reply(question)
            answer = await said if isinstance(said, Awaitable) else said
            if answer is None:
                reset_when_closed = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_when_closed)
                writer.transport.abort()
                return
            body = json.dumps(answer | {"head": head} if "error" in answer else answer).encode()
            status = answer.get("status", 404 if "error" in answer else 200)
            headers = f"Retry-After: 0\r\nContent-Length: {len(body)}"
            writer.write(f"HTTP/1.0 {status} Toy\r\n{headers}\r\n\r\n".encode() + body)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(handle, HOST, 0) as server:
            yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}", questions

    return serve
