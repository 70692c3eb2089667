from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from punie.errors import DataError, UsageError
from punie.evaluation.measurements import measure
from punie.evaluation.outcomes import Answer, AskedSuite, EvaluationRun, Outcome, RunRecord, SelfCheck, Trial
from punie.evaluation.runs import PartialRun, read_run, rescore
from punie.evaluation.scorers import judge
from punie.evaluation.suite import Case, Suite
from punie.serving.identity import Identity

CONDITIONS = {"suites": "s", "temperature": 0.0}
ANSWER = Answer(text="def add", finish_reason="stop", prompt_tokens=3, completion_tokens=2, seconds=0.25)


def make_trial(case: Case) -> Trial:
    """The judged reference answer."""
    answer = Answer(
        text=case.expect.reference(), finish_reason="stop", prompt_tokens=3, completion_tokens=2, seconds=0.25
    )
    return judge(case, answer, "jail").model_copy(update={"suite": "six"})


def make_record(suite: Suite) -> RunRecord:
    return RunRecord(
        name="run",
        created="2026-01-01T00:00:00+00:00",
        suites=(
            AskedSuite(
                name=suite.name,
                hash=suite.hash,
                cases=len(suite.cases),
                max_tokens=48,
                self_check=SelfCheck(references=6, known_bad=26),
            ),
        ),
        samples=1,
        identity=Identity(
            model="tiny",
            model_hash="sha256:1",
            adapter=None,
            adapter_hash=None,
            tokenizer_hash="sha256:2",
            template_hash="sha256:3",
            base_probes=(),
        ),
        temperature=0.0,
        top_p=1.0,
        concurrency=4,
        code_execution="jail",
        seconds=1.5,
        measurements=measure((), (), 1.5, None),
        versions={"punie": "0"},
    )


@pytest.fixture
def finished(tmp_path: Path, suite: Suite) -> EvaluationRun:
    """A finished run in `tmp_path / "run"`, whose trials came in the opposite order of the suite."""
    with PartialRun(tmp_path / "run") as partial:
        partial.resume(CONDITIONS)
        for case in reversed(suite.cases):
            partial.add(make_trial(case))
        return partial.finish(make_record(suite), [(suite.name, case.id, 0) for case in suite.cases])


def test_a_finished_run_reads_back_as_it_was(tmp_path: Path, suite: Suite, finished: EvaluationRun) -> None:
    """Record and trials are lossless, in the order of the suite; nothing of the unfinished folder is left."""
    run = read_run(tmp_path / "run")
    assert run == finished
    assert [trial.case for trial in run.trials] == list(suite.cases)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["run", "run.json", "samples.jsonl"]


def test_a_run_from_before_output_was_kept_is_read(tmp_path: Path, finished: EvaluationRun) -> None:
    """Its trials have printed nothing."""
    samples = tmp_path / "run" / "samples.jsonl"
    text = samples.read_text()
    samples.write_text(text.replace(',"printed":""', ""))
    assert len(samples.read_text()) < len(text)
    assert read_run(tmp_path / "run") == finished


def test_an_unfinished_run_is_not_there(tmp_path: Path, cases: Mapping[str, Case]) -> None:
    """Before it is finished nothing can be read under the run's name."""
    with PartialRun(tmp_path / "run") as partial:
        partial.resume(CONDITIONS)
        partial.add(make_trial(cases["sum"]))
        with pytest.raises(UsageError):
            read_run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_existing_output_is_not_written_over(tmp_path: Path, finished: EvaluationRun) -> None:
    """The second run into the same place is refused."""
    with pytest.raises(UsageError, match="exists already"):
        PartialRun(tmp_path / "run")


def test_two_processes_never_write_one_run(tmp_path: Path) -> None:
    """While one process fills a run, another is refused."""
    script = "import sys, pathlib\nfrom punie.evaluation.runs import PartialRun\nPartialRun(pathlib.Path(sys.argv[1]))"
    with PartialRun(tmp_path / "run"):
        other = subprocess.run([sys.executable, "-c", script, str(tmp_path / "run")], capture_output=True, text=True)
    assert "Another process" in other.stderr


def test_a_run_goes_on_after_its_last_whole_line(tmp_path: Path, cases: Mapping[str, Case]) -> None:
    """What was judged, and what had only come, is there again; half a line left by a kill is not."""
    with PartialRun(tmp_path / "run") as partial:
        partial.resume(CONDITIONS)
        partial.add(make_trial(cases["sum"]))
        partial.receive(("six", "add", 0), ANSWER)
    for name in ("samples.jsonl", "answers.jsonl"):
        with (partial.folder / name).open("ab") as lines:
            lines.write(b'{"case": {"id": "mill')
    with PartialRun(tmp_path / "run") as partial:
        partial.resume(CONDITIONS)
        assert list(partial.trials) == [("six", "sum", 0)]
        assert partial.answers == {("six", "add", 0): [ANSWER]}
        partial.add(make_trial(cases["million"]))
    lines = (partial.folder / "samples.jsonl").read_text().splitlines()
    assert [json.loads(line)["case"]["id"] for line in lines] == ["sum", "million"]


def test_answers_of_other_conditions_are_never_mixed_nor_dropped(tmp_path: Path, cases: Mapping[str, Case]) -> None:
    """Another temperature is refused by name, and the earlier answers stay for whoever goes on as before."""
    with PartialRun(tmp_path / "run") as partial:
        partial.resume(CONDITIONS)
        partial.add(make_trial(cases["sum"]))
    with PartialRun(tmp_path / "run") as partial, pytest.raises(UsageError, match="temperature differ"):
        partial.resume(CONDITIONS | {"temperature": 0.7})
    with PartialRun(tmp_path / "run") as partial:
        partial.resume(CONDITIONS)
        assert list(partial.trials) == [("six", "sum", 0)]


Edit = Callable[[Path], object]

DAMAGE: dict[str, tuple[Edit, type[Exception], str]] = {
    "no record": (lambda folder: (folder / "run.json").unlink(), UsageError, "run.json"),
    "no samples": (lambda folder: (folder / "samples.jsonl").unlink(), UsageError, "samples.jsonl"),
    "a record that is no JSON": (lambda folder: (folder / "run.json").write_text("{"), DataError, "run.json"),
    "a record of another format": (
        lambda folder: _replace(folder / "run.json", '"format": 2', '"format": 1'),
        DataError,
        "format",
    ),
    "a broken line": (
        lambda folder: _replace(folder / "samples.jsonl", '"outcome"', '"outcom"'),
        DataError,
        "samples.jsonl:1",
    ),
    "a line less": (
        lambda folder: (folder / "samples.jsonl").write_text(
            "\n".join((folder / "samples.jsonl").read_text().splitlines()[1:])
        ),
        DataError,
        "5 cases",
    ),
    "another case": (
        lambda folder: _replace(folder / "samples.jsonl", "notes.txt", "other.txt"),
        DataError,
        "not those of suite",
    ),
}


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_run_is_refused_with_its_place(tmp_path: Path, finished: EvaluationRun, name: str) -> None:
    """A folder that is not what was written is never taken for a run."""
    edit, error, word = DAMAGE[name]
    edit(tmp_path / "run")
    with pytest.raises(error, match=word):
        read_run(tmp_path / "run")


def test_judging_again_changes_nothing(tmp_path: Path, finished: EvaluationRun) -> None:
    """From its folder alone a run gets the same verdicts as the first time."""
    again = rescore(read_run(tmp_path / "run"))
    assert (again.run, again.differences) == (finished, ())


def test_judging_again_finds_a_changed_number(tmp_path: Path, finished: EvaluationRun) -> None:
    """Whoever edits a verdict, or an answer, is found out."""
    samples = tmp_path / "run" / "samples.jsonl"
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    lines[0]["value"] = 0.5
    lines[4]["answer"]["text"] = "Answer: 41"
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines))
    again = rescore(read_run(tmp_path / "run"))
    assert [(found.case, found.stored, found.now) for found in again.differences] == [
        ("read", "scored 0.5", "scored 1"),
        ("sum", "scored 1", "scored 0 (wrong number)"),
    ]


def test_judging_again_without_a_jail_is_marked(finished: EvaluationRun) -> None:
    """Whoever does without a jail gets the same verdicts, and a record that says so."""
    again = rescore(finished, unsafe_no_sandbox=True)
    assert (again.differences, again.run.record.code_execution) == ((), "unsafe child process")


def test_failed_trials_stay_failed(cases: Mapping[str, Case], finished: EvaluationRun) -> None:
    """Where there is no answer there is nothing to judge again."""
    failed = Trial(case=cases["sum"], answer=None, outcome=Outcome.FAILED, value=None, reason="dropped")
    run = EvaluationRun(finished.record, (failed,))
    assert rescore(run).run.trials == (failed,)
