"""A GGUF file has the model's weights and the tokenizer's order of joining, or is not written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm.models.llama import Model, ModelArgs
from tokenizers import Tokenizer, models, normalizers, trainers

from punie.errors import UsageError
from punie.files import read_json, write_json
from punie.shipping.export.gguf import require_writable, scores, write_gguf
from punie.shipping.messages import GgufAsked

SHAPE: dict[str, Any] = {
    **{"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 64, "rope_theta": 1e4},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "tie_word_embeddings": False},
    **{"max_position_embeddings": 128, "eos_token_id": 2},
}
BYTES = {"model": {"byte_fallback": True}}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random bfloat16 weights of Llama's kind and a tokenizer as SentencePiece's become one of tokenizers'."""
    folder = tmp_path_factory.mktemp("models") / "llama"
    bytes_of_all = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learner = trainers.BpeTrainer(vocab_size=340, special_tokens=["<unk>", "<s>", "</s>", *bytes_of_all])
    tokenizer.train_from_iterator(["def add(a, b):\n    return a + b", *["bc xbc ybc ab"] * 4], learner)
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **special})
    config = {**SHAPE, "vocab_size": tokenizer.get_vocab_size()}
    write_json(folder / "config.json", config)
    mx.random.seed(3)
    model = Model(ModelArgs.from_dict(config))
    model.apply(lambda weight: weight.astype(mx.bfloat16))
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    return folder


@pytest.fixture(scope="module")
def written(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("out") / "llama.gguf"
    (converted,) = write_gguf(GgufAsked(str(llama), str(file)))
    assert converted.tensors == 12
    assert converted.difference <= 1
    return file


def test_the_file_has_the_weights_and_the_order_of_joining(llama: Path, written: Path) -> None:
    """Matrices in float16 and norms in float32; the token that is joined first has the highest score."""
    stored, metadata = mx.load(str(written), return_metadata=True)
    weights = mx.load(str(llama / "model.safetensors"))
    down = weights["model.layers.0.mlp.down_proj.weight"].astype(mx.float16)
    assert mx.array_equal(stored["blk.0.ffn_down.weight"], down)
    assert stored["blk.0.attn_norm.weight"].dtype == mx.float32
    tokens, found = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.scores"].tolist()
    first = "".join(read_json(llama / "tokenizer.json")["model"]["merges"][0])
    assert tokens[int(np.argmax(found))] == first


def test_rows_are_turned_as_llama_cpp_wants_them(llama: Path, written: Path) -> None:
    """Within a head the two halves of a query are interleaved: its first row stays, the next comes from the middle."""
    stored: Any = mx.load(str(written))
    query = mx.load(str(llama / "model.safetensors"))["model.layers.0.self_attn.q_proj.weight"].astype(mx.float16)
    expected = query[mx.array([head * 8 + half * 4 + row for head in range(4) for row in range(4) for half in (0, 1)])]
    assert mx.array_equal(stored["blk.0.attn_q.weight"], expected)


@pytest.mark.slow
def test_the_gguf_package_reads_it(written: Path) -> None:
    """The reader of llama.cpp's own package finds architecture, shapes and tokens. Skipped where it is absent."""
    reader = pytest.importorskip("gguf").GGUFReader(written)
    shapes = {tensor.name: tensor.shape.tolist() for tensor in reader.tensors}
    assert shapes["blk.0.attn_k.weight"] == [32, 16]
    assert reader.get_field("general.architecture").contents() == "llama"
    assert len(reader.get_field("tokenizer.ggml.tokens").contents()) == shapes["token_embd.weight"][1]


@pytest.mark.parametrize(
    ("config", "tokenizer", "told"),
    [
        ({"model_type": "qwen2"}, BYTES, "llama and mistral models only"),
        ({"model_type": "mixtral"}, BYTES, "llama and mistral models only"),
        ({"quantization": {"bits": 4}}, BYTES, "it is quantized"),
        ({"attention_bias": True}, BYTES, "it has biases"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, BYTES, "scaling of positions"),
        ({"head_dim": 16}, BYTES, "size of their own"),
        ({}, {"model": {}}, "tokenizer works on bytes"),
    ],
)
def test_what_the_writer_does_wrongly_is_refused(config: dict[str, Any], tokenizer: dict[str, Any], told: str) -> None:
    """With the reason, and what does it rightly."""
    with pytest.raises(UsageError, match=told) as refused:
        require_writable({**SHAPE, **config}, tokenizer, "model")
    assert "convert_hf_to_gguf.py" in refused.value.hint


def test_a_token_of_two_merges_goes_by_the_first() -> None:
    """Tokens that nothing is joined to come last."""
    assert scores(["a", "ab", "abc"], ["a b", ["ab", "c"], ["a", "bc"]]) == [-3.0, -0.0, -1.0]


def test_joining_by_score_gives_the_tokenizers_own_tokens(llama: Path, written: Path) -> None:
    """As llama.cpp joins: the pair with the highest score, the leftmost of equals. With equal scores it goes wrong."""
    metadata = mx.load(str(written), return_metadata=True)[1]
    ranked = dict(zip(metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.scores"].tolist(), strict=True))
    tokenizer = Tokenizer.from_file(str(llama / "tokenizer.json"))
    texts = ("def add(a, b):", "    return a + b", "add(xabc, y)", "abc")
    wanted = [tokenizer.encode(text).tokens for text in texts]
    assert [joined(text, ranked) for text in texts] == wanted
    assert [joined(text, dict.fromkeys(ranked, -1000.0)) for text in texts] != wanted


def joined(text: str, scores_of: dict[str, float]) -> list[str]:
    parts = list("▁" + text.replace(" ", "▁"))
    while pairs := [place for place in range(len(parts) - 1) if parts[place] + parts[place + 1] in scores_of]:
        best = max(pairs, key=lambda place: scores_of[parts[place] + parts[place + 1]])
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


def test_rows_without_tokens_are_refused(llama: Path, tmp_path: Path) -> None:
    """llama.cpp loads no model with more rows of embeddings than tokens."""
    for file in llama.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tokenizer = json.loads((tmp_path / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"].popitem()
    tokenizer["model"]["merges"].pop()
    write_json(tmp_path / "tokenizer.json", tokenizer)
    with pytest.raises(UsageError, match="rows of embeddings"):
        list(write_gguf(GgufAsked(str(tmp_path), str(tmp_path / "x.gguf"))))
