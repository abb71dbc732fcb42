"""Tables: YAML files beside the code, which admins can read and edit."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import Any

import yaml

# libyaml reads ten times as fast as PyYAML's own parser, and every start of the program reads all tables.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_table(path: Traversable) -> Any:
    """Return what a YAML file holds. Raises yaml.YAMLError for one that is not YAML."""
    return _Loader(path.read_text(encoding="utf-8")).get_single_data()
