"""Whole conversations of every kind: calls with results and an answer that uses them, and those without a call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from punie.generate.dice import Dice
from punie.generate.holdout import is_held_out
from punie.generate.toolcalls import talk, wording
from punie.generate.toolcalls.declared import DeclaredTool
from punie.generate.toolcalls.exchanges import Exchange, Made, exchange_of
from punie.generate.toolcalls.talk import Talk
from punie.generate.toolcalls.values import draw_object
from punie.generate.toolcalls.wording import Request

KINDS = ("call", "parallel", "multi_turn", "negative", "plain")
CALLING = ("call", "parallel", "multi_turn")

_MOST_OFFERED = 5
_PATIENCE = 500


@dataclass(frozen=True, slots=True)
class Drawn:
    """A conversation as turns: texts of the user, exchanges, and texts of the assistant, in order.

    `form` names what is special about its kind, e.g. "asks back"; `templates` are those of the user's texts.
    """

    kind: str
    form: str
    tools: tuple[DeclaredTool, ...]
    turns: tuple[str | Exchange, ...]
    templates: tuple[str, ...]

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple(turn for turn in self.turns if isinstance(turn, Exchange))

    @property
    def question(self) -> str:
        return str(self.turns[0])


class Author:
    """Draws conversations over some tools: `main` are those that are called, `others` are offered beside them.

    `suite` chooses the side that is never taught: held-out arguments and questions, and new wordings.
    """

    def __init__(
        self, main: Sequence[DeclaredTool], others: Sequence[DeclaredTool], dice: Dice, *, suite: bool
    ) -> None:
        self._main, self._pool, self._dice, self._suite = main, (*main, *others), dice, suite
        self._forms: Mapping[str, Sequence[Callable[[], Drawn | None]]] = {
            "call": (self._call,),
            "parallel": (self._parallel_tools, self._parallel_arguments),
            "multi_turn": (self._asks_and_calls, self._chain, self._follow_up),
            "negative": (self._asks_back, self._no_fitting_tool, self._small_talk, self._mention),
            "plain": (self._plain,),
        }

    def draw(self, kind: str, turn: int) -> Drawn | None:
        """The kind's forms take turns. None where these tools have no such conversation."""
        forms = self._forms[kind]
        for form in (*forms[turn % len(forms) :], *forms[: turn % len(forms)]):
            if (drawn := form()) is not None:
                return drawn
        return None

    def _call(self) -> Drawn | None:
        if (made := self._made(self._dice.pick(self._main))) is None:
            return None
        asked = wording.ask(*made, self._dice, self._suite)
        turns = (asked.text, exchange_of((made,), self._dice))
        return self._drawn("call", "one call", made[:1], turns, (asked.template,))

    def _parallel_tools(self) -> Drawn | None:
        tools = self._dice.some(self._main, self._dice.count(2, 3))
        return self._parallel("several tools", tools) if len(tools) > 1 else None

    def _parallel_arguments(self) -> Drawn | None:
        openly = [tool for tool in self._main if tool.is_open]
        return self._parallel("one tool, several arguments", [self._dice.pick(openly)] * 2) if openly else None

    def _parallel(self, form: str, tools: Sequence[DeclaredTool]) -> Drawn | None:
        made = [one for one in map(self._made, tools) if one is not None]
        if len(made) < len(tools) or any(one in made[:place] for place, one in enumerate(made)):
            return None
        asked = [wording.ask(*one, self._dice, self._suite) for one in made]
        joined = self._dice.pick((" Also: ", " And at once: ", " ", " Independently of that: "))
        turns = (joined.join(one.text for one in asked), exchange_of(made, self._dice))
        return self._drawn("parallel", form, tuple(dict.fromkeys(tools)), turns, tuple(one.template for one in asked))

    def _asks_and_calls(self) -> Drawn | None:
        """The user leaves something out, is asked, and says it."""
        if (vague := self._vague()) is None:
            return None
        (tool, arguments), missing, asked = vague
        supplied = " ".join(wording.state(tool, name, arguments[name], self._dice) for name in missing)
        made = exchange_of(((tool, arguments),), self._dice)
        turns = (asked.text, wording.ask_back(missing, self._dice), supplied, made)
        return self._drawn("multi_turn", "asks back, then calls", (tool,), turns, (asked.template,))

    def _chain(self) -> Drawn | None:
        """The second call takes an argument from the first one's result."""
        links = self._links()
        first, second, name = self._dice.pick(links) if links else (None, None, "")
        if first is None or second is None or (made := self._made(first)) is None:
            return None
        exchange = exchange_of((made,), self._dice, failing=0)
        if (then := self._made(second, {name: json.loads(exchange.results[0])[name]})) is None:
            return None
        asked = wording.ask(*made, self._dice, self._suite)
        spoken = {**then[1], name: f"the {wording.plain(name)} that you get"}
        later = wording.ask(second, spoken, self._dice, self._suite)
        opening = f"{asked.text} Then, with its result: {later.text}"
        turns = (opening, replace(exchange, answer="", stated=()), exchange_of((then,), self._dice))
        return self._drawn("multi_turn", "chain", (first, second), turns, (asked.template, later.template))

    def _follow_up(self) -> Drawn | None:
        made = [self._made(self._dice.pick(self._main)) for _ in range(2)]
        known = [one for one in made if one is not None]
        if len(known) < 2 or known[0] == known[1]:
            return None
        asked = [wording.ask(*one, self._dice, self._suite) for one in known]
        second = self._dice.pick(("", "Thanks. ", "Good. Next: ", "All right. "))
        turns = (
            asked[0].text,
            exchange_of(known[:1], self._dice),
            second + asked[1].text,
            exchange_of(known[1:], self._dice),
        )
        tools = tuple(dict.fromkeys(tool for tool, _ in known))
        return self._drawn("multi_turn", "follow-up", tools, turns, tuple(one.template for one in asked))

    def _asks_back(self) -> Drawn | None:
        if (vague := self._vague()) is None:
            return None
        (tool, _), missing, asked = vague
        turns = (asked.text, wording.ask_back(missing, self._dice))
        return self._drawn("negative", "asks back", (tool,), turns, (asked.template,))

    def _no_fitting_tool(self) -> Drawn | None:
        wanted = self._dice.pick(self._main)
        others = tuple(tool for tool in self._pool if tool is not wanted and not tool.catch_all)
        if not others or wanted.catch_all or (made := self._made(wanted)) is None:
            return None
        asked = wording.ask(*made, self._dice, self._suite)
        turns = (asked.text, wording.decline(wanted, self._dice))
        offered = tuple(self._dice.some(others, self._dice.count(1, _MOST_OFFERED)))
        return Drawn("negative", "no fitting tool", offered, turns, (asked.template,))

    def _small_talk(self) -> Drawn | None:
        """Half of it is a question that needs no tool."""
        draw = talk.small_talk if self._dice.coin() else talk.question
        tool = self._dice.pick(self._main)
        return self._spoken("negative", "small talk", (tool,), draw(self._dice, self._suite))

    def _mention(self) -> Drawn | None:
        tool = self._dice.pick(self._main)
        return self._spoken("negative", "a tool is mentioned", (tool,), talk.mention(tool, self._dice, self._suite))

    def _plain(self) -> Drawn | None:
        return self._spoken("plain", "no tools", (), talk.question(self._dice, self._suite))

    def _spoken(self, kind: str, form: str, tools: tuple[DeclaredTool, ...], said: Talk) -> Drawn:
        turns, known = (said.question, said.answer), (said.template,)
        return self._drawn(kind, form, tools, turns, known) if tools else Drawn(kind, form, (), turns, known)

    def _drawn(
        self,
        kind: str,
        form: str,
        tools: tuple[DeclaredTool, ...],
        turns: Sequence[str | Exchange],
        used: tuple[str, ...],
    ) -> Drawn:
        """With other tools offered beside those that are needed, in random order."""
        others = [tool for tool in self._pool if tool not in tools]
        beside = self._dice.some(others, self._dice.count(0, max(0, _MOST_OFFERED - len(tools))))
        offered = self._dice.some((*tools, *beside), len(tools) + len(beside))
        return Drawn(kind, form, tuple(offered), tuple(turns), used)

    def _made(self, tool: DeclaredTool, given: Mapping[str, Any] | None = None, *, bare: bool = False) -> Made | None:
        """Arguments from the side of the split that is asked for; None where there are none. `bare`: required ones."""
        for _ in range(_PATIENCE):
            arguments = {**draw_object(tool.parameters, self._dice, tool.name), **(given or {})}
            arguments = {name: value for name, value in arguments.items() if not bare or name in tool.required}
            if not tool.is_open or is_held_out(tool.name, _spelt(arguments)) == self._suite:
                return tool, arguments
        return None

    def _vague(self) -> tuple[Made, tuple[str, ...], Request] | None:
        """A call, which of its required arguments are left out, and the request without them."""
        tools = [tool for tool in self._main if tool.required]
        made = self._made(self._dice.pick(tools), bare=True) if tools else None
        if made is None:
            return None
        tool, arguments = made
        left_out = self._dice.some(tool.required, self._dice.count(1, len(tool.required)))
        known = {name: value for name, value in arguments.items() if name not in left_out}
        missing = tuple(name for name in tool.required if name in left_out)
        return made, missing, wording.ask_vaguely(tool, known, self._dice, self._suite)

    def _links(self) -> list[tuple[DeclaredTool, DeclaredTool, str]]:
        """(first, second, name) where the first returns as text what the second needs as text under the same name."""
        return [
            (first, second, name)
            for first in self._main
            for second in self._main
            for name in second.required
            if first is not second
            and name in first.returns.get("required", ())
            and _is_free_text(first.returns["properties"][name])
            and _is_free_text(second.properties[name])
        ]


def _spelt(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)


def _is_free_text(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" and not {"enum", "const", "pattern", "examples"} & schema.keys()
