"""Conversations in which nothing is called: small talk, talk about a tool, and questions with an answer in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from punie.generate.dice import Dice
from punie.generate.toolcalls.declared import DeclaredTool
from punie.generate.toolcalls.wording import clause, join, plain
from punie.generate.words import NAMES, WORDS


@dataclass(frozen=True, slots=True)
class Talk:
    """A question and its answer, with the template of the question."""

    question: str
    answer: str
    template: str


_SMALL_TALK = (
    ("Good morning, {name} here.", "Good morning, {name}! What are we working on?"),
    ("Thanks, the {word} part looks good now.", "Glad to hear it."),
    ("I am {name}, new in the {word} team.", "Welcome, {name}! Ask me whatever you need."),
    ("That {word} {other} bug kept me up all night.", "That sounds tiring. Take a break when you can."),
    ("We named the release {word} {other}.", "A fine name."),
    ("{name} says the {word} demo went well.", "Good to hear. Congratulations to {name} and the team."),
    ("I will be back after lunch with {name}.", "Enjoy your lunch. I will be here."),
    ("The {word} project is finally done!", "Congratulations on finishing {word}!"),
)
_NEW_SMALL_TALK = (
    ("{name} and I are celebrating {word} day.", "Have a good celebration!"),
    ("What a week; {word} and {other} are behind us.", "Well done. I hope the next one is calmer."),
)
_MENTIONS = (
    ("What is {tool} for?", "It is there to {clause}."),
    ("Which arguments does {tool} take?", "{tool} takes {parameters}."),
    ("I already used {tool} for {word} {other}, so leave it alone.", "All right, I will not call it."),
    ("Do not call {tool} yet. What would it need?", "It would need {required}."),
    ("{name} asked me what {tool} does. What do I say?", "Say that it is there to {clause}."),
    ("Explain to {name} in one sentence what {tool} does.", "{name}, {tool} is there to {clause}."),
)
_NEW_MENTIONS = (
    ("Before anything is run: what must one give to {tool} for {word}?", "It must be given {required}."),
    ("{name} wonders about {tool}. Just describe it.", "It is there to {clause}."),
)
_CONCEPTS = (
    ("a list and a tuple in Python", "A list can be changed after it is made, a tuple cannot."),
    ("a process and a thread", "A process has memory of its own; threads of one process share it."),
    ("git merge and git rebase", "Merge joins two histories with a commit; rebase writes your commits anew on top."),
    ("GET and POST", "GET asks for something and changes nothing; POST sends something to be worked on."),
    ("a stack and a queue", "A stack gives back what came last, a queue what came first."),
    ("TCP and UDP", "TCP delivers everything in order or says that it cannot; UDP sends and does not look back."),
    ("unit tests and integration tests", "Unit tests look at one part alone, integration tests at parts together."),
    ("== and is in Python", "== compares values; is asks whether both are the same object."),
    (
        "a compiler and an interpreter",
        "A compiler translates the whole program first; an interpreter runs it as it reads.",
    ),
    ("authentication and authorisation", "The first asks who you are, the second what you may do."),
    ("a primary key and a foreign key", "A primary key names a row; a foreign key points at a row of another table."),
    ("latency and throughput", "Latency is how long one request takes; throughput is how many are done in a time."),
)
_COMPARED = (
    "What is the difference between {pair}?",
    "How do {pair} differ?",
    "{name} mixes up {pair}. Explain them.",
    "Tell {name} the difference between {pair}.",
    "In one sentence: {pair}, what sets them apart?",
)
_NEW_COMPARED = ("{name} has to choose; contrast {pair} for us.",)


def small_talk(dice: Dice, new: bool) -> Talk:
    question, reply = dice.pick(_NEW_SMALL_TALK if new else _SMALL_TALK)
    return _talk(question, reply, _slots(dice))


def mention(tool: DeclaredTool, dice: Dice, new: bool) -> Talk:
    """A question about a tool, which its declaration answers."""
    question, reply = dice.pick(_NEW_MENTIONS if new else _MENTIONS)
    slots = {
        **_slots(dice),
        "tool": tool.name,
        "clause": clause(tool),
        "parameters": join([plain(name) for name in tool.properties], "and") or "no arguments",
        "required": join([plain(name) for name in tool.required], "and") or "no arguments",
    }
    return _talk(question, reply, slots)


def question(dice: Dice, new: bool) -> Talk:
    """One in five is about words of the trade, the others have a number for an answer."""
    if dice.chance(0.2):
        pair, reply = dice.pick(_CONCEPTS)
        return _talk(dice.pick(_NEW_COMPARED if new else _COMPARED), reply, {**_slots(dice), "pair": pair})
    return dice.pick(_CONVERSIONS)(dice, new)


def _slots(dice: Dice) -> dict[str, str]:
    word, other = dice.some(WORDS, 2)
    return {"name": dice.pick(NAMES), "word": word, "other": other}


def _talk(question: str, reply: str, slots: dict[str, str]) -> Talk:
    return Talk(question.format(**slots), reply.format(**slots), question)


def _based(dice: Dice, new: bool) -> Talk:
    value, (base, written) = dice.count(10, 4095), dice.pick((("hexadecimal", "#x"), ("binary", "#b"), ("octal", "#o")))
    template = dice.pick(("What is {v} in {b}?", "Write {v} as a {b} number.", "Convert {v} to {b}."))
    template = "Give me the {b} form of {v}." if new else template
    return Talk(template.format(v=value, b=base), f"{value} is {value:{written}} in {base}.", template)


def _time(dice: Dice, new: bool) -> Talk:
    hours, minutes = dice.count(1, 48), dice.count(1, 59)
    template = dice.pick(
        ("How many seconds are {h} hours and {m} minutes?", "A timeout of {h} hours and {m} minutes, in seconds?")
    )
    template = "Express {h} h {m} min in seconds." if new else template
    seconds = 3600 * hours + 60 * minutes
    return Talk(template.format(h=hours, m=minutes), f"{seconds} seconds.", template)


def _size(dice: Dice, new: bool) -> Talk:
    size, (unit, factor) = dice.count(2, 999), dice.pick((("KiB", 1024), ("MiB", 1024**2), ("kB", 1000), ("MB", 10**6)))
    template = dice.pick(("How many bytes are {s} {u}?", "{s} {u} in bytes, please.", "What is {s} {u} in bytes?"))
    template = "Spell out {s} {u} as a number of bytes." if new else template
    return Talk(template.format(s=size, u=unit), f"{size * factor} bytes.", template)


def _share(dice: Dice, new: bool) -> Talk:
    whole = 10 * dice.count(2, 90)
    part = dice.count(1, whole)
    template = dice.pick(("{p} of {w} tests passed. What percentage is that?", "What percentage is {p} out of {w}?"))
    template = "Coverage hit {p} of {w} lines; in percent?" if new else template
    return Talk(template.format(p=part, w=whole), f"That is {100 * part / whole:.1f} %.", template)


_CONVERSIONS: tuple[Callable[[Dice, bool], Talk], ...] = (_based, _time, _size, _share)
