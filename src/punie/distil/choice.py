"""Which of the right answers to one task are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from punie.data.compare.syntax import parse, renamed_hash
from punie.evaluation.expectations import CodeExpectation
from punie.evaluation.extraction import find_code
from punie.evaluation.outcomes import Trial
from punie.evaluation.thinking import without_thinking

Keep = Literal["shortest", "majority", "all"]

LONGER, MINORITY, SAME = "a shorter one is kept", "more answers say something else", "says the same as a kept one"


def solution_of(trial: Trial) -> str:
    """The code that was judged; of a task without code, the answer. What the model said to itself is left out."""
    assert trial.answer is not None, "only what was answered is chosen from"
    text = without_thinking(trial.answer.text).strip()
    expect = trial.case.expect
    return find_code(text, expect.entry_point).text if isinstance(expect, CodeExpectation) else text


def choose(right: Sequence[Trial], keep: Keep) -> Mapping[int, str]:
    """For each of the right answers to one task, by sample, why it is not kept; "" where it is.

    `shortest` keeps the one with the shortest solution. `majority` keeps the shortest of the largest group that says
    the same: code that is equal but for names, comments and layout, other answers word for word. `all` keeps the
    shortest of each group. Of equal length, the earlier sample is kept.
    """
    groups: dict[str, list[Trial]] = defaultdict(list)
    for trial in sorted(right, key=lambda trial: (len(solution_of(trial)), trial.sample)):
        groups[_says(solution_of(trial))].append(trial)
    if keep == "all":
        return {trial.sample: SAME if place else "" for group in groups.values() for place, trial in enumerate(group)}
    chosen = max(groups.values(), key=len)  # The first of the largest has the shortest solution.
    if keep == "majority":
        others = {trial.sample: MINORITY for group in groups.values() for trial in group}
        return others | {trial.sample: SAME if place else "" for place, trial in enumerate(chosen)}
    first = next(iter(groups.values()))[0]
    return {trial.sample: "" if trial is first else LONGER for trial in right}


def _says(solution: str) -> str:
    tree = parse(solution)
    return solution if tree is None else renamed_hash(tree)[0]
