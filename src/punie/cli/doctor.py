"""`punie doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from punie.cli.options import Json

if TYPE_CHECKING:
    from punie.doctor.finding import Finding


def doctor(as_json: Json = False) -> None:
    """Say what this machine has, what is wrong with it, and the cure.

    Nothing is changed. Exit code 4 where something Punie is for cannot be done here.
    """
    import msgspec

    from punie.cli import console
    from punie.doctor.checks import examine
    from punie.doctor.finding import Level
    from punie.doctor.machine import read_machine
    from punie.errors import CapacityError

    machine = read_machine()
    findings = examine(machine)
    if as_json:
        console.print_json({"findings": msgspec.to_builtins(findings), "machine": msgspec.to_builtins(machine)})
    else:
        _show(findings)
    problems = [name for name, finding in findings.items() if finding.level is Level.PROBLEM]
    if problems:
        raise CapacityError(
            f"This machine lacks something: {', '.join(problems)}.", hint="The lines above name the cures."
        )


def _show(findings: Mapping[str, Finding]) -> None:
    """A line for each, with its cure below."""
    from rich.table import Table
    from rich.text import Text

    from punie.cli import console

    styles = {"ok": "green", "warning": "bold yellow", "problem": "bold red"}
    table = Table.grid(padding=(0, 2))
    for name, finding in findings.items():
        message = Text(finding.message)
        if finding.cure:
            message.append(f"\n-> {finding.cure}", style="bold")
        table.add_row(Text(finding.level, style=styles[finding.level]), name, message)
    console.out.print(table)
