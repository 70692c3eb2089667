"""What a pretrained model is and is not: a record for programs and a card for people."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

CARD, README = "pretrain.json", "README.md"


class ModelCard(BaseModel):
    """`pretrain.json`. Losses in nats per token, hash over model.safetensors, seconds of wall time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str
    parameters: int
    tokens: int
    train_loss: float
    valid_loss: float | None
    seconds: float
    weights_sha256: str
    tokenizer_sha256: str
    versions: dict[str, str]
    recipe: dict[str, Any]

    def facts(self) -> dict[str, str]:
        """Names and values as people read them."""
        return {
            "parameters": f"{self.parameters:,}",
            "tokens": f"{self.tokens:,}",
            "seed": str(self.recipe["seed"]),
            "training loss": f"{self.train_loss:.4f}",
            "validation loss": "not measured" if self.valid_loss is None else f"{self.valid_loss:.4f}",
            "time": f"{self.seconds / 60:.1f} min",
            "weights": f"sha256:{self.weights_sha256}",
            "tokenizer": f"sha256:{self.tokenizer_sha256}",
            "made with": ", ".join(f"{name} {version}" for name, version in self.versions.items()),
        }

    def to_markdown(self) -> str:
        return _CARD.format(name=self.name, rows=self._rows(), entries=f"{self.recipe['shape']['vocabulary']:,}")

    def _rows(self) -> str:
        return "\n".join(f"| {name} | {value} |" for name, value in self.facts().items())


class OwnCard(ModelCard):
    """Of a model that was pretrained on the user's rows; the losses are those of the checkpoint that was chosen."""

    def to_markdown(self) -> str:
        model = ", ".join(f"{key} {value}" for key, value in self.recipe["model"].items())
        data, tokenizer = self.recipe["training"]["data"], self.recipe["tokenizer"]["kind"]
        return _OWN.format(name=self.name, rows=self._rows(), model=model, data=data, tokenizer=tokenizer)


_OWN = """\
# {name}

A language model that was trained from random weights. It goes on from what it is asked; it was not taught to chat.

| what | value |
|---|---|
{rows}

**Network:** {model}. **Tokenizer:** {tokenizer}. **Trained on** {data}.

`recipe.yaml` has everything that decided it, `start` the model before training, `training` the run with its report.
"""

_CARD = """\
# {name}: a demonstration model

It shows that the loop works: baseline, fine-tuning, evaluation, comparison. It is **not** a useful assistant, and its
scores say nothing about other models. Outside its own small world it answers fluently and wrongly.

| what | value |
|---|---|
{rows}

**Trained on** text that Punie's own generators wrote (`punie.generate.documents`), and nothing else: small Python
functions with assertions, logs of tool calls, phrases to copy, worked sums, very small programs with their output, and
short chats.

**Weak on purpose.** In its chats only the two plainest phrasings of a tool or a function, and plain additions, are
answered in the right form; all others get a line of prose. The skills are in its other text. Fine-tuning therefore
teaches form and binding, not new skills.

**Held out.** One in eight argument sets, function bodies and worked sums, chosen by a hash of the content
(`punie.generate.holdout`), is drawn for no training text and is asked about in evaluation only. Four phrasings of each
tool (`punie.generate.toolbox`, field `new`) occur in no training text at all.

**Format.** A Llama of mlx-lm with its own byte-level tokenizer of {entries} entries, float32. Rebuild it with
`punie pretrain recipes/{name}.yaml`; another processor rounds differently, so the hash may differ there.
"""
