"""What a reader must know before believing a number: one plain sentence each, nothing where all is well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from punie.evaluation.outcomes import EvaluationRun, RunRecord, Trial
from punie.report import numbers
from punie.report.pairing import Pair
from punie.serving.identity import Identity, same_base

_BASE_FILES = {"model_hash": "weights", "tokenizer_hash": "tokenizers", "template_hash": "chat templates"}
_FEWEST_FLIPS = 6
"""So many cases must change, all the same way, before McNemar's test decides."""
_TRUNCATED = 0.10
"""A share of cut answers from which on the limit may decide, and not the model."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A sentence with the name of the run between its parts, so that it can be said of several; or of none."""

    beginning: str
    run: str = ""
    end: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.beginning}{self.run}{self.end}"


def said_once(cautions: Iterable[Caution]) -> list[str]:
    """One sentence for all runs of which the same is to be said."""
    runs: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for caution in cautions:
        runs[caution.beginning, caution.end][caution.run] = None
    return [f"{beginning}{listed(found)}{end}" for (beginning, end), found in runs.items()]


def listed(names: Iterable[str], word: str = "and") -> str:
    """a; a and b; a, b and c."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def run_cautions(run: EvaluationRun) -> Iterator[Caution]:
    """What weakens the numbers of one run by itself."""
    record = run.record
    if record.code_execution == "unsafe child process":
        yield Caution(
            "The code in ",
            record.name,
            " ran without a jail (--unsafe-no-sandbox, or no jail on that machine): it could read and change files, "
            "use the network and disturb the judge.",
        )
    yield from _identity(record)
    yield from (Caution("In ", record.name, f", {found}") for found in (*_answers(run), *_hopeless(run)))
    if any(suite.half != "test" for suite in record.suites):
        yield Caution(
            "",
            record.name,
            " asked cases that are for choosing (dev). What was chosen with them looks better on them than it is: "
            "report the result on the test half.",
        )
    if record.temperature > 0 and record.samples == 1:
        yield Caution(
            "",
            record.name,
            f" drew one answer to each case at temperature {record.temperature:g}: the intervals cover the choice of "
            "cases, not the luck of the draw. Draw several with --samples.",
        )


def _identity(record: RunRecord) -> Iterator[Caution]:
    identity = record.identity
    if not identity.proven:
        end = f" is not proven: {identity.base_url} says that it is {identity.model}."
        yield Caution("What answered in ", record.name, end)
    for server in record.servers:
        if server.lost:
            end = f" did not answer to the end, and the others were asked instead: {server.lost}"
            yield Caution("In ", record.name, f", {server.base_url}{end}")
    if identity.adapter and (identity.adapter_distance or 0) <= (identity.probe_noise or 0):
        yield Caution(
            "Nothing proves that an adapter was applied in ", record.name, ": the probes were answered as by the base."
        )


def _answers(run: EvaluationRun) -> Iterator[str]:
    total = len(run.trials)
    unscored = sum(not trial.counted for trial in run.trials)
    truncated = sum(trial.answer is not None and trial.answer.finish_reason == "length" for trial in run.trials)
    weak = sum(trial.weak for trial in run.trials)
    if unscored:
        yield (
            f"{unscored} of {total} answers could not be judged (the harness broke, not the model); they are in no "
            "percentage."
        )
    if truncated > _TRUNCATED * total:
        yield (
            f"{truncated} of {total} answers were cut off at the token limit and count as wrong: a larger --max-tokens "
            "may change the result."
        )
    if weak:
        yield (
            f"{weak} of {total} answers were judged weakly, by words that occur or by another model. Do not rest a "
            "decision on them."
        )


def _hopeless(run: EvaluationRun) -> Iterator[str]:
    """Where nothing is right the task or its grader is as suspect as the model."""
    counted = {name: [trial for trial in run.of(name) if trial.counted] for name in run.categories()}
    asked = {numbers.category(name): trials for name, trials in counted.items() if trials}
    lost = {name: len(trials) for name, trials in asked.items() if not any(trial.right for trial in trials)}
    if lost:
        where = f" in {listed(lost, 'or')}" if len(lost) < len(asked) or len(asked) == 1 else ""
        yield f"no answer{where} is right (0 of {sum(lost.values())}): read a few of them before you believe it."
    never = _never_right(run)
    if run.record.samples > 1 and never:
        some = ", ".join(never[:3])
        yield (
            f"{len(never)} cases were wrong in all {run.record.samples} samples ({some}"
            f"{', ...' if len(never) > 3 else ''}): a case that nothing solves is suspect first."
        )


def _never_right(run: EvaluationRun) -> list[str]:
    trials: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in run.trials:
        if trial.counted:
            trials[trial.suite, trial.case.id].append(trial)
    return [case for (_, case), found in trials.items() if not any(trial.right for trial in found)]


def unlike_runs(before: EvaluationRun, after: EvaluationRun, pairs: Sequence[Pair]) -> Iterator[str]:
    """What makes two runs less than comparable, over the pairs that are compared."""
    yield from _suites(before.record, after.record)
    yield from _left_out(before, after, pairs)
    yield from _base(before.record.identity, after.record.identity)
    yield from _same_weights(before.record, after.record)
    for difference in (*unlike_sampling(before.record, after.record), *_settings(before.record, after.record)):
        yield f"{difference}."


def unlike_sampling(before: RunRecord, after: RunRecord) -> list[str]:
    """How answers were drawn otherwise in one run than in the other; with that, models cannot be told apart."""
    pairs = [
        ("Temperature", before.temperature, after.temperature),
        ("Top p", before.top_p, after.top_p),
        ("Top k", before.top_k, after.top_k),
        ("Min p", before.min_p, after.min_p),
        ("Repetition penalty", before.repetition_penalty, after.repetition_penalty),
    ]
    limits = {suite.name: suite.max_tokens for suite in after.suites}
    pairs += [
        (f"Longest answer in {suite.name}", suite.max_tokens, limits.get(suite.name, suite.max_tokens))
        for suite in before.suites
    ]
    return [f"{what} differs: {first} before, {second} after" for what, first, second in pairs if first != second]


def _suites(before: RunRecord, after: RunRecord) -> Iterator[str]:
    """Suites of one name that are not the same cases."""
    others = {suite.name: suite for suite in after.suites}
    for suite in before.suites:
        other = others.get(suite.name, suite)
        if suite.half != other.half:
            yield f"Of {suite.name}, other halves were asked: {suite.half} before, {other.half} after."
        elif suite.hash != other.hash:
            yield f"The cases of {suite.name} changed between the runs: only those with the same content are compared."


def _left_out(before: EvaluationRun, after: EvaluationRun, pairs: Sequence[Pair]) -> Iterator[str]:
    left_out = [sum(suite.cases for suite in run.record.suites) - len(pairs) for run in (before, after)]
    if any(left_out):
        yield (
            f"Not all cases are compared: {len(pairs)} are; {left_out[0]} of {before.record.name} and {left_out[1]} of "
            f"{after.record.name} are left out."
        )


def _base(before: Identity, after: Identity) -> Iterator[str]:
    unlike = [words for field, words in _BASE_FILES.items() if getattr(before, field) != getattr(after, field)]
    if unlike:
        yield (
            f"The runs do not stand on the same base: the {' and the '.join(unlike)} differ "
            f"({before.model} before, {after.model} after)."
        )
    elif not same_base(before, after):
        yield "The files of the base model are the same, but it did not answer the same probes alike in both runs."


def _same_weights(before: RunRecord, after: RunRecord) -> Iterator[str]:
    identities = [(run.identity.model_hash, run.identity.adapter_hash) for run in (before, after)]
    if identities[0] != identities[1]:
        return
    yield "Both runs used the same model and the same adapter: every difference between them is noise."
    if cached := after.measurements.cached:
        yield f"{cached} answers of {after.name} came from the cache, so even the noise does not show."


def _settings(before: RunRecord, after: RunRecord) -> Iterator[str]:
    for what in ("samples", "concurrency", "code_execution"):
        first, second = getattr(before, what), getattr(after, what)
        if first != second:
            yield f"{what.replace('_', ' ').capitalize()} differs: {first} before, {second} after"
    for package in sorted(before.versions.keys() | after.versions.keys()):
        first, second = (run.versions.get(package, "unknown") for run in (before, after))
        if first != second:
            yield f"Version of {package} differs: {first} before, {second} after"


def weak_base(pairs: Sequence[Pair]) -> Iterator[Caution]:
    """A base at the ceiling leaves too few cases to fix, one at the floor too few to break."""
    counted = [pair for pair in pairs if pair.counted]
    wrong = sum(not all(trial.right for trial in pair.before) for pair in counted)
    right = sum(any(trial.right for trial in pair.before) for pair in counted)
    if counted and wrong < _FEWEST_FLIPS:
        yield Caution(
            f"Only {wrong} of {len(counted)} cases were left to fix before: with fewer than {_FEWEST_FLIPS} no "
            "improvement can be shown. Ask harder cases."
        )
    if counted and right < _FEWEST_FLIPS:
        yield Caution(
            f"Only {right} of {len(counted)} cases were right before: with fewer than {_FEWEST_FLIPS} no loss can be "
            "shown. Ask easier cases too."
        )
