"""The tasks of the seven categories: arithmetic, list, string, algorithms, data structures, logic, loops."""

from __future__ import annotations

from collections import Counter, deque
from itertools import chain
from math import prod

from punie.generate.categories.task import Constants, Task

ARITHMETIC = (
    Task(
        "arithmetic",
        "scale",
        ("n",),
        ("multiplies `$a` by $k and then adds $t", "returns $k times `$a`, plus $t"),
        "return $k * $a + $t",
        lambda c, n: sum([n] * c["k"]) + c["t"],
    ),
    Task(
        "arithmetic",
        "clamp",
        ("n",),
        ("returns `$a`, but never less than $t and never more than $far", "keeps `$a` between $t and $far"),
        "return max($t, min($a, $far))",
        lambda c, n: sorted([c["t"], n, c["t"] + 10 * c["k"]])[1],
    ),
    Task(
        "arithmetic",
        "digits",
        ("u",),
        (
            "adds up the decimal digits of the natural number `$a` and multiplies the sum by $k",
            "returns $k times the digit sum of `$a`, which is not negative",
        ),
        "total = 0\nwhile $a:\n    total += $a % 10\n    $a //= 10\nreturn $k * total",
        lambda c, n: sum(int(digit) for digit in str(n)) * c["k"],
    ),
    Task(
        "arithmetic",
        "round_up",
        ("u",),
        ("returns the smallest multiple of $k that is not below `$a`", "rounds `$a` up to a multiple of $k"),
        "return ($a + $k - 1) // $k * $k",
        lambda c, n: next(m for m in range(n, n + c["k"]) if m % c["k"] == 0),
    ),
    Task(
        "arithmetic",
        "distance",
        ("n", "n"),
        ("returns $k times the distance between `$a` and `$b`", "multiplies how far `$a` and `$b` are apart by $k"),
        "return $k * abs($a - $b)",
        lambda c, a, b: c["k"] * (max(a, b) - min(a, b)),
    ),
)
LIST = (
    Task(
        "list",
        "above",
        ("xs",),
        (
            "returns the numbers of `$a` that are greater than $t, each multiplied by $k",
            "leaves out what is $t or less and multiplies the rest of `$a` by $k",
        ),
        "return [$k * x for x in $a if x > $t]",
        lambda c, xs: [x * c["k"] for x in filter(lambda x: x > c["t"], xs)],
    ),
    Task(
        "list",
        "rotate",
        ("xs",),
        (
            "moves the first $k numbers of `$a` to its end; a shorter list stays as it is",
            "returns `$a` with its first $k items put behind the others, or all of it if there are not so many",
        ),
        "return $a[$k:] + $a[:$k]",
        lambda c, xs: [*xs[c["k"] :], *[x for i, x in enumerate(xs) if i < c["k"]]],
    ),
    Task(
        "list",
        "chunks",
        ("xs",),
        (
            "cuts `$a` into lists of $k items; the last may be shorter",
            "splits `$a` into pieces, $k items in each but the last",
        ),
        "return [$a[i : i + $k] for i in range(0, len($a), $k)]",
        lambda c, xs: [[x for i, x in enumerate(xs) if i // c["k"] == part] for part in range(-(-len(xs) // c["k"]))],
    ),
    Task(
        "list",
        "top",
        ("xs",),
        ("returns the $k greatest numbers of `$a`, the greatest first", "sorts `$a` downwards and keeps the first $k"),
        "return sorted($a, reverse=True)[:$k]",
        lambda c, xs: sorted(xs)[::-1][: c["k"]],
    ),
    Task(
        "list",
        "every_other",
        ("xs",),
        (
            "returns the sum of every ${k}th number of `$a`, beginning with the first, plus $t",
            "takes the items of `$a` at the indexes 0, $k, 2 * $k and so on, adds them up and adds $t",
        ),
        "return sum($a[::$k]) + $t",
        lambda c, xs: c["t"] + sum(x for i, x in enumerate(xs) if i % c["k"] == 0),
    ),
)
STRING = (
    Task(
        "string",
        "count",
        ("s",),
        (
            "returns how often the letter $c stands in `$a`, small or capital, times $k",
            "counts $c and its capital in `$a` and multiplies the count by $k",
        ),
        'return $k * $a.lower().count("$c")',
        lambda c, s: sum(x in c["c"] + c["c"].upper() for x in s) * c["k"],
    ),
    Task(
        "string",
        "prefix",
        ("s",),
        (
            'puts "$w: " before `$a` and shortens the result to $k0 characters',
            'returns the first $k0 characters of "$w: " followed by `$a`',
        ),
        'return ("$w: " + $a)[:$k0]',
        lambda c, s: "".join(list(f"{c['w']}: {s}")[: 10 * c["k"]]),
    ),
    Task(
        "string",
        "long_words",
        ("s",),
        (
            "returns the words of `$a` that have at least $k letters, as a list",
            "keeps the words of `$a` from $k letters on",
        ),
        "return [word for word in $a.split() if len(word) >= $k]",
        lambda c, s: [word for word in s.split() if not len(word) < c["k"]],
    ),
    Task(
        "string",
        "join_words",
        ("s",),
        (
            'joins the words of `$a` with "$c" between them, the first $k words only',
            'takes at most $k words of `$a` and puts "$c" between them',
        ),
        'return "$c".join($a.split()[:$k])',
        lambda c, s: "".join(w if not i else c["c"] + w for i, w in enumerate(s.split()[: c["k"]])),
    ),
    Task(
        "string",
        "shift",
        ("s",),
        (
            "moves each small letter of `$a` $k places on in the alphabet, after z comes a; nothing else changes",
            "encodes `$a`: small letters go $k places forward (round from z to a), other characters stay",
        ),
        'return "".join(chr((ord(x) - 97 + $k) % 26 + 97) if "a" <= x <= "z" else x for x in $a)',
        lambda c, s: s.translate({97 + i: 97 + (i + c["k"]) % 26 for i in range(26)}),
    ),
)
ALGORITHMS = (
    Task(
        "algorithms",
        "merge",
        ("sorted", "sorted"),
        (
            "merges the ascending lists `$a` and `$b` into one ascending list and drops what is greater than $high",
            "returns the numbers of two ascending lists, `$a` and `$b`, that are at most $high, in ascending order",
        ),
        "merged = []\ni = j = 0\nwhile i < len($a) or j < len($b):\n"
        "    if j == len($b) or (i < len($a) and $a[i] <= $b[j]):\n        merged.append($a[i])\n        i += 1\n"
        "    else:\n        merged.append($b[j])\n        j += 1\nreturn [x for x in merged if x <= $high]",
        lambda c, a, b: [x for x in sorted(a + b) if not x > c["t"] + c["k"]],
    ),
    Task(
        "algorithms",
        "bubble",
        ("xs",),
        (
            "sorts `$a` by the remainder that is left after division by $k; equal ones keep their order",
            "returns the numbers of `$a`, ordered by x % $k, without changing the order of equal ones",
        ),
        "result = list($a)\nfor end in range(len(result) - 1, 0, -1):\n    for i in range(end):\n"
        "        if result[i] % $k > result[i + 1] % $k:\n            result[i], result[i + 1] = result[i + 1], "
        "result[i]\n"
        "return result",
        lambda c, xs: [x for rest in range(c["k"]) for x in xs if x % c["k"] == rest],
    ),
    Task(
        "algorithms",
        "first_at_least",
        ("sorted",),
        (
            "finds by binary search the index of the first number of the ascending list `$a` that is at least $t; its "
            "length if none is",
            "returns how many numbers of the ascending list `$a` are below $t, halving the range at each step",
        ),
        "low, high = 0, len($a)\nwhile low < high:\n    middle = (low + high) // 2\n    if $a[middle] < $t:\n"
        "        low = middle + 1\n    else:\n        high = middle\nreturn low",
        lambda c, xs: len([x for x in xs if x < c["t"]]),
    ),
    Task(
        "algorithms",
        "gcd",
        ("u", "u"),
        (
            "returns $k times the greatest common divisor of `$a` and `$b` (that of 0 and 0 is 0)",
            "computes the greatest number that divides both `$a` and `$b`, 0 for two zeros, and multiplies it by $k",
        ),
        "while $b:\n    $a, $b = $b, $a % $b\nreturn $k * $a",
        lambda c, a, b: c["k"] * max([d for d in range(1, max(a, b) + 1) if a % d == b % d == 0], default=0),
    ),
    Task(
        "algorithms",
        "window",
        ("xs",),
        (
            "returns the largest sum of $k neighbouring numbers of `$a`, or $t if it has fewer than $k",
            "slides a window of $k numbers over `$a` and gives the best sum; $t where the window does not fit",
        ),
        "if len($a) < $k:\n    return $t\nbest = total = sum($a[:$k])\nfor i in range($k, len($a)):\n"
        "    total += $a[i] - $a[i - $k]\n    best = max(best, total)\nreturn best",
        lambda c, xs: max([sum(xs[i : i + c["k"]]) for i in range(len(xs) - c["k"] + 1)], default=c["t"]),
    ),
)


def _stack(c: Constants, xs: list[int]) -> list[int]:
    kept: deque[int] = deque()
    for x in xs:
        if x > c["t"] and kept:
            kept.pop()
        else:
            kept.append(x)
    return list(kept)


def _queue(c: Constants, xs: list[int]) -> list[int]:
    return [xs[i] for i in range(max(0, len(xs) - c["k"]), len(xs))]


STRUCTURES = (
    Task(
        "data structures",
        "stack",
        ("xs",),
        (
            "uses a stack: each number of `$a` is pushed, except that one above $t removes the top instead if there "
            "is one. Return the "
            "stack from bottom to top",
            "reads `$a` from the left. A number greater than $t takes the last kept number away (with none kept it is "
            "kept itself), any "
            "other is kept. Return what is kept",
        ),
        "stack = []\nfor x in $a:\n    if x > $t and stack:\n        stack.pop()\n    else:\n        "
        "stack.append(x)\nreturn stack",
        _stack,
    ),
    Task(
        "data structures",
        "queue",
        ("xs",),
        (
            "puts the numbers of `$a` into a queue that holds $k; when it is full the oldest leaves. Return the "
            "queue, oldest first",
            "keeps a queue of at most $k numbers while it reads `$a`, dropping the oldest, and returns it",
        ),
        "queue = []\nfor x in $a:\n    queue.append(x)\n    if len(queue) > $k:\n        queue.pop(0)\nreturn queue",
        _queue,
    ),
    Task(
        "data structures",
        "tally",
        ("s",),
        (
            "returns a dictionary with each letter of `$a` that stands there at least $k times and its count; spaces "
            "do not count",
            "counts the characters of `$a` except spaces, and returns those with a count of $k or more as a dictionary",
        ),
        "counts = {}\nfor x in $a:\n    if x != ' ':\n        counts[x] = counts.get(x, 0) + 1\n"
        "return {x: n for x, n in counts.items() if n >= $k}",
        lambda c, s: {x: n for x, n in Counter(s.replace(" ", "")).items() if n >= c["k"]},
    ),
    Task(
        "data structures",
        "groups",
        ("xs",),
        (
            "groups the numbers of `$a` by their remainder after division by $k: a dictionary from remainder to list",
            "returns a dictionary: for each remainder x % $k that occurs in `$a` the list of those numbers, in order",
        ),
        "groups = {}\nfor x in $a:\n    groups.setdefault(x % $k, []).append(x)\nreturn groups",
        lambda c, xs: {r: [x for x in xs if x % c["k"] == r] for r in {x % c["k"] for x in xs}},
    ),
    Task(
        "data structures",
        "flatten",
        ("xss",),
        (
            "makes one list of all numbers in the lists of `$a`, without those below $t",
            "flattens `$a`, a list of lists, and keeps what is at least $t",
        ),
        "return [x for inner in $a for x in inner if x >= $t]",
        lambda c, xss: [x for x in chain(*xss) if not x < c["t"]],
    ),
)
LOGIC = (
    Task(
        "logic",
        "all_above",
        ("xs",),
        (
            "tells whether all numbers of `$a` are greater than $t or divisible by $k",
            "returns True unless some number of `$a` is neither above $t nor a multiple of $k",
        ),
        "return all(x > $t or x % $k == 0 for x in $a)",
        lambda c, xs: not [x for x in xs if x <= c["t"] and x % c["k"] != 0],
    ),
    Task(
        "logic",
        "grade",
        ("n",),
        (
            'returns "low" for `$a` below $t, "high" from $high on, and "middle" between them',
            'sorts `$a` into "low" (less than $t), "middle" and "high" ($high or more)',
        ),
        'if $a < $t:\n    return "low"\nif $a < $high:\n    return "middle"\nreturn "high"',
        lambda c, n: ("low", "middle", "high")[(n >= c["t"]) + (n >= c["t"] + c["k"])],
    ),
    Task(
        "logic",
        "exactly_one",
        ("n",),
        (
            "is True if `$a` is greater than $t or a multiple of $k, but not both",
            "tells whether exactly one holds: `$a` is above $t; $k divides `$a`",
        ),
        "return ($a > $t) != ($a % $k == 0)",
        lambda c, n: [n > c["t"], n % c["k"] == 0].count(True) == 1,
    ),
    Task(
        "logic",
        "first_or",
        ("xs",),
        (
            "returns the first number of `$a` that $k divides, or $t if there is none",
            "looks in `$a` for a multiple of $k and returns the first; without one it returns $t",
        ),
        "for x in $a:\n    if x % $k == 0:\n        return x\nreturn $t",
        lambda c, xs: ([x for x in xs if not x % c["k"]] or [c["t"]])[0],
    ),
    Task(
        "logic",
        "starts_and_long",
        ("s",),
        (
            "tells whether `$a` holds the letter $c and has more than $k0 characters",
            'returns True for a text with the letter "$c" in it that is longer than $k0 characters, else False',
        ),
        'return "$c" in $a and len($a) > $k0',
        lambda c, s: s.count(c["c"]) > 0 and not len(s) <= 10 * c["k"],
    ),
)
LOOPS = (
    Task(
        "loops",
        "sum_to",
        ("u",),
        (
            "adds up the numbers from 1 to `$a` that $k does not divide, starting from $t",
            "begins with $t and adds every number from 1 up to `$a` except multiples of $k",
        ),
        "total = $t\nfor i in range(1, $a + 1):\n    if i % $k == 0:\n        continue\n    total += i\nreturn total",
        lambda c, n: c["t"] + n * (n + 1) // 2 - sum(range(c["k"], n + 1, c["k"])),
    ),
    Task(
        "loops",
        "until",
        ("xs",),
        (
            "adds the numbers of `$a` until the sum is greater than $high and returns how many were added",
            "returns after how many numbers of `$a` the running sum first exceeds $high, or the length of the list if "
            "it never does",
        ),
        "total = count = 0\nfor x in $a:\n    total += x\n    count += 1\n    if total > $high:\n        "
        "break\nreturn count",
        lambda c, xs: next((i for i in range(1, len(xs) + 1) if sum(xs[:i]) > c["t"] + c["k"]), len(xs)),
    ),
    Task(
        "loops",
        "halve",
        ("u",),
        (
            "counts how often `$a` must be divided by $k, rounding down each time, until it is 0",
            "divides `$a` by $k, rounding down, again and again, and returns the number of divisions until 0 is "
            "reached",
        ),
        "count = 0\nwhile $a > 0:\n    $a //= $k\n    count += 1\nreturn count",
        lambda c, n: next(i for i in range(99) if c["k"] ** i > n),
    ),
    Task(
        "loops",
        "table",
        ("small",),
        (
            "returns a table with `$a` rows and $k columns; the number in row i and column j (from 0) is i * j + $t",
            "builds a list of `$a` lists of $k numbers with two loops: i * j + $t at row i, column j, both counted "
            "from 0",
        ),
        "table = []\nfor i in range($a):\n    row = []\n    for j in range($k):\n        row.append(i * j + $t)\n"
        "    table.append(row)\nreturn table",
        lambda c, n: [[prod((i, j)) + c["t"] for j in range(c["k"])] for i in range(n)],
    ),
    Task(
        "loops",
        "positions",
        ("xs",),
        (
            "returns the indexes of the numbers in `$a` that are above $t, each index increased by $k",
            "goes through `$a` with a counter that begins at $k and notes it at every number greater than $t",
        ),
        "places = []\nfor i, x in enumerate($a, $k):\n    if x > $t:\n        places.append(i)\nreturn places",
        lambda c, xs: [i + c["k"] for i in range(len(xs)) if xs[i] > c["t"]],
    ),
)
SEVEN = (*ARITHMETIC, *LIST, *STRING, *ALGORITHMS, *STRUCTURES, *LOGIC, *LOOPS)
