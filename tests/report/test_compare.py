from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from punie.errors import GateError, UsageError
from punie.evaluation.outcomes import EvaluationRun, Outcome, Trial
from punie.evaluation.stats import paired_bootstrap, sign_flip
from punie.report.compare import Terms, compare, compare_all
from punie.report.comparison import Comparison, Verdict
from punie.report.gate import require_gate
from punie.report.pairing import Bucket
from punie.report.record import comparison_record, summary_record
from punie.report.summary import summarize

RunMaker = Callable[..., EvaluationRun]


def changed(run: EvaluationRun, **changes: Any) -> EvaluationRun:
    return replace(run, record=run.record.model_copy(update=changes))


def of_suite(run: EvaluationRun, **changes: Any) -> EvaluationRun:
    return changed(run, suites=(run.record.suites[0].model_copy(update=changes),))


def with_trial(run: EvaluationRun, index: int, **changes: Any) -> EvaluationRun:
    trials = list(run.trials)
    trials[index] = trials[index].model_copy(update=changes)
    return replace(run, trials=tuple(trials))


def flips(run_of: RunMaker, fixed: int, broken: int, right: int = 0, failing: int = 0) -> Comparison:
    first = [False] * fixed + [True] * broken + [True] * right + [False] * failing
    second = [True] * fixed + [False] * broken + [True] * right + [False] * failing
    return compare(run_of("a", {"reasoning": first}), run_of("b", {"reasoning": second}))


def test_comparison_counts_every_pair_once(before: EvaluationRun, after: EvaluationRun) -> None:
    """Per category and overall, the four outcomes of a pair add up to the pairs, and the rates to the runs."""
    comparison = compare(before, after)
    assert [row.name for row in comparison.rows] == ["tool_calling", "code_generation", "reasoning", "new_phrasings"]
    for row in comparison.rows:
        assert row.before.right == sum(trial.right for trial in before.of(row.name))
        assert row.after.right == sum(trial.right for trial in after.of(row.name))
        assert row.counted + row.unscored == len(before.of(row.name))
    assert comparison.overall.fixed == sum(row.fixed for row in comparison.rows)
    assert comparison.overall.counted == len(comparison.pairs) == 360
    assert comparison.warnings == ()


@pytest.mark.parametrize(
    ("fixed", "broken", "verdict"),
    [
        (6, 0, "better"),
        (5, 0, "inconclusive"),
        (0, 6, "worse"),
        (8, 1, "better"),
        (7, 1, "inconclusive"),
        (0, 0, "inconclusive"),
    ],
)
def test_verdict_follows_the_exact_test(run_of: RunMaker, fixed: int, broken: int, verdict: str) -> None:
    """Better and worse are said only where McNemar's exact p is below 0.05."""
    assert flips(run_of, fixed, broken, right=10).verdict == verdict


def test_headline_says_counts_difference_and_evidence(run_of: RunMaker) -> None:
    """The first sentence carries the verdict, both counts, the interval and the p-value."""
    assert flips(run_of, fixed=12, broken=2, right=30, failing=6).headline == (
        "Better: 42 of 50 right after, 32 of 50 before "
        "(+20.0 points, 95% interval +5.5 to +33.7; exact McNemar p = 0.013)."
    )


def test_inconclusive_says_what_could_have_been_seen(run_of: RunMaker) -> None:
    """Without a verdict the headline names the difference that these cases would have shown."""
    assert flips(run_of, fixed=5, broken=5, right=40, failing=50).headline.endswith(
        "These cases would have shown a difference of 8.9 points or more (80% power), and do not rule out 5.0 points."
    )
    assert flips(run_of, fixed=4, broken=0).headline.endswith("no difference could have been seen.")


def test_category_p_values_are_adjusted_for_being_several(run_of: RunMaker) -> None:
    """Six fixes are significant alone, and are not when another category was looked at too."""
    first = {"reasoning": [False] * 6, "code_generation": [True] * 6}
    second = {"reasoning": [True] * 6, "code_generation": [True] * 6}
    row = compare(run_of("a", first), run_of("b", second)).rows[0]
    assert (row.p, row.p_holm, row.verdict) == (0.03125, 0.0625, Verdict.UNKNOWN)


def test_unscored_trials_leave_both_denominators(run_of: RunMaker) -> None:
    """A case the harness could not judge in one run is in neither rate, and is announced."""
    first = run_of("a", {"reasoning": [True, False, True]})
    second = with_trial(run_of("b", {"reasoning": [True, True, True]}), 1, outcome=Outcome.UNSCORED, value=None)
    comparison = compare(first, second)
    assert (comparison.overall.before.counted, comparison.overall.after.counted) == (2, 2)
    assert [pair.bucket for pair in comparison.pairs] == [Bucket.RIGHT, Bucket.UNSCORED, Bucket.RIGHT]
    assert any("1 of 3 answers could not be judged" in warning for warning in comparison.warnings)


def test_code_without_a_jail_is_a_caution(run_of: RunMaker) -> None:
    """The mark of --unsafe-no-sandbox stands among what a reader must know, and nowhere where there was a jail."""
    unsafe, jailed = (
        changed(run_of("a", {"code_generation": [True]}), code_execution=mode)
        for mode in ("unsafe child process", "jail")
    )
    assert [warning for warning in summarize(unsafe).warnings if "ran without a jail" in warning]
    assert not [warning for warning in summarize(jailed).warnings if "jail" in warning]


def test_failed_trials_count_as_not_right(run_of: RunMaker) -> None:
    """A model that gave no answer lost the case; it did not leave the denominator."""
    first = run_of("a", {"reasoning": [True]})
    second = with_trial(run_of("b", {"reasoning": [True]}), 0, outcome=Outcome.FAILED, value=None, answer=None)
    comparison = compare(first, second)
    assert (comparison.overall.after.right, comparison.overall.after.counted) == (0, 1)
    assert comparison.pairs[0].bucket is Bucket.BROKEN


def test_everything_unscored_is_no_verdict(run_of: RunMaker) -> None:
    """With nothing judged there is no share, no verdict and no crash, in the sentence and in the JSON."""
    broken: dict[str, Any] = {"outcome": Outcome.UNSCORED, "value": None}
    first = with_trial(run_of("a", {"reasoning": [True]}), 0, **broken)
    comparison = compare(first, run_of("b", {"reasoning": [True]}))
    assert comparison.headline.startswith("Inconclusive: 0 of 0 right after")
    assert comparison_record(comparison)["overall"]["before"]["share"] is None


def test_pairs_need_the_same_content(run_of: RunMaker) -> None:
    """The same id with another question is another case: not compared, and announced."""
    first, second = run_of("a", {"reasoning": [True] * 4}), run_of("b", {"reasoning": [True] * 4})
    other = second.trials[2].case.model_copy(update={"messages": ({"role": "user", "content": "Something else?"},)})
    comparison = compare(first, with_trial(second, 2, case=other))
    assert len(comparison.pairs) == 3
    assert "Not all cases are compared: 3 are; 1 of a and 1 of b are left out" in comparison.warnings[0]
    assert comparison.left_out == 1


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({"reasoning": [True]}, {"code_generation": [True]}, "share no case"),
        ({"reasoning": []}, {"reasoning": []}, "share no case"),
    ],
)
def test_runs_without_a_shared_case_are_refused(run_of: RunMaker, first: Any, second: Any, message: str) -> None:
    """Two runs of different suites are an error, never an empty table."""
    with pytest.raises(UsageError, match=message):
        compare(run_of("a", first), run_of("b", second))


def test_a_case_asked_twice_is_refused(run_of: RunMaker) -> None:
    """Pairing is never ambiguous."""
    run = run_of("a", {"reasoning": [True]})
    with pytest.raises(UsageError, match="same case twice"):
        compare(replace(run, trials=run.trials * 2), run)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"concurrency": 1}, "Concurrency differs"),
        ({"versions": {"python": "3.11.9"}}, "Version of mlx-lm differs: 0.32.2 before, unknown after"),
        ({"code_execution": "off"}, "Code execution differs: jail before, off after"),
    ],
)
def test_unlike_runs_are_announced(before: EvaluationRun, after: EvaluationRun, changes: Any, warning: str) -> None:
    """Each setting that could explain a difference by itself is named."""
    warnings = compare(before, changed(after, **changes)).warnings
    assert any(warning in text for text in warnings)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        (
            {"base_probes": ({"prompt": "def add(a, b):", "logprobs": {"17": -2.31}},)},
            "did not answer the same probes alike",
        ),
        ({"base_probes": ({"prompt": "another", "logprobs": {"17": -0.31}},)}, "did not answer the same probes alike"),
        ({"model_hash": "ff", "template_hash": "ff"}, "not stand on the same base: the weights and the chat templates"),
        ({"tokenizer_hash": "ff"}, "the tokenizers differ"),
        ({"adapter": None, "adapter_hash": None}, "every difference between them is noise"),
        ({"adapter_distance": 0.0004}, "Nothing proves that an adapter was applied in tuned"),
    ],
)
def test_doubtful_identities_are_announced(
    before: EvaluationRun, after: EvaluationRun, changes: Any, warning: str
) -> None:
    """A comparison of other bases, of one model with itself, or of an adapter nobody saw work, says so."""
    identity = type(after.record.identity).model_validate(after.record.identity.model_dump() | changes)
    warnings = compare(before, changed(after, identity=identity)).warnings
    assert any(warning in text for text in warnings)


def test_probes_within_tolerance_are_the_same_base(before: EvaluationRun, after: EvaluationRun) -> None:
    """Rounding of the last digits between two servings is not another model."""
    probes = ({"prompt": "def add(a, b):", "logprobs": {"17": -0.3105, "204": -1.9002}},)
    identity = type(after.record.identity).model_validate(after.record.identity.model_dump() | {"base_probes": probes})
    assert compare(before, changed(after, identity=identity)).warnings == ()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"temperature": 0.7}, "Temperature differs: 0.0 before, 0.7 after"),
        ({"top_p": 0.9}, "Top p differs"),
        ({"top_k": 20}, "Top k differs"),
        ({"min_p": 0.05}, "Min p differs"),
        ({"repetition_penalty": 1.1}, "Repetition penalty differs"),
        ({"max_tokens": 32}, "Longest answer in tiny differs: 160 before, 32 after"),
    ],
)
def test_runs_that_drew_their_answers_otherwise_are_refused(
    before: EvaluationRun, after: EvaluationRun, changes: Any, what: str
) -> None:
    """A difference of sampling is never taken for one of models, unless the reader asked for it and is told."""
    unlike = of_suite(after, **changes) if "max_tokens" in changes else changed(after, **changes)
    with pytest.raises(UsageError, match=what):
        compare(before, unlike)
    assert any(what in text for text in compare(before, unlike, Terms(unlike_sampling=True)).warnings)


@pytest.mark.parametrize(
    ("fixed", "broken", "unchanged", "margin", "verdict"),
    [
        (2, 2, 396, 0.05, "no detectable difference"),
        (2, 2, 396, 0.005, "inconclusive"),
        (2, 2, 16, 0.05, "inconclusive"),
        (2, 2, 16, 0.5, "no detectable difference"),
        (8, 0, 392, 0.05, "better"),
    ],
)
def test_what_the_interval_rules_out_is_told_from_what_nobody_knows(
    run_of: RunMaker, fixed: int, broken: int, unchanged: int, margin: float, verdict: str
) -> None:
    """Undecided by the test: no detectable difference where the whole interval lies within the margin."""
    first = run_of("a", {"reasoning": [False] * fixed + [True] * broken + [True] * unchanged})
    second = run_of("b", {"reasoning": [True] * fixed + [False] * broken + [True] * unchanged})
    assert compare(first, second, Terms(margin=margin)).verdict == verdict


@pytest.mark.parametrize(
    ("fixed", "broken", "unchanged", "reasons"),
    [
        (8, 1, 20, []),
        (0, 0, 400, []),
        (
            1,
            2,
            20,
            ["b may be worse: −4.3 points, and a drop of 23.0 points is not ruled out"],
        ),
        (0, 9, 20, ["b is worse: −31.0 points", "b is worse in Reasoning"]),
    ],
)
def test_the_gate_passes_only_what_rules_out_the_drop(
    run_of: RunMaker, fixed: int, broken: int, unchanged: int, reasons: list[str]
) -> None:
    """A run that may have lost more than is allowed does not pass, and each reason is a sentence."""
    found = compare(
        run_of("a", {"reasoning": [False] * fixed + [True] * broken + [True] * unchanged}),
        run_of("b", {"reasoning": [True] * fixed + [False] * broken + [True] * unchanged}),
    )
    if not reasons:
        require_gate([found])
        return
    with pytest.raises(GateError) as caught:
        require_gate([found])
    lines = caught.value.hint.splitlines()
    assert len(lines) == len(reasons)
    assert all(line.startswith(reason) for line, reason in zip(lines, reasons, strict=True))


def test_cases_that_were_not_asked_keep_the_gate_shut(run_of: RunMaker) -> None:
    """Nothing passes over what nobody looked at."""
    first, second = run_of("a", {"reasoning": [True] * 400}), run_of("b", {"reasoning": [True] * 399})
    with pytest.raises(GateError, match="was not asked 1 of the cases of a"):
        require_gate([compare(first, second)])


def test_several_runs_are_adjusted_for_being_several(run_of: RunMaker) -> None:
    """Six fixes decide alone, and not for one of two runs that were tried."""
    base, fixed = run_of("a", {"reasoning": [False] * 6}), run_of("b", {"reasoning": [True] * 6})
    same = run_of("c", {"reasoning": [False] * 6})
    alone, other = compare(base, fixed), compare_all(base, (fixed, same))
    assert (alone.verdict, other[0].verdict) == (Verdict.BETTER, Verdict.UNKNOWN)
    assert (other[0].overall.p, other[0].overall.p_holm) == (0.03125, 0.0625)
    assert "adjusted for 2 runs" in other[0].headline


def test_only_the_chosen_categories_are_compared(before: EvaluationRun, after: EvaluationRun) -> None:
    """What is left out counts nowhere, and a category that is not there is named."""
    found = compare(before, after, Terms(categories=("reasoning",)))
    assert [row.name for row in found.rows] == ["reasoning"]
    assert found.overall.counted == len(found.pairs) == 100
    with pytest.raises(UsageError, match="no category 'sums'"):
        compare(before, after, Terms(categories=("sums",)))


def test_noise_is_what_changes_when_the_base_is_asked_again(run_of: RunMaker) -> None:
    """Cases that changed between two runs of one model are counted; another model, or a cache, shows no noise."""
    base = run_of("a", {"reasoning": [True, True, False, False]})
    repeat = run_of("a2", {"reasoning": [True, False, True, False]})
    found = compare_all(base, (run_of("b", {"reasoning": [True] * 4}),), repeat=repeat)[0].noise
    assert found is not None
    assert (found.changed, found.counted, found.share) == (2, 4, 0.5)
    cached = repeat.record.measurements.model_copy(update={"cached": 4})
    with pytest.raises(UsageError, match="came from the cache"):
        compare_all(base, (base,), repeat=changed(repeat, measurements=cached))
    other = repeat.record.identity.model_copy(update={"model_hash": "sha256:ff"})
    with pytest.raises(UsageError, match="asked another model"):
        compare_all(base, (base,), repeat=changed(repeat, identity=other))


def sampled(run_of: RunMaker, name: str, rights: Sequence[int], samples: int = 4) -> EvaluationRun:
    """A run whose cases are right so many times out of `samples`."""
    once = [run_of(name, {"reasoning": [index < right for right in rights]}) for index in range(samples)]
    trials = [
        trial.model_copy(update={"sample": sample})
        for of_case in zip(*(run.trials for run in once), strict=True)
        for sample, trial in enumerate(of_case)
    ]
    return replace(changed(once[0], samples=samples, temperature=0.8), trials=tuple(trials))


def test_several_samples_of_a_case_are_one_pair(run_of: RunMaker) -> None:
    """Cases are compared by their shares of right answers; the test is over cases and not over answers."""
    found = compare(sampled(run_of, "a", [0, 1, 2, 4, 4, 0]), sampled(run_of, "b", [1, 3, 4, 4, 2, 0]))
    assert [pair.bucket.value for pair in found.pairs] == [
        "fixed", "fixed", "fixed", "still right", "broken", "still failing",
    ]  # fmt: skip
    assert (found.overall.before.right, found.overall.before.counted) == (11, 24)
    assert found.overall.delta == pytest.approx(3 / 24)
    assert found.overall.p == sign_flip([1, 2, 2, 0, -2, 0]) == 0.625
    assert found.overall.delta_interval == paired_bootstrap([0.25, 0.5, 0.5, 0, -0.5, 0])
    assert "exact sign-flip p = 0.62" in found.headline


def test_one_of_k_answers_is_estimated_from_all(run_of: RunMaker) -> None:
    """The share of cases solved by one of k answers is the unbiased estimate, for k up to what was asked."""
    summary = summarize(sampled(run_of, "a", [0, 1, 2, 4]))
    assert [found.k for found in summary.pass_at] == [1, 2, 4]
    assert [found.share for found in summary.pass_at] == pytest.approx([7 / 16, (0.5 + 5 / 6 + 1) / 4, 0.75])
    assert all(found.interval.low < found.share < found.interval.high for found in summary.pass_at)
    assert any("1 cases were wrong in all 4 samples (reasoning-000)" in warning for warning in summary.warnings)


@pytest.mark.parametrize(("right", "what"), [(10, "left to fix"), (2, "right before")])
def test_a_base_at_the_ceiling_or_the_floor_is_announced(run_of: RunMaker, right: int, what: str) -> None:
    """Where too few cases could change in a direction, no suite of that kind can show it, and the page says so."""
    run = run_of("a", {"reasoning": [True] * right + [False] * (12 - right)})
    assert any(what in warning for warning in compare(run, run_of("b", {"reasoning": [True] * 12})).warnings)


def test_cases_for_choosing_are_no_result(before: EvaluationRun, after: EvaluationRun) -> None:
    """A run of the dev half carries the caution wherever it is shown."""
    chosen = of_suite(after, half="dev")
    assert any("for choosing (dev)" in warning for warning in compare(before, chosen).warnings)


def test_losses_are_said_beside_the_verdict(run_of: RunMaker) -> None:
    """Cases that got worse are counted, and a category is called worse only where the test says so."""
    first = {"reasoning": [True] * 20, "code_generation": [False] * 20, "tool_calling": [True] * 3}
    second = {
        "reasoning": [False] * 9 + [True] * 11,
        "code_generation": [True] * 20,
        "tool_calling": [False] + [True] * 2,
    }
    found = compare(run_of("a", first), run_of("b", second))
    assert found.losses == "10 cases got worse; shown to be worse in Reasoning."
    assert found.statement == "b has 33 of 43 cases right, a 23 of 43"
    assert (
        compare(run_of("a", first), run_of("b", first)).losses == "No case got worse; no category is shown to be worse."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"half": "dev"}, "Of tiny, other halves were asked: test before, dev after."),
        ({"hash": "ff"}, "The cases of tiny changed between the runs"),
    ],
)
def test_what_differs_between_runs_is_told_from_what_weakens_one(
    before: EvaluationRun, after: EvaluationRun, changes: Any, words: str
) -> None:
    """Another half, another version of the suite: said as a difference of the runs, and nowhere where there is none."""
    found = compare(before, of_suite(after, **changes))
    assert any(words in text for text in found.unlike)
    assert (
        compare(before, after).unlike == compare(of_suite(before, half="dev"), of_suite(after, half="dev")).unlike == ()
    )


def test_failure_classes_are_counted_run_by_run(before: EvaluationRun, after: EvaluationRun) -> None:
    """The table of failures adds up to the wrong answers of each run."""
    comparison = compare(before, after)
    for index, rate in enumerate((comparison.overall.before, comparison.overall.after)):
        assert sum(row.counts[index] for row in comparison.failures) == rate.counted - rate.right


def test_the_record_is_json_and_recounts_itself(before: EvaluationRun, after: EvaluationRun) -> None:
    """The JSON beside the page survives a round trip, and its cases add up to its table."""
    record = comparison_record(compare(before, after))
    read = json.loads(json.dumps(record, allow_nan=False))
    assert read == record
    assert read["format"] == 2
    for row in read["categories"]:
        mine = [case for case in read["cases"] if case["category"] == row["name"]]
        assert sum(case["bucket"] == "fixed" for case in mine) == row["fixed"]
        assert sum(trial["value"] == 1 for case in mine for trial in case["after"]) == row["after"]["right"]


def test_summary_counts_one_run(after: EvaluationRun) -> None:
    """One run's headline and table are its own trials, counted."""
    summary = summarize(after)
    right = sum(map(_right, after.trials))
    assert summary.headline.startswith(f"{right} of 360 right: ")
    assert sum(row.rate.right for row in summary.rows) == right
    assert sum(row.counts[0] for row in summary.failures) == 360 - right
    assert json.loads(json.dumps(summary_record(summary), allow_nan=False))["overall"]["right"] == right


def _right(trial: Trial) -> bool:
    return trial.right
