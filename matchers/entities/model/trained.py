"""The trained model as a file: built as ``config.cfg`` says, with the weights as 16-bit numbers.

Importing this module imports spaCy, which takes a while.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import numpy as np
import srsly
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.util import load_model_from_config
from thinc.api import Config

from matchers.entities.model import reading  # noqa: F401  registers the layer that config.cfg names

_HERE = files("matchers") / "entities" / "model"
_WEIGHTS = "weights.msgpack"


def untrained() -> Language:
    """Return the pipeline that ``config.cfg`` tells, without weights."""
    config = Config().from_str((_HERE / "config.cfg").read_text(encoding="utf-8"))
    return load_model_from_config(config, auto_fill=True, validate=True)


def trained() -> Language:
    """Return the pipeline with the weights that training left."""
    nlp = untrained()
    message = srsly.msgpack_loads((_HERE / _WEIGHTS).read_bytes())
    ner = recogniser(nlp)
    ner.moves.from_bytes(message["moves"], exclude=["strings"])
    ner.model.from_dict(_with_weights(message["model"], np.float32))
    return nlp


def save(nlp: Language) -> None:
    """Write the weights of the pipeline, and nothing of the words that it has seen."""
    ner = recogniser(nlp)
    message = {
        "moves": ner.moves.to_bytes(exclude=["strings"]),
        "model": _with_weights(ner.model.to_dict(), np.float16),
    }
    Path(str(_HERE / _WEIGHTS)).write_bytes(srsly.msgpack_dumps(message))


def recogniser(nlp: Language) -> EntityRecognizer:
    """Return the recogniser of the pipeline."""
    return cast("EntityRecognizer", nlp.get_pipe("ner"))


def _with_weights(model: dict[str, Any], kind: type[np.floating[Any]]) -> dict[str, Any]:
    params = [
        None if row is None else {name: None if array is None else array.astype(kind) for name, array in row.items()}
        for row in model["params"]
    ]
    return {**model, "params": params}
