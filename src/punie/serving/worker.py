"""The child that answers: mlx_lm's server as it is, which also notes how each answer is drawn, as it begins to draw it.

    python -m punie.child punie.serving.worker NOTES [arguments of mlx_lm server]

What is noted are the arguments from which the server has just made the sampler, beside the limit of the same answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlx_lm import server

from punie.files import append_jsonl


def main() -> None:
    notes = Path(sys.argv.pop(1))
    vars(server)["_make_sampler"] = _noting(server._make_sampler, notes)
    server.main()


def _noting(make_sampler: Callable[..., Any], notes: Path) -> Callable[..., Any]:
    """The same, with a line for each call, which is one for each answer."""
    out = notes.open("ab")

    def make_and_note(arguments: Any, tokenizer: Any) -> Any:
        sampler = make_sampler(arguments, tokenizer)
        append_jsonl(out, _drawn(arguments))
        return sampler

    return make_and_note


def _drawn(arguments: Any) -> dict[str, float]:
    """By the names of `punie.serving.completion.Sampling`."""
    sampling = arguments.sampling
    return {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": arguments.max_tokens,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repetition_penalty": arguments.logits.repetition_penalty,
    }


if __name__ == "__main__":
    main()
