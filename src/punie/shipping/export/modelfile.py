"""What Ollama is told of a model: the Modelfile, and which models it can take at all.

After the source of Ollama at commit fb30760 (21 August 2026): convert/convert.go, convert/tokenizer.go,
template/template.go, parser/parser.go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from punie.shipping.messages import Turns

ARCHITECTURES = frozenset(
    (
        *("CohereForCausalLM", "DeepseekV3ForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma4ForCausalLM"),
        *("GemmaForCausalLM", "Glm4MoeLiteForCausalLM", "GptOssForCausalLM", "LagunaForCausalLM", "Lfm2ForCausalLM"),
        *("Lfm2MoeForCausalLM", "LlamaForCausalLM", "Ministral3ForCausalLM", "MixtralForCausalLM"),
        *("NemotronHForCausalLM", "Olmo3ForCausalLM", "Phi3ForCausalLM", "Qwen2ForCausalLM"),
    )
)
"""The language models whose safetensors it converts."""

_SPLITS = frozenset(
    (
        "d98f9631be1e9607a9848c26c1f9eac1aa9fc21ac6ba82a2fc0741af9780a48f",
        "03df5c5863ad70781dcfdef491ead25140f895fe8010964be0daefe27be32b02",
        "21cde974d587f0d54dc8d56b183cc1e6239600172035c68fbd6d4b9f8da0576e",
        "1ff7f41064896984db5d1bb6ff64fa4bc29007d08c1b439e505b7392777a319e",
        "00431aed57e696b747435f734d1e3b9b1bfd931a121fb5cac7129e97c181e9ba",
        "b92c0824a58e1d8dc3221cf3e12c433c3a86f57e46d57229993489f0798e7702",
    )
)
"""SHA-256 of the patterns by which it knows how a tokenizer cuts text before it joins bytes."""

_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "repetition_penalty": "repeat_penalty",
}
"""Its words for those of generation_config.json."""


def modelfile(turns: Turns, generation: Mapping[str, Any]) -> str:
    """`generation`: what generation_config.json holds, or nothing. Without proven turns there is no TEMPLATE."""
    template = [] if unsayable(turns) else [f'TEMPLATE """{go_template(turns)}"""']
    return "\n".join(["FROM .", *template, *_parameters(turns, generation)]) + "\n"


def go_template(turns: Turns) -> str:
    """The turns in the language of Go's text/template, over Ollama's .System and .Messages."""
    cases = (f'if eq .Role "{role}" }}}}{before}{{{{ .Content }}}}{after}' for role, (before, after) in _roles(turns))
    opening = f"{{{{ if not .System }}}}{turns.opening}{{{{ end }}}}" if turns.opening else ""
    return f"{opening}{{{{ range .Messages }}}}{{{{ {'{{ else '.join(cases)}{{{{ end }}}}{{{{ end }}}}{turns.answer}"


def _roles(turns: Turns) -> list[tuple[str, tuple[str, str]]]:
    return sorted(turns.around.items(), reverse=True)


def unsayable(turns: Turns) -> str:
    """Why there is no TEMPLATE; empty where there is one."""
    if turns.unlike:
        return turns.unlike
    pieces = [turns.opening, turns.answer, *(piece for pair in turns.around.values() for piece in pair)]
    marks = {"{{", "}}", '"""'}
    return (
        "the chat template holds marks of Ollama's own language" if any(m in p for m in marks for p in pieces) else ""
    )


def _parameters(turns: Turns, generation: Mapping[str, Any]) -> Iterator[str]:
    greedy = {"temperature": 0} if generation.get("do_sample") is False else {}
    for ours, theirs in _PARAMETERS.items():
        if (value := {**generation, **greedy}.get(ours)) is not None:
            yield f"PARAMETER {theirs} {value}"
    for stop in turns.stops:
        if stop and '"' not in stop:
            yield f'PARAMETER stop "{stop}"'


def knows_tokenizer(tokenizer: Mapping[str, Any]) -> bool:
    """Whether Ollama will cut text as this tokenizer.json does; of another one it takes a cut of its own."""
    if tokenizer["model"].get("byte_fallback"):
        return True
    parts = (tokenizer.get("pre_tokenizer") or {}).get("pretokenizers", [])
    patterns = (part["pattern"].get("Regex", "") for part in parts if part["type"] == "Split")
    return hashlib.sha256("".join(patterns).encode()).hexdigest() in _SPLITS
