"""Proof of what answers: hashes of the files that were asked for, and probes that show they are what is served.

Three fixed prompts are asked of the bare model, then of the model with its adapter. A probe is the log-probabilities of
the likeliest first tokens. They must repeat, and the two arms must differ by more than the server differs from itself:
an adapter that changes nothing was not applied, whatever its file says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from punie import fingerprint
from punie.errors import IdentityError
from punie.files import hash_value
from punie.serving.client import Client
from punie.serving.endpoint import Endpoint, EndpointClient
from punie.serving.server import GREETING

PROBES: tuple[Sequence[Mapping[str, str]], ...] = (
    GREETING,
    ({"role": "user", "content": "Write a Python function that adds two numbers."},),
    ({"role": "user", "content": "What is 12 + 30? Read notes.txt first."},),
)
"""The first is the server's greeting, so that both arms ask in the same order from an equally filled prompt cache."""

_UNSTEADY = 0.5
"""Nats. How an answer is rounded depends on what the prompt cache held; two different models are farther apart."""

_UNKNOWN = "unknown"

Logprobs = Mapping[str, float]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProbeAnswer(_Record):
    """Log-probabilities of the likeliest first tokens after one fixed prompt, by token id, in nats."""

    prompt: str
    logprobs: dict[str, float]


class Identity(_Record):
    """Proof of what answered; the probes were asked before any case.

    A hash says how it was taken: `sha256:` over whole files, `sampled-sha256:` over names, sizes and both ends of files
    of more than 2 GB together, `unproven-sha256:` over the address and the name of a model on somebody else's server.
    """

    model: str
    model_hash: str
    adapter: str | None
    adapter_hash: str | None
    tokenizer_hash: str
    template_hash: str
    base_probes: tuple[ProbeAnswer, ...]
    adapter_probes: tuple[ProbeAnswer, ...] = ()
    adapter_distance: float | None = None
    """Largest absolute difference of a log-probability between base and adapter over the probes, in nats."""
    probe_noise: float | None = None
    """The same difference between two askings of the same arm: how far the server is from itself."""
    base_url: str | None = None
    """The address of somebody else's server, or of several, with commas between. Its probes, by the text of tokens, are
    empty where it offers none."""

    @property
    def proven(self) -> bool:
        return self.base_url is None


async def prove_identity(base: Client, adapted: Client | None = None, *, allow_noop: bool = False) -> Identity:
    """Probe the bare model, then the adapter, on a server that has answered nothing else yet.

    Raises IdentityError when the answers do not repeat, or when the adapter makes no difference (which `allow_noop`
    permits); UsageError when the model has no chat template, or files are missing.
    """
    files = _file_hashes(base.model, adapted.adapter if adapted else None)
    base_probes, noise = await _probe(base)
    if adapted is None:
        return Identity(**files, base_probes=base_probes, probe_noise=noise)
    adapter_probes, adapter_noise = await _probe(adapted)
    noise = max(noise, adapter_noise)
    distance = _distance(base_probes, adapter_probes)
    if distance <= noise and not allow_noop:
        raise _noop(adapted, distance, noise)
    return Identity(
        **files,
        base_probes=base_probes,
        adapter_probes=adapter_probes,
        adapter_distance=distance,
        probe_noise=noise,
    )


async def describe_endpoint(endpoint: Endpoint, client: EndpointClient) -> Identity:
    """What can be known of somebody else's server: its address, the model it names, its probes where it gives any."""
    probes = await _ask_all(client)
    known = hash_value([endpoint.base_url, client.answering])
    return Identity(
        model=client.answering,
        model_hash=f"unproven-sha256:{known}",
        adapter=None,
        adapter_hash=None,
        tokenizer_hash=_UNKNOWN,
        template_hash=_UNKNOWN,
        base_probes=probes,
        base_url=endpoint.base_url,
    )


def same_base(one: Identity, other: Identity) -> bool:
    """Whether two runs stood on the same model: equal files, and base probes no farther apart than rounding takes."""
    fields = ("model_hash", "tokenizer_hash", "template_hash")
    return _same_fields(one, other, fields) and same_answers(one.base_probes, other.base_probes)


def same_arm(one: Identity, other: Identity) -> bool:
    """The same of a model with its adapter."""
    return (
        same_base(one, other)
        and one.adapter_hash == other.adapter_hash
        and same_answers(one.adapter_probes, other.adapter_probes)
    )


def _same_fields(one: Identity, other: Identity, fields: Iterable[str]) -> bool:
    return all(getattr(one, field) == getattr(other, field) for field in fields)


def same_answers(one: Sequence[ProbeAnswer], other: Sequence[ProbeAnswer]) -> bool:
    """Whether the same probes were answered, no farther apart than rounding takes."""
    prompts = [[probe.prompt for probe in probes] for probes in (one, other)]
    return prompts[0] == prompts[1] and _distance(one, other) <= _UNSTEADY


async def _probe(client: Client) -> tuple[tuple[ProbeAnswer, ...], float]:
    """The second of two rounds, when the prompt cache is alike for either arm, and its distance from the first."""
    first, second = await _ask_all(client), await _ask_all(client)
    noise = _distance(first, second)
    if noise > _UNSTEADY:
        raise IdentityError(
            f"The same question gave two answers {noise:.3f} nats apart.",
            where=str(client.adapter or client.model),
            hint="Something else may be served under this name. Start again, on a port of its own.",
        )
    return second, noise


async def _ask_all(client: Client | EndpointClient) -> tuple[ProbeAnswer, ...]:
    """One after another: how requests fall into batches must not depend on timing."""
    return tuple(
        [
            ProbeAnswer(prompt=messages[-1]["content"], logprobs=await client.first_token(messages))
            for messages in PROBES
        ]
    )


def _distance(one: Iterable[ProbeAnswer], other: Iterable[ProbeAnswer]) -> float:
    distances = (_logprob_distance(a.logprobs, b.logprobs) for a, b in zip(one, other, strict=True))
    return max(distances, default=0.0)


def _logprob_distance(one: Logprobs, other: Logprobs) -> float:
    """Largest difference that is certain: a token missing on one side is at most as likely as the last one listed."""
    if not one or not other:
        return 0.0
    floors = min(one.values()), min(other.values())
    both = (abs(one[token] - other[token]) for token in one.keys() & other.keys())
    only_one = (one[token] - floors[1] for token in one.keys() - other.keys())
    only_other = (other[token] - floors[0] for token in other.keys() - one.keys())
    return max(0.0, *both, *only_one, *only_other)


def _noop(client: Client, distance: float, noise: float) -> IdentityError:
    return IdentityError(
        f"The adapter makes no difference: {distance:.2g} nats, while the server differs from itself by {noise:.2g}.",
        where=str(client.adapter),
        hint="It was not applied, or hardly trained: look at its adapter_config.json, or train longer.",
    )


def _file_hashes(model: Path, adapter: Path | None) -> dict[str, Any]:
    return {
        "model": str(model),
        "model_hash": fingerprint.model(model),
        "adapter": None if adapter is None else str(adapter),
        "adapter_hash": None if adapter is None else fingerprint.adapter(adapter),
        "tokenizer_hash": fingerprint.tokenizer(model),
        "template_hash": fingerprint.template(model),
    }
