"""Masks: what is learned is exactly what the assistant says, or the row is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from punie.errors import DataError
from punie.files import write_jsonl
from punie.training.plan import TrainingPlan
from punie.training.rows import read_teaching_rows
from punie.training.student import load_student
from punie.training.tokens import tokenize

from .conftest import PlanMaker

TALK = [
    {"role": "system", "content": "be short"},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "uno"},
    {"role": "user", "content": "two"},
    {"role": "assistant", "content": "dos"},
]
START, END = "<|im_start|>", "<|im_end|>\n"
TURN = "{{ '<|im_start|>' + m.role + '\n' + text + '<|im_end|>\n' }}"
ASK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
LOOP = "{% for m in messages %}"
TEMPLATES = {
    "plain": f"{LOOP}{{% set text = m.content %}}{TURN}{{% endfor %}}{ASK}",
    # Thoughts are written in the last turn only, as Qwen3 does.
    "forgets thoughts": f"{LOOP}{{% set text = ('<think>\n</think>\n' if loop.last and m.role == 'assistant' else '')"
    f" + m.content.split('</think>')[-1] %}}{TURN}{{% endfor %}}{ASK}",
    # The header asks for more than rows have, as templates do that switch thinking off.
    "rewrites": f"{LOOP}{{% set text = m.content | replace('uno', 'one') %}}{TURN}{{% endfor %}}{ASK}",
    "asks for more": f"{LOOP}{{% set text = m.content %}}{TURN}{{% endfor %}}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n</think>\n{% endif %}",
}


@pytest.fixture(scope="module")
def tokenizer(make_plan: PlanMaker, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_student(make_plan(tmp_path_factory.mktemp("unused")))[1]


def learned(plan: TrainingPlan, tokenizer: Any, folder: Path, row: dict, template: str = "plain") -> list[str]:
    """The spans of one row, as text."""
    write_jsonl(folder / "train.jsonl", [row])
    whole, tokenizer._tokenizer.chat_template = tokenizer._tokenizer.chat_template, TEMPLATES[template]
    try:
        (made,) = tokenize(read_teaching_rows(folder, 1).train, tokenizer, plan)
    finally:
        tokenizer._tokenizer.chat_template = whole
    return [tokenizer.decode(list(made.tokens[start:end])) for start, end in made.spans]


FIRST, SECOND = f"uno{END}", f"dos{END}"
USER = f"{START}user\ntwo{END}{START}assistant\n"


@pytest.mark.parametrize(
    ("mask", "template", "spans"),
    [
        ("assistant", "plain", [FIRST, SECOND]),
        ("assistant", "asks for more", [FIRST, SECOND]),
        ("assistant", "forgets thoughts", ["uno<|im_end|>", f"<think>\n</think>\n{SECOND}"]),
        ("prompt", "plain", [FIRST + USER + SECOND]),
        ("last", "plain", [SECOND]),
        ("last", "asks for more", [SECOND]),
        ("last", "forgets thoughts", [f"<think>\n</think>\n{SECOND}"]),
        (
            "none",
            "plain",
            [f"{START}system\nbe short{END}{START}user\none{END}{START}assistant\n{FIRST}{USER}{SECOND}"],
        ),
    ],
)
def test_what_a_mask_leaves_to_learn(
    make_plan: PlanMaker, tokenizer: Any, tmp_path: Path, mask: str, template: str, spans: list[str]
) -> None:
    """Answers with their end mark and without the header before them, whatever the template does to earlier turns."""
    assert learned(make_plan(tmp_path, mask=mask), tokenizer, tmp_path, {"messages": TALK}, template) == spans


@pytest.mark.parametrize("mask", ["prompt", "assistant", "last"])
def test_a_completion_is_one_answer(make_plan: PlanMaker, tokenizer: Any, tmp_path: Path, mask: str) -> None:
    """With one prompt and one answer the three masks are the same."""
    row = {"prompt": "one", "completion": "uno"}
    assert learned(make_plan(tmp_path, mask=mask), tokenizer, tmp_path, row) == [FIRST]


def test_an_answer_the_template_leaves_out_is_refused(make_plan: PlanMaker, tokenizer: Any, tmp_path: Path) -> None:
    """A span is held against what the message says, so a template that rewrites it teaches nothing by accident."""
    with pytest.raises(DataError, match="the answer in message 2 is not found"):
        learned(make_plan(tmp_path), tokenizer, tmp_path, {"messages": TALK}, "rewrites")
