"""The whole way of a model in one function, and what is around it: room on the disk, one process, one page."""

from __future__ import annotations

from punie.errors import PunieError
from punie.experiment.chain import judging, models
from punie.experiment.chain.cleanup import clear
from punie.experiment.chain.folder import ChainFolder
from punie.experiment.chain.ledger import Ledger
from punie.experiment.chain.outcome import Outcome, Verdict, chosen, read_verdicts
from punie.experiment.chain.page import write_page
from punie.experiment.chain.preflight import require_ready
from punie.experiment.chain.recipe import ChainExperiment
from punie.experiment.chain.rows import make_rows
from punie.experiment.chain.work import Candidate, Work
from punie.experiment.folder import held, interruptible
from punie.experiment.watcher import Watcher
from punie.files import write_text


def run(recipe: ChainExperiment, folder: ChainFolder, where: str, command: str, watcher: Watcher) -> Outcome:
    """Do what is left of the chain. `where` is the recipe's file, `command` what goes on after an interruption.

    Raises UsageError or CapacityError before anything is made, and what its steps raise; those before stay done, and
    the page tells them.
    """
    work = Work(recipe, folder, Ledger(folder, watcher), watcher, where)
    require_ready(recipe, folder, where)
    with held(folder.root):
        write_text(folder.recipe, recipe.to_yaml())
        try:
            with interruptible(folder.root, command):
                outcome = _finished(work)
        except PunieError as error:
            write_page(recipe, folder, Outcome(tuple(work.ledger.entries), (), folder.report), command, error)
            raise
        write_page(recipe, folder, outcome, command, None)
    return outcome


def _finished(work: Work) -> Outcome:
    verdicts = chain(work)
    if work.recipe.keep == "chosen" and (model := chosen(verdicts)) is not None:
        clear(work.folder, work.ledger, model)
    return Outcome(tuple(work.ledger.entries), verdicts, work.folder.report)


def chain(work: Work) -> tuple[Verdict, ...]:
    """Data, curriculum, training with its selection, fusing, quantizing, evaluation, comparison."""
    recipe, model = work.recipe, models.base(work)
    first, others = Candidate("base", model), list[Candidate]()
    if recipe.evaluate is not None:
        first = judging.ask(work, first)
    if recipe.data is not None:
        rows = make_rows(work)
        if recipe.train is not None:
            adapter = models.train_adapter(work, model, rows)
            others.append(Candidate("adapter", model, adapter))
            if recipe.fuse is not None:
                model = models.fuse_adapter(work, model, adapter)
                others.append(Candidate("fused", model))
    if recipe.quantize is not None:
        others += models.quantize_model(work, model)
    if recipe.evaluate is not None:
        others = [judging.ask(work, other) for other in others]
    return read_verdicts(judging.compare_models(work, first, others)) if recipe.compare is not None else ()
