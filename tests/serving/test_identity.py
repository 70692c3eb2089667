"""Proof of identity: the right files, steady answers, an adapter that is alive."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from punie.errors import IdentityError, UsageError
from punie.serving.client import Client
from punie.serving.decoder import TokenDecoder
from punie.serving.identity import PROBES, Identity, prove_identity, same_base
from punie.serving.server import ManagedServer


def arm(server: ManagedServer, adapter: Path | None = None) -> Client:
    decode = TokenDecoder(server.model)
    return Client(server.base_url, server.model, adapter, decode=decode)


def toy_arm(url: str, model: Path) -> Client:
    return Client(url, model, decode=lambda ids: "")


def toy_reply(question: Mapping[str, Any], logprob: float = -0.5) -> dict[str, Any]:
    content = [{"id": 1, "logprob": logprob, "top_logprobs": [{"id": 1, "token": "a", "logprob": logprob}]}]
    return {"model": question["model"], "choices": [{"finish_reason": "stop", "logprobs": {"content": content}}]}


async def test_a_live_adapter_is_told_from_the_base(scripted_server: ManagedServer, live_adapter: Path) -> None:
    """The arms differ by more than the server's own noise, and the record says by how much, losslessly."""
    async with arm(scripted_server) as base, arm(scripted_server, live_adapter) as adapted:
        identity = await prove_identity(base, adapted)
    assert identity.adapter == str(live_adapter)
    assert identity.adapter_distance is not None
    assert identity.probe_noise is not None
    assert identity.adapter_distance > 1 > 1e-3 > identity.probe_noise
    assert [probe.prompt for probe in identity.adapter_probes] == [messages[-1]["content"] for messages in PROBES]
    assert Identity.model_validate_json(identity.model_dump_json()) == identity


async def test_a_dead_adapter_is_refused(scripted_server: ManagedServer, dead_adapter: Path) -> None:
    """It loads, its file is right, and it changes nothing: no number may be made with it."""
    async with arm(scripted_server) as base, arm(scripted_server, dead_adapter) as adapted:
        with pytest.raises(IdentityError, match="makes no difference"):
            await prove_identity(base, adapted)


async def test_a_dead_adapter_can_be_allowed(scripted_server: ManagedServer, dead_adapter: Path) -> None:
    """A control run may want one; the distance of nought is on record."""
    async with arm(scripted_server) as base, arm(scripted_server, dead_adapter) as adapted:
        identity = await prove_identity(base, adapted, allow_noop=True)
    assert identity.adapter_distance == 0


async def test_two_runs_on_one_base_are_recognised(scripted_server: ManagedServer, live_adapter: Path) -> None:
    """A run of the base and a run of its adapter stand on one model; another hash or another answer breaks that."""
    async with arm(scripted_server) as base, arm(scripted_server, live_adapter) as adapted:
        bare = await prove_identity(base)
        tuned = await prove_identity(base, adapted)
    assert bare.adapter is bare.adapter_hash is bare.adapter_distance is None
    assert same_base(bare, tuned)
    assert not same_base(bare, tuned.model_copy(update={"tokenizer_hash": "sha256:0"}))
    assert not same_base(bare, tuned.model_copy(update={"base_probes": tuned.adapter_probes}))


async def test_answers_that_do_not_repeat_are_refused(scripted_model: Path, toy: Any) -> None:
    """Something else sits behind the port when the same question is answered differently."""
    ever_lower = (-float(number) for number in itertools.count(1))
    async with (
        toy(lambda question: toy_reply(question, next(ever_lower))) as (url, _),
        toy_arm(url, scripted_model) as client,
    ):
        with pytest.raises(IdentityError, match="two answers"):
            await prove_identity(client)


async def test_a_model_without_chat_template_is_refused_unasked(scripted_model: Path, tmp_path: Path, toy: Any) -> None:
    """The server would answer in a format of its own making."""
    model = Path(shutil.copytree(scripted_model, tmp_path / "bare"))
    (model / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>"}))
    async with toy(toy_reply) as (url, questions), toy_arm(url, model) as client:
        with pytest.raises(UsageError, match="no chat template"):
            await prove_identity(client)
    assert questions == []


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json"])
async def test_missing_files_are_named(missing: str, scripted_model: Path, tmp_path: Path, toy: Any) -> None:
    """What cannot be hashed cannot be proved."""
    model = Path(shutil.copytree(scripted_model, tmp_path / "torn"))
    (model / missing).unlink()
    async with toy(toy_reply) as (url, _), toy_arm(url, model) as client:
        with pytest.raises(UsageError, match=missing.partition(".")[2]):
            await prove_identity(client)


async def test_the_template_counts_wherever_it_lies(scripted_model: Path, tmp_path: Path, toy: Any) -> None:
    """The same text in its own file or in the settings has the same hash, another text another."""
    template = json.loads((scripted_model / "tokenizer_config.json").read_text())["chat_template"]
    hashes = []
    for text in (template, template + " "):
        model = Path(shutil.copytree(scripted_model, tmp_path / str(len(hashes))))
        (model / "chat_template.jinja").write_text(text)
        (model / "tokenizer_config.json").write_text("{}")
        async with toy(toy_reply) as (url, _), toy_arm(url, model) as moved, toy_arm(url, scripted_model) as original:
            hashes.append((await prove_identity(moved)).template_hash)
            expected = (await prove_identity(original)).template_hash
    assert hashes[0] == expected != hashes[1]


async def test_gigabytes_are_sampled_and_the_hash_says_so(scripted_model: Path, tmp_path: Path, toy: Any) -> None:
    """Both ends of a large file count; the prefix tells how the hash was taken."""
    model = Path(shutil.copytree(scripted_model, tmp_path / "large"))
    weights = model / "model.safetensors"
    hashes = []
    for last in (b"a", b"b"):
        with weights.open("r+b") as file:
            file.seek((2 << 30) - 1, os.SEEK_SET)
            file.write(last)
        async with toy(toy_reply) as (url, _), toy_arm(url, model) as client:
            hashes.append((await prove_identity(client)).model_hash)
    assert all(value.startswith("sampled-sha256:") for value in hashes)
    assert hashes[0] != hashes[1]
