"""The same questions asked by inspect_ai, in its own environment: see eval_throughput.py.

    python inspect_arm.py BASE_URL QUESTIONS.json WIDTH LOGS

The last line printed is JSON: wall seconds of its `eval`, CPU seconds of this process since then, completion tokens.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate


def main() -> None:
    base_url, questions, width, logs = sys.argv[1:]
    asked = json.loads(Path(questions).read_text())
    samples = [Sample(input=question["messages"][-1]["content"], target="42") for question in asked]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())
    config = GenerateConfig(temperature=0.0, max_tokens=asked[0]["max_tokens"], max_connections=int(width))
    model = get_model(f"openai-api/local/{asked[0]['model']}", base_url=f"{base_url}/v1", api_key="none", config=config)
    before, began = cpu_seconds(), time.perf_counter()
    (log,) = eval(task, model=model, log_dir=logs, display="none", max_samples=int(width))
    wall, cpu = time.perf_counter() - began, cpu_seconds() - before
    tokens = sum(usage.output_tokens for usage in log.stats.model_usage.values())
    print(json.dumps({"wall": wall, "cpu": cpu, "tokens": tokens}))


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
