"""The dashboard as a browser finds it: a real process on loopback, asked by httpx."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import httpx
import pytest

from punie.dashboard.shelves import Shelves
from punie.evaluation.runs import PartialRun

from ..report.conftest import outcomes_run
from .serving import PUNIE, dashboard, interrupted


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A page, what must stay unseen, and an evaluation of four answers of which none has come."""
    reports = tmp_path / "reports"
    (reports / "mine").mkdir(parents=True)
    (reports / "mine" / "report.html").write_text("<p>a page")
    (reports / "mine" / "samples.jsonl").write_text("{}")
    (tmp_path / "outside.html").write_text("secret")
    (reports / "leak.html").symlink_to(tmp_path / "outside.html")
    (reports / "way").symlink_to(tmp_path)
    return reports


@pytest.fixture
def going(reports: Path) -> Generator[PartialRun]:
    with PartialRun(reports / "going") as partial:
        partial.resume({"suites": [["tiny", "hash", 160]]}, trials=4)
        yield partial


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("/reports/mine/report.html", True),
        ("/reports/mine/samples.jsonl", False),
        ("/reports/../outside.html", False),
        ("/reports/way/outside.html", False),
        ("/reports/leak.html", False),
        ("/reports//etc/passwd.html", False),
        ("/reports/mine/../mine/report.html", False),
        ("/reports/mine", False),
        ("/other/mine/report.html", False),
        ("/reports/\0.html", False),
        ("/", False),
    ],
)
def test_only_pages_below_the_folders_are_seen(reports: Path, address: str, seen: bool) -> None:
    """No way up, no link, no other kind of file."""
    assert (Shelves([reports]).page(address) is not None) is seen


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Each file has one address, and that leads back to it."""
    folders = [tmp_path / name / "reports" for name in ("one", "two")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "a b.html").write_text(str(folder))
    shelves = Shelves(folders)
    addresses = [shelves.address(folder / "a b.html") for folder in folders]
    assert addresses == [
        "/reports/a%20b.html",
        "/reports-2/a%20b.html",
    ]
    assert shelves.page("/reports-2/a b.html") == str(folders[1]).encode()


def test_it_answers_this_machine_and_only_reads(reports: Path, going: PartialRun) -> None:
    """A foreign Host is refused, as is every other method; nobody else may read or frame an answer; Ctrl-C ends it."""
    with dashboard(reports) as (address, process), httpx.Client(base_url=address, timeout=30) as client:
        index = client.get("/")
        assert index.status_code == 200
        assert "/live/reports/.going.partial" in index.text
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
        assert client.post("/").status_code == 405
        assert client.delete("/reports/mine/report.html").status_code == 405
        page = client.get("/reports/mine/report.html", headers={"Origin": "http://evil.example"})
        assert page.text == "<p>a page"
        assert "sandbox allow-scripts" in page.headers["content-security-policy"]
        assert not [name for name in page.headers if name.startswith("access-control")]
        for hidden in (
            "/reports/mine/samples.jsonl",
            "/reports/%2e%2e/outside.html",
            "/live/reports/mine/x",
            "/news/x",
        ):
            assert client.get(hidden).status_code == 404
        live = client.get("/live/reports/.going.partial").text
        assert "connect-src &#39;self&#39;" in live
        assert interrupted(process) == 130


def test_an_evaluation_is_followed_to_its_end(reports: Path, going: PartialRun) -> None:
    """Each judged answer is news, then the link to the report; a window that watches does not keep it from ending."""
    run = outcomes_run("going", {"reasoning": [True, False, True, True]})
    with dashboard(reports) as (address, process), httpx.Client(base_url=address, timeout=60) as client:
        with client.stream("GET", "/news/reports/.going.partial") as answer:
            told = news(answer.iter_lines())
            assert "0 of 4 answered" in next(told)
            for number, trial in enumerate(run.trials, start=1):
                going.add(trial)
                assert f"{number} of 4 answered" in next(told)
            going.finish(run.record, [trial.key for trial in run.trials])
            (reports / "going" / "report.html").write_text("<p>done")
            assert "/reports/going/report.html" in [*told][-1]
        with client.stream("GET", "/news/reports/going"):
            assert interrupted(process) == 130


def news(lines: Iterator[str]) -> Iterator[str]:
    """The parts that were sent, until the stream ends."""
    for line in lines:
        if line.startswith("data: "):
            value = json.loads(line.removeprefix("data: "))
            if isinstance(value, str):
                yield value


def test_watchers_are_counted(reports: Path, going: PartialRun) -> None:
    """The ninth window is told so; and all eight are let go at once when somebody ends it."""
    with dashboard(reports) as (address, process), httpx.Client(timeout=60) as client:
        source = f"{address}/news/reports/.going.partial"
        watching = [client.send(client.build_request("GET", source), stream=True) for _ in range(8)]
        heard = [news(answer.iter_lines()) for answer in watching]
        assert all(next(told) for told in heard)
        assert client.get(source).status_code == 503
        assert interrupted(process) == 130


def test_a_taken_port_is_one_sentence(reports: Path) -> None:
    """With what to do, and exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [PUNIE, "dashboard", reports, "--port", str(port)], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
    assert "Traceback" not in done.stderr
