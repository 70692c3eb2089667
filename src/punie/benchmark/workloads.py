"""How much a plan's run over its own rows computes."""

from __future__ import annotations

import msgspec

from punie.benchmark.asking import ask
from punie.training.metrics import Failed
from punie.training.plan import TrainingPlan
from punie.training.workload import Workload

WORKER = "punie.benchmark.workload_worker"


class Counted(msgspec.Struct, frozen=True, tag_field="event", tag="workload"):
    workload: Workload


_DECODER = msgspec.json.Decoder(Counted | Failed)


def read_workload(plan: TrainingPlan, loss_route: str) -> Workload:
    """Of a resolved plan. Raises what training raises of such rows: DataError, UsageError."""
    asked = {"plan": plan.model_dump(mode="json"), "loss_route": loss_route}
    (found,) = ask(WORKER, asked, _DECODER, "The rows could not be counted")
    return found.workload
