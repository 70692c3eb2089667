"""Families about lists of numbers: binary_search, two_sum, max_subarray, remove_duplicates."""

from __future__ import annotations

from itertools import combinations, product
from random import Random

from punie.generate.algorithms.family import Arguments, Family, Twist


def _search(wanted: str, compare: str, answer: str, repeats: bool = True) -> Twist:
    order = "ascending numbers, some of them equal" if repeats else "ascending numbers, no two of them equal"
    return {"wanted": wanted, "compare": compare, "answer": answer, "order": order, "repeats": repeats}


def _place(end: str, missing: str) -> Twist:
    found = "low < len(numbers) and numbers[low] == target" if end == "first" else "low and numbers[low - 1] == target"
    index, compare = ("low", "<") if end == "first" else ("low - 1", "<=")
    said = "the length of the list" if missing == "len(numbers)" else missing
    wanted = f"the index of the {end} number that equals `target`, or {said} if there is none"
    return {**_search(wanted, compare, f"{index} if {found} else {missing}"), "end": end, "missing": missing}


_MISSING = ("-1", "-2", "len(numbers)")
_SEARCHES = (
    {
        **_place("first", "-1"),
        "wanted": "the index of `target`, or -1 if it is not there",
        "order": "ascending numbers, no two of them equal",
        "repeats": False,
    },
    *(_place(end, missing) for end, missing in product(("first", "last"), _MISSING)),
    {**_search("how many of the numbers are smaller than `target`", "<", "low"), "counts": "<"},
    {**_search("how many of the numbers are at most `target`", "<=", "low"), "counts": "<="},
    {**_search("how many of the numbers are greater than `target`", "<=", "len(numbers) - low"), "counts": ">"},
    {**_search("how many of the numbers are at least `target`", "<", "len(numbers) - low"), "counts": ">="},
)


def _draw_search(rng: Random, difficulty: int, twist: Twist) -> Arguments:
    size = 4 + 3 * difficulty
    numbers = sorted(rng.sample(range(-9 * size, 9 * size), size))
    if twist["repeats"]:
        numbers = sorted(rng.choice(numbers[: 2 + size // 2]) for _ in range(size))
    return numbers, rng.choice(numbers) if rng.random() < 0.65 else rng.randint(-9 * size, 9 * size)


def _rule_search(twist: Twist, numbers: list[int], target: int) -> int:
    if counts := twist.get("counts"):
        known = {"<": target.__gt__, "<=": target.__ge__, ">": target.__lt__, ">=": target.__le__}
        return len([number for number in numbers if known[counts](number)])
    places = [place for place, number in enumerate(numbers) if number == target]
    missing = len(numbers) if twist["missing"] == "len(numbers)" else int(twist["missing"])
    return (places if places else [missing])[0 if twist["end"] == "first" else -1]


BINARY_SEARCH = Family(
    type="binary_search",
    parameters="numbers: list[int], target: int",
    returns="int",
    names=("binary_search", "find_in_order", "sorted_lookup", "bisect_numbers", "locate"),
    taught=(
        "`numbers` has $order. Return $wanted. Halve the range at each step instead of looking at every number.",
        "In a list of $order find $wanted, by binary search.",
    ),
    asked="A list is sorted: it holds $order. Without walking through all of it, tell $wanted.",
    solution="""def $name(numbers, target):
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] $compare target:
            low = middle + 1
        else:
            high = middle
    return $answer
""",
    wrong="""def $name(numbers, target):
    low, high = 0, len(numbers) - 1
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] == target:
            return middle
        if numbers[middle] < target:
            low = middle + 1
        else:
            high = middle - 1
    return -3
""",
    twists=_SEARCHES,
    draw=_draw_search,
    rule=_rule_search,
    measure="numbers",
    size=lambda numbers, _: len(numbers),
    edges=(([], 3),),
)

_PAIR_OF = {
    "sum": ("add up to `target`", "(target - number,)"),
    "difference": ("differ by `target`", "(number - target, number + target)"),
    "product": ("give `target` when multiplied", "(target // number,) if target % number == 0 else ()"),
}
_GIVE = {
    "indexes": ("their indexes, the smaller index first", "[seen[need], j]"),
    "places": ("their places counted from 1, the smaller place first", "[seen[need] + 1, j + 1]"),
    "values": ("the two numbers themselves, the smaller one first", "sorted([need, number])"),
    "apart": ("how far apart their indexes are, as a list of that one number", "[j - seen[need]]"),
}


def _meets(relation: str, a: int, b: int) -> int:
    return {"sum": a + b, "difference": abs(a - b), "product": a * b}[relation]


def _pairs(relation: str, numbers: list[int], target: int) -> list[tuple[int, int]]:
    return [
        (i, j) for i, j in combinations(range(len(numbers)), 2) if _meets(relation, numbers[i], numbers[j]) == target
    ]


def _draw_two_sum(rng: Random, difficulty: int, twist: Twist) -> Arguments:
    """Redrawn until one pair alone is right: with several, correct solutions would differ."""
    size = 4 + 2 * difficulty
    while True:
        numbers = [rng.randint(1, 25 * size) for _ in range(size)]
        target = _meets(twist["relation"], *rng.sample(numbers, 2))
        if len(_pairs(twist["relation"], numbers, target)) == 1:
            return numbers, target


def _rule_two_sum(twist: Twist, numbers: list[int], target: int) -> list[int]:
    ((i, j),) = _pairs(twist["relation"], numbers, target)
    values = sorted((numbers[i], numbers[j]))
    return {"indexes": [i, j], "places": [i + 1, j + 1], "values": values, "apart": [j - i]}[twist["give"]]


TWO_SUM = Family(
    type="two_sum",
    parameters="numbers: list[int], target: int",
    returns="list[int]",
    names=("two_sum", "find_pair", "matching_pair", "pair_for", "two_of_them"),
    taught=(
        "Exactly one pair of positive `numbers` (at two different indexes) will $relation_words. Return $give_words, "
        "as a "
        "list.",
        "Find the only two numbers in the list that $relation_words; all are positive. The answer is a list with "
        "$give_words.",
    ),
    asked="All numbers are positive, and there is one way and only one to pick two of them that $relation_words. "
    "Give back a "
    "list: $give_words.",
    solution="""def $name(numbers, target):
    seen = {}
    for j, number in enumerate(numbers):
        for need in $needs:
            if need in seen:
                return $answer
        seen[number] = j
""",
    wrong="""def $name(numbers, target):
    for j, number in enumerate(numbers):
        if number + numbers[j - 1] == target:
            return [j - 1, j]
    return [0, len(numbers) - 1]
""",
    twists=tuple(
        {
            "relation": relation,
            "give": give,
            "relation_words": _PAIR_OF[relation][0],
            "needs": _PAIR_OF[relation][1],
            "give_words": _GIVE[give][0],
            "answer": _GIVE[give][1],
        }
        for relation, give in product(_PAIR_OF, _GIVE)
    ),
    draw=_draw_two_sum,
    rule=_rule_two_sum,
    measure="numbers",
    size=lambda numbers, _: len(numbers),
)


def _run(wanted: str, body: str, least: int, most: int) -> Twist:
    return {"wanted": wanted, "body": body, "least": least, "most": most}


_ALL = 10**6
_KADANE = """    best = current = numbers[0]
    for number in numbers[1:]:
        current = max(number, current + number)
        best = max(best, current)
    return best
"""
_KADANE_EMPTY = """    best = current = 0
    for number in numbers:
        current = max(0, current + number)
        best = max(best, current)
    return best
"""


def _bounded(words: str, test: str, least: int, most: int) -> Twist:
    body = f"""    best = None
    for start in range(len(numbers)):
        total = 0
        for end in range(start, len(numbers)):
            total += numbers[end]
            if end - start + 1 {test} and (best is None or total > best):
                best = total
    return best
"""
    return _run(f"The run must have {words}.", body, least, most)


def _rule_run(twist: Twist, numbers: list[int]) -> int:
    ends = range(len(numbers) + 1)
    spans = [(i, j) for i in ends for j in ends[i:] if twist["least"] <= j - i <= twist["most"]]
    return max(sum(numbers[i:j]) for i, j in spans)


MAX_SUBARRAY = Family(
    type="max_subarray",
    parameters="numbers: list[int]",
    returns="int",
    names=("max_subarray", "best_run", "largest_slice", "richest_stretch", "top_sum"),
    taught=(
        "Return the largest sum of a run of neighbouring numbers in the list. $wanted",
        "Of all stretches of consecutive `numbers`, which sum is the greatest? Return that sum. $wanted",
    ),
    asked="Cut one connected piece out of the list so that its total is as high as possible, and return the total. "
    "$wanted",
    solution="def $name(numbers):\n$body",
    wrong="""def $name(numbers):
    return sum(number for number in numbers if number > 0)
""",
    twists=(
        _run("The run must not be empty.", _KADANE, 1, _ALL),
        _run("The empty run counts too; its sum is 0.", _KADANE_EMPTY, 0, _ALL),
        *(_bounded(f"at least {k} numbers", f">= {k}", k, _ALL) for k in (2, 3, 4, 5)),
        *(_bounded(f"at most {k} numbers", f"<= {k}", 1, k) for k in (2, 3, 4, 5, 6)),
        *(_bounded(f"exactly {k} numbers", f"== {k}", k, k) for k in (2, 3, 4, 5)),
    ),
    draw=lambda rng, difficulty, _: ([rng.randint(-20, 16) for _ in range(5 + 2 * difficulty)],),
    rule=_rule_run,
    measure="numbers",
    size=lambda numbers: len(numbers),
    edges=(([-4, -9, -2, -7, -11, -5, -6],),),
)

_FORWARD = """    counts = {{}}
    result = []
    for number in {source}:
        counts[number] = counts.get(number, 0) + 1
        if counts[number] <= {k}:
            result.append(number)
    return {result}
"""


def _keep(k: int, end: str) -> Twist:
    often = "only one time" if k == 1 else f"at most {k} times"
    source, result = ("numbers", "result") if end == "first" else ("reversed(numbers)", "result[::-1]")
    which = "one" if k == 1 else f"{k}"
    return {
        "wanted": f"each value stands in the result {often}: of its places in the list the {end} {which} stay",
        "body": _FORWARD.format(source=source, k=k, result=result),
        "k": k,
        "end": end,
    }


def _rule_keep(twist: Twist, numbers: list[int]) -> list[int]:
    k, end = twist["k"], twist["end"]
    if end == "single":
        return [number for number in numbers if len([other for other in numbers if other == number]) <= k]
    if end == "neighbour":
        return [number for place, number in enumerate(numbers) if not place or numbers[place - 1] != number]
    before = [numbers[:place] if end == "first" else numbers[place + 1 :] for place in range(len(numbers))]
    return [number for number, others in zip(numbers, before, strict=True) if others.count(number) < k]


_OTHERS = (
    {
        "wanted": "values that stand in the list more than once are left out altogether",
        "body": "    return [number for number in numbers if numbers.count(number) == 1]\n",
        "k": 1,
        "end": "single",
    },
    {
        "wanted": "values that stand in the list more than twice are left out altogether",
        "body": "    return [number for number in numbers if numbers.count(number) <= 2]\n",
        "k": 2,
        "end": "single",
    },
    {
        "wanted": "a number that equals the one right before it in the list is left out",
        "body": "    return [number for i, number in enumerate(numbers) if i == 0 or number != numbers[i - 1]]\n",
        "k": 1,
        "end": "neighbour",
    },
)

REMOVE_DUPLICATES = Family(
    type="remove_duplicates",
    parameters="numbers: list[int]",
    returns="list[int]",
    names=("remove_duplicates", "thin_out", "without_repeats", "keep_some", "drop_copies"),
    taught=(
        "Return a new list with the same order, in which $wanted.",
        "Clean a list of repeated numbers: $wanted. The order of what stays does not change.",
    ),
    asked="Build another list from `numbers`. The numbers keep their order, but $wanted.",
    solution="def $name(numbers):\n$body",
    wrong="def $name(numbers):\n    return sorted(set(numbers))\n",
    twists=(*(_keep(k, end) for k, end in product((1, 2, 3, 4), ("first", "last"))), *_OTHERS),
    draw=lambda rng, difficulty, _: ([rng.randint(-2 - difficulty, 2) for _ in range(6 + 3 * difficulty)],),
    rule=_rule_keep,
    measure="numbers",
    size=lambda numbers: len(numbers),
    edges=(([],), ([2, 1, 2, 2, 1, 2, 2, 3],)),
)

FAMILIES = (BINARY_SEARCH, TWO_SUM, MAX_SUBARRAY, REMOVE_DUPLICATES)
