"""What is found out before several machines train together, and what is said when one breaks off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from punie.errors import UsageError
from punie.training.hosts.facts import Facts, Inputs, facts, require_alike
from punie.training.hosts.hostfile import Host, Hosts, free_port, read_hosts
from punie.training.hosts.last_words import Fallen, first_fallen
from punie.training.hosts.launcher import BEGINNING
from punie.training.hosts.sharing import require_shareable

from .conftest import PlanMaker

HERE = {"ssh": "studio", "ips": ["127.0.0.1"]}
THERE = {"ssh": "mini", "ips": ["10.0.0.2"]}
TWO = Hosts(hosts=(Host(ssh="studio", ips=("127.0.0.1",)), Host(ssh="mini", ips=("10.0.0.2",))))


@pytest.mark.parametrize(
    "written",
    [
        [HERE, THERE],
        {"backend": "jaccl", "envs": ["A=1"], "hosts": [{**HERE, "rdma": [None, "rdma_en2"]}, THERE]},
    ],
)
def test_both_forms_of_mlx_are_read_and_handed_on(tmp_path: Path, written: Any) -> None:
    """Whatever mlx wrote comes to mlx.launch again; only the first host is called without ssh."""
    (tmp_path / "hosts.json").write_text(json.dumps(written))
    handed = read_hosts(tmp_path / "hosts.json").for_launch()
    given = {"backend": "ring", "envs": [], "hosts": written} if isinstance(written, list) else written
    first, *others = given["hosts"]
    assert handed == {**given, "hosts": [{**first, "ssh": "127.0.0.1"}, *others]}


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("[", "EOF while parsing"),
        ([HERE], "at least 2"),
        ([HERE, {"ssh": "mini"}], "Field required"),
        ([HERE, {"ssh": "mini", "ips": []}], "at least 1"),
        ({"hosts": [HERE, THERE], "backend": "mpi"}, "'ring'"),
        ([THERE, HERE], "The first host, mini, is not this machine"),
    ],
    ids=["no JSON", "one host", "no addresses", "empty addresses", "another backend", "another machine first"],
)
def test_other_files_are_refused(tmp_path: Path, written: Any, complaint: str) -> None:
    """With the key that is wrong, before anything is started."""
    text = written if isinstance(written, str) else json.dumps(written)
    (tmp_path / "hosts.json").write_text(text)
    with pytest.raises(UsageError, match=complaint):
        read_hosts(tmp_path / "hosts.json")


def test_ports_are_found_in_a_row() -> None:
    """Below those that a system gives to outgoing connections."""
    assert 20_000 <= free_port(4) < 32_000


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"engine": "mlx-lm", "mask": "last", "overlong": "cut"}, "engine"),
        ({"packing": "stream", "overlong": "cut"}, "packing"),
        ({"batch_size": 1}, "batch_size"),
        ({"score_suite": "tiny", "score_every": 4}, "score_suite"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(make_plan: PlanMaker, changes: dict[str, Any], key: str) -> None:
    """With the key and the reason; the plan without it passes."""
    require_shareable(make_plan(Path("somewhere")), 2)
    with pytest.raises(UsageError) as refused:
        require_shareable(make_plan(Path("somewhere"), **changes), 2)
    assert refused.value.where == f"key {key}"


def test_every_input_of_a_plan_is_compared(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    """Two machines with the same of everything pass; one thing else on one of them is named, with the machine."""
    for name in ("adapters.safetensors", "adapter_config.json"):
        (tmp_path / name).write_text("weights that began a run")
    own = facts("here", Inputs(str(tiny_model), str(data), str(tmp_path)))
    require_alike(TWO, [own, replace(own, machine="there")])
    assert {*own.hashes} == {"code of Punie", "model", "tokenizer", "data", "first adapter"}
    for name in own.hashes:
        with pytest.raises(UsageError, match=rf"mini \(rank 1\) has another {name} than studio \(rank 0\)"):
            require_alike(TWO, [own, replace(own, hashes={**own.hashes, name: "sha256:0"})])
    for name in own.versions:
        with pytest.raises(UsageError, match=f"another {name} than"):
            require_alike(TWO, [own, replace(own, versions={**own.versions, name: "0"})])


def test_a_machine_without_the_model_is_named() -> None:
    """What it lacks is said with its own path."""
    lacking = facts("there", Inputs("/no/model", "/no/data", None))
    with pytest.raises(UsageError, match=r"mini \(rank 1\) is not ready: The model has no weights.*/no/model"):
        require_alike(TWO, [Facts("here"), lacking])


LOST = "[rank {}] RuntimeError: [ring] connection to a peer was lost"
EXITED = "\x1b[33m[WARN] Node with rank {} exited with code {} \x1b[0m"


@pytest.mark.parametrize(
    ("lines", "fallen"),
    [
        ([EXITED.format(1, -9), LOST.format(0), EXITED.format(0, 1)], Fallen(1, -9, "")),
        ([LOST.format(0), EXITED.format(0, 1), EXITED.format(1, -9)], Fallen(1, -9, "")),
        (["[rank 0] ValueError: no", EXITED.format(1, -15), EXITED.format(0, 1)], Fallen(0, 1, "ValueError: no")),
        ([EXITED.format(1, 255)], Fallen(1, 255, "")),
        (["Node with rank 1 completed"], None),
        ([EXITED.format(1, -9), BEGINNING], None),
    ],
    ids=["killed", "told later", "own error", "unreachable", "none", "an earlier start"],
)
def test_who_broke_off_is_told_from_who_lost_it(tmp_path: Path, lines: list[str], fallen: Fallen | None) -> None:
    """Recorded with mlx 0.32.4: those that are left, or ended by mlx.launch, are not the cause."""
    (tmp_path / "log").write_text("\n".join([BEGINNING, *lines]))
    assert first_fallen(tmp_path / "log") == fallen
