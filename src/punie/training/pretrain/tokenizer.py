"""The embedded model's tokenizer: byte-level BPE over its own word split, with a chat template.

A word has the same tokens wherever it stands (no twin with a space before it), and digits are single. Copying a word is
then plain induction, and a column of a sum is three tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from punie.files import write_json, write_text
from punie.training.pretrain.recipe import CONTEXT

END, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CALL_START, CALL_END = "<tool_call>", "</tool_call>"
SPECIAL = (END, TURN_START, TURN_END, CALL_START, CALL_END)

_MARK = r"[^A-Za-z_0-9\s]+"
_SPLIT = rf"[A-Za-z_]+|[0-9]|\n[ \t]*|{_MARK}(?: {_MARK})*| +"

CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>tools
{% for tool in tools %}{{ tool.function.name }}({{ tool.function.parameters.properties | join(', ') }})
{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}
{%- if not loop.first %}{{ '\\n' }}{% endif %}<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": \
{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def train_tokenizer(text: Iterable[str], size: int) -> Tokenizer:
    """Learn `size` entries from text; all 256 bytes are among them, so any UTF-8 goes in."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL],
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json, its configuration and the chat template as mlx-lm reads them."""
    write_tokenizer(
        tokenizer,
        folder,
        CHAT_TEMPLATE,
        {"eos_token": TURN_END, "pad_token": END},
        {"model_max_length": CONTEXT, "tool_parser_type": "json_tools"},
    )


def write_tokenizer(
    tokenizer: Tokenizer, folder: Path, template: str, marks: Mapping[str, str], others: Mapping[str, Any]
) -> None:
    """`marks` are the special tokens by the names that transformers has for them."""
    content = json.loads(tokenizer.to_str())
    for token in content["added_tokens"]:
        # Tool-call tags are text a client may see; only the turn marks are control tokens.
        token["special"] = token["content"] not in {CALL_START, CALL_END}
    write_text(folder / "tokenizer.json", json.dumps(content, ensure_ascii=False, indent=1))
    write_text(folder / "chat_template.jinja", template)
    fixed = {"tokenizer_class": "PreTrainedTokenizerFast", **marks, "clean_up_tokenization_spaces": False}
    write_json(folder / "tokenizer_config.json", {**fixed, **others})
