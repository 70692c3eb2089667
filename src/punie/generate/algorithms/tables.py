"""Families that fill a table: lcs, edit_distance, knapsack, coin_change; lis and word_break are held out."""

from __future__ import annotations

from functools import cache
from itertools import product
from random import Random

from punie.generate.algorithms.family import Arguments, Family, Twist, letters


def _draw_two_texts(rng: Random, difficulty: int, _: Twist) -> Arguments:
    """Two texts of one length that share parts in the same order."""
    size = 2 + difficulty
    first, second = (list(letters(rng, size, "abcdeio")) for _ in range(2))
    for place in rng.sample(range(size), size // 2):
        second[place] = first[place]
    return "".join(first), "".join(second)


def _common(wanted: str, gain: str, answer: str, vowel: int, kind: str) -> Twist:
    return {"wanted": wanted, "gain": gain, "answer": answer, "vowel": vowel, "kind": kind}


def _rule_common(twist: Twist, a: str, b: str) -> int:
    @cache
    def best(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return 0
        gain = twist["vowel"] if a[i] in "aeiou" else 1
        return max(best(i + 1, j), best(i, j + 1), best(i + 1, j + 1) + gain if a[i] == b[j] else 0)

    lengths = len(a) + len(b)
    return {"length": best(0, 0), "removed": lengths - 2 * best(0, 0), "joined": lengths - best(0, 0)}[twist["kind"]]


_LETTERS = "letters that stand in both texts in the same order, not necessarily next to each other"

LCS = Family(
    type="lcs",
    parameters="a: str, b: str",
    returns="int",
    names=("lcs", "common_letters", "shared_order", "compare_texts", "align"),
    taught=("For two texts, return $wanted.", "Compare `a` with `b` and return $wanted."),
    asked="Two texts are given, `a` and `b`. The function works out $wanted.",
    solution="""def $name(a, b):
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            if x == y:
                table[i][j] = table[i - 1][j - 1] + $gain
            table[i][j] = max(table[i][j], table[i - 1][j], table[i][j - 1])
    return $answer
""",
    wrong="def $name(a, b):\n    return sum(x == y for x, y in zip(a, b))\n",
    twists=(
        _common(f"the length of their longest common subsequence: of {_LETTERS}", "1", "table[-1][-1]", 1, "length"),
        _common(
            "how many letters must be removed from both together, at the least, to make them equal",
            "1",
            "len(a) + len(b) - 2 * table[-1][-1]",
            1,
            "removed",
        ),
        _common(
            "the length of the shortest text that holds the letters of each of them in order",
            "1",
            "len(a) + len(b) - table[-1][-1]",
            1,
            "joined",
        ),
        *(
            _common(
                f"the best score of {_LETTERS}, where a vowel (a, e, i, o, u) scores {k} and any other letter 1",
                f"({k} if x in 'aeiou' else 1)",
                "table[-1][-1]",
                k,
                "length",
            )
            for k in range(2, 12)
        ),
    ),
    draw=_draw_two_texts,
    rule=_rule_common,
    measure="letters",
    size=lambda a, b: len(a) + len(b),
    edges=(("", "abc"), ("bcade", "ecabd")),
)


def _rule_edit(twist: Twist, a: str, b: str) -> int:
    @cache
    def cost(i: int, j: int) -> int:
        if i == len(a):
            return (len(b) - j) * twist["insert"]
        if j == len(b):
            return (len(a) - i) * twist["delete"]
        if a[i] == b[j]:
            return cost(i + 1, j + 1)
        return min(
            cost(i + 1, j) + twist["delete"], cost(i, j + 1) + twist["insert"], cost(i + 1, j + 1) + twist["replace"]
        )

    return cost(0, 0)


EDIT_DISTANCE = Family(
    type="edit_distance",
    parameters="a: str, b: str",
    returns="int",
    names=("edit_distance", "cost_to_change", "rewrite_cost", "typing_cost", "turn_into"),
    taught=(
        "Return the lowest cost of turning `a` into `b`. Inserting a letter costs $insert, deleting one $delete, "
        "replacing "
        "one by another $replace.",
        "A text `a` is edited until it is `b`: an insertion costs $insert, a deletion $delete, a replacement "
        "$replace. What "
        "is the cheapest way? Return its cost.",
    ),
    asked="How cheaply can `a` become `b` by changing single letters? Each letter put in costs $insert, each letter "
    "taken out "
    "$delete, each letter exchanged $replace. Return the smallest total.",
    solution="""def $name(a, b):
    row = [j * $insert for j in range(len(b) + 1)]
    for i, x in enumerate(a, 1):
        above, row = row, [i * $delete]
        for j, y in enumerate(b, 1):
            change = above[j - 1] + (0 if x == y else $replace)
            row.append(min(change, above[j] + $delete, row[j - 1] + $insert))
    return row[-1]
""",
    wrong="""def $name(a, b):
    return sum(x != y for x, y in zip(a, b)) * $replace + abs(len(a) - len(b))
""",
    twists=tuple(
        {"insert": insert, "delete": delete, "replace": replace}
        for insert, delete, replace in (
            (1, 1, 1),
            *((i, d, r) for i, d, r in product((1, 2, 3, 4), repeat=3) if (i, d, r) != (1, 1, 1)),
        )
    ),
    draw=_draw_two_texts,
    rule=_rule_edit,
    measure="letters",
    size=lambda a, b: len(a) + len(b),
    edges=(("", "abc"), ("abc", ""), ("abcde", "bcdea")),
)


def _draw_knapsack(rng: Random, difficulty: int, _: Twist) -> Arguments:
    count = 2 + difficulty
    weights = [rng.randint(1, 9) for _ in range(count)]
    return weights, [rng.randint(1, 20) for _ in range(count)], rng.randint(2 * count, 4 * count)


def _rule_knapsack(twist: Twist, weights: list[int], values: list[int], capacity: int) -> int:
    @cache
    def best(item: int, room: int, left: int) -> int:
        if item == len(weights) or left == 0:
            return 0
        most = min(twist["copies"], room // weights[item], left)
        return max(n * values[item] + best(item + 1, room - n * weights[item], left - n) for n in range(most + 1))

    return best(0, capacity, twist["things"])


_MANY = 10**6
_COPIES = """    best = [0] * (capacity + 1)
    for weight, value in zip(weights, values):
        for _ in range({k}):
            for room in range(capacity, weight - 1, -1):
                best[room] = max(best[room], best[room - weight] + value)
    return best[capacity]
"""
_ONCE = _COPIES.replace("        for _ in range({k}):\n", "").replace("            for room", "        for room")
_ONCE = _ONCE.replace("                best[room] =", "            best[room] =")
_THINGS = """    best = [[0] * (capacity + 1) for _ in range({k} + 1)]
    for weight, value in zip(weights, values):
        for things in range({k}, 0, -1):
            for room in range(capacity, weight - 1, -1):
                best[things][room] = max(best[things][room], best[things - 1][room - weight] + value)
    return best[{k}][capacity]
"""
_UNLIMITED = _ONCE.replace("range(capacity, weight - 1, -1)", "range(weight, capacity + 1)")

KNAPSACK = Family(
    type="knapsack",
    parameters="weights: list[int], values: list[int], capacity: int",
    returns="int",
    names=("knapsack", "pack_bag", "best_load", "fill_box", "most_valuable"),
    taught=(
        "Thing i weighs `weights[i]` and is worth `values[i]`. Return the highest value of things that together "
        "weigh at "
        "most `capacity`. $limit",
        "A bag carries `capacity`. Choose what to pack, given the weights and values of the things, so that the "
        "value is "
        "as high as possible, and return that value. $limit",
    ),
    asked="There are goods with weights and values, and a lorry that may be loaded with `capacity`. How much value "
    "can it carry "
    "at most? $limit",
    solution="def $name(weights, values, capacity):\n$body",
    wrong="""def $name(weights, values, capacity):
    total = 0
    for value, weight in sorted(zip(values, weights), reverse=True):
        if weight <= capacity:
            capacity -= weight
            total += value
    return total
""",
    twists=(
        {"limit": "Each thing can be taken once.", "body": _ONCE, "copies": 1, "things": _MANY},
        {"limit": "Each thing can be taken any number of times.", "body": _UNLIMITED, "copies": _MANY, "things": _MANY},
        *(
            {
                "limit": f"Each thing can be taken up to {k} times.",
                "body": _COPIES.format(k=k),
                "copies": k,
                "things": _MANY,
            }
            for k in range(2, 7)
        ),
        *(
            {
                "limit": f"Each thing can be taken once, and no more than {k} things in all.",
                "body": _THINGS.format(k=k),
                "copies": 1,
                "things": k,
            }
            for k in range(2, 8)
        ),
    ),
    draw=_draw_knapsack,
    rule=_rule_knapsack,
    measure="things",
    size=lambda weights, _, __: len(weights),
    edges=(([], [], 5), ([5, 4, 4, 9], [9, 8, 8, 1], 8), ([6, 3, 3], [10, 9, 9], 6)),
)


def _rule_coins(twist: Twist, coins: list[int], amount: int) -> int:
    if twist["kind"] == "orders":
        reached = cache(lambda rest: sum(reached(rest - coin) for coin in coins if coin <= rest) if rest else 1)
        return reached(amount)

    @cache
    def ways(coin: int, rest: int) -> dict[int, int]:
        """How many ways there are, by the number of coins."""
        if coin == len(coins):
            return {} if rest else {0: 1}
        found: dict[int, int] = {}
        for n in range(min(twist["copies"], rest // coins[coin]) + 1):
            for count, number in ways(coin + 1, rest - n * coins[coin]).items():
                found[count + n] = found.get(count + n, 0) + number
        return found

    found = ways(0, amount)
    return sum(found.values()) if twist["kind"] == "ways" else min(found, default=-1)


_FEWEST = """    fewest = [0] + [amount + 1] * amount
    for coin in coins:
        for part in range(coin, amount + 1):
            fewest[part] = min(fewest[part], fewest[part - coin] + 1)
    return fewest[amount] if fewest[amount] <= amount else -1
"""
_LIMITED = """    fewest = [0] + [amount + 1] * amount
    for coin in coins:
        for _ in range({k}):
            for part in range(amount, coin - 1, -1):
                fewest[part] = min(fewest[part], fewest[part - coin] + 1)
    return fewest[amount] if fewest[amount] <= amount else -1
"""
_WAYS = """    ways = [1] + [0] * amount
    for coin in coins:
        for part in range(coin, amount + 1):
            ways[part] += ways[part - coin]
    return ways[amount]
"""
_WAYS_LIMITED = """    ways = [1] + [0] * amount
    for coin in coins:
        before = ways[:]
        for part in range(amount + 1):
            ways[part] = sum(before[part - n * coin] for n in range({k} + 1) if n * coin <= part)
    return ways[amount]
"""
_ORDERS = """    ways = [1] + [0] * amount
    for part in range(1, amount + 1):
        ways[part] = sum(ways[part - coin] for coin in coins if coin <= part)
    return ways[amount]
"""


def _coins(wanted: str, body: str, kind: str, copies: int = _MANY) -> Twist:
    return {"wanted": wanted, "body": body, "kind": kind, "copies": copies}


COIN_CHANGE = Family(
    type="coin_change",
    parameters="coins: list[int], amount: int",
    returns="int",
    names=("coin_change", "make_amount", "pay", "change_for", "coins_for"),
    taught=(
        "`coins` are different values of coins. Return $wanted `amount`.",
        "With coins of the given values, work out $wanted `amount`.",
    ),
    asked="A purse has coins whose values are listed, no value twice. Needed is $wanted `amount`.",
    solution="def $name(coins, amount):\n$body",
    wrong="""def $name(coins, amount):
    used = 0
    for coin in sorted(coins, reverse=True):
        used += amount // coin
        amount %= coin
    return used if amount == 0 else -1
""",
    twists=(
        _coins("the smallest number of coins, each value as often as you like, or -1 if nothing makes", _FEWEST, "few"),
        _coins("in how many ways, whatever the order, any number of each coin makes", _WAYS, "ways"),
        _coins("in how many ways coins laid one after the other, in any order and number, make", _ORDERS, "orders"),
        *(
            _coins(
                f"the smallest number of coins, each value at most {k} times, or -1 if nothing makes",
                _LIMITED.format(k=k),
                "few",
                k,
            )
            for k in range(2, 8)
        ),
        *(
            _coins(
                f"in how many ways, whatever the order, at most {k} of each coin make",
                _WAYS_LIMITED.format(k=k),
                "ways",
                k,
            )
            for k in range(2, 8)
        ),
    ),
    draw=lambda rng, difficulty, _: (
        sorted(rng.sample(range(2, 13), 3 + difficulty // 4)),
        rng.randint(4 * difficulty + 3, 4 * difficulty + 12),
    ),
    rule=_rule_coins,
    measure="the amount",
    size=lambda _, amount: amount,
    edges=(([2], 3), ([1, 3, 4], 6), ([4, 5, 7, 9], 14)),
)


def _rule_lis(twist: Twist, numbers: list[int]) -> int:
    @cache
    def longest(start: int) -> int:
        after = [i for i in range(start + 1, len(numbers)) if numbers[i] >= numbers[start] + twist["step"]]
        return 1 + max((longest(i) for i in after), default=0)

    return max((longest(i) for i in range(len(numbers))), default=0)


LIS = Family(
    type="lis",
    parameters="numbers: list[int]",
    returns="int",
    names=("lis", "longest_climb"),
    taught=(),
    asked="Cross out numbers of a list, without changing the order of the rest, until each remaining number is $than "
    "the "
    "one before it. How many numbers can remain at most?",
    solution="""def $name(numbers):
    longest = []
    for i, number in enumerate(numbers):
        fits = [longest[j] for j in range(i) if number >= numbers[j] + $step]
        longest.append(1 + max(fits, default=0))
    return max(longest, default=0)
""",
    wrong="""def $name(numbers):
    kept = []
    for number in numbers:
        if not kept or number > kept[-1]:
            kept.append(number)
    return len(kept)
""",
    twists=tuple(
        {"step": step, "than": than}
        for step, than in (
            (1, "greater than"),
            (0, "at least as great as"),
            (2, "greater by 2 or more than"),
            (3, "greater by 3 or more than"),
        )
    ),
    draw=lambda rng, difficulty, _: ([rng.randint(-9, 20) for _ in range(4 + 2 * difficulty)],),
    rule=_rule_lis,
    measure="numbers",
    size=lambda numbers: len(numbers),
    edges=(([],), ([9, 1, 2, 5, 8, 12, 16],), ([1, 30, 4, 9, 13, 18],)),
    held_out=True,
)


def _draw_break(rng: Random, difficulty: int, _: Twist) -> Arguments:
    words = sorted({letters(rng, rng.randint(1, 3), "ab") for _ in range(5)})
    text = "".join(rng.choice(words) for _ in range(difficulty + 2))
    if rng.random() < 0.5:
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice("abc") + text[place:]
    return text, words


def _rule_break(twist: Twist, text: str, words: list[str]) -> bool | int:
    found = {0: {0: 1}} | {place: {} for place in range(1, len(text) + 1)}
    for place, word in product(range(len(text)), words):
        if text.startswith(word, place):
            for count, ways in found[place].items():
                after = found[place + len(word)]
                after[count + 1] = after.get(count + 1, 0) + ways
    last = found[len(text)]
    return {"can": bool(last), "fewest": min(last, default=-1), "ways": sum(last.values())}[twist["kind"]]


WORD_BREAK = Family(
    type="word_break",
    parameters="text: str, words: list[str]",
    returns="$returns",
    names=("word_break", "cut_text"),
    taught=(),
    asked="A text without spaces is to be cut into pieces, all of which stand in `words`; a word may be used several "
    "times, and "
    "no word is empty. Return $wanted.",
    solution="""def $name(text, words):
    found = [$first] + [$none] * len(text)
    for end in range(1, len(text) + 1):
        for word in words:
            if text[:end].endswith(word):
                found[end] = $better
    return $answer
""",
    wrong="def $name(text, words):\n    for word in words:\n        text = text.replace(word, '')\n    return not "
    "text\n",
    twists=(
        {
            "kind": "can",
            "returns": "bool",
            "wanted": "True if that can be done, else False; the empty text needs no piece",
            "first": "True",
            "none": "False",
            "better": "found[end] or found[end - len(word)]",
            "answer": "found[-1]",
        },
        {
            "kind": "fewest",
            "returns": "int",
            "wanted": "the smallest number of pieces, or -1 if it cannot be done",
            "first": "0",
            "none": 'float("inf")',
            "better": "min(found[end], found[end - len(word)] + 1)",
            "answer": '-1 if found[-1] == float("inf") else found[-1]',
        },
        {
            "kind": "ways",
            "returns": "int",
            "wanted": "in how many ways that can be done",
            "first": "1",
            "none": "0",
            "better": "found[end] + found[end - len(word)]",
            "answer": "found[-1]",
        },
    ),
    draw=_draw_break,
    rule=_rule_break,
    measure="characters",
    size=lambda text, _: len(text),
    edges=(("aaab", ["aa", "aab"]), ("baab", ["a", "ab", "aa", "b"]), ("aab", ["ab", "aa", "b"]), ("bca", ["a", "c"])),
    held_out=True,
)

FAMILIES = (LCS, EDIT_DISTANCE, KNAPSACK, COIN_CHANGE, LIS, WORD_BREAK)
