"""A whole conversation as the text that a model of a family sees, for models whose template knows no tools.

The marks are those of the families' published templates: ChatML with `<tools>` (Qwen2.5, Qwen3, Qwen3-Coder), the
headers of Llama 3.1 and 3.2, and [INST] with [AVAILABLE_TOOLS] (Mistral). The mark that begins a text is the
tokenizer's to add.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from punie.conversation import ToolCall
from punie.toolblocks import FAMILIES, Family
from punie.toolcalls import render_call, render_calls

Messages = Sequence[Mapping[str, Any]]

_EXAMPLE = ToolCall("NAME", {"ARGUMENT": "VALUE"})


@dataclass(frozen=True, slots=True)
class Layout:
    """How a family's model sees messages, tools, calls and results."""

    family: Family

    def write(self, messages: Messages, tools: Messages) -> str:
        match self.family:
            case "mistral":
                return self._mistral(messages, tools)
            case "llama" | "pythonic":
                return self._turns(messages, tools, "<|start_header_id|>{}<|end_header_id|>\n\n{}<|eot_id|>", "ipython")
        return self._turns(messages, tools, "<|im_start|>{}\n{}<|im_end|>\n", "user")

    def _turns(self, messages: Messages, tools: Messages, frame: str, results: str) -> str:
        """Every message within a frame of role and content; tool results have a role of their own."""
        turns = [("system", self._declared(tools))] if tools else []
        for message in messages:
            role = results if message["role"] == "tool" else message["role"]
            turns.append((role, self._content(message)))
        return "".join(frame.format(role, content) for role, content in turns)

    def _declared(self, tools: Messages) -> str:
        listed = "\n".join(map(_json, tools))
        example = render_call(_EXAMPLE, self.family)
        return f"You may call these tools:\n<tools>\n{listed}\n</tools>\n\nWrite a call as:\n{example}"

    def _content(self, message: Mapping[str, Any]) -> str:
        if message["role"] == "tool" and self.family in ("json", "xml"):
            return f"<tool_response>\n{message['content']}\n</tool_response>"
        return self._calls(message) or message["content"]

    def _calls(self, message: Mapping[str, Any]) -> str:
        calls = [call["function"] for call in message.get("tool_calls", ())]
        return render_calls([ToolCall(call["name"], call["arguments"]) for call in calls], self.family) if calls else ""

    def _mistral(self, messages: Messages, tools: Messages) -> str:
        """The tools stand before the last question."""
        last = max(place for place, message in enumerate(messages) if message["role"] == "user")
        pieces = list[str]()
        for place, message in enumerate(messages):
            match message["role"]:
                case "user":
                    listed = f"[AVAILABLE_TOOLS] {_json(tools)}[/AVAILABLE_TOOLS]" if tools and place == last else ""
                    pieces.append(f"{listed}[INST] {message['content']}[/INST]")
                case "tool":
                    pieces.append(f"[TOOL_RESULTS] {_json({'content': message['content']})}[/TOOL_RESULTS]")
                case _:
                    pieces.append(f"{self._calls(message) or ' ' + message['content']}</s>")
        return "".join(pieces)


LAYOUTS: Mapping[str, Layout] = {family: Layout(family) for family in FAMILIES}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
