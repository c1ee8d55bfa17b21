"""The encoder of a sentence model (BERT, mean of the tokens), in numpy.

Devlin et al., 2018: https://arxiv.org/abs/1810.04805; Reimers and Gurevych, 2019: https://arxiv.org/abs/1908.10084.
Six layers are little work, and numpy is a hundredth of the size of what they are usually computed with.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

_ONE_THREAD = 1 << 18
"""How many multiplications OpenBLAS does in the calling thread: its threads take longer to start than to do so few."""

_FEW_ROWS = 64
"""Tokens up to which a short text is computed in one thread; it takes a twentieth of the processor time of several."""


class Encoder:
    """Texts in, a matrix with a row of length 1 for each out.

    ``weights`` are the tensors by name, ``config`` the model's; ``tokenizer`` is one of the package ``tokenizers``.
    """

    def __init__(self, np: Any, weights: dict[str, Any], config: dict[str, Any], tokenizer: Any) -> None:
        self._np = np
        self._weights = weights
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._epsilon: float = config["layer_norm_eps"]
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, imported: Callable[[str], Any]) -> Self:
        """Return the encoder in a folder of model files; ``imported`` gives the packages."""
        np, safetensors, tokenizers = map(imported, ("numpy", "safetensors.numpy", "tokenizers"))
        weights = safetensors.load_file(folder / "model.safetensors")
        config = json.loads((folder / "config.json").read_text("utf8"))
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        length = json.loads((folder / "sentence_bert_config.json").read_text("utf8"))["max_seq_length"]
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
        return cls(np, weights, config, tokenizer)

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> Any:
        """Return the vectors of the texts; texts of like length are computed together."""
        np = self._np
        tokens = [self._tokenizer.encode(whole_characters(text)).ids for text in texts]
        vectors = np.zeros((len(texts), self._weights["embeddings.word_embeddings.weight"].shape[1]), np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            vectors[batch] = self._encode_batch([tokens[at] for at in batch])
        return vectors

    def _encode_batch(self, tokens: list[list[int]]) -> Any:
        np = self._np
        longest = max(map(len, tokens))
        ids = np.array([[*each, *[0] * (longest - len(each))] for each in tokens])
        mask = np.array([[1.0] * len(each) + [0.0] * (longest - len(each)) for each in tokens], np.float32)
        state = self._embedded(ids)
        ignored = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(self._layers):
            state = self._layer(state, ignored, f"encoder.layer.{layer}.")
        mean = (state * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _embedded(self, ids: Any) -> Any:
        of = self._weights
        words = of["embeddings.word_embeddings.weight"][ids]
        places = of["embeddings.position_embeddings.weight"][: ids.shape[1]]
        kinds = of["embeddings.token_type_embeddings.weight"][0]
        return self._normal(words + places + kinds, "embeddings.LayerNorm")

    def _layer(self, state: Any, ignored: Any, at: str) -> Any:
        seen = self._attention(state, ignored, at + "attention.")
        state = self._normal(
            state + self._linear(seen, at + "attention.output.dense"), at + "attention.output.LayerNorm"
        )
        inner = self._gelu(self._linear(state, at + "intermediate.dense"))
        return self._normal(state + self._linear(inner, at + "output.dense"), at + "output.LayerNorm")

    def _attention(self, state: Any, ignored: Any, at: str) -> Any:
        np = self._np
        texts, length, size = state.shape

        def heads(name: str) -> Any:
            made = self._linear(state, f"{at}self.{name}")
            return made.reshape(texts, length, self._heads, -1).transpose(0, 2, 1, 3)

        weights = heads("query") @ heads("key").transpose(0, 1, 3, 2) / math.sqrt(size // self._heads) + ignored
        weights = np.exp(weights - weights.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return (weights @ heads("value")).transpose(0, 2, 1, 3).reshape(texts, length, size)

    def _linear(self, state: Any, at: str) -> Any:
        weight = self._weights[at + ".weight"]
        flat = state.reshape(-1, weight.shape[1])  # one large product instead of one for each text
        made = _product(self._np, flat, weight) if len(flat) <= _FEW_ROWS else flat @ weight.T
        return made.reshape(*state.shape[:-1], -1) + self._weights[at + ".bias"]

    def _normal(self, state: Any, at: str) -> Any:
        np = self._np
        state = state - state.mean(-1, keepdims=True)
        state /= np.sqrt((state * state).mean(-1, keepdims=True) + self._epsilon)
        return state * self._weights[at + ".weight"] + self._weights[at + ".bias"]

    def _gelu(self, state: Any) -> Any:
        """x · Φ(x), with the error function of Abramowitz and Stegun 7.1.26 (to 1.5e-7; numpy has none)."""
        np = self._np
        x = np.abs(state) / np.float32(math.sqrt(2))
        t = 1 / (1 + np.float32(0.3275911) * x)
        curve = np.float32(1.061405429)
        for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            curve = curve * t + np.float32(factor)
        erf = np.copysign(1 - curve * t * np.exp(-x * x), state)
        return state * (1 + erf) * np.float32(0.5)


def _product(np: Any, flat: Any, weight: Any) -> Any:
    """``flat @ weight.T`` in one thread: in parts so small that the library of numpy starts none of its own."""
    made = np.empty((len(flat), len(weight)), np.float32)
    step = max(1, _ONE_THREAD // flat.size)
    for start in range(0, len(weight), step):
        np.matmul(flat, weight[start : start + step].T, out=made[:, start : start + step])
    return made


def whole_characters(text: str) -> str:
    """Return the text with lone surrogates, which tokenizers refuse, replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
