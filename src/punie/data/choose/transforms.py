"""Named changes of rows: each pure, shown before it is made, and without effect the second time.

A transform returns the very row it was given where it has nothing to change, so that such rows keep their bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from punie.data.check.keys import require_distinct_keys
from punie.data.dataset import Manifest, Parent
from punie.data.progress import Progress, unheard
from punie.data.schema import row_problem, row_shape
from punie.data.source import Source, SourceRow, open_source, read_rows
from punie.data.writer import DatasetWriter
from punie.errors import DataError, UsageError
from punie.toolblocks import FAMILIES
from punie.toolcalls import family_of, find_blocks, rewrite_calls

Row = dict[str, Any]
Change = Callable[[Row], Row]


@dataclass(frozen=True, slots=True)
class Transform:
    """A change with the name and the argument it was asked for by."""

    name: str
    argument: str
    change: Change


@dataclass(frozen=True, slots=True)
class Example:
    """One row that changes."""

    where: str
    before: Row
    after: Row


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of the rows would change, and the first of those."""

    rows: int
    changed: int
    examples: tuple[Example, ...]


def find_transform(name: str, argument: str = "") -> Transform:
    """Raises UsageError for a name nobody knows, and for an argument that is missing, needless or wrong."""
    if (maker := _MAKERS.get(name)) is None:
        raise UsageError(f"There is no transform called {name!r}.", hint=f"Known: {', '.join(_MAKERS)}.")
    if bool(argument) != bool(maker.wants):
        needs = f"needs {maker.wants}" if maker.wants else "takes nothing after its name"
        raise UsageError(f"The transform {name} {needs}.", hint=f"punie dataset map IN {name} {maker.wants}".strip())
    return Transform(name, argument, maker.make(argument))


def preview(path: Path, transform: Transform, shown: int, progress: Progress = unheard) -> Preview:
    """Look at every row and write nothing. Raises DataError and UsageError as `map_` does."""
    rows, changed, examples = 0, 0, list[Example]()
    for source, after in _transformed(open_source(path), transform, progress):
        rows += 1
        if after is not source.row:
            changed += 1
            if len(examples) < shown:
                examples.append(Example(source.where, source.row, after))
    return Preview(rows, changed, tuple(examples))


def map_(
    path: Path, output: Path, transform: Transform, expected: int | None = None, progress: Progress = unheard
) -> Manifest:
    """Write the dataset with the transform applied; a row it does not change keeps its bytes.

    Raises DataError, leaving nothing behind, where a row would become one that cannot be taught from, where no row
    changes, and where not exactly `expected` rows do; UsageError where a second pass would change a row again.
    """
    source = open_source(path)
    recipe = {"command": "map", "transform": transform.name, "argument": transform.argument}
    with DatasetWriter(output, recipe=recipe) as writer:
        rows = changed = 0
        for row, after in _transformed(source, transform, progress):
            rows += 1
            changed += after is not row.row
            writer.write(row.split, row.raw if after is row.row else msgspec.json.encode(after))
        require_expected(changed, expected)
        writer.rows_in = rows
        writer.parents = (Parent(path=str(path), fingerprint=source.fingerprint(), rows=rows),)
        writer.recipe["changed"] = changed
    assert writer.manifest is not None
    return writer.manifest


def require_expected(changed: int, expected: int | None) -> None:
    """Raises DataError where another number of rows changes than was said, or none where nothing was said."""
    if expected is None and not changed:
        raise DataError("The transform changes no row.", hint="Look at a row with `punie dataset show`.")
    if expected is not None and changed != expected:
        raise DataError(f"The transform changes {changed} rows, not {expected}.", hint="Look with --dry-run first.")


def _transformed(source: Source, transform: Transform, progress: Progress) -> Iterator[tuple[SourceRow, Row]]:
    for row in read_rows(source, progress, "changing"):
        try:
            after = transform.change(row.row)
            if after is not row.row:
                _check(row, after, transform)
        except DataError as error:
            raise DataError(error.what, where=row.where, hint=error.hint) from error
        yield row, after


def _check(source: SourceRow, after: Row, transform: Transform) -> None:
    before = source.row
    if transform.change(after) is not after:
        raise UsageError(f"The transform {transform.name} {transform.argument} would change its own result again.")
    if (problem := row_problem(after)) is not None and row_problem(before) is None:
        raise DataError(f"This row could not be taught from any more: {problem}.")
    if row_shape(before) != row_shape(after):
        raise DataError(f"This row would become a {row_shape(after)} row instead of a {row_shape(before)} row.")
    require_distinct_keys(source.raw)


def _rename_role(argument: str) -> Change:
    before, _, after = argument.partition("=")
    if not before or not after or before == after:
        raise UsageError("Roles are renamed as FROM=TO.", hint="For example human=user.")

    def rename(message: Row) -> Row:
        return {**message, "role": after} if message.get("role") == before else message

    return lambda row: _with_messages(row, rename)


def _strip_preamble(_: str) -> Change:
    return lambda row: _with_answers(row, _without_preamble)


def _without_preamble(text: str, called: bool) -> str:
    """An answer with calls of its own needs no text; one that writes them begins with the first."""
    if called:
        return "" if text.strip() else text
    family = family_of(text)
    block = next(find_blocks(text, family), None) if family else None
    return text[block.start :] if block and block.calls and text[: block.start].strip() else text


def _tool_format(argument: str) -> Change:
    family = next((family for family in FAMILIES if family == argument), None)
    if family is None:
        raise UsageError(f"There is no tool format {argument!r}.", hint=f"Known: {', '.join(FAMILIES)}.")

    def change(row: Row) -> Row:
        tools = row.get("tools")
        declared = tools if isinstance(tools, list) else ()
        return _with_answers(row, lambda text, _: rewrite_calls(text, family, declared))

    return change


def _add_system(text: str) -> Change:
    def add(row: Row) -> Row:
        messages = row.get("messages")
        if row_shape(row) != "chat" or not isinstance(messages, list):
            return row
        if any(isinstance(message, dict) and message.get("role") == "system" for message in messages):
            return row
        return {**row, "messages": [{"role": "system", "content": text}, *messages]}

    return add


def _drop_field(name: str) -> Change:
    return lambda row: {key: value for key, value in row.items() if key != name} if name in row else row


def _with_answers(row: Row, rewrite: Callable[[str, bool], str]) -> Row:
    """The row with what the assistant says rewritten: from its text, and whether calls stand beside that."""

    def answer(message: Row) -> Row:
        return _with_text(message, "content", rewrite) if message.get("role") == "assistant" else message

    return _with_text(row, "completion", rewrite) if row_shape(row) == "completion" else _with_messages(row, answer)


def _with_text(owner: Row, key: str, rewrite: Callable[[str, bool], str]) -> Row:
    if not isinstance(text := owner.get(key), str):
        return owner
    written = rewrite(text, bool(owner.get("tool_calls")))
    return owner if written == text else {**owner, key: written}


def _with_messages(row: Row, change: Change) -> Row:
    messages = row.get("messages")
    if row_shape(row) != "chat" or not isinstance(messages, list):
        return row
    changed = [change(message) if isinstance(message, dict) else message for message in messages]
    same = all(new is old for new, old in zip(changed, messages, strict=True))
    return row if same else {**row, "messages": changed}


@dataclass(frozen=True, slots=True)
class _Maker:
    """How a transform is made from what stands after its name on the command line; `wants` is empty for nothing."""

    wants: str
    make: Callable[[str], Change]


_MAKERS: Mapping[str, _Maker] = {
    "rename-role": _Maker("FROM=TO", _rename_role),
    "strip-preamble": _Maker("", _strip_preamble),
    "tool-format": _Maker("FAMILY", _tool_format),
    "add-system": _Maker("TEXT", _add_system),
    "drop-field": _Maker("NAME", _drop_field),
}
