"""What the installed mlx-lm does, seen by running its own code: a child process that prints one JSON object.

    python probes.py TINY_MODEL EMPTY_FOLDER

Each function is one row of docs/upstream.md and returns what was observed, as small as it can be told.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn, optimizers
from mlx.utils import tree_flatten
from mlx_lm import lora
from mlx_lm.tuner import datasets, trainer
from mlx_lm.tuner.utils import build_schedule, linear_to_lora_layers
from mlx_lm.utils import load

MODEL, FOLDER = (Path(argument) for argument in sys.argv[1:])
ROWS = [([1, 2], 0), ([1, 2, 3, 4, 5, 6, 7, 8], 0), ([3, 4, 5], 0), ([5, 6, 7, 8], 0), ([2, 4, 6, 8, 10], 0)]
TURNS = [
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "first answer"},
    {"role": "user", "content": "two"},
    {"role": "assistant", "content": "second answer"},
]


class Net(nn.Module):
    """The least that can learn: an embedding and a head."""

    def __init__(self) -> None:
        super().__init__()
        mx.random.seed(0)
        self.embedding, self.head = nn.Embedding(16, 4), nn.Linear(4, 16)

    def __call__(self, tokens: mx.array) -> mx.array:
        return self.head(self.embedding(tokens))


def batches(rows: list, size: int = 2, limit: int = 64, **options: Any) -> Any:
    return trainer.iterate_batches(rows, size, limit, **options)


def tokens_of(batch: Any) -> set[tuple[int, ...]]:
    return {tuple(token for token in row if token) for row in batch[0].tolist()}


def learn(rows: list, name: str = "run", callback: Any = None, **options: Any) -> tuple[Net, str]:
    """Train a Net with mlx-lm's loop; returns it, and what was printed."""
    net, printed = Net(), io.StringIO()
    (FOLDER / name).mkdir()
    rate = options.pop("rate", 0.1)
    given = {"batch_size": 1, "iters": 2, "steps_per_report": 1, "adapter_file": str(FOLDER / name / "a.safetensors")}
    arguments = trainer.TrainingArgs(**{**given, **options})
    with contextlib.redirect_stdout(printed):
        trainer.train(net, optimizers.SGD(learning_rate=rate), rows, args=arguments, training_callback=callback)
    return net, printed.getvalue()


def length_key() -> Any:
    """Lengths by which rows are sorted, for rows of very different length."""
    data = datasets.CacheDataset(datasets.TextDataset([{"text": "a"}, {"text": "a b c " * 50}], None))
    return [data.itemlen(index) for index in (0, 1)]


def dropped_tail() -> Any:
    """How many of five rows an epoch of batches of two contains."""
    return sum(len(tokens_of(batch)) for batch in batches(ROWS))


def same_company() -> Any:
    """Whether a second epoch puts the same rows into the same batches."""
    drawn = batches(ROWS[:4], loop=True, seed=0)
    epochs = [{frozenset(tokens_of(next(drawn))) for _ in range(2)} for _ in range(2)]
    return epochs[0] == epochs[1]


def small_validation_set() -> Any:
    """What happens with one validation row and a batch size of two."""
    try:
        next(batches(ROWS[:1]))
    except ValueError as error:
        return str(error).split(" examples")[0]


def one_random_stream() -> Any:
    """Whether a validation changes the random numbers that the training order is drawn from."""
    np.random.seed(0)
    undisturbed = np.random.random()
    np.random.seed(0)
    next(batches(ROWS))
    return np.random.random() != undisturbed


def random_validation() -> Any:
    """How many different batches three validations of one batch each have scored."""
    np.random.seed(0)
    return len({frozenset(tokens_of(next(batches(ROWS[:4])))) for _ in range(6)})


def padding_learned() -> Any:
    """Targets counted in a padded batch of rows of 2 and 8 tokens, which have 1 and 7."""
    (tokens, lengths) = next(batches(ROWS[:2]))
    return trainer.default_loss(Net(), tokens, lengths)[1].item()


def ruined_by_a_long_prompt() -> Any:
    """Whether a run ends well whose only row has its answer beyond the limit, and whether its weights are numbers."""
    net, _ = learn([([1] * 12, 10)], "nan", max_seq_length=8)
    return [math.isfinite(sum(weight.sum().item() for _, weight in tree_flatten(net.parameters())))]


def accumulated_alike() -> Any:
    """How far one accumulated update is from the mean over batches, and from the mean over tokens."""
    rows, start = [([1, 2, 3], 0), ([4, 5, 6, 7, 8, 9, 10, 11, 12], 0)], Net()
    gradients, sizes = [], []
    for row in rows:
        (_, count), gradient = nn.value_and_grad(start, trainer.default_loss)(start, *next(batches([row], 1)))
        gradients.append(gradient["head"]["bias"])
        sizes.append(count.item())
    net, _ = learn(rows, "accumulated", rate=1.0, grad_accumulation_steps=2)
    moved = start.head.bias - net.head.bias
    alike = (gradients[0] + gradients[1]) / 2
    weighed = (gradients[0] * sizes[0] + gradients[1] * sizes[1]) / sum(sizes)
    return [mx.abs(moved - mean).max().item() < 1e-6 for mean in (alike, weighed)]


def files_left() -> Any:
    """What a run with a checkpoint leaves: files, and whether a tensor in them is no weight of the model."""
    net, _ = learn(ROWS, "files", steps_per_save=1)
    names = sorted(path.name for path in (FOLDER / "files").iterdir())
    tensors = set(mx.load(str(FOLDER / "files" / "a.safetensors")))
    return [names, bool(tensors - {name for name, _ in tree_flatten(net.trainable_parameters())})]


def interrupted() -> Any:
    """What is left of a run that Ctrl-C ends after its second step."""

    def stop(info: dict[str, Any]) -> None:
        if info["iteration"] == 2:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        learn(ROWS, "interrupted", SimpleNamespace(on_train_loss_report=stop), iters=9)
    return [path.name for path in (FOLDER / "interrupted").iterdir()]


def printed_report() -> Any:
    """Whether a report into a pipe has colours, and which figures it lacks."""
    _, printed = learn(ROWS, "printed")
    return ["\x1b[" in printed, [word for word in ("it/s", "eak mem", "earning rate") if word not in printed]]


def one_span() -> Any:
    """Which answers of a chat are learned with mask_prompt."""
    _, tokenizer = student()
    data = datasets.ChatDataset([], tokenizer, mask_prompt=True)
    tokens, offset = data.process({"messages": TURNS})
    learned = tokenizer.decode(tokens[offset:])
    return [word in learned for word in ("first answer", "second answer")]


def opened_header() -> Any:
    """What of an answer is learned where the template opens it with more than rows have."""
    _, tokenizer = student()
    template = (
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: <think>{% endif %}"
    )
    wrapped = SimpleNamespace(
        apply_chat_template=lambda messages, **options: tokenizer.apply_chat_template(
            messages, chat_template=template, **options
        )
    )
    tokens, offset = datasets.ChatDataset([], wrapped, mask_prompt=True).process({"messages": TURNS[:2]})
    return "first answer" in tokenizer.decode(tokens[offset:])


def first_row_decides() -> Any:
    """What a row of another shape than the first one leads to."""
    data = datasets.create_dataset([{"text": "a"}, {"messages": TURNS}], None, SimpleNamespace())
    try:
        data.process(data[1])
    except Exception as error:
        return type(error).__name__


def broken_line() -> Any:
    """Whether the error of a broken second line names the file."""
    (FOLDER / "train.jsonl").write_text('{"text": "a"}\n{"text"\n')
    try:
        datasets.load_local_dataset(FOLDER, None, SimpleNamespace())
    except ValueError as error:
        return "train" in str(error)


def misspelt_key() -> Any:
    """Whether a configuration with a misspelt key is trained."""
    config, ran = FOLDER / "config.yaml", []
    config.write_text("learning_rat: 1\n")
    true_run, lora.run = lora.run, ran.append
    sys.argv[1:] = ["--config", str(config)]
    with contextlib.redirect_stdout(io.StringIO()):
        lora.main()
    lora.run = true_run
    return [arguments.learning_rate for arguments in ran]


def callback_and_threshold() -> Any:
    """What of a callback and a cache threshold reaches the loop that trains."""
    arrived: dict[str, Any] = {}
    true_train, lora.train = lora.train, lambda **given: arrived.update(given)
    (FOLDER / "train.jsonl").write_text(json.dumps({"text": "a"}) + "\n")
    given = {"model": str(MODEL), "train": True, "data": str(FOLDER), "num_layers": 1}
    rest = {"clear_cache_threshold": 7, "adapter_path": str(FOLDER / "adapter")}
    with contextlib.redirect_stdout(io.StringIO()):
        lora.run(SimpleNamespace(**{**lora.CONFIG_DEFAULTS, **given, **rest}), training_callback="mine")
    lora.train = true_train
    return [arrived["training_callback"], arrived["args"].clear_cache_threshold]


def unknown_module() -> Any:
    """How many parameters learn where `keys` names no module there is."""
    model, _ = student()
    model.freeze()
    linear_to_lora_layers(model, 1, {"rank": 2, "scale": 1.0, "dropout": 0.0, "keys": ["self_attn.no_proj"]})
    return len(tree_flatten(model.trainable_parameters()))


def highest_rate_twice() -> Any:
    """The rates of the first updates with a warmup of two."""
    schedule = build_schedule({"name": "cosine_decay", "warmup": 2, "arguments": [1.0, 100]})
    return [round(schedule(mx.array(update)).item(), 6) for update in range(4)]


def default_scale() -> Any:
    return lora.CONFIG_DEFAULTS["lora_parameters"]["scale"]


def student() -> tuple[Any, Any]:
    model, tokenizer, *_ = load(str(MODEL))
    return model, tokenizer


PROBES = [
    length_key,
    dropped_tail,
    same_company,
    small_validation_set,
    one_random_stream,
    random_validation,
    padding_learned,
    ruined_by_a_long_prompt,
    accumulated_alike,
    files_left,
    interrupted,
    printed_report,
    one_span,
    opened_header,
    first_row_decides,
    broken_line,
    misspelt_key,
    callback_and_threshold,
    unknown_module,
    highest_rate_twice,
    default_scale,
]

if __name__ == "__main__":
    print(json.dumps({probe.__name__: probe() for probe in PROBES}))
