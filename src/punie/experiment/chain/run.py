"""The whole way of a model in one function, and what is around it: room on the disk, one process, one page."""

from __future__ import annotations

from pathlib import Path

from punie.experiment.chain import steps
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.ledger import Ledger
from punie.experiment.chain.outcome import Outcome, Verdict, read_verdicts
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.chain.steps import Candidate, Work
from punie.experiment.folder import held, interruptible
from punie.experiment.watcher import Watcher
from punie.files import write_text


def run(recipe: ChainExperiment, output: Path, where: str, command: str, watcher: Watcher) -> Outcome:
    """Do what is left of the chain. `where` is the recipe's file, `command` what goes on after an interruption.

    Raises what its steps raise; those before stay done.
    """
    folder = ChainFolder(output)
    work = Work(recipe, folder, Ledger(folder, watcher), watcher, where)
    with interruptible(folder.root, command), held(folder.root):
        write_text(folder.recipe, recipe.to_yaml())
        verdicts = chain(work)
    return Outcome(tuple(work.ledger.entries), verdicts, folder.report)


def chain(work: Work) -> tuple[Verdict, ...]:
    """Data, curriculum, training with its selection, fusing, quantizing, evaluation, comparison."""
    recipe, model = work.recipe, steps.base(work)
    first, others = Candidate("base", model), list[Candidate]()
    if recipe.evaluate is not None:
        first = steps.ask(work, first)
    if recipe.data is not None:
        rows = steps.make_rows(work)
        if recipe.train is not None:
            adapter = steps.train_adapter(work, model, rows)
            others.append(Candidate("adapter", model, adapter))
            if recipe.fuse is not None:
                model = steps.fuse_adapter(work, model, adapter)
                others.append(Candidate("fused", model))
    if recipe.quantize is not None:
        others += steps.quantize_model(work, model)
    if recipe.evaluate is not None:
        others = [steps.ask(work, other) for other in others]
    return read_verdicts(steps.compare_models(work, first, others)) if recipe.compare is not None else ()
