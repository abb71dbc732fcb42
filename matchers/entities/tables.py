"""The tables beside the recognisers: YAML that admins can read and edit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from core.tables import load_table
from matchers.folding import folded_forms


def own_table(name: str) -> Any:
    """Return what stands in a file of ``matchers/entities``."""
    return load_table(files("matchers.entities") / name)


def any_of(words: Iterable[str]) -> str:
    """Return a pattern for any of the words on folded text, the longest first."""
    forms = {form for word in words for form in folded_forms(word)}
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
