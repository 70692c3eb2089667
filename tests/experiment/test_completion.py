"""Completion and execution are judged from one look at a program, and mean what decoding would give."""

from __future__ import annotations

import math
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.generate import generate_step
from mlx_lm.utils import load

from punie.experiment.completion import judge
from punie.experiment.completion_worker import measure_rows
from punie.files import write_jsonl
from punie.training.pretrain.model_recipe import FirstWeights, ModelRecipe, Vocabulary
from punie.training.pretrain.start_worker import make_start

TEXT = "a = 1\nprint(a)\n# output\n# 1"
LABELS = {"level": 1, "difficulty": "easy", "output_empty": False}
ROW = {"id": "one", "text": TEXT, "metadata": LABELS}
OUTPUT_FROM = TEXT.index("# 1") - 1
"""In arrays that begin with the second character."""


@pytest.mark.parametrize(
    ("missed", "lines", "execution"),
    [
        (None, 1.0, 1.0),
        (0, 1.0, 1.0),
        (len("a = 1\n") - 1, 2 / 3, 1.0),
        (OUTPUT_FROM - 1, 1.0, 1.0),
        (OUTPUT_FROM, 2 / 3, 0.0),
        (len(TEXT) - 1, 1.0, 0.0),
    ],
    ids=["nothing", "first line", "print", "the line's end before the output", "first of the output", "the end"],
)
def test_a_missed_character_counts_where_it_stands(missed: int | None, lines: float, execution: float) -> None:
    """A line fails by its own characters; an execution by any character of the output, its end included."""
    hits = np.arange(len(TEXT)) != missed
    found = judge(ROW, np.where(hits, 0.0, math.log(0.25)), hits)
    assert (found.lines, found.execution, found.tokens) == (pytest.approx(lines), execution, hits.mean())
    assert found.execution_sampled == pytest.approx(1.0 if execution else 0.25)
    assert found.lines_sampled == pytest.approx(lines + (1 - lines) / 4)
    assert found.output_loss == pytest.approx(0.0 if execution else math.log(4) / 4)


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A network of one layer that nobody trained: what it writes is as good a text as any."""
    folder = tmp_path_factory.mktemp("student")
    for split in ("train", "valid"):
        write_jsonl(folder / f"{split}.jsonl", [{"text": TEXT}, {"text": "bcdefgh0123456789"}])
    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 16, "n_positions": 64, "n_ctx": 64, "layer_norm_epsilon": 1e-5}
    recipe = ModelRecipe(
        name="student",
        seed=5,
        model={"model_type": "gpt2", **sizes},
        tokenizer=Vocabulary(kind="characters"),
        first_weights=FirstWeights(std=0.5),
        training={"data": str(folder)},
    )
    make_start(recipe, folder, folder)
    model, tokenizer, *_ = load(str(folder))
    return model, tokenizer


def test_what_greedy_decoding_writes_is_judged_right(student: tuple[Any, Any]) -> None:
    """A line is right where mlx-lm itself writes it greedily, and its sampled figure is the chance of a sample."""
    model, tokenizer = student
    begun = TEXT[: TEXT.index("# 1")]
    steps = generate_step(mx.array(tokenizer.encode(begun)), model, max_tokens=4)
    tokens, logs = zip(*((token, float(logs[token])) for token, logs in steps), strict=True)
    written = tokenizer.decode(list(tokens))
    other = written[:-1] + ("8" if written[-1] != "8" else "9")
    rows = [{**ROW, "id": name, "text": begun + line} for name, line in (("greedy", written), ("other", other))]
    longer = {**ROW, "id": "longer", "text": TEXT + "0123456789"}
    found = {one.id: one for one in measure_rows(model, tokenizer, [longer, *rows])}
    assert len(written) == 4
    assert 3 * (found["greedy"].lines - found["other"].lines) == pytest.approx(1)
    end = 5 * found["greedy"].output_loss + sum(logs)
    assert found["greedy"].execution_sampled == pytest.approx(math.exp(sum(logs) - end), rel=1e-4)
    assert end > 0
