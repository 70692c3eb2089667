"""How large are comparisons of two and of eight runs of 2,000 cases, how soon can one be read, how fast does it filter?

    .venv/bin/python benchmarks/report_page.py [CASES] [--keep FOLDER]

The runs are made up: three kinds of cases of the lengths that HumanEval, tool calling and word problems have, right or
wrong by the dice; a wrong answer is one of three or four, and says what is wrong with it. No model said any of it. Of
eight runs only the size is measured. Chromium opens the page as a file, `ROUNDS` times in fresh windows of 1200
by 900 pixels, and each time is the median. First view is its own first contentful paint, counted from the start of the
navigation; ready is the end of the load event, with the list's script behind it. An action is timed from its input
event to the first frame after the one it is drawn in. The first search of a page also reads all of its text.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from punie.evaluation.outcomes import (
    Answer,
    AskedSuite,
    EvaluationRun,
    Measurements,
    Outcome,
    RunRecord,
    SelfCheck,
    Trial,
)
from punie.evaluation.suite import Case
from punie.report.compare import compare, compare_all
from punie.report.html import render_comparison, render_several
from punie.report.several import MOST_RUNS, side_by_side
from punie.serving.identity import Identity

ROUNDS = 5
WORDS = (
    "the list of numbers is sorted by key and each value that was seen before goes to a place where no other caller "
    "reads it while return gives back what remains when all files in this folder have been opened once"
).split()
FAILURES = {
    "tools": ("no call", "wrong-value argument", "unknown function", "missing argument"),
    "code": ("wrong result", "raised", "no code", "timed out"),
    "numbers": ("wrong number", "no number", "truncated"),
}
ACTIONS = {
    "choose an outcome": "document.querySelector('input[name=outcome]').click()",
    "and a category": "document.querySelector('input[name=category]').click()",
    "all of them again": "document.querySelectorAll('.chip input:checked').forEach(box => box.click())",
    "first search": "type('value')",
    "another letter": "type('value t')",
    "no search": "type('')",
    "sort by time": "order('slowest')",
    "by outcome again": "order('outcome')",
}
TIMED = """async () => {
  const send = (field, value) => { field.value = value; field.dispatchEvent(new Event('input', {bubbles: true})); };
  const type = (text) => send(document.querySelector('input[type=search]'), text);
  const order = (by) => send(document.querySelector('select[name=sort]'), by);
  const frame = () => new Promise(requestAnimationFrame);
  document.getElementById('cases').scrollIntoView();
  await frame(); await frame();
  const before = performance.now();
  %s;
  await frame(); await frame();
  return performance.now() - before;
}"""
OPENED = """() => ({
  first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  ready: performance.getEntriesByType('navigation')[0].loadEventEnd,
})"""


def said(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words)).capitalize() + "."


def tool_case(dice: random.Random, number: int) -> dict[str, Any]:
    path = {"type": "string", "description": said(dice, 6)}
    names = dice.sample(("read_file", "move_file", "search_text", "run_tests", "list_folder"), 3)
    schema = {"type": "object", "properties": {"path": path, "limit": {"type": "integer"}}, "required": ["path"]}
    tools = [{"type": "function", "function": {"name": name, "description": said(dice, 8), "parameters": schema}}
             for name in names]  # fmt: skip
    call = {"name": names[0], "arguments": {"path": f"src/{number}.py", "limit": number}}
    return {"tools": tools, "expect": {"kind": "calls", "calls": [call]}}


def code_case(dice: random.Random, number: int) -> dict[str, Any]:
    lines = "".join(f"    {name} = [{said(dice, 4)!r}, {number}]\n" for name in "abcdef")
    solution = f"def solve_{number}(x):\n{lines}    return x + {number}\n"
    tests = [{"arguments": [value], "returns": value + number} for value in (0, 1, -7, 100)]
    return {"expect": {"kind": "code", "entry_point": f"solve_{number}", "solution": solution, "tests": tests}}


def number_case(dice: random.Random, number: int) -> dict[str, Any]:
    return {"expect": {"kind": "number", "value": number}}


KINDS = {"tools": (tool_case, 25, 12), "code": (code_case, 70, 25), "numbers": (number_case, 45, 60)}
"""By kind: what makes a case, words of its question, words of an answer beside the reference."""


def make_cases(count: int) -> list[Case]:
    dice, cases = random.Random(0), []
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        make, words, _ = KINDS[kind]
        asked = [{"role": "user", "content": said(dice, words)}]
        row = {"id": f"{kind}-{number:04}", "category": kind, "messages": asked, **make(dice, number)}
        cases.append(Case.model_validate(row))
    return cases


def make_trial(case: Case, dice: random.Random, share: float) -> Trial:
    """Answers begin alike; the class of failure decides where a wrong one ends."""
    right = dice.random() < share
    words, failures = KINDS[case.category][2], FAILURES[case.category]
    failure = "" if right else dice.choice(failures)
    reference = case.expect.reference()
    kept = len(reference) if right else len(reference) * (1 + failures.index(failure)) // 5
    text = f"{said(random.Random(case.id), words)}\n{reference[:kept]}"
    tokens = len(text) // 4
    answer = Answer(text=text, finish_reason="stop", prompt_tokens=200, completion_tokens=tokens, seconds=tokens / 40)
    reason = "as expected" if right else f"{failure}: {said(random.Random(case.id + failure), 8)}"
    return Trial(suite="made-up", case=case, answer=answer, outcome=Outcome.SCORED, value=float(right), reason=reason,
                 failure=failure)  # fmt: skip


def make_run(name: str, cases: Sequence[Case], share: float) -> EvaluationRun:
    dice = random.Random(name)
    suite = AskedSuite(name="made-up", hash="0" * 64, cases=len(cases), max_tokens=512,
                       self_check=SelfCheck(references=len(cases), known_bad=3 * len(cases)))  # fmt: skip
    identity = Identity(model="made-up", model_hash="sha256:0", adapter=None, adapter_hash=None,
                        tokenizer_hash="sha256:0", template_hash="sha256:0", base_probes=())  # fmt: skip
    measured = Measurements(asked=len(cases), cached=0, latency_p50=3.0, latency_p95=6.0, tokens_per_second=40.0,
                            finish_reasons={"stop": len(cases)}, server_peak_memory=None)  # fmt: skip
    record = RunRecord(name=name, created="2026-11-21T00:00:00Z", suites=(suite,), samples=1, identity=identity,
                       temperature=0.0, top_p=1.0, concurrency=8, code_execution="jail", seconds=900.0,
                       measurements=measured, versions={})  # fmt: skip
    return EvaluationRun(record, tuple(make_trial(case, dice, share) for case in cases))


def measure(page: Page, address: str) -> dict[str, float]:
    """Milliseconds of one opening and of each action after it."""
    page.goto(address)
    times = page.evaluate(OPENED)
    return times | {name: page.evaluate(TIMED % action) for name, action in ACTIONS.items()}


def size_of_several(cases: Sequence[Case]) -> int:
    """Bytes of the page of eight runs, each a little better than the one before."""
    base, *others = (make_run(f"run-{number}", cases, 0.5 + 0.03 * number) for number in range(MOST_RUNS))
    links = [f"run-0-vs-{run.record.name}/comparison.html" for run in others]
    return len(render_several(side_by_side(compare_all(base, others)), links).encode())


def opened(browser: str, address: str) -> list[dict[str, float]]:
    """What was measured in each fresh window."""
    rounds = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            page = chromium.new_page(viewport={"width": 1200, "height": 900})
            rounds.append(measure(page, address))
            page.close()
        chromium.close()
    return rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=int, nargs="?", default=2000)
    parser.add_argument("--keep", type=Path, help="a folder to leave the page in")
    arguments = parser.parse_args()
    cases = make_cases(arguments.cases)
    comparison = compare(make_run("before", cases, 0.5), make_run("after", cases, 0.65))
    started = time.process_time()
    text = render_comparison(comparison)
    drawn, eight = time.process_time() - started, size_of_several(cases)
    print(f"{arguments.cases} cases, two runs: {len(text.encode()) / 1e6:.2f} MB, drawn in {drawn:.1f} CPU seconds")
    print(f"{arguments.cases} cases, eight runs: {eight / 1e6:.2f} MB")
    times: dict[str, float] = {}
    if browser := shutil.which("chromium"):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(arguments.keep or scratch) / "comparison.html"
            path.write_text(text, encoding="utf-8")
            rounds = opened(browser, path.as_uri())
        for name in rounds[0]:
            times[name] = statistics.median(found[name] for found in rounds)
            print(f"{name:20}{times[name]:8.0f} ms   worst {max(found[name] for found in rounds):6.0f} ms")
    else:
        print("no Chromium here (Debian's package is called chromium): the page was not opened")
    print(json.dumps({"bytes": len(text.encode()), "bytes_of_eight": eight, "drawn_s": drawn, "ms": times}))


if __name__ == "__main__":
    main()
