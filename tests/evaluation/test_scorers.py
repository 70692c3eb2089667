from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from punie.evaluation.expectations import CallExpectation, CodeExpectation, CodeTest
from punie.evaluation.outcomes import Answer, Outcome
from punie.evaluation.score import Score
from punie.evaluation.scorers import choose_code_execution, judge, runner_of, score_answer
from punie.evaluation.suite import Case


def call(name: str, **arguments: Any) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def answer(text: str, finish_reason: str = "stop") -> Answer:
    return Answer(text=text, finish_reason=finish_reason, prompt_tokens=1, completion_tokens=1, seconds=0.0)


def score(case: Case, text: str, finish_reason: str = "stop") -> Score:
    return score_answer(case, text, finish_reason, runner_of("jail"))


READ = call("read_file", path="a.txt")
WAIT = call("wait", seconds=1)

CALLS = [
    # text, failure; "" is right
    (READ + WAIT, ""),
    (f"First I wait. {WAIT}\nThen I read.\n{READ}", ""),
    (f"<think>{WAIT}</think>{READ}{WAIT}", ""),
    (
        "<tool_call>\n<function=read_file>\n<parameter=path>\na.txt\n</parameter>\n</function>\n</tool_call>\n"
        "<tool_call>\n<function=wait>\n<parameter=seconds>\n1\n</parameter>\n</function>\n</tool_call>",
        "",
    ),
    ('{"name": "read_file", "parameters": {"path": "a.txt"}}; {"name": "wait", "parameters": {"seconds": 1}}', ""),
    ('[TOOL_CALLS]read_file[ARGS]{"path": "a.txt"}[TOOL_CALLS]wait[ARGS]{"seconds": 1}', ""),
    ("[read_file(path='a.txt'), wait(seconds=1)]", ""),
    ("<|tool_call_start|>[read_file(path='a.txt'), wait(seconds=1)]<|tool_call_end|>I did.", ""),
    ("", "no call"),
    (f"<think>{READ}{WAIT}</think>Done.", "no call"),
    ("I will use read_file on a.txt and wait for 1 second.", "no call"),
    ("I call [read_file(path='a.txt'), wait(seconds=1)] now.", "no call"),
    (f"```\n{READ}\n{WAIT}\n```", "no call"),
    (f"`{WAIT.replace(chr(10), '')}` would wait, and so on.", "no call"),
    ('{"name": "read_file", "arguments": {"path": "a.txt"}}', "wrong shape"),
    ('```json\n[{"name": "read_file", "arguments": {"path": "a.txt"}}]\n```', "wrong shape"),
    (READ + '<tool_call>{"name": "wait"</tool_call>', "unparseable"),
    (READ + "<tool_call><function=wait></tool_call>", "unparseable"),
    ("[read_file(path='a.txt'), wait(seconds=)]", "unparseable"),
    (READ + '<tool_call>{"name": "wait"}</tool_call>', "wrong shape"),
    (READ + '<tool_call>{"name": "wait", "arguments": "{}"}</tool_call>', "wrong shape"),
    ("[read_file('a.txt'), wait(seconds=1)]", "wrong shape"),
    (READ + call("sleep", seconds=1), "unknown function"),
    (READ, "wrong number of calls"),
    (READ + WAIT + WAIT, "wrong number of calls"),
    (READ + READ, "wrong function"),
    (READ + call("wait"), "missing argument"),
    (READ + call("wait", seconds=1, unit="s"), "unexpected argument"),
    (READ + call("wait", seconds=2), "wrong-value argument"),
    (READ + call("wait", seconds="1"), "wrong-type argument"),
    (READ + call("wait", seconds=True), "wrong-type argument"),
    (READ + call("wait", seconds=None), "wrong-type argument"),
    (call("read_file", path="A.txt") + WAIT, "wrong-value argument"),
]


@pytest.mark.parametrize(("text", "failure"), CALLS)
def test_calls_are_matched_by_structure(cases: Mapping[str, Case], text: str, failure: str) -> None:
    """Exactly the expected calls count, in any order and any family's form; each way to be wrong has its own name."""
    judged = score(cases["both"], text)
    assert (judged.right, judged.failure) == (failure == "", failure)


SILENCE = [
    ("I know that.", ""),
    ("No tool of mine tells the weather, so I can't help with that.", ""),
    ("42", ""),
    ("", "no answer"),
    ("?!", "no answer"),
    ("I think " * 6, "no answer"),
    ("I'm sorry, but I can't assist with that.", "refusal"),
    ("Sorry, I cannot help you with that request.", "refusal"),
    ("I am unable to do that", "refusal"),
    (WAIT, "called when it should not"),
    ('<tool_call>{"name": "wait", ', "unparseable"),
    ('```json\n{"name": "wait", "arguments": {}}\n```', "wrong shape"),
]


@pytest.mark.parametrize(("text", "failure"), SILENCE)
def test_where_no_call_is_expected_only_an_answer_is_right(cases: Mapping[str, Case], text: str, failure: str) -> None:
    """Not calling is right only when something was said: no silence, no loop, no stock refusal, no broken call."""
    case = cases["both"].model_copy(update={"expect": CallExpectation(calls=())})
    assert score(case, text).failure == failure


def expecting(case: Case, *calls: dict[str, Any]) -> Case:
    return case.model_copy(update={"expect": CallExpectation.model_validate({"calls": calls})})


def test_equal_looking_calls_are_told_apart(cases: Mapping[str, Case]) -> None:
    """1 and true are different arguments, in whatever order the calls come."""
    case = expecting(cases["both"], *({"name": "wait", "arguments": {"seconds": value}} for value in (1, True)))
    assert score(case, call("wait", seconds=True) + call("wait", seconds=1)).right
    assert not score(case, call("wait", seconds=True) * 2).right


def test_arguments_have_the_values_that_are_accepted(cases: Mapping[str, Case]) -> None:
    """Any accepted value is right, an optional argument may be left out, and given it must be right."""
    wanted = {"name": "wait", "arguments": {"seconds": 1}, "accept": {"seconds": [2], "unit": ["s", ""]}}
    case = expecting(cases["both"], {**wanted, "optional": ["unit"]})
    right = [{"seconds": 1}, {"seconds": 2}, {"seconds": 2, "unit": "s"}, {"seconds": 1, "unit": ""}]
    assert all(score(case, call("wait", **arguments)).right for arguments in right)
    assert score(case, call("wait", seconds=3)).failure == "wrong-value argument"
    assert score(case, call("wait", seconds=1, unit="h")).failure == "wrong-value argument"
    assert score(case, call("wait", unit="s")).failure == "missing argument"


def test_parallel_calls_are_assigned_not_taken_in_turn(cases: Mapping[str, Case]) -> None:
    """A call that fits two expected ones leaves the other to the call that fits only it, in either order."""
    either = {"name": "wait", "accept": {"seconds": [1, 2]}}
    one = {"name": "wait", "arguments": {"seconds": 1}}
    texts = [call("wait", seconds=1) + call("wait", seconds=2), call("wait", seconds=2) + call("wait", seconds=1)]
    for expected in ([either, one], [one, either]):
        case = expecting(cases["both"], *expected)
        assert all(score(case, text).right for text in texts)
        assert score(case, call("wait", seconds=2) * 2).partial == 0.5


def test_the_share_of_right_calls_is_kept_apart(cases: Mapping[str, Case]) -> None:
    """One of two calls is half of it, and still wrong."""
    judged = score(cases["both"], READ + call("wait", seconds=2))
    assert (judged.value, judged.partial) == (0.0, 0.5)


CODE = [
    ("```python\ndef add(a, b):\n    return a + b\n```", ""),
    ("def add(a, b):\n    return a + b\nThat is all.", ""),
    ("add is easy", "no code"),
    ("def add(a, b) return a + b", "does not compile"),
    ("def plus(a, b):\n    return a + b", "missing function"),
    ("def add(a, b):\n    return a - b", "wrong result"),
    ("def add(a, b):\n    return None", "wrong result"),
    ("def add(a, b):\n    return 3", "wrong result"),
    ("def add(a, b):\n    return a + c", "raised"),
    ("import sys\nsys.exit(0)", "ended early"),
    ("class E:\n    def __eq__(self, other): return True\ndef add(a, b): return E()", "not plain data"),
    ("class E(int):\n    def __eq__(self, other): return True\ndef add(a, b): return E()", "wrong result"),
]


@pytest.mark.parametrize(("text", "failure"), CODE)
def test_code_is_run_and_its_results_compared_outside(cases: Mapping[str, Case], text: str, failure: str) -> None:
    """Only returned values that are right on every test count."""
    judged = score(cases["add"], text)
    assert (judged.right, judged.failure) == (failure == "", failure)


CHECKED: dict[str, Any] = {"kind": "code", "entry_point": "add", "solution": "def add(a, b): return a + b"}
LOOP = "def check(candidate):\n    for x in range(3):\n        assert candidate(x, 1) == x + 1"


@pytest.mark.parametrize(
    ("form", "text", "failure", "partial", "in_process"),
    [
        ({"asserts": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"]}, "def add(a, b): return a + b", "", 1.0, 0),
        (
            {"asserts": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"]},
            "def add(a, b): return 4",
            "wrong result",
            0.5,
            0,
        ),
        ({"asserts": ["assert add(1, 2) == 3"]}, "def add(a, b): return 1 / 0", "raised", 0.0, 0),
        ({"check": LOOP}, "def add(a, b): return a + b", "", 1.0, 1),
        ({"check": LOOP}, "def add(a, b): return a", "raised", 0.0, 1),
    ],
)
def test_asserts_and_check_programs_judge_code(
    cases: Mapping[str, Case], form: dict[str, Any], text: str, failure: str, partial: float, in_process: int
) -> None:
    """Each check counts for itself in the share that holds; those decided in the candidate's process are counted."""
    case = cases["add"].model_copy(update={"expect": CodeExpectation.model_validate({**CHECKED, **form})})
    judged = score(case, text)
    assert (judged.failure, judged.partial, judged.measurements["in_process"]) == (failure, partial, in_process)


FORMS = [
    # text, right, whether it is Python
    ("```python\nclass Solution:\n    def add(self, a, b):\n        return a + b\n```", True, 1.0),
    ("```python\nclass Solution:\n    @staticmethod\n    def add(a, b):\n        return a + b\n```", True, 1.0),
    ("```python\nfrom __future__ import annotations\ndef add(a: Any, b): return operator.add(a, b)\n```", True, 1.0),
    ("```python\ndef add(a, b) return a + b\n```", False, 0.0),
    ("<think>def add(a, b): return a + b</think>```python\ndef add(a, b): return a\n```", False, 1.0),
]


@pytest.mark.parametrize(("text", "right", "syntax"), FORMS)
def test_code_is_judged_in_any_usual_form(cases: Mapping[str, Case], text: str, right: bool, syntax: float) -> None:
    """A method is called on a fresh object; the preamble stands before the code, and __future__ before both."""
    expect = cases["add"].expect.model_copy(update={"preamble": "import operator"})
    judged = score(cases["add"].model_copy(update={"expect": expect}), text)
    assert (judged.right, judged.measurements["syntax"]) == (right, syntax)


@pytest.mark.parametrize("tests", [{}, {"tests": [], "asserts": ["assert add(1, 2) == 3"]}])
def test_what_code_printed_is_in_the_trial(cases: Mapping[str, Case], tests: dict[str, Any]) -> None:
    """Whichever way it is tested; it has no say in whether the code is right."""
    case = cases["add"].model_copy(update={"expect": cases["add"].expect.model_copy(update=tests)})
    trial = judge(case, answer("def add(a, b):\n    print('passed')\n    return 4"), "jail")
    assert (set(trial.printed.split()), trial.right) == ({"passed"}, False)


def test_the_share_of_tests_that_hold_is_no_credit(cases: Mapping[str, Case]) -> None:
    """One of two tests holds: half of them, and a score of zero."""
    judged = score(cases["add"], "def add(a, b): return 3")
    assert (judged.value, judged.partial) == (0.0, 0.5)


FINAL: list[tuple[dict[str, Any], str, str]] = [
    # what is expected, text, failure
    ({"kind": "number", "value": 3.14, "tolerance": 0.01}, "Answer: 3.149", ""),
    ({"kind": "number", "value": 3.14, "tolerance": 0.01}, "Answer: 3.16", "wrong number"),
    ({"kind": "number", "value": 200, "relative_tolerance": 0.01}, "about 198.5", ""),
    ({"kind": "number", "value": 200, "relative_tolerance": 0.01}, "about 197", "wrong number"),
    ({"kind": "text", "value": "Paris"}, "The answer is **Paris**.", ""),
    ({"kind": "text", "value": "Paris"}, "The answer is paris.", "wrong text"),
    ({"kind": "text", "value": "Paris", "ignore_case": True}, "The answer is paris.", ""),
    ({"kind": "text", "value": "Paris"}, "Paris is not it.", "wrong text"),
    ({"kind": "text", "values": ["O(n)", "linear"]}, "Answer: O(n)", ""),
    ({"kind": "text", "regex": r"O\(n\s*log\s*n\)"}, "Answer: `O(n log n)`", ""),
    ({"kind": "text", "regex": r"O\(n\)"}, "Answer: O(n) or O(1)", "wrong text"),
    ({"kind": "text", "regex": "yes|no", "ignore_case": True}, "Answer: No", ""),
    ({"kind": "text", "value": "x"}, "", "no answer"),
    ({"kind": "choice", "value": "B"}, "The answer is (B).", ""),
    ({"kind": "choice", "value": "B"}, "The answer is (C).", "wrong choice"),
    ({"kind": "choice", "value": "B"}, "The answer is (E).", "no choice"),
    ({"kind": "choice", "value": "E", "choices": ["A", "E"]}, "E", ""),
    ({"kind": "keywords", "all": ["lock", "wait"]}, "They wait for each other's LOCK.", ""),
    ({"kind": "keywords", "all": ["lock", "wait"]}, "They block and await.", "missing keyword"),
    ({"kind": "keywords", "any": ["O(n)", "linear"]}, "It is O(n).", ""),
    ({"kind": "keywords", "any": ["O(n)", "linear"]}, "It is quick.", "missing keyword"),
]


@pytest.mark.parametrize(("expect", "text", "failure"), FINAL)
def test_final_answers_are_compared_as_their_kind_says(
    cases: Mapping[str, Case], expect: dict[str, Any], text: str, failure: str
) -> None:
    """Numbers within a tolerance, texts exactly or as a whole expression, letters, whole words."""
    case = Case.model_validate({**cases["sum"].model_dump(), "expect": expect})
    assert score(case, text).failure == failure


def test_a_trial_says_what_it_is_worth(cases: Mapping[str, Case]) -> None:
    """Keywords are weak evidence, and the trial says so; how much a text repeats itself is measured for every kind."""
    weak = Case.model_validate({**cases["sum"].model_dump(), "expect": {"kind": "keywords", "any": ["42"]}})
    trials = [judge(case, answer("It is 42."), "off") for case in (weak, cases["sum"])]
    assert [(trial.right, trial.weak) for trial in trials] == [(True, True), (True, False)]
    assert all(set(trial.measurements) == {"distinct_2", "longest_repeat", "entropy"} for trial in trials)


def test_expected_values_are_not_to_be_found_inside() -> None:
    """A program that searches its process for the expected value finds nothing, since it never goes in."""
    text = """
import gc, os, sys
def f():
    frame, found = sys._getframe(), []
    while frame:
        found += frame.f_locals.values()
        frame = frame.f_back
    found += [sys.argv, sys.orig_argv, dict(os.environ)]
    for thing in gc.get_objects():
        if isinstance(thing, (list, tuple, dict)):
            found += list(thing.values()) if isinstance(thing, dict) else list(thing)
    return [item for item in map(str, found) if item[::-1].startswith("kcatsyah")][0]
"""
    tests = (CodeTest(arguments=(), returns="needle in a haystack"),)
    expect = CodeExpectation(entry_point="f", tests=tests, solution="")
    case = Case(id="f", category="c", messages=({"role": "user", "content": ""},), expect=expect)
    judged = score(case, f"```\n{text}```")
    assert (judged.failure, "IndexError" in judged.reason) == ("raised", True)


NUMBERS = [
    ("Answer: 42", ""),
    ("12 + 30 is 42.0", ""),
    ("42 is near, but Answer: 43", "wrong number"),
    ("42 or 43", "wrong number"),
    ("forty-two", "no number"),
]


@pytest.mark.parametrize(("text", "failure"), NUMBERS)
def test_the_final_number_counts(cases: Mapping[str, Case], text: str, failure: str) -> None:
    """A right number on the way to a wrong one is wrong."""
    judged = score(cases["sum"], text)
    assert (judged.right, judged.failure) == (failure == "", failure)


@pytest.mark.parametrize("name", ["both", "add", "sum"])
def test_a_truncated_answer_is_wrong(cases: Mapping[str, Case], name: str) -> None:
    """Whatever it holds, an answer that was cut off counts as wrong, under a name of its own."""
    judged = score(cases[name], cases[name].expect.reference(), "length")
    assert (judged.value, judged.failure) == (0.0, "truncated")


def test_code_is_not_run_where_execution_is_off(cases: Mapping[str, Case]) -> None:
    """A code case is unscored and says why; other kinds are scored."""
    trial = judge(cases["add"], answer(cases["add"].expect.reference()), "off")
    assert (trial.outcome, trial.value, trial.reason) == (Outcome.UNSCORED, None, "code is not executed in this run")
    assert judge(cases["sum"], answer("42"), "off").right


def test_only_code_needs_a_jail(cases: Mapping[str, Case]) -> None:
    """A suite without code is asked on any machine; one with code says how its code is run."""
    assert choose_code_execution([cases["sum"], cases["both"]], unsafe=False) == "off"
    assert choose_code_execution([cases["add"]], unsafe=True) == "unsafe child process"


def test_a_rubric_without_a_judge_is_unscored(cases: Mapping[str, Case]) -> None:
    """What only another model can judge is no zero where there is none."""
    case = Case.model_validate({**cases["sum"].model_dump(), "expect": {"kind": "judge", "rubric": "It is kind."}})
    trial = judge(case, answer("Hello."), "off")
    assert (trial.outcome, trial.value, trial.reason) == (
        Outcome.UNSCORED,
        None,
        "a rubric takes a judge, and there is none",
    )


def test_a_scorer_that_breaks_is_not_a_zero(cases: Mapping[str, Case]) -> None:
    """A declared tool of a wrong shape breaks the scorer: the trial is unscored, and the reason says so."""
    case = cases["both"].model_copy(update={"tools": ({"function": "read_file"},)})
    trial = judge(case, answer(READ), "off")
    assert (trial.outcome, trial.counted, "the scorer broke" in trial.reason) == (Outcome.UNSCORED, False, True)


def test_reasons_can_always_be_written(cases: Mapping[str, Case]) -> None:
    """Half a character and endless numbers in an answer do not keep its trial from being stored."""
    hostile = [
        judge(cases["both"], answer('<tool_call>{"name": "\\ud800", "arguments": {}}</tool_call>'), "off"),
        judge(cases["add"], answer("def add(a, b): return 10 ** 5000"), "jail"),
        judge(cases["add"], answer("def add(a, b): raise ValueError('\\ud800')"), "jail"),
    ]
    assert [trial.failure for trial in hostile] == ["unknown function", "wrong result", "raised"]
    assert all(trial.model_dump_json() for trial in hostile)
