"""Families about texts: parentheses, reverse_string, is_palindrome, and run_length, which is held out."""

from __future__ import annotations

from itertools import groupby, product
from random import Random

from punie.generate.algorithms.family import Arguments, Family, Twist, letters

_KINDS = ("()[]{}", "()[]", "()<>", "[]{}", "()[]<>", "{}<>", "[]<>")


def _brackets(kinds: str, depth: bool) -> Twist:
    pairs = {close: open_ for open_, close in zip(kinds[::2], kinds[1::2], strict=True)}
    balanced = "every bracket that opens is closed by one of its kind, in the right order, and none closes unopened"
    asked = (
        f"the deepest level of nesting, if {balanced}; else -1" if depth else f"True if {balanced}, and False if not"
    )
    return {
        "kinds": kinds,
        "listed": " ".join(kinds),
        "pairs": repr(pairs),
        "depth": depth,
        "wanted": asked,
        "begin": "    deepest = 0\n" if depth else "",
        "track": "            deepest = max(deepest, len(stack))\n" if depth else "",
        "bad": "-1" if depth else "False",
        "good": "-1 if stack else deepest" if depth else "not stack",
        "easy": f"text.count('{kinds[0]}') if text.count('{kinds[0]}') == text.count('{kinds[1]}') else -1"
        if depth
        else " and ".join(f"text.count('{a}') == text.count('{b}')" for b, a in pairs.items()),
    }


def _draw_parentheses(rng: Random, difficulty: int, twist: Twist) -> Arguments:
    kinds: str = twist["kinds"]
    text, stack, pairs = "", "", difficulty + 2
    while pairs or stack:
        if pairs and (not stack or rng.random() < 0.55):
            kind = 2 * rng.randrange(len(kinds) // 2)
            text, stack, pairs = text + kinds[kind], kinds[kind + 1] + stack, pairs - 1
        else:
            text, stack = text + stack[0], stack[1:]
        text += rng.choice(("", "", rng.choice("abcxyz")))
    if rng.random() < 0.5:
        one, other = sorted(rng.sample([place for place, char in enumerate(text) if char in kinds], 2))
        text = text[:one] + text[other] + text[one + 1 : other] + text[one] + text[other + 1 :]
    return (text,)


def _rule_parentheses(twist: Twist, text: str) -> bool | int:
    kinds: str = twist["kinds"]
    left = "".join(char for char in text if char in kinds)
    levels = [sum(1 if char in kinds[::2] else -1 for char in left[: end + 1]) for end in range(len(left))]
    before = None
    while before != left:
        before = left
        for pair in zip(kinds[::2], kinds[1::2], strict=True):
            left = left.replace("".join(pair), "")
    return (max([0, *levels]) if not left else -1) if twist["depth"] else not left


PARENTHESES = Family(
    type="parentheses",
    parameters="text: str",
    returns="$returns",
    names=("parentheses", "check_brackets", "bracket_check", "nesting", "match_brackets"),
    taught=(
        "Look at the brackets $listed in `text` and ignore all other characters. Return $wanted.",
        "`text` may hold the brackets $listed and other characters, which do not matter. The function returns $wanted.",
    ),
    asked="Of a text only these characters count: $listed. Give back $wanted.",
    solution="""def $name(text):
    pairs = $pairs
    stack = []
$begin    for char in text:
        if char in pairs.values():
            stack.append(char)
$track        elif char in pairs:
            if not stack or stack.pop() != pairs[char]:
                return $bad
    return $good
""",
    wrong="def $name(text):\n    return $easy\n",
    twists=tuple(
        {**_brackets(kinds, depth), "returns": "int" if depth else "bool"}
        for depth, kinds in product((False, True), _KINDS)
    ),
    draw=_draw_parentheses,
    rule=_rule_parentheses,
    measure="brackets",
    size=lambda text: sum(char in "()[]{}<>" for char in text),
    edges=(("",), ("a",)),
)


def _reversal(wanted: str, expression: str, k: int) -> Twist:
    return {"wanted": wanted, "expression": expression, "k": k}


def _rule_reverse(twist: Twist, text: str) -> str:
    if twist["k"] == 0:
        return "".join(reversed(text))
    if twist["k"] < 0:
        return " ".join("".join(reversed(word)) for word in text.split(" "))
    size = twist["k"]
    return "".join(
        text[min(start + size, len(text)) - 1 - place]
        for start in range(0, len(text), size)
        for place in range(min(size, len(text) - start))
    )


REVERSE_STRING = Family(
    type="reverse_string",
    parameters="text: str",
    returns="str",
    names=("reverse_string", "turn_text", "backwards", "flip_text", "mirror"),
    taught=("Return `text` $wanted.", "Given a text, the function gives it back $wanted."),
    asked="The result is the same text, but $wanted.",
    solution="def $name(text):\n    return $expression\n",
    wrong='def $name(text):\n    return " ".join(reversed(text.split(" ")))\n',
    twists=(
        _reversal("with its characters in reverse order", "text[::-1]", 0),
        _reversal(
            "with each word reversed, the words staying where they are; a single space stands between words",
            '" ".join(word[::-1] for word in text.split(" "))',
            -1,
        ),
        *(
            _reversal(
                f"with each group of {k} characters reversed; the last group may be shorter",
                f'"".join(text[i : i + {k}][::-1] for i in range(0, len(text), {k}))',
                k,
            )
            for k in range(2, 13)
        ),
    ),
    draw=lambda rng, difficulty, _: (
        " ".join(
            letters(rng, rng.randint(3, 5), "abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(difficulty + 1)
        ),
    ),
    rule=_rule_reverse,
    measure="words",
    size=lambda text: len(text.split()),
    edges=(("",), ("a",)),
)

_LOOKED_AT = {"isalnum": "letters and digits", "isalpha": "letters", "isdigit": "digits"}


def _palindrome(looked_at: str, k: int) -> Twist:
    pairs = f"at most {k} of the pairs (first and last, second and last but one, ...) differ"
    return {
        "looked_at": looked_at,
        "k": k,
        "only": _LOOKED_AT[looked_at],
        "wanted": pairs if k else "it reads the same forwards and backwards",
    }


def _draw_palindrome(rng: Random, difficulty: int, twist: Twist) -> Arguments:
    alphabet = "0123456789" if twist["looked_at"] == "isdigit" else "abcdefghijklmnopqrstuvwxyz"
    half = letters(rng, difficulty + 2 + twist["k"], alphabet)
    core = list(half + half[::-1])
    for place in rng.sample(range(len(half)), rng.randint(0, min(2 * twist["k"] + 1, len(half)))):
        core[place] = rng.choice(alphabet)
    noise = ("", "", "", " ", ", ", "-", "!")
    return ("".join(rng.choice((char, char.upper())) + rng.choice(noise) for char in core),)


def _rule_palindrome(twist: Twist, text: str) -> bool:
    kept = [char.lower() for char in text if getattr(char, twist["looked_at"])()]
    differing = sum(one != other for one, other in zip(kept, reversed(kept), strict=True))
    return differing <= 2 * twist["k"]


IS_PALINDROME = Family(
    type="is_palindrome",
    parameters="text: str",
    returns="bool",
    names=("is_palindrome", "reads_both_ways", "same_backwards", "nearly_mirrored", "symmetric"),
    taught=(
        "Look only at the $only of `text`, without regard to upper or lower case. Return True if $wanted, else False.",
        "Drop everything but the $only, ignore case, and tell whether $wanted.",
    ),
    asked="Is this true of the text: counting nothing but its $only and treating capital letters as small ones, "
    "$wanted?",
    solution="""def $name(text):
    kept = [char.lower() for char in text if char.$looked_at()]
    differing = 0
    for i in range(len(kept) // 2):
        if kept[i] != kept[-1 - i]:
            differing += 1
    return differing <= $k
""",
    wrong="def $name(text):\n    return text == text[::-1]\n",
    twists=(
        _palindrome("isalnum", 0),
        *(_palindrome(looked, k) for looked, k in product(_LOOKED_AT, range(5)) if (looked, k) != ("isalnum", 0)),
    ),
    draw=_draw_palindrome,
    rule=_rule_palindrome,
    measure="characters looked at",
    size=lambda text: sum(char.isalnum() for char in text),
    edges=(("",), ("a!",)),
)


def _rule_runs(twist: Twist, text: str) -> str:
    return "".join(
        char + (str(count) if (count := len(list(run))) >= twist["least"] else char * (count - 1))
        for char, run in groupby(text)
    )


RUN_LENGTH = Family(
    type="run_length",
    parameters="text: str",
    returns="str",
    names=("run_length", "encode_runs"),
    taught=(),
    asked="Shorten a text of letters: every run of the same letter$condition becomes the letter and the length of "
    "the run in "
    "digits$others.",
    solution="""def $name(text):
    result = ""
    i = 0
    while i < len(text):
        j = i
        while j < len(text) and text[j] == text[i]:
            j += 1
        result += text[i] + str(j - i) if j - i >= $least else text[i:j]
        i = j
    return result
""",
    wrong='def $name(text):\n    return "".join(c + str(text.count(c)) for c in sorted(set(text)))\n',
    twists=tuple(
        {
            "least": least,
            "condition": f" that is at least {least} long" if least > 1 else "",
            "others": "; shorter runs stay as they are" if least > 1 else "; a run of one becomes the letter and 1",
        }
        for least in (1, 2, 3)
    ),
    draw=lambda rng, difficulty, _: (
        "".join(rng.choice("abc") * rng.choice((1, 1, 2, 3, 4, 11)) for _ in range(2 * difficulty + 2)),
    ),
    rule=_rule_runs,
    measure="characters",
    size=lambda text: len(text),
    edges=(("",),),
    held_out=True,
)

FAMILIES = (PARENTHESES, REVERSE_STRING, IS_PALINDROME, RUN_LENGTH)
