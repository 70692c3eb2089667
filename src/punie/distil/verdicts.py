"""What becomes of each answer: a row, or a line in the ledger with the reason."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from punie.data.compare.contamination import weigh
from punie.data.compare.evidence import Evidence, Tasks
from punie.data.compare.text import decode_text
from punie.data.ledger import Removal
from punie.distil.answers import Received
from punie.distil.choice import Keep, choose
from punie.distil.rows import distilled_row
from punie.distil.tasks import Task
from punie.evaluation.outcomes import Trial
from punie.evaluation.scorers import CodeExecution, judge

Place = tuple[str, int]
"""Task and number of the sample, from 0."""

NO_ANSWER, NOT_CHOSEN = "no answer", "not chosen"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sample of one task: the row it teaches, and its line in the ledger where a rule keeps it out.

    `removal.rule` is "" where it is kept, or the rule that makes it suspect, no more.
    """

    removal: Removal
    row: bytes
    kept: bool


def judge_answers(
    tasks: Sequence[Task], received: Mapping[Place, Received], execution: CodeExecution
) -> dict[Place, Trial]:
    """Every answer against its task, as many at a time as there are processors."""
    cases = {task.case.id: task.case for task in tasks}

    def judged(place: Place) -> Trial:
        trial = judge(cases[place[0]], received[place].answer, execution)
        return trial.model_copy(update={"sample": place[1]})

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(received, pool.map(judged, received), strict=True))


def condemned_tasks(tasks: Sequence[Task], exams: Tasks) -> dict[str, Evidence]:
    """Tasks that are an exam's, by id, before anybody is asked. The reference answer counts as well as the question."""
    rows = [msgspec.json.encode({"messages": [*task.case.messages, _reference(task)]}) for task in tasks]
    found = weigh([decode_text(row, task.file) for row, task in zip(rows, tasks, strict=True)], exams)
    pairs = zip(tasks, found, strict=True)
    return {task.case.id: evidence for task, evidence in pairs if evidence is not None and evidence.condemns}


def _reference(task: Task) -> dict[str, Any]:
    return {"role": "assistant", "content": task.case.expect.reference()}


@dataclass(frozen=True, slots=True)
class Jury:
    """Decides over the samples of one task after another."""

    answers: Path
    keep: Keep
    exams: Tasks
    teacher: str

    def settle(self, task: Task, received: Mapping[int, Received], trials: Mapping[int, Trial]) -> dict[int, Verdict]:
        """By sample: right answers are compared with the exams, and chosen from what is left."""
        rows = {sample: msgspec.json.encode(distilled_row(t, self.teacher)) for sample, t in trials.items() if t.right}
        found = weigh([decode_text(row, task.file) for row in rows.values()], self.exams)
        evidence = dict(zip(rows, found, strict=True))
        clean = [trials[sample] for sample, worst in evidence.items() if worst is None or not worst.condemns]
        passed_over = choose(clean, self.keep) if clean else {}
        verdicts: dict[int, Verdict] = {}
        for sample, trial in trials.items():
            reason = self._reason(trial, evidence.get(sample), passed_over.get(sample, ""))
            at = received[sample]
            removal = Removal(str(self.answers), at.line, at.hash, *reason)
            verdicts[sample] = Verdict(removal, rows.get(sample, b""), passed_over.get(sample) == "")
        return verdicts

    def _reason(self, trial: Trial, evidence: Evidence | None, passed_over: str) -> tuple[str, Any, Any]:
        """Rule, value and threshold of the ledger."""
        if not trial.right:
            return trial.failure or str(trial.outcome), trial.reason, "right"
        if passed_over:
            return NOT_CHOSEN, passed_over, self.keep
        return ("", None, None) if evidence is None else (evidence.rule, evidence.to_value(), evidence.threshold)
