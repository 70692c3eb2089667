"""The seven levels of TinyPy as grammars, and a program drawn from one.

Levels, layout and alphabet are those of the data of Yamani et al. (arXiv 2407.10194): single digits, one-letter names,
a tab before what belongs to a branch or a loop, a space before its colon. Written anew from their description.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from punie.generate.dice import Dice

_MOST_TURNS = 5


@dataclass(frozen=True, slots=True)
class Level:
    """`paper` is its name in the paper's data. A program begins with 1 to `initials` assignments of a digit."""

    paper: str
    initials: int
    draw: Callable[[Dice, list[str], list[str]], list[str]]
    """Of the dice, the names that have a value, and the digits they have: the lines that follow."""
    can_print_nothing: bool
    """Whether some of its programs print nothing."""


def draw_source(level: int, dice: Dice) -> str:
    """A program of this level. It ends, and fails in no other way than by dividing by zero."""
    grammar = LEVELS[level]
    names = dice.names(dice.count(1, grammar.initials))
    digits = [_digit(dice) for _ in names]
    first = [f"{name} = {digit}" for name, digit in zip(names, digits, strict=True)]
    return "\n".join([*first, *grammar.draw(dice, names, digits)])


def _straight(dice: Dice, names: list[str], _: list[str]) -> list[str]:
    lines, printed = _assigned(dice, names, _operation) if dice.coin() else ([], dice.pick(names))
    return [*lines, f"print({_shown(dice, names, printed)})"]


def _bracketed(dice: Dice, names: list[str], _: list[str]) -> list[str]:
    lines, printed = _assigned(dice, names, _chain) if dice.coin() else ([], dice.pick(names))
    return [*lines, f"print({_shown(dice, names, printed)})"]


def _branching(dice: Dice, names: list[str], _: list[str]) -> list[str]:
    return _branches(dice, lambda: _condition(dice, names), lambda: dice.pick(names))


def _branching_on_chains(dice: Dice, names: list[str], _: list[str]) -> list[str]:
    lines, printed = _assigned(dice, names, _chain) if dice.coin() else ([], dice.pick(names))
    known = [*names, printed]
    branches = _branches(dice, lambda: _conditions(dice, known), lambda: _shown(dice, known, dice.pick(known)))
    return [*lines, *branches]


def _looping(dice: Dice, names: list[str], _: list[str]) -> list[str]:
    counter, header = _for(dice, names)
    return [header, f"\tprint({dice.pick([counter, dice.pick(names)])})"]


def _looping_on_chains(dice: Dice, names: list[str], _: list[str]) -> list[str]:
    lines, printed = _assigned(dice, names, _chain) if dice.coin() else ([], dice.pick(names))
    counter, header = _for(dice, [*names, printed])
    return [*lines, header, f"\tprint({_shown(dice, [*names, counter], dice.pick([counter, printed]))})"]


def _counting(dice: Dice, names: list[str], digits: list[str]) -> list[str]:
    """A while loop that counts one variable up or down until it has passed a bound."""
    counter, start = names[-1], int(digits[-1])
    turns, step = _turns(dice), dice.count(1, 3)
    slack = dice.count(0, step - 1)
    down, up = start - turns * step + slack, start + turns * step - slack
    if down >= 0 and dice.coin():
        test, change = dice.pick((f"> {down}", f">= {down + 1}")), f"- {step}"
    elif up > 0:
        test, change = dice.pick((f"< {up}", f"<= {up - 1}")), f"+ {step}"
    else:
        test, change = "< 0", f"+ {step}"
    return [
        f"while {counter} {test} :",
        f"\tprint({dice.pick([counter, dice.pick(names)])})",
        f"\t{counter} = {counter} {change}",
    ]


LEVELS: Mapping[int, Level] = {
    1: Level("1.1", 3, _straight, False),
    2: Level("1.2", 4, _bracketed, False),
    3: Level("2.1", 3, _branching, True),
    4: Level("2.2", 6, _branching_on_chains, True),
    5: Level("3.1", 3, _looping, True),
    6: Level("3.2", 5, _looping_on_chains, True),
    7: Level("4.1", 3, _counting, True),
}


def _digit(dice: Dice) -> str:
    return str(dice.count(0, 9))


def _operand(dice: Dice, names: Sequence[str]) -> str:
    return dice.pick(names) if dice.coin() else _digit(dice)


def _operation(dice: Dice, names: Sequence[str]) -> str:
    return f"{_operand(dice, names)} {dice.pick('+-*/')} {_operand(dice, names)}"


def _chain(dice: Dice, names: Sequence[str]) -> str:
    """One to three operations in brackets, joined by operators."""
    text = f"({_operation(dice, names)})"
    for _ in range(dice.count(0, 2)):
        text += f" {dice.pick('+-*/')} ({_operation(dice, names)})"
    return text


def _assigned(
    dice: Dice, names: Sequence[str], expression: Callable[[Dice, Sequence[str]], str]
) -> tuple[list[str], str]:
    """A line that gives a value to some name, new or not, and that name."""
    name = dice.pick(string.ascii_lowercase)
    return [f"{name} = {expression(dice, names)}"], name


def _shown(dice: Dice, names: Sequence[str], name: str) -> str:
    return f"{name} {dice.pick('+-*/')} {_operand(dice, names)}" if dice.coin() else name


def _condition(dice: Dice, names: Sequence[str]) -> str:
    test = f"{dice.pick(names)} {dice.pick(('<', '>', '<=', '>=', '==', '!='))} {_operand(dice, names)}"
    return f"not {test}" if dice.count(1, 4) == 1 else test


def _conditions(dice: Dice, names: Sequence[str]) -> str:
    """One to three conditions in brackets, joined by and, or."""
    text = f"({_condition(dice, names)})"
    for _ in range(dice.count(0, 2)):
        text += f" {dice.pick(('and', 'or'))} ({_condition(dice, names)})"
    return text


def _branches(dice: Dice, condition: Callable[[], str], shown: Callable[[], str]) -> list[str]:
    """if, if-else or if-elif-else; each branch prints once."""
    heads = [f"if {condition()} :"]
    match dice.pick(("if", "else", "elif")):
        case "else":
            heads.append("else :")
        case "elif":
            heads += [f"elif {condition()} :", "else :"]
    return [line for head in heads for line in (head, f"\tprint({shown()})")]


def _turns(dice: Dice) -> int:
    """How often a loop runs. One in four does not run at all, as in the paper's data."""
    return 0 if dice.count(1, 4) == 1 else dice.count(1, _MOST_TURNS)


def _for(dice: Dice, taken: Sequence[str]) -> tuple[str, str]:
    """A new variable and the head of the loop that counts it."""
    counter = dice.pick([letter for letter in string.ascii_lowercase if letter not in taken])
    start, turns, step = dice.count(0, 9), _turns(dice), dice.pick((1, dice.count(1, 3)))
    stop = start + turns * step - dice.count(0, step - 1) if turns else dice.count(0, start)
    bounds = f"{start}, {stop}" if step == 1 and dice.coin() else f"{start}, {stop}, {step}"
    return counter, f"for {counter} in range({bounds}) :"
