"""The whole loop on sample data: an experiment with its own recipe, in the folders where a user would make each."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from punie.evaluation.runs import read_run
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.recipe import Asking, ChainExperiment
from punie.experiment.chain.run import run
from punie.experiment.chain.sources import Origin
from punie.experiment.watcher import Watcher
from punie.report.compare import compare, with_teaching
from punie.report.comparison import Comparison
from punie.report.pages import write_comparison_page
from punie.training.presets import cautious, preset
from punie.workspace import EMBEDDED_MODEL, resolve_model

SUITE = "tiny"
_CHATS = "chats"


@dataclass(frozen=True, slots=True)
class QuickstartOptions:
    """`root` is the project folder; `unsafe_no_sandbox` runs the code it writes without a jail."""

    model: str = EMBEDDED_MODEL
    root: Path = Path()
    examples: int = 1000
    seed: int = 0
    fresh: bool = False
    unsafe_no_sandbox: bool = False

    @property
    def command(self) -> str:
        """What goes on with it."""
        given = {"--model": self.model, "--examples": str(self.examples), "--seed": str(self.seed)}
        usual = {"--model": EMBEDDED_MODEL, "--examples": "1000", "--seed": "0"}
        words = [word for option, value in given.items() if value != usual[option] for word in (option, value)]
        return shlex.join(["punie", "quickstart", *words, *(["--unsafe-no-sandbox"] if self.unsafe_no_sandbox else [])])


@dataclass(frozen=True, slots=True)
class QuickstartFolder(ChainFolder):
    """The folders a quickstart writes, all named after it; the comparison lies in its root, `reports/NAME`."""

    @classmethod
    def of(cls, options: QuickstartOptions) -> QuickstartFolder:
        suffix = (
            "" if options.model == EMBEDDED_MODEL else "-" + re.sub(r"[^A-Za-z0-9.]+", "-", options.model).strip("-")
        )
        return cls(options.root / "reports" / f"quickstart{suffix}")

    @property
    def adapter(self) -> Path:
        return self.root.parent.parent / "adapters" / self.root.name

    def source(self, name: str) -> Path:
        return self.root.parent.parent / "data" / self.root.name

    def evaluation(self, model: str) -> Path:
        return self.root.with_name(f"{self.root.name}-{'base' if model == 'base' else 'tuned'}")

    def clear(self) -> None:
        """Delete what an earlier quickstart made, unfinished runs included."""
        runs = [self.evaluation(model) for model in ("base", "adapter")]
        unfinished = [run.with_name(f".{run.name}.partial") for run in runs]
        for folder in (self.source(_CHATS), self.adapter, self.root, *runs, *unfinished):
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class QuickstartResult:
    comparison: Comparison
    page: Path
    folder: QuickstartFolder


def quickstart(options: QuickstartOptions, watcher: Watcher | None = None) -> QuickstartResult:
    """Run the loop, or what is left of it. Raises whatever a step raises; the steps before it stay finished."""
    watcher, folder = watcher or Watcher(), QuickstartFolder.of(options)
    if options.fresh:
        folder.clear()
    run(recipe(options), folder, "quickstart", options.command, watcher)
    watcher.step("comparison")
    base, tuned = (read_run(folder.evaluation(model)) for model in ("base", "adapter"))
    comparison = with_teaching(compare(base, tuned), base, tuned)
    page = write_comparison_page(comparison, folder.root)
    watcher.done(comparison.claim)
    return QuickstartResult(comparison, page, folder)


def recipe(options: QuickstartOptions) -> ChainExperiment:
    """With the model's preset, or a cautious plan for a model we do not know."""
    model = resolve_model(options.model)
    return ChainExperiment(
        kind="chain",
        name="quickstart",
        model=options.model,
        sources={_CHATS: Origin(download="tiny", count=options.examples, seed=options.seed)},
        data=_CHATS,
        train={**(preset(model) or cautious(model)), "seed": options.seed},
        evaluate=Asking(suites=(SUITE,), unsafe_no_sandbox=options.unsafe_no_sandbox),
    )
