"""Pretraining end to end, in its child: a whole model folder or nothing; and what mlx-lm makes of such a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from processes import children_of
from tokenizers import Tokenizer

from punie.errors import DivergedError, PunieError, TrainingError, UsageError
from punie.files import hash_file, read_json
from punie.generate.documents import draw_documents
from punie.generate.tiny import Row, draw_chats, render_chat
from punie.process import mlx_environment
from punie.training.pretrain.card import ModelCard
from punie.training.pretrain.progress import Progress
from punie.training.pretrain.runner import pretrain
from punie.training.pretrain.tokenizer import TURN_END

RECIPE = """\
name: probe
seed: 3
shape: {layers: 2, width: 48, heads: 2, hidden: 64, vocabulary: 400}
induction: {steps: 2, narrow_steps: 1, narrow_vocabulary: 64, rows: 2, length: 16}
steps: 3
rows: 2
length: 32
report_every: 2
"""
CHATS = list(draw_chats(60, seed=9))
DOCUMENTS = [*islice(draw_documents(9), 60), 'é "x"\t\n  y', "12345 -> 67"]


@dataclass(frozen=True, slots=True)
class Made:
    folder: Path
    card: ModelCard
    progress: tuple[Progress, ...]


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    path = folder / "probe.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("models")
    heard: list[Progress] = []
    card = pretrain(write_recipe(folder), folder / "probe", on_progress=heard.append)
    return Made(folder / "probe", card, tuple(heard))


@pytest.fixture(scope="module", params=["made", "tiny"])
def model(request: pytest.FixtureRequest) -> Path:
    """A model of two layers that has hardly learned anything, and the embedded one."""
    return request.getfixturevalue("made").folder if request.param == "made" else request.getfixturevalue("tiny_model")


@pytest.fixture(scope="module")
def probed(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    asked = tmp_path_factory.mktemp("probe") / "asked.json"
    asked.write_text(json.dumps({"documents": DOCUMENTS, "chats": CHATS}))
    command = [sys.executable, str(Path(__file__).parent / "probe.py"), str(model), str(asked)]
    done = subprocess.run(command, env=mlx_environment(), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_folder_is_a_model_and_its_card(made: Made) -> None:
    """Nothing of the making is left in it or beside it, and the card speaks of these very files."""
    assert {file.name for file in made.folder.iterdir()} == {
        "README.md",
        "chat_template.jinja",
        "config.json",
        "model.safetensors",
        "pretrain.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert {file.name for file in made.folder.parent.iterdir()} == {"probe", "probe.yaml"}
    assert ModelCard.model_validate(read_json(made.folder / "pretrain.json")) == made.card
    assert made.card.weights_sha256 == hash_file(made.folder / "model.safetensors")
    assert made.card.tokenizer_sha256 == hash_file(made.folder / "tokenizer.json")
    assert made.card.tokens == 3 * 2 * 32
    assert (made.folder / "README.md").read_text() == made.card.to_markdown()


def test_progress_tells_stage_and_step(made: Made) -> None:
    """Both stages are reported in the recipe's rhythm, and at their end."""
    steps = [(line.stage, line.iteration, line.total) for line in made.progress]
    assert steps == [("induction", 2, 2), ("text", 2, 3), ("text", 3, 3)]
    assert made.card.train_loss == made.progress[-1].loss


@pytest.mark.slow
def test_the_same_recipe_makes_the_same_model(made: Made, tmp_path: Path) -> None:
    """Made again on this machine, every weight is the same."""
    again = pretrain(write_recipe(tmp_path), tmp_path / "again")
    assert again.weights_sha256 == made.card.weights_sha256
    assert (again.train_loss, again.valid_loss) == (made.card.train_loss, made.card.valid_loss)


def test_mlx_lm_takes_the_same_tokens(model: Path, probed: dict[str, Any]) -> None:
    """The tokenizer that mlx-lm loads is the one in the folder, not one that transformers puts in its place."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    assert probed["documents"] == [tokenizer.encode(text).ids for text in DOCUMENTS]
    assert probed["chats"] == [tokenizer.encode(render_chat(row)).ids for row in CHATS]
    assert probed["ends"] == [tokenizer.token_to_id(TURN_END)]


def test_the_chat_template_writes_what_was_pretrained(probed: dict[str, Any]) -> None:
    """A fine-tuning row and a question look to the model as the chats it knows; the question is the row's beginning."""
    assert probed["texts"] == [render_chat(row) for row in CHATS]
    assert probed["prompts"] == [f"{render_chat(without_answer(row))}<|im_start|>assistant\n" for row in CHATS]
    assert all(text.startswith(prompt) for text, prompt in zip(probed["texts"], probed["prompts"], strict=True))


def without_answer(row: Row) -> Row:
    return {**row, "messages": row["messages"][:-1]}


def test_mlx_lm_finds_the_tool_parser(probed: dict[str, Any]) -> None:
    """The server gives calls as calls."""
    assert probed["parses_calls"] is True


def test_mlx_lm_computes_the_same_logits(probed: dict[str, Any]) -> None:
    """The network that was trained and the Llama that is served have the same weights and give the same answers."""
    assert probed["weights"]
    assert probed["largest_logit"] > 0.1
    assert probed["logit_error"] < 1e-2


def test_no_position_sees_a_later_one(probed: dict[str, Any]) -> None:
    """Changing a token changes nothing before it, and something from it on."""
    assert probed["error_before"] < 1e-5
    assert probed["change_after"] > 1e-3


def test_the_fast_exponential_is_close(probed: dict[str, Any]) -> None:
    """Attention weights and probabilities are off by less than 2e-4 of the largest."""
    assert probed["exp_error"] < 2e-4


def kill_the_child(_: Progress) -> None:
    (child,) = children_of("punie.training.pretrain.worker")
    child.kill()


def interrupt(_: Progress) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("listener", "error", "complaint"),
    [(kill_the_child, TrainingError, "ended without a result"), (interrupt, KeyboardInterrupt, None)],
)
def test_an_end_on_the_way_leaves_nothing(
    tmp_path: Path, listener: Callable[[Progress], None], error: type[BaseException], complaint: str | None
) -> None:
    """A killed child and an interruption leave neither half a model nor a process."""
    recipe = write_recipe(tmp_path, RECIPE.replace("steps: 3", "steps: 100000"))
    with pytest.raises(error, match=complaint):
        pretrain(recipe, tmp_path / "models" / "probe", on_progress=listener)
    assert not list((tmp_path / "models").iterdir())
    assert not list(children_of("punie.training.pretrain.worker"))


def test_a_loss_that_is_no_number_has_its_own_error(tmp_path: Path) -> None:
    """Diverging says what to lower, with its own exit code, and leaves nothing."""
    recipe = write_recipe(tmp_path, f"{RECIPE}matrix_rate: 1.0e+30\nvector_rate: 1.0e+30\n")
    with pytest.raises(DivergedError, match="not a number") as caught:
        pretrain(recipe, tmp_path / "models" / "probe")
    assert "rates" in caught.value.hint
    assert not list((tmp_path / "models").iterdir())


@pytest.mark.parametrize("output", ["used", "used/notes.txt"])
def test_a_place_in_use_is_left_alone(tmp_path: Path, output: str) -> None:
    """Neither a folder with something in it nor a file is written over."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="in use"):
        pretrain(write_recipe(tmp_path), tmp_path / output)
    assert [file.name for file in (tmp_path / "used").iterdir()] == ["notes.txt"]


def test_a_broken_recipe_makes_no_folder(tmp_path: Path) -> None:
    """A mistake in the recipe is found before anything is made."""
    with pytest.raises(PunieError, match="recipe"):
        pretrain(write_recipe(tmp_path, "name: probe"), tmp_path / "models" / "probe")
    assert not (tmp_path / "models").exists()
