"""Tasks of ten categories as a dataset: drawn, executed, split by what is asked, and measured for their diversity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from string import Template
from typing import Any

import msgspec

from punie.data.compare.split import side_of
from punie.data.dataset import Manifest
from punie.data.progress import Progress, unheard, watched
from punie.data.source import SPLITS
from punie.data.writer import DatasetWriter
from punie.errors import UsageError
from punie.generate.categories.diversity import Diversity
from punie.generate.categories.effects import THREE, drawn_text
from punie.generate.categories.task import Constants, Task, draw_constants
from punie.generate.categories.tasks import SEVEN
from punie.generate.executed import Placed, executed, exercise_row
from punie.generate.words import FOLDERS, THINGS, WORDS, made_word
from punie.sandbox.jail import choose_execution

TASKS = (*SEVEN, *THREE)
CATEGORIES = tuple(dict.fromkeys(task.category for task in TASKS))
_HELD_OUT, _SMALLEST, _TESTS, _PATIENCE = 10, 40, 6, 5000
_PARAMETERS = {
    "n": ("number", "value", "x", "amount", "points", "level"),
    "u": ("number", "n", "amount", "size", "given"),
    "small": ("rows", "n", "height"),
    "xs": ("numbers", "values", "items", "readings", "amounts", "scores"),
    "sorted": ("ordered", "ranks", "times", "sorted_numbers", "marks"),
    "xss": ("rows", "lists", "groups", "tables"),
    "s": ("text", "line", "message", "title", "sentence"),
    "maybe": ("text", "given", "entry", "field"),
    "text": ("path",),
}
_FRAMES = (
    "Write a Python {sort} `{signature}` that {says}.",
    "{context} Write the {sort} `{signature}` in Python. It {says}.",
    "Please write `{signature}`, a Python {sort} that {says}. {aside}",
    "{context} What is needed is a Python {sort}, `{signature}`, that {says}. {aside}",
    "Task: a Python {sort} `{signature}`.\n\nIt {says}.",
    "```python\n{head}\n```\nComplete this Python {sort}, so that it {says}. {aside}",
    "How would you write a Python {sort} `{signature}` that {says}?",
    "{aside} Implement `{signature}` in Python: a {sort} that {says}.",
)
_CONTEXTS = (
    "In a program that counts {things} this is still missing.",
    "We keep our {things} in the folder {folder}.",
    "This is for the module {word} of a shop that sells {things}.",
    "A colleague wrote a report about {things} and left one step open.",
    "The {word} project needs one more step.",
)
_ASIDES = (
    "It will be called about {many} times a day.",
    "There is an old version in {folder}/{word}.py, which you need not look at.",
    "Nothing is printed.",
    "No library is needed.",
    "The result is shown in a table of {things}.",
    "Inputs are always of the right type.",
)


def generate_categories(
    output: Path,
    count: int,
    seed: int,
    *,
    categories: Sequence[str] = CATEGORIES,
    progress: Progress = unheard,
) -> Manifest:
    """Write `count` tasks with solutions, the categories in turn: 80 % train, 10 % valid, 10 % test.

    Each solution passed its tests. Raises UsageError for a category that is none, where the output is in use, or there
    are not as many different tasks.
    """
    _require_sense(count, categories)
    execution = choose_execution(unsafe=False, ours=True)
    recipe = {"command": "generate", "kind": "categories", "version": 1, "count": count, "seed": seed}
    diversity = Diversity()
    told = {"categories": list(categories), "sandbox": execution}
    with DatasetWriter(output, recipe={**recipe, **told}) as writer:
        rows = executed(draw_rows(count, seed, categories), execution)
        for split, row in watched(rows, progress, "generating", count):
            diversity.note(row)
            writer.write(split, msgspec.json.encode(row))
        writer.recipe["diversity"] = diversity.report()
    assert writer.manifest is not None
    return writer.manifest


def draw_rows(count: int, seed: int, categories: Sequence[str]) -> Iterator[Placed]:
    """`count` rows with their splits, no question twice. A task, without its names and words, is in one split only."""
    held_out = max(1, round(count * _HELD_OUT / 100))
    seen = set[str]()
    for split, rows in zip(SPLITS, (count - 2 * held_out, held_out, held_out), strict=True):
        for place in range(rows):
            category = categories[place % len(categories)]
            rng = Random(f"categories {seed} {split} {place}")
            yield split, {"id": f"categories-{seed}-{split}-{place + 1}", **_draw_new(category, split, rng, seen)}


def _draw_new(category: str, split: str, rng: Random, seen: set[str]) -> dict[str, Any]:
    tasks = [task for task in TASKS if task.category == category]
    for _ in range(_PATIENCE):
        task, constants = rng.choice(tasks), draw_constants(rng, WORDS)
        if _side(task, constants) != split:
            continue
        row = _row(task, constants, rng)
        if row is not None and row["prompt"] not in seen:
            seen.add(row["prompt"])
            return row
    raise UsageError(f"There are too few different tasks about {category}.", hint="Ask for fewer rows.")


def _side(task: Task, constants: Constants) -> str:
    """By the solution with neutral names: the same for every seed."""
    return side_of(f"{task.key} {_filled(task.body, constants, 'a', 'b', 'f')}".encode(), _HELD_OUT, _HELD_OUT, 0)


def _filled(template: str, constants: Constants, a: str, b: str, name: str) -> str:
    return Template(template).substitute(constants, a=a, b=b, name=name)


def _row(task: Task, constants: Constants, rng: Random) -> dict[str, Any] | None:
    """None where the tests would expect one and the same."""
    is_class = not task.kinds
    name = _name(task, rng, is_class)
    names = _parameters(task, rng)
    a, b = (*names, "", "")[:2]
    signature = name if is_class else f"{name}({', '.join(names)})"
    head = f"class {name}:" if is_class else f"def {signature}:"
    body = "\n".join(f"    {line}" if line else "" for line in _filled(task.body, constants, a, b, name).split("\n"))
    tests = _tests(task, constants, name, rng)
    if tests is None:
        return None
    wording, frame = rng.randrange(len(task.says)), rng.randrange(len(_FRAMES))
    slots = {"things": rng.choice(THINGS), "folder": rng.choice(FOLDERS), "word": rng.choice(WORDS)}
    prompt = (
        _FRAMES[frame]
        .format(
            sort="class" if is_class else "function",
            signature=signature,
            head=head,
            says=_filled(task.says[wording], constants, a, b, name),
            context=rng.choice(_CONTEXTS).format(**slots),
            aside=rng.choice(_ASIDES).format(**slots, many=10 * rng.randint(2, 90)),
        )
        .strip()
    )
    return {
        **exercise_row(prompt, f"{head}\n{body}", name, tests),
        "category": task.category,
        "metadata": {"template": f"{task.category}/{task.key}", "wording": f"{task.key}/{wording}/{frame}"},
    }


def _name(task: Task, rng: Random, is_class: bool) -> str:
    word = rng.choice(WORDS) if rng.random() < 0.8 else made_word(rng)
    if is_class:
        return rng.choice((task.key.title(), f"{word.title()}{task.key.title()}"))
    return rng.choice(
        (task.key, f"{task.key}_{word}", f"{word}_{task.key}", f"get_{task.key}", f"{task.key}_of_{word}")
    )


def _parameters(task: Task, rng: Random) -> list[str]:
    names = [rng.choice(_PARAMETERS[kind]) for kind in task.kinds]
    return [f"{name}_{number}" for number, name in enumerate(names, 1)] if len(set(names)) < len(names) else names


def _tests(task: Task, constants: Constants, name: str, rng: Random) -> list[str] | None:
    found = dict[str, Any]()
    for _ in range(_PATIENCE):
        arguments = task.draw(rng) if task.draw else tuple(_argument(kind, rng) for kind in task.kinds)
        found[", ".join(map(repr, arguments))] = task.rule(constants, *arguments)
        if len(found) == _TESTS:
            break
    if len({repr(value) for value in found.values()}) < 2:
        return None
    helper = [_filled(task.helper, constants, "a", "b", name)] if task.helper else []
    asked = "run" if helper else name
    return [*helper, *(f"assert {asked}({arguments}) == {value!r}" for arguments, value in found.items())]


def _argument(kind: str, rng: Random) -> Any:
    match kind:
        case "n":
            return rng.randint(-30, 90)
        case "u":
            return rng.randint(0, 400)
        case "small":
            return rng.randint(0, 7)
        case "xs" | "sorted":
            drawn = [rng.randint(-20, 40) for _ in range(rng.randint(0, 12))]
            return sorted(drawn) if kind == "sorted" else drawn
        case "xss":
            return [[rng.randint(-20, 40) for _ in range(rng.randint(0, 4))] for _ in range(rng.randint(0, 4))]
        case "maybe":
            return rng.choice((str(rng.randint(-99, 99)), rng.choice(WORDS), "", f"{rng.randint(0, 9)}x", "1.5"))
        case "text":
            return drawn_text(rng)
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 6)))


def _require_sense(count: int, categories: Sequence[str]) -> None:
    if unknown := [category for category in categories if category not in CATEGORIES]:
        raise UsageError(f"There is no category {unknown[0]!r}.", hint=f"Known: {', '.join(CATEGORIES)}.")
    if not categories:
        raise UsageError("At least one category must be named.")
    if count < _SMALLEST:
        raise UsageError(f"{count} tasks are too few for three splits.", hint=f"Ask for at least {_SMALLEST}.")
