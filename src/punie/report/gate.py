"""Whether a comparison is good enough to go on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from punie.errors import GateError
from punie.report import numbers
from punie.report.comparison import Comparison, Verdict


def require_gate(comparisons: Iterable[Comparison]) -> None:
    """Raises GateError, with a sentence for each reason, where a run may have lost more than the margin.

    A run passes where the 95 % interval of its change rules out a larger drop over all cases, no category is worse by
    more, and it was asked every case of the base. What cannot be ruled out does not pass.
    """
    require_none([reason for comparison in comparisons for reason in gate_failures(comparison)])


def require_none(reasons: Sequence[str]) -> None:
    """Raises GateError where there is a reason not to pass."""
    if reasons:
        raise GateError("The gate is not met.", hint="\n".join(reasons))


def gate_failures(comparison: Comparison) -> Iterator[str]:
    """Why a comparison does not pass, a sentence each."""
    name, margin = comparison.after.name, comparison.overall.margin
    low = comparison.overall.delta_interval.low
    if low < -margin:
        may = "is worse" if comparison.verdict is Verdict.WORSE else "may be worse"
        yield (
            f"{name} {may}: {numbers.points(comparison.overall.delta)}, and a drop of {numbers.distance(-low)} is not "
            f"ruled out; {numbers.distance(margin)} are allowed."
        )
    for row in comparison.rows:
        if row.verdict is Verdict.WORSE and row.delta < -margin:
            yield f"{name} is worse in {numbers.category(row.name)}: {numbers.points(row.delta)}."
    if comparison.left_out:
        yield f"{name} was not asked {comparison.left_out} of the cases of {comparison.before.name}."
