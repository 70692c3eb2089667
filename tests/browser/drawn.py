"""The kinds of pages, each drawn from a small run or dataset of its kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from punie.data.ledger import Removal
from punie.data.look.stats import TokenSettings, stats
from punie.data.writer import DatasetWriter
from punie.evaluation.outcomes import EvaluationRun
from punie.evaluation.runs import PartialRun, read_run
from punie.evaluation.suite import hash_cases
from punie.files import write_jsonl, write_text
from punie.report.compare import compare_all
from punie.report.dataset import render_dataset
from punie.report.journal import read_journal
from punie.report.journal_page import links_from, render_journal
from punie.report.pages import write_comparison_pages, write_run_page, write_training_page
from punie.training.request import parse_plan
from punie.training.runner import train

from ..report.conftest import BASE, TUNED, drawn_outcomes, make_suite, outcomes_run

_FEW = 4


def small_run(name: str, shares: dict[str, float], seed: int) -> EvaluationRun:
    """A few cases of each category of the embedded model's suite."""
    outcomes = drawn_outcomes(shares, seed)
    run = outcomes_run(name, {category: rights[:_FEW] for category, rights in outcomes.items()})
    suite = make_suite(len(run.trials), hash=hash_cases(trial.case for trial in run.trials))
    return replace(run, record=run.record.model_copy(update={"suites": (suite,)}))


def run_page(folder: Path, model: Path) -> Path:
    saved(small_run("tuned", TUNED, 2), folder / "tuned")
    return write_run_page(read_run(folder / "tuned"), folder / "tuned")


def comparison_page(folder: Path, model: Path) -> Path:
    base, *others = saved_runs(folder, others=1)
    return write_comparison_pages(compare_all(base, others), folder / "compared", folder)[0]


def several_page(folder: Path, model: Path) -> Path:
    base, *others = saved_runs(folder, others=2)
    return write_comparison_pages(compare_all(base, others), folder / "compared", folder)[0]


def saved_runs(folder: Path, others: int) -> list[EvaluationRun]:
    """The base, and runs of adapters called tuned-1, tuned-2 ..., read back from their folders."""
    runs = [small_run("base", BASE, 1), *(small_run(f"tuned-{seed}", TUNED, seed) for seed in range(1, others + 1))]
    return [read_run(saved(run, folder / run.record.name)) for run in runs]


def saved(run: EvaluationRun, folder: Path) -> Path:
    """A folder as an evaluation leaves it."""
    with PartialRun(folder) as partial:
        partial.resume({})
        for trial in run.trials:
            partial.add(trial)
        partial.finish(run.record, [trial.key for trial in run.trials])
    return folder


def training_page(folder: Path, model: Path) -> Path:
    """A real run of two stages, of which some rows were too long."""
    data = folder / "data"
    write_jsonl(data / "train.jsonl", map(_chat, range(16)))
    write_jsonl(data / "valid.jsonl", map(_chat, range(21, 25)))
    stages = [{"name": name, "iters": 3, "where": {"half": [name]}} for name in ("low", "high")]
    rhythm = {"steps_per_report": 1, "steps_per_eval": 3, "max_seq_length": 96, "overlong": "drop", "num_layers": 2}
    where = {"model": str(model), "data": str(data), "adapter_path": str(folder / "adapter")}
    train(parse_plan({**where, **rhythm, "batch_size": 2, "learning_rate": 3e-3, "stages": stages}, where="test"))
    return write_training_page(folder / "adapter")


def _chat(number: int) -> dict:
    said = f"{number} and {number + 1}. " * (1 + 12 * (number % 5 == 0))
    messages = [{"role": "user", "content": f"count {number}"}, {"role": "assistant", "content": said}]
    return {"messages": messages, "half": "low" if number < 8 else "high"}


def dataset_page(folder: Path, model: Path) -> Path:
    """Rows of two splits and two categories, one of them twice, and what two rules removed."""
    with DatasetWriter(folder / "rows", name="rows", recipe={"command": "filter"}) as writer:
        for number in range(40):
            row = {"text": f"row {number} " * (1 + number % 7), "category": "odd" if number % 2 else "even"}
            writer.write("train" if number < 30 else "valid", json.dumps(row).encode())
        writer.write("valid", b'{"text": "row 0 "}')
        for number, rule in enumerate(("short", "long", "short")):
            writer.remove(Removal("in", number, "", rule, 1, 2))
    text = render_dataset(stats(folder / "rows", TokenSettings(model, 4, 20)))
    write_text(folder / "rows.html", text)
    return folder / "rows.html"


def journal_page(folder: Path, model: Path) -> Path:
    """Two runs, their comparison, a training, and what is broken, under a name that is hard to break."""
    saved_runs(folder / "reports", others=1)
    base, tuned = (read_run(folder / "reports" / name) for name in ("base", "tuned-1"))
    write_run_page(base, folder / "reports" / "base")
    write_comparison_pages(compare_all(base, [tuned]), folder / "reports" / "compared", folder)
    write_text(folder / "reports" / "tuned-1" / "note.txt", "a note <b>of</b> " + "long" * 30)
    write_text(folder / "reports" / f"broken-{'long-' * 20}" / "run.json", "{")
    (folder / "adapters").mkdir()
    training_page(folder / "adapters", model)
    page, journal = folder / "reports" / "index.html", read_journal([folder / "reports", folder / "adapters"])
    write_text(page, render_journal(journal, links_from(page)))
    return page


DRAW: dict[str, Callable[[Path, Path], Path]] = {
    "run": run_page,
    "comparison": comparison_page,
    "several": several_page,
    "training": training_page,
    "dataset": dataset_page,
    "journal": journal_page,
}
"""By kind: draw its page into an empty folder, with the embedded model where one is needed."""

REDRAW = {
    "run": "report tuned",
    "comparison": "compare base tuned-1 --output compared",
    "several": "compare base tuned-1 tuned-2 --output compared",
    "training": "report adapter",
    "dataset": "dataset stats rows --model tiny --max-seq-length 20 --batch-size 4 --html rows.html",
    "journal": "journal",
}
"""By kind: the command that writes the same page again, in the folder that was given to `DRAW`."""
