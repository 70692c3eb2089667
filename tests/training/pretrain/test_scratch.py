"""Pretraining on one's own rows: the loop, the record and the ways to go on are those of a fine-tuning."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import mlx.core as mx
import pytest
import yaml
from mlx_lm.utils import load
from safetensors import safe_open
from signals import Hit

from punie.errors import DataError, InterruptedRun, TrainingError, UsageError
from punie.files import hash_file, read_json, write_jsonl
from punie.generate.programs import draw_program
from punie.training.metrics import Echo, Metric, StageBegan, TrainLoss
from punie.training.outcome import read_outcome
from punie.training.pretrain.card import OwnCard
from punie.training.pretrain.scratch import Workshop, pretrain

from ..conftest import CHILD

MODEL = {
    **{"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 64, "n_ctx": 64},
    "layer_norm_epsilon": 1e-5,
}
STAGES = [
    {"name": "short", "iters": 4, "where": {"size": ["short"]}},
    {"name": "all", "iters": 6, "restart": "all"},
]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    rng = Random(0)
    texts = [draw_program(rng) for _ in range(80)]
    rows = [{"text": text, "size": "short" if len(text) < 60 else "long"} for text in texts]
    write_jsonl(folder / "train.jsonl", rows[:64])
    write_jsonl(folder / "valid.jsonl", rows[64:])
    training = {
        **{"data": str(folder), "stages": STAGES, "batch_tokens": 512, "packing": "stream", "max_seq_length": 64},
        **{"optimizer": "adamw", "learning_rate": 1e-2},
        **{"steps_per_report": 2, "steps_per_eval": 5, "save_every": 5},
    }
    values = {"name": "small", "seed": 5, "model": MODEL, "tokenizer": {"kind": "characters"}, "training": training}
    (folder / "small.yaml").write_text(yaml.safe_dump(values))
    return folder / "small.yaml"


@pytest.fixture(scope="module")
def heard() -> list[Metric]:
    return []


@pytest.fixture(scope="module")
def made(recipe: Path, heard: list[Metric], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    pretrain(recipe, folder, on_metric=heard.append)
    return folder


def test_the_model_is_whole_and_its_card_speaks_of_it(made: Path) -> None:
    """mlx-lm loads it; its weights are those of the checkpoint that was chosen, under the model's own names."""
    card = OwnCard.model_validate(read_json(made / "pretrain.json"))
    assert card.weights_sha256 == hash_file(made / "model.safetensors")
    assert card.tokenizer_sha256 == hash_file(made / "tokenizer.json")
    assert (made / "README.md").read_text() == card.to_markdown()
    names = [set(safe_open(folder / "model.safetensors", "np").keys()) for folder in (made, made / "start")]
    assert names[0] == names[1]
    model, tokenizer, *_ = load(str(made))
    assert model(mx.array([tokenizer.encode("a = 1")])).shape == (1, 5, len(tokenizer.get_vocab()))


def test_every_weight_learned(made: Path) -> None:
    """Embeddings, positions and norms too: none is what it was drawn as."""
    with (
        safe_open(made / "start" / "model.safetensors", "np") as before,
        safe_open(made / "model.safetensors", "np") as after,
    ):
        assert not [name for name in before.keys() if (before.get_tensor(name) == after.get_tensor(name)).all()]  # noqa: SIM118


def test_the_run_is_told_as_that_of_a_fine_tuning(made: Path, heard: list[Metric]) -> None:
    """Its plan comes back from the child, its stages begin, and its loss falls from that of blind guessing."""
    (echo,) = [metric for metric in heard if isinstance(metric, Echo)]
    assert echo.trainable_parameters == echo.total_parameters
    assert [metric.stage for metric in heard if isinstance(metric, StageBegan)] == ["short", "all"]
    outcome = read_outcome(made / "training")
    assert outcome.valid_loss is not None
    assert outcome.first_valid_loss is not None
    assert outcome.valid_loss < outcome.first_valid_loss
    assert (made / "training" / "stages" / "short" / "adapters.safetensors").is_file()
    reports = [metric for metric in heard if isinstance(metric, TrainLoss)]
    assert all(metric.supervised > 0.98 for metric in reports)


def test_a_folder_in_use_is_left_alone(recipe: Path, made: Path) -> None:
    """A finished model is not written over; asked to go on with it, nothing is done."""
    with pytest.raises(UsageError, match="in use"):
        pretrain(recipe, made)
    before = hash_file(made / "model.safetensors")
    pretrain(recipe, made, resume=True)
    assert hash_file(made / "model.safetensors") == before


def test_another_recipe_does_not_go_on(recipe: Path, made: Path, tmp_path: Path) -> None:
    """What was begun with one recipe is not ended with another."""
    other = {**yaml.safe_load(recipe.read_text()), "seed": 6}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(other))
    with pytest.raises(UsageError, match="under its own recipe"):
        pretrain(tmp_path / "other.yaml", made, resume=True)


def test_what_cannot_be_begun_leaves_nothing(recipe: Path, tmp_path: Path) -> None:
    """The same command, corrected, finds the output folder as it was."""
    shutil.copytree(recipe.parent, tmp_path / "data")
    write_jsonl(tmp_path / "data" / "valid.jsonl", [{"prompt": "a", "completion": "b"}])
    values = yaml.safe_load(recipe.read_text())
    values["training"]["data"] = str(tmp_path / "data")
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(DataError, match="text rows"):
        pretrain(tmp_path / "broken.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("moment", [("start_worker", "open config.json 1"), (CHILD, "os.rename state.safetensors 1")])
def test_interrupted_it_goes_on_to_the_same_model(
    recipe: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: tuple[str, str]
) -> None:
    """Stopped while the model is made or while it is trained, the printed command ends in the same weights."""
    shop = Workshop(tmp_path / "small")
    with monkeypatch.context() as during:
        Hit(*moment, "SIGTERM").arm(during)
        with pytest.raises((InterruptedRun, TrainingError)):
            pretrain(recipe, shop.root)
    assert not shop.weights.exists()
    assert "punie pretrain" in shop.training.resume_command
    pretrain(shop.recipe, shop.root, resume=True)
    assert hash_file(shop.weights) == hash_file(made / "model.safetensors")
