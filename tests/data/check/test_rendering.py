"""Rows in a model's own tokens: what the template refuses, what is cut, what is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from children import AtHome

from punie.data.check.inspection import Problem
from punie.data.check.validation import Validation, validate
from punie.errors import UsageError

ASK = {"role": "user", "content": "List the folder a."}
SAY = {"role": "assistant", "content": "Yes."}
CALL = {"type": "function", "function": {"name": "ls", "arguments": {"path": "a", "deep": True}}}
TOOL = {"type": "function", "function": {"name": "ls", "parameters": {"properties": {"path": {}, "deep": {}}}}}


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """`punie dataset validate --model` is tested with a child of its own, in tests/cli/dataset."""
    monkeypatch.setattr("punie.data.check.rendering.Child", AtHome)


def calling(*calls: Any, **others: Any) -> dict[str, Any]:
    answer = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    return {"messages": [ASK, answer, *others.pop("after", [])], "tools": [TOOL], **others}


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def rendered(path: Path, model: Path, max_seq_length: int = 512) -> tuple[Validation, list[tuple[int, str]]]:
    heard: list[Problem] = []
    found = validate(path, model=model, max_seq_length=max_seq_length, on_problem=heard.append)
    return found, [(problem.line, problem.rule) for problem in heard]


def edited(model: Path, folder: Path, **files: Any) -> Path:
    """The model with other files; its weights are not needed."""
    copy = folder / "model"
    shutil.copytree(model, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    for name, change in files.items():
        path = next(copy.glob(f"{name}.*"))
        path.write_text(change(path.read_text()))
    return copy


def test_sound_rows_are_counted_in_tokens(tmp_path: Path, tiny_model: Path) -> None:
    """Calls come back, wherever they stand and however their arguments are kept; the model ends where it stops."""
    text = {"type": "function", "function": {"name": "ls", "arguments": json.dumps({"path": "a"})}}
    back = {"role": "tool", "content": "b.py"}
    rows = [{"messages": [ASK, SAY]}, calling(CALL), calling(CALL, CALL, after=[back, SAY]), calling(text)]
    found, heard = rendered(write(tmp_path, *rows), tiny_model)
    assert heard == []
    assert found.rendering is not None
    assert (found.rendering.rows, found.rendering.failed) == (4, 0)
    assert 4 * 10 < found.rendering.tokens < 4 * found.rendering.longest
    assert found.rendering.end_of_turn == "<|im_end|>"
    assert found.cautions == ()


def test_cuts_are_measured_as_the_trainer_cuts(tmp_path: Path, tiny_model: Path) -> None:
    """Tokens lost are counted; a row whose answer lies behind the cut teaches nothing; a prompt alone may be long."""
    long_prompt = {"prompt": "word " * 300, "completion": "yes"}
    long_answer = {"prompt": "word", "completion": "yes " * 300}
    found, heard = rendered(
        write(tmp_path, long_prompt, long_answer, {"prompt": "a", "completion": "b"}), tiny_model, 64
    )
    assert heard == [(1, "nothing-to-learn"), (2, "truncated")]
    assert found.rendering is not None
    assert (found.failed, found.rendering.truncated) == (2, 2)
    assert found.rendering.tokens_lost == found.rendering.tokens - 2 * 64 - short_row(tmp_path, tiny_model)


def short_row(folder: Path, model: Path) -> int:
    found, _ = rendered(write(folder, {"prompt": "a", "completion": "b"}), model, 64)
    assert found.rendering is not None
    return found.rendering.tokens


def test_rows_the_template_refuses_are_named(tmp_path: Path, tiny_model: Path) -> None:
    """A template that raises says why, at the row; the others are rendered."""
    strict = "{%- if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    model = edited(tiny_model, tmp_path, chat_template=lambda template: strict + template)
    system = {"messages": [{"role": "system", "content": "Be brief."}, ASK, SAY]}
    found, heard = rendered(write(tmp_path, {"messages": [ASK, SAY]}, system), model)
    assert heard == [(2, "template-error")]
    assert "no system role" in found.first[0].message


def test_calls_that_do_not_come_back_are_named(tmp_path: Path, tiny_model: Path) -> None:
    """A template that leaves calls out, and arguments that are no object."""
    silent = edited(
        tiny_model, tmp_path, chat_template=lambda template: template.replace("message.tool_calls or []", "[]")
    )
    odd = {"type": "function", "function": {"name": "ls", "arguments": "not JSON"}}
    path = write(tmp_path, calling(CALL), {"messages": [ASK, SAY]}, calling(odd))
    assert rendered(path, silent)[1] == [(1, "lost-calls"), (3, "call-arguments")]
    assert rendered(path, tiny_model)[1] == [(3, "call-arguments")]


IN_THE_OPEN = """
{%- for message in messages %}
    {{- "<|im_start|>" + message.role + "\n" }}
    {%- if message.tool_calls %}
        {%- set call = message.tool_calls[0].function %}
        {{- '{"name": "' + call.name + '", "parameters": ' + call.arguments | tojson + "}" }}
    {%- else %}
        {{- message.content }}
    {%- endif %}
    {{- "<|im_end|>" }}
{%- endfor %}
{%- if add_generation_prompt %}{{ "<|im_start|>assistant\n" }}{% endif %}
"""


def test_what_stands_behind_a_stop_belongs_to_no_call(tmp_path: Path, tiny_model: Path) -> None:
    """Calls without marks of their own, as Llama 3 writes them, end where generation stops."""
    model = edited(tiny_model, tmp_path, chat_template=lambda _: IN_THE_OPEN)
    assert rendered(write(tmp_path, calling(CALL)), model)[1] == []


def test_an_end_that_nobody_stops_at_is_a_caution(tmp_path: Path, tiny_model: Path) -> None:
    """A tuned model would end its answers with a token that generation ignores."""
    model = edited(
        tiny_model,
        tmp_path,
        tokenizer_config=lambda text: json.dumps({**json.loads(text), "eos_token": "<|endoftext|>"}),
        config=lambda text: json.dumps({**json.loads(text), "eos_token_id": 0}),
        chat_template=lambda template: template + "{# <|im_begin|> #}",
    )
    found, heard = rendered(write(tmp_path, {"messages": [ASK, SAY]}), model)
    assert heard == []
    assert [caution.rule for caution in found.cautions] == ["end-of-turn", "split-mark"]
    assert "<|im_end|>" in found.cautions[0].message
    assert "<|im_begin|>" in found.cautions[1].message


def test_texts_need_no_template(tmp_path: Path, tiny_model: Path) -> None:
    """They are learned as they stand; chats are refused by a model without a template."""
    model = edited(tiny_model, tmp_path)
    (model / "chat_template.jinja").unlink()
    found, heard = rendered(write(tmp_path, {"text": "def f(): ..."}), model)
    assert heard == []
    assert found.rendering is not None
    assert found.rendering.end_of_turn == ""
    with pytest.raises(UsageError, match="no chat template"):
        rendered(write(tmp_path, {"messages": [ASK, SAY]}), model)


def test_bad_rows_are_told_once(tmp_path: Path, tiny_model: Path) -> None:
    """What cannot be read is not rendered, so failed rows are never counted twice."""
    twice = json.dumps({"messages": [ASK, SAY]})[:-1] + ', "id": 1, "id": 2}'
    rows = ["", {"messages": [ASK, SAY]}, twice, {"text": "word " * 900}, {"messages": [ASK]}]
    found, heard = rendered(write(tmp_path, *rows), tiny_model, 64)
    assert [line for line, _ in heard] == [1, 3, 4, 5, 5]
    assert found.failed == 4


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """The child's trouble is the user's to correct, in one sentence."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="tokenizer"):
        rendered(write(tmp_path, {"text": "a"}), tmp_path)
