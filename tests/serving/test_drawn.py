"""Whether a server drew its answers as they were asked for, by its own notes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from punie.errors import IdentityError
from punie.serving.arms import LocalModel, serve_local
from punie.serving.completion import Sampling
from punie.serving.drawn import require_drawn

EVERY = Sampling(temperature=0.7, top_p=0.9, max_tokens=5, top_k=3, min_p=0.125, repetition_penalty=1.5)
GREEDY = Sampling(max_tokens=4)


def ask(cue: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": cue}]


async def test_every_setting_is_noted_by_the_server(scripted_model: Path, tmp_path: Path) -> None:
    """The real server notes each answer as it draws it, a restarted one begins anew, and the limit holds."""
    (tmp_path / "server.drawn.jsonl").write_text("left by another\n")
    async with serve_local(LocalModel(scripted_model), width=4, log=tmp_path / "server.log") as arm:
        for sampling in (EVERY, EVERY, GREEDY):
            answer = await arm.complete(ask("@endless"), (), sampling)
            assert answer.completion_tokens == sampling.max_tokens
        drawn = arm.drawn()
    assert drawn is not None
    assert (drawn[EVERY], drawn[GREEDY]) == (2, 1)
    assert all(other.max_tokens == 1 for other in drawn if other not in (EVERY, GREEDY)), "only the probes are left"


@pytest.mark.parametrize(
    ("drawn", "arrived"),
    [
        ({EVERY: 3}, True),
        ({EVERY: 4, GREEDY: 1}, True),
        ({EVERY: 2, GREEDY: 1}, False),
        ({}, False),
    ],
)
def test_answers_that_were_drawn_otherwise_are_an_error(drawn: dict[Sampling, int], arrived: bool) -> None:
    """With what was asked, what came, and the folder that must go."""
    if arrived:
        require_drawn(EVERY, 3, Counter(drawn), Path("answers"))
        return
    with pytest.raises(IdentityError, match=r"'top_k': 3.*were drawn so") as refused:
        require_drawn(EVERY, 3, Counter(drawn), Path("answers"))
    assert refused.value.where == "answers"


def test_a_request_names_only_what_does_something() -> None:
    """A server of the plain protocol refuses words that it does not know."""
    assert GREEDY.request() == {"temperature": 0.0, "top_p": 1.0, "max_tokens": 4}
    assert EVERY.request().keys() == {"temperature", "top_p", "max_tokens", "top_k", "min_p", "repetition_penalty"}
