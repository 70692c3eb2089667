"""Runs of the same cases, pair by pair: better, worse, no detectable difference, or inconclusive."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from punie.errors import UsageError
from punie.evaluation.outcomes import EvaluationRun, Trial
from punie.evaluation.stats import (
    Interval,
    Rate,
    clustered_rate,
    detectable_difference,
    holm,
    mcnemar,
    paired_bootstrap,
    paired_interval,
    sign_flip,
)
from punie.report.breakdown import adjusted, break_down
from punie.report.cautions import run_cautions, unlike_runs, unlike_sampling, weak_base
from punie.report.comparison import MARGIN, CategoryRow, Comparison, Noise
from punie.report.pairing import Bucket, Pair, pair_up
from punie.report.summary import failure_rows, tally
from punie.report.taught import find_taught


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms runs are compared. `margin` is the largest change that does not matter, as a share of the cases."""

    margin: float = MARGIN
    categories: tuple[str, ...] = ()
    """The only ones that are looked at; all of them where there is none."""
    unlike_sampling: bool = False
    """Whether runs may differ in how answers were drawn."""


def compare(before: EvaluationRun, after: EvaluationRun, terms: Terms = Terms()) -> Comparison:
    """Pair two runs by case id and content, and test the changes; see `compare_all`."""
    return compare_all(before, (after,), terms)[0]


def compare_all(
    base: EvaluationRun, others: Sequence[EvaluationRun], terms: Terms = Terms(), repeat: EvaluationRun | None = None
) -> tuple[Comparison, ...]:
    """Compare each run with the base. `repeat` is the base asked once more, to see its noise.

    Raises UsageError when no case is the same in two runs, a run holds a case twice, answers were drawn otherwise
    (unless the terms allow it), there is no such category, or the repeat is not one.
    """
    noise = None if repeat is None else measure_noise(base, repeat)
    found = [_compare(base, other, terms, noise) for other in others]
    overall = holm([comparison.overall.p for comparison in found])
    by_category = iter(holm([row.p for comparison in found for row in comparison.rows]))
    by_tag = adjusted([comparison.tags for comparison in found])
    return tuple(
        replace(
            comparison,
            overall=replace(comparison.overall, p_holm=p),
            rows=tuple(replace(row, p_holm=next(by_category)) for row in comparison.rows),
            tags=tags,
            runs=len(found),
        )
        for comparison, p, tags in zip(found, overall, by_tag, strict=True)
    )


def with_teaching(comparison: Comparison, *runs: EvaluationRun) -> Comparison:
    """The comparison, and whether the adapters of these runs were taught their cases: reads their training data."""
    taught = tuple(filter(None, map(find_taught, runs)))
    known = {case for teaching in taught for case in teaching.cases}
    others = [pair for pair in comparison.pairs if pair.case.id not in known]
    untaught = _row("not taught", others, comparison.overall.margin) if known else None
    return replace(comparison, taught=taught, untaught=untaught)


def measure_noise(base: EvaluationRun, repeat: EvaluationRun) -> Noise:
    """Raises UsageError where `repeat` is another model, or did not ask again but read from the cache."""
    identities = [(run.record.identity.model_hash, run.record.identity.adapter_hash) for run in (base, repeat)]
    if identities[0] != identities[1]:
        raise UsageError("Noise is measured by asking the base again; this run asked another model.", where=_at(repeat))
    if repeat.record.measurements.cached:
        hint = "Evaluate once more with --no-cache."
        raise UsageError("Noise cannot be seen in answers that came from the cache.", where=_at(repeat), hint=hint)
    buckets = Counter(pair.bucket for pair in pair_up(base, repeat))
    counted = buckets.total() - buckets[Bucket.UNSCORED]
    return Noise(_at(repeat), counted, buckets[Bucket.FIXED] + buckets[Bucket.BROKEN])


def _compare(before: EvaluationRun, after: EvaluationRun, terms: Terms, noise: Noise | None) -> Comparison:
    if not terms.unlike_sampling and (unlike := unlike_sampling(before.record, after.record)):
        raise UsageError(
            f"The answers were drawn otherwise: {'; '.join(unlike)}.",
            where=f"{_at(before)}, {_at(after)}",
            hint="Evaluate again with the same settings, or say --allow-unlike-sampling.",
        )
    everything = pair_up(before, after)
    chosen = _chosen(everything, terms.categories)
    pairs = tuple(pair for found in chosen.values() for pair in found)
    firsts, seconds = _sides(pairs)
    return Comparison(
        before=before.record,
        after=after.record,
        tallies=(tally(firsts), tally(seconds)),
        rows=tuple(_row(name, found, terms.margin) for name, found in chosen.items()),
        overall=_row("overall", pairs, terms.margin),
        failures=failure_rows(*_sides([pair for pair in pairs if pair.counted])),
        unlike=tuple(unlike_runs(before, after, pairs)),
        doubts=(*weak_base(pairs), *run_cautions(before), *run_cautions(after)),
        pairs=pairs,
        left_out=sum(suite.cases for suite in before.record.suites) - len(everything),
        noise=noise,
        tags=break_down(pairs, lambda name, some: _row(name, some, terms.margin)),
    )


def _chosen(pairs: Sequence[Pair], categories: Sequence[str]) -> dict[str, list[Pair]]:
    """Pairs by category, under the names the page has for them; those that were asked for, or all."""
    several = len({pair.suite for pair in pairs}) > 1
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        if not categories or pair.case.category in categories:
            name = f"{pair.suite}: {pair.case.category}" if several else pair.case.category
            found.setdefault(name, []).append(pair)
    known = {pair.case.category for pair in pairs}
    if missing := [name for name in categories if name not in known]:
        raise UsageError(f"There is no category {missing[0]!r}.", hint=f"Categories: {', '.join(sorted(known))}.")
    return found


def _row(name: str, pairs: Sequence[Pair], margin: float) -> CategoryRow:
    buckets = Counter(pair.bucket for pair in pairs)
    counted = [pair for pair in pairs if pair.counted]
    scale = math.lcm(*(len(side) for pair in counted for side in (pair.before, pair.after)))
    changes = [int(pair.change * scale) for pair in counted]
    p = mcnemar(buckets[Bucket.FIXED], buckets[Bucket.BROKEN]) if scale == 1 else sign_flip(changes)
    return CategoryRow(
        name=name,
        buckets=buckets,
        before=_rate([pair.before for pair in counted]),
        after=_rate([pair.after for pair in counted]),
        delta_interval=_interval(buckets) if scale == 1 else paired_bootstrap([change / scale for change in changes]),
        p=p,
        p_holm=p,
        detectable=detectable_difference(len(counted), sum(change * change for change in changes) / scale**2),
        margin=margin,
    )


def _interval(buckets: Counter[Bucket]) -> Interval:
    names = (Bucket.RIGHT, Bucket.FIXED, Bucket.BROKEN, Bucket.FAILING)
    return paired_interval(*(buckets[name] for name in names))


def _rate(trials_of_cases: Sequence[Sequence[Trial]]) -> Rate:
    return clustered_rate([(sum(trial.right for trial in trials), len(trials)) for trials in trials_of_cases])


def _sides(pairs: Sequence[Pair]) -> tuple[list[Trial], list[Trial]]:
    before = [trial for pair in pairs for trial in pair.before]
    return before, [trial for pair in pairs for trial in pair.after]


def _at(run: EvaluationRun) -> str:
    return run.record.name
