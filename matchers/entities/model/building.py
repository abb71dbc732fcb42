"""The model as training builds it with spaCy, as ``config.cfg`` says, and its weights as they are kept.

Importing this module imports spaCy, which takes a while.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.tokens import Doc
from spacy.util import load_model_from_config
from spacy.vocab import Vocab
from thinc.api import Config, Model

from matchers.entities.model import layers  # noqa: F401  registers the layer that config.cfg names
from matchers.entities.model.reading import Tokens


def untrained() -> Language:
    """Return the pipeline that ``config.cfg`` tells, without weights."""
    config = (files("matchers") / "entities" / "model" / "config.cfg").read_text(encoding="utf-8")
    return load_model_from_config(Config().from_str(config), auto_fill=True, validate=True)


def recogniser(nlp: Language) -> EntityRecognizer:
    """Return the recogniser of the pipeline."""
    return cast("EntityRecognizer", nlp.get_pipe("ner"))


def document(tokens: Tokens, vocabulary: Vocab) -> Doc:
    """Return the tokens as spaCy takes them."""
    return Doc(vocabulary, words=tokens.words)


def weights_of(nlp: Language) -> dict[str, npt.NDArray[Any]]:
    """Return the weights of the pipeline as :class:`matchers.entities.model.network.Network` takes them, and nothing
    of the words that it has seen."""
    model = recogniser(nlp).model
    nodes: list[Model[Any, Any]] = list(model.get_ref("tok2vec").walk(order="dfs_pre"))
    tables = [node for node in nodes if node.name == "hashembed"]
    (narrowed,) = (node for node in nodes if node.name == "linear")
    maxouts = [node for node in nodes if node.name == "maxout"]
    norms = [node for node in nodes if node.name == "layernorm"]
    weights: dict[str, Any] = {f"table{number}": table.get_param("E") for number, table in enumerate(tables)}
    weights["seeds"] = np.array([table.attrs["seed"] for table in tables])
    for number, (maxout, norm) in enumerate(zip(maxouts, norms, strict=True)):
        weights |= _layer(f"layer{number}", maxout.get_param("W"), maxout.get_param("b"))
        weights |= {f"layer{number}.gain": norm.get_param("G"), f"layer{number}.shift": norm.get_param("b")}
    lower, upper = model.get_ref("lower"), model.get_ref("upper")
    # Two linear layers in a row are one.
    features = lower.get_param("W") @ narrowed.get_param("W")
    beside = lower.get_param("W") @ narrowed.get_param("b")
    weights["state.weights"] = features.transpose(0, 2, 1, 3)
    weights["state.bias"] = beside.transpose(0, 2, 1)
    weights["state.absent"] = lower.get_param("pad")[0].transpose(0, 2, 1)
    weights["state.shift"] = lower.get_param("b").T
    weights["score.weights"], weights["score.bias"] = upper.get_param("W"), upper.get_param("b")
    moves = recogniser(nlp).moves
    weights["moves"] = np.array([moves.get_class_name(place) for place in range(moves.n_moves)])
    return weights


def _layer(name: str, weights: Any, bias: Any) -> dict[str, npt.NDArray[Any]]:
    """Return the weights of a layer of (outputs, pieces, inputs) by piece, as the greatest of the pieces counts."""
    return {f"{name}.weights": weights.transpose(1, 0, 2), f"{name}.bias": bias.T}
