"""Families about numbers and expressions: rpn, arithmetic, fizzbuzz, fibonacci."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

from punie.generate.algorithms.family import Arguments, Family, Twist

_MEANINGS: dict[str, Callable[[int, int], int]] = {
    "max(a, b)": max,
    "min(a, b)": min,
    "abs(a - b)": lambda a, b: a - b if a > b else b - a,
    "a + 2 * b": lambda a, b: a + b + b,
    "a * b % 10": lambda a, b: (a * b) - 10 * ((a * b) // 10),
}
_WORDS = {
    "max(a, b)": "gives the larger of its two numbers",
    "min(a, b)": "gives the smaller of its two numbers",
    "abs(a - b)": "gives the distance between its two numbers",
    "a + 2 * b": "adds twice its second number to its first",
    "a * b % 10": "multiplies its two numbers and gives the remainder of the product divided by 10",
}


def _operator(symbol: str, meaning: str) -> Twist:
    branch = f'        elif operator == "{symbol}":\n            a = {meaning}\n'
    words = f" The operator {symbol} {_WORDS[meaning]}."
    return {"extra": words, "branch": branch, "symbol": symbol, "meaning": meaning, "strong": f'"*{symbol}"'}


_OPERATORS = (
    {"extra": "", "branch": "", "symbol": "", "meaning": "", "strong": '"*"'},
    *(_operator(symbol, meaning) for symbol, meaning in product("@#&~", _MEANINGS)),
)


def _symbols(twist: Twist) -> str:
    return "+-*" + 2 * twist["symbol"]


def _value(twist: Twist, operator: str, a: int, b: int) -> int:
    known: dict[str, Callable[[int, int], int]] = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
    return (known.get(operator) or _MEANINGS[twist["meaning"]])(a, b)


def _draw_rpn(rng: Random, difficulty: int, twist: Twist) -> Arguments:
    tokens, depth, numbers, operators = list[str](), 0, difficulty + 2, difficulty + 1
    while operators:
        if numbers and (depth < 2 or rng.random() < 0.5):
            tokens.append(str(rng.randint(1, 19)))
            depth, numbers = depth + 1, numbers - 1
        else:
            tokens.append(rng.choice(_symbols(twist)))
            depth, operators = depth - 1, operators - 1
    return (tokens,)


def _rule_rpn(twist: Twist, tokens: list[str]) -> int:
    rest = list(tokens)

    def last() -> int:
        token = rest.pop()
        if token[-1].isdigit():
            return int(token)
        second = last()
        return _value(twist, token, last(), second)

    return last()


RPN = Family(
    type="rpn",
    parameters="tokens: list[str]",
    returns="int",
    names=("rpn", "evaluate_rpn", "postfix_value", "run_postfix", "reverse_polish"),
    taught=(
        "`tokens` is an expression in reverse Polish notation: whole numbers and the operators +, - and *.$extra "
        "Return "
        "its value.",
        "Evaluate a postfix expression. Each token is a whole number or an operator (+, -, *), which takes the two "
        "values before it.$extra The expression is always valid.",
    ),
    asked="Compute the value of an expression whose operators stand after their operands. The tokens are whole "
    "numbers and "
    "the operators +, - and *.$extra There is always exactly one value left at the end; return it.",
    solution="""def $name(tokens):
    stack = []
    for operator in tokens:
        if operator[-1].isdigit():
            stack.append(int(operator))
            continue
        b = stack.pop()
        a = stack.pop()
        if operator == "+":
            a = a + b
        elif operator == "-":
            a = a - b
$branch        else:
            a = a * b
        stack.append(a)
    return stack[0]
""",
    wrong="""def $name(tokens):
    stack = []
    for operator in tokens:
        if operator.isdigit():
            stack.append(int(operator))
        else:
            a, b = stack.pop(), stack.pop()
            stack.append({"+": a + b, "-": a - b}.get(operator, a * b))
    return stack[0]
""",
    twists=_OPERATORS,
    draw=_draw_rpn,
    rule=_rule_rpn,
    measure="operators",
    size=lambda tokens: len(tokens) // 2,
)


class _Number:
    """A number for which Python's own precedence is that of the problem: `@` binds as `*` does."""

    def __init__(self, value: int, twist: Twist) -> None:
        self.value, self.twist = value, twist

    def _with(self, operator: str, other: _Number) -> _Number:
        return _Number(_value(self.twist, operator, self.value, other.value), self.twist)

    def __add__(self, other: _Number) -> _Number:
        return self._with("+", other)

    def __sub__(self, other: _Number) -> _Number:
        return self._with("-", other)

    def __mul__(self, other: _Number) -> _Number:
        return self._with("*", other)

    def __matmul__(self, other: _Number) -> _Number:
        return self._with("extra", other)


def _rule_arithmetic(twist: Twist, text: str) -> int:
    source = re.sub(r"(\d+)", r"number(\1)", text)
    source = source.replace(twist["symbol"], "@") if twist["symbol"] else source
    return eval(source, {"number": lambda value: _Number(value, twist)}).value


def _draw_arithmetic(rng: Random, difficulty: int, twist: Twist) -> Arguments:
    def expression(operators: int) -> str:
        if operators == 0:
            return str(rng.randint(1, 19))
        left = rng.randint(0, operators - 1)
        inner = f"{expression(left)} {rng.choice(_symbols(twist))} {expression(operators - 1 - left)}"
        return f"({inner})" if rng.random() < 0.4 else inner

    return (expression(difficulty + 1),)


ARITHMETIC = Family(
    type="arithmetic",
    parameters="text: str",
    returns="int",
    names=("arithmetic", "evaluate", "calculate", "compute_expression", "value_of"),
    taught=(
        "`text` is an arithmetic expression of whole numbers, the operators +, - and *, round brackets and spaces. "
        "Return its value. * binds more strongly than + and -; operators of one strength apply from left to right."
        "$precedence$extra",
        "Evaluate an expression such as `2 + 3 * (4 - 1)`. It has whole numbers, +, -, * and brackets, with the usual "
        "precedence, from left to right.$precedence$extra",
    ),
    asked="What is the value of a written calculation? It consists of whole numbers, brackets and the operators +, - "
    "and "
    "* (multiplication before addition and subtraction, equal ones from left to right).$precedence$extra Return the "
    "value.",
    solution="""def $name(text):
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()

    def value():
        token = tokens.pop(0)
        if token != "(":
            return int(token)
        inner = total()
        tokens.pop(0)
        return inner

    def product():
        a = value()
        while tokens and tokens[0] in $strong:
            operator, b = tokens.pop(0), value()
            a = $apply
        return a

    def total():
        a = product()
        while tokens and tokens[0] in "+-":
            operator, b = tokens.pop(0), product()
            a = a + b if operator == "+" else a - b
        return a

    return total()
""",
    wrong="""def $name(text):
    tokens = text.replace("(", "").replace(")", "").split()
    result = int(tokens[0])
    for operator, b in zip(tokens[1::2], map(int, tokens[2::2])):
        result = result + b if operator == "+" else result - b if operator == "-" else result * b
    return result
""",
    twists=tuple(
        {
            **twist,
            "precedence": f" {twist['symbol']} binds as strongly as *." if twist["symbol"] else "",
            "apply": f'a * b if operator == "*" else {twist["meaning"]}' if twist["symbol"] else "a * b",
        }
        for twist in _OPERATORS
    ),
    draw=_draw_arithmetic,
    rule=_rule_arithmetic,
    measure="operators",
    size=lambda text: sum(text.count(symbol) for symbol in "+-*@#&~"),
)


def _rule_fizzbuzz(twist: Twist, n: int) -> list[str]:
    names = [""] * (n + 1)
    for divisor, word in ((twist["a"], twist["first"]), (twist["b"], twist["second"])):
        for number in range(divisor, n + 1, divisor):
            names[number] += word
    return [name or str(number) for number, name in enumerate(names)][1:]


_PAIRS = (
    (2, 3),
    (2, 5),
    (2, 7),
    (3, 4),
    (3, 7),
    (3, 8),
    (4, 5),
    (4, 7),
    (4, 9),
    (5, 6),
    (5, 7),
    (5, 8),
    (6, 7),
    (7, 9),
)
_NAMES = (("Clip", "Clop"), ("Ping", "Pong"), ("Tick", "Tock"), ("Hip", "Hop"), ("Zig", "Zag"))

FIZZBUZZ = Family(
    type="fizzbuzz",
    parameters="n: int",
    returns="list[str]",
    names=("fizzbuzz", "count_aloud", "number_words", "spoken_numbers", "replace_multiples"),
    taught=(
        'Return a list with a text for each number from 1 to `n`: "$first" for multiples of $a, "$second" for '
        "multiples "
        'of $b, "$first$second" for multiples of both, and else the number itself as text.',
        'Count from 1 to `n` and collect texts: say "$first" instead of a number that $a divides, "$second" instead of '
        'one that $b divides, "$first$second" where both divide it. Other numbers stay, as text.',
    ),
    asked="Make the list of what is called out when counting from 1 up to and including `n`. Numbers divisible by $a "
    "become "
    '"$first", numbers divisible by $b become "$second", those divisible by $a and $b become "$first$second", all '
    "others "
    "are written in digits.",
    solution="""def $name(n):
    result = []
    for number in range(1, n + 1):
        text = ""
        if number % $a == 0:
            text += "$first"
        if number % $b == 0:
            text += "$second"
        result.append(text or str(number))
    return result
""",
    wrong="""def $name(n):
    result = []
    for number in range(1, n):
        if number % $a == 0:
            result.append("$first")
        elif number % $b == 0:
            result.append("$second")
        else:
            result.append(str(number))
    return result
""",
    twists=(
        {"a": 3, "b": 5, "first": "Fizz", "second": "Buzz"},
        *({"a": a, "b": b, "first": first, "second": second} for (first, second), (a, b) in product(_NAMES, _PAIRS)),
    ),
    draw=lambda rng, difficulty, _: (rng.randint(3 * difficulty, 3 * difficulty + 16),),
    rule=_rule_fizzbuzz,
    measure="numbers counted",
    size=lambda n: n,
    edges=((0,), (1,)),
    narrow=True,
)


def _rule_fibonacci(twist: Twist, n: int) -> int:
    found = [twist["a"], twist["b"]]
    while len(found) <= n:
        found.append(sum([found[-1]] * twist["p"]) + found[-2])
    return found[n]


def _fibonacci_twists() -> tuple[dict[str, Any], ...]:
    words = {1: "the last one", 2: "twice the last one", 3: "three times the last one"}
    triples = [(a, b, p) for p, a, b in product(words, range(4), range(1, 5)) if (a, b, p) != (0, 1, 1)]
    return tuple({"a": a, "b": b, "p": p, "last": words[p]} for a, b, p in [(0, 1, 1), *triples])


FIBONACCI = Family(
    type="fibonacci",
    parameters="n: int",
    returns="int",
    names=("fibonacci", "sequence_item", "nth_item", "grow", "series"),
    taught=(
        "A sequence begins with $a and $b. Every further number is $last plus the one before that. Return the number "
        "at "
        "position `n`, where position 0 has $a.",
        "Position 0 of a series holds $a, position 1 holds $b, and each later position holds $last plus the one before "
        "it. Give the number at position `n`.",
    ),
    asked="Numbers are written in a row: first $a, then $b, then always $last plus the one before the last. Counting "
    "from "
    "0, which number stands at place `n`?",
    solution="""def $name(n):
    a, b = $a, $b
    for _ in range(n):
        a, b = b, $p * b + a
    return a
""",
    wrong="""def $name(n):
    a, b = $a, $b
    for _ in range(n):
        a, b = b, $p * b + a
    return b
""",
    twists=_fibonacci_twists(),
    draw=lambda rng, difficulty, _: (rng.randint(2 * difficulty, 2 * difficulty + 16),),
    rule=_rule_fibonacci,
    measure="position",
    size=lambda n: n,
    edges=((0,), (1,)),
    narrow=True,
)

FAMILIES = (RPN, ARITHMETIC, FIZZBUZZ, FIBONACCI)
