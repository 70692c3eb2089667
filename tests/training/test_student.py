"""The student: rows in which nothing can be learned, and models that cannot take them, are refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from punie.errors import UsageError
from punie.files import write_jsonl
from punie.training.rows import Split, read_teaching_rows
from punie.training.student import load_student, make_trainable
from punie.training.tokens import tokenize

from .conftest import PlanMaker, chat


@pytest.fixture(scope="module")
def tokenizer(make_plan: PlanMaker, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_student(make_plan(tmp_path_factory.mktemp("unused")))[1]


def split(folder: Path, rows: list[dict]) -> Split:
    write_jsonl(folder / "train.jsonl", rows)
    return read_teaching_rows(folder, 1).train


def test_only_the_answer_is_learned_when_the_prompt_is_masked(
    make_plan: PlanMaker, tokenizer: Any, tmp_path: Path
) -> None:
    """The offset is where the assistant begins to speak."""
    rows = split(tmp_path, [chat(1)])
    (masked,) = tokenize(rows, tokenizer, make_plan(tmp_path, mask="last"))
    (whole,) = tokenize(rows, tokenizer, make_plan(tmp_path, mask="none"))
    assert tokenizer.decode(list(masked.tokens)[masked.spans[0][0] :]).startswith("1 and 2.")
    assert whole.spans == ((0, len(whole.tokens)),)


def test_text_rows_have_no_prompt_to_mask(make_plan: PlanMaker, tokenizer: Any, tmp_path: Path) -> None:
    """A knob that could do nothing is refused."""
    with pytest.raises(UsageError, match="mask assistant has no meaning"):
        tokenize(split(tmp_path, [{"text": "a"}]), tokenizer, make_plan(tmp_path))


def test_more_layers_than_the_model_has_are_refused(make_plan: PlanMaker, tmp_path: Path) -> None:
    """mlx-lm's default of 16 does not silently become something else on a small model."""
    plan = make_plan(tmp_path, num_layers=16)
    with pytest.raises(UsageError, match="The plan trains 16 layers; the model has"):
        make_trainable(load_student(plan)[0], plan)


def test_a_key_that_names_no_module_is_refused_with_those_there_are(make_plan: PlanMaker, tmp_path: Path) -> None:
    """A misspelt module does not silently leave the others to learn alone."""
    plan = make_plan(tmp_path, keys=["q_proj", "query"])
    with pytest.raises(UsageError, match="no module 'query'") as caught:
        make_trainable(load_student(plan)[0], plan)
    assert "self_attn.q_proj" in caught.value.hint


def test_a_model_mlx_lm_cannot_load_is_the_users_to_correct(
    make_plan: PlanMaker, tiny_model: Path, tmp_path: Path
) -> None:
    """No weights, no training."""
    shutil.copytree(tiny_model, tmp_path / "hollow", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(UsageError, match="cannot load this model"):
        load_student(make_plan(tmp_path, model=str(tmp_path / "hollow")))
