"""What a model, a dataset or a file name says is shown as text by every page, and takes no effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from punie.data.ledger import Removal, row_hash
from punie.data.look.stats import stats
from punie.data.writer import DatasetWriter
from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.files import write_jsonl, write_text
from punie.report.compare import compare, compare_all
from punie.report.dataset import render_dataset
from punie.report.html import render_comparison, render_run, render_several, visible
from punie.report.several import side_by_side
from punie.report.training import read_training
from punie.report.training_page import render_training
from punie.training.adapter import AdapterFolder
from punie.training.metrics import Echo, Failed, StageBegan, append_metric
from punie.training.request import parse_plan

from ..report.conftest import BASE, TUNED
from .drawn import small_run
from .window import NARROW, open_all, overflow, show

SAYABLE = (
    "</script><script>window.taken = 1</script>",
    '</pre></div></details></section><img src=x onerror="window.taken = 1">',
    "<svg onload=alert(1)><style>*{display:none}</style><base href=//example.org>",
    "\x1b[2J\x1b]0;taken\x07 bell \x7f \x9b31m",
    "\u202e turned around \u2066 and kept",
    "\" autofocus onfocus='window.taken = 1' x=",
    "{{ 7 * 7 }} {% raw %} ${window.taken = 1} <!-- --> ]]> &lt;b&gt; &#x3c;",
)
"""What a row of JSON lines can hold."""
HOSTILE = (*SAYABLE, "\ud800 lone \udfff surrogates and \x00 null")
MEGABYTES = "y" * 2_000_000
_UNSEEN = """[...document.body.textContent].filter(one =>
    /[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]/.test(one))"""
_FOREIGN = "img, base, iframe, body style, script ~ script, [onload], [onerror], [onfocus]"


def run_page(folder: Path) -> str:
    return render_run(speaking(small_run("tuned", TUNED, 2)))


def comparison_page(folder: Path) -> str:
    return render_comparison(compare(speaking(small_run("base", BASE, 1)), speaking(small_run("tuned", TUNED, 2))))


def several_page(folder: Path) -> str:
    runs = [speaking(small_run(f"run {seed}", TUNED, seed)) for seed in (1, 2, 3)]
    return render_several(side_by_side(compare_all(runs[0], runs[1:])), ["one.html", "two.html"])


def speaking(run: EvaluationRun) -> EvaluationRun:
    """The run in which prompts, answers, reasons, classes, categories and names are hostile."""
    asked = (*SAYABLE, "a case cannot hold them")
    hostile = [_hostile(*both) for both in zip(run.trials, asked, HOSTILE, strict=False)]
    return replace(
        run,
        record=run.record.model_copy(update={"name": SAYABLE[1], "created": SAYABLE[0]}),
        trials=(*hostile, *run.trials[len(hostile) :]),
    )


def _hostile(trial: Trial, asked: str, text: str) -> Trial:
    message = {"role": "user", "content": f"asked {asked}"}
    case = trial.case.model_copy(update={"id": f"id {asked}", "category": asked, "messages": (message,)})
    assert trial.answer is not None
    answer = trial.answer.model_copy(update={"text": f"said {text}"})
    changes = {"reason": f"since {text}", "failure": text, "printed": f"printed {text}"}
    return trial.model_copy(update={"case": case, "answer": answer, **changes})


def dataset_page(folder: Path) -> str:
    """Categories, a recipe, rules, files and rows that were removed."""
    rows = [json.dumps({"text": f"said {text}", "category": text}).encode() for text in SAYABLE]
    (folder / "source.jsonl").write_bytes(b"\n".join(rows))
    with DatasetWriter(folder / "rows", name=SAYABLE[1], recipe={"since": SAYABLE}) as writer:
        for row in rows:
            writer.write("train", row)
        for line, (row, text) in enumerate(zip(rows, SAYABLE, strict=True), start=1):
            writer.remove(Removal(str(folder / "source.jsonl"), line, row_hash(row), f"rule {text}", text, text))
    return render_dataset(stats(folder / "rows"))


def training_page(folder: Path) -> str:
    """A folder, stages, rules, versions and last words."""
    paths = AdapterFolder(folder / SAYABLE[4])
    given = {"model": SAYABLE[2], "data": SAYABLE[0], "adapter_path": str(paths.root)}
    plan = parse_plan(given, where="test")
    write_text(paths.plan, plan.to_yaml())
    append_metric(paths.metrics, _echo(plan.model_dump(mode="json")))
    for text in SAYABLE:
        append_metric(paths.metrics, StageBegan(iteration=0, stage=f"stage {text}", rows=1, iters=1))
    append_metric(paths.metrics, Failed(error="DataError", what="\n".join(SAYABLE), where="", hint=f"do {SAYABLE[1]}"))
    gone = [Removal(text, 1, "", f"rule {text}", {text: text}, text).to_row() for text in SAYABLE]
    write_jsonl(paths.removed, gone)
    return render_training(read_training(paths.root))


def _echo(values: dict) -> Echo:
    numbers = dict.fromkeys("layers trainable_parameters total_parameters train_rows valid_rows".split(), 1)
    none = dict.fromkeys("first_iteration truncated_rows removed_rows load_seconds prepare_seconds".split(), 0)
    words = {"loss_route": SAYABLE[5], "model_hash": SAYABLE[1], "data_hash": SAYABLE[0]}
    return Echo(values=values, versions={SAYABLE[3]: SAYABLE[6]}, **numbers, **none, **words)


DRAW: dict[str, tuple[Callable[[Path], str], tuple[str, ...]]] = {
    "run": (run_page, HOSTILE),
    "comparison": (comparison_page, HOSTILE),
    "several": (several_page, SAYABLE),
    "training": (training_page, SAYABLE),
    "dataset": (dataset_page, SAYABLE),
}


@pytest.mark.parametrize("kind", DRAW)
def test_hostile_words_are_shown_and_do_nothing(page: Page, kind: str, tmp_path: Path) -> None:
    """Each is there to read, with its invisible characters written out; no element, script or title comes of it."""
    draw, texts = DRAW[kind]
    drawn = tmp_path / "page.html"
    write_text(drawn, draw(tmp_path))
    show(page, drawn)
    open_all(page)
    assert overflow(page) <= 0
    page.set_viewport_size({"width": NARROW, "height": 900})
    read = page.locator("body").text_content() or ""
    assert [text for text in texts if visible(text) not in read] == []
    assert page.evaluate(_UNSEEN) == []
    assert page.locator(_FOREIGN).count() == 0
    assert page.evaluate("window.taken") is None
    assert overflow(page) <= 0


@pytest.mark.parametrize("kind", ["run", "comparison"])
def test_a_line_of_two_megabytes_is_shown_whole(page: Page, kind: str, tmp_path: Path) -> None:
    """It wraps, can be opened and read, and the page stays as wide as its window."""
    run = small_run("long", TUNED, 2)
    assert run.trials[0].answer is not None
    answer = run.trials[0].answer.model_copy(update={"text": MEGABYTES})
    long = replace(run, trials=(run.trials[0].model_copy(update={"answer": answer}), *run.trials[1:]))
    text = render_run(long) if kind == "run" else render_comparison(compare(small_run("base", BASE, 1), long))
    write_text(tmp_path / "page.html", text)
    show(page, tmp_path / "page.html", width=NARROW)
    open_all(page)
    assert MEGABYTES in (page.locator("#cases").text_content() or "")
    assert overflow(page) <= 0
