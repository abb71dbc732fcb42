"""Reads the network that stands in this folder back, so that it can learn further."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

_STORED = "_quantized"


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a network that ``train.py`` wrote, by the names that they have in ``Network``, as exactly
    as 8-bit numbers keep them. Raises OSError."""
    graph = onnx.load(path).graph
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weights = {name: value for name, value in held.items() if name.endswith((".weight", ".bias"))}
    for node in graph.node:
        stored = next((name for name in node.input if name.endswith(_STORED) and name in held), None)
        if stored is None:
            continue
        name = stored.removesuffix(_STORED)
        value = _in_full(held, name)
        if node.op_type == "Gather":
            weights[name] = value
        else:  # a matrix, which stands there the other way round; the node has the name of its part
            part = name.removesuffix(".weight") if name.endswith(".weight") else node.name.strip("/").rpartition("/")[0]
            weights[f"{part.replace('/', '.')}.weight"] = value.T
    return {name: torch.from_numpy(value.copy()) for name, value in weights.items()}


def _in_full(held: dict[str, NDArray[np.generic]], name: str) -> NDArray[np.float32]:
    stored, scale, zero = (held[f"{name}_{what}"].astype(np.float32) for what in ("quantized", "scale", "zero_point"))
    return (stored - zero) * scale
