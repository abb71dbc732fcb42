"""Finds, checks and builds plug-ins: built-in ones from a package, others by entry point, all by one door.

A plug-in is a class with a ``kind`` and a nested pydantic ``Settings`` that keeps to its port. A module of
the built-in package may hold exactly one; an entry point (groups ``leakwatch.sources``, ``leakwatch.matchers``,
``leakwatch.notifiers``) names one.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from core.errors import NotConfigured, PluginError, SettingsError
from core.types import JsonObject

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class ChangedSettings:
    """Settings after a change. ``is_elsewhere``: they may be about another place than before."""

    values: JsonObject = field(repr=False)
    is_elsewhere: bool


@dataclass(frozen=True)
class Registry(Generic[P]):
    """The plug-ins of one port, by their kind."""

    noun: str
    classes: Mapping[str, type[P]]

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds that exist, in alphabetical order."""
        return tuple(sorted(self.classes))

    def check_settings(self, kind: str, settings: JsonObject) -> BaseModel:
        """Return the settings as the plug-in's own model.

        Raises SettingsError naming the kind and the setting; values are not quoted.
        """
        if kind not in self.classes:
            raise SettingsError(f"there is no {self.noun} of kind {kind!r}; there are: {', '.join(self.kinds())}")
        model: type[BaseModel] = self.classes[kind].Settings  # type: ignore[attr-defined]  # seen by _check
        try:
            return model.model_validate(settings)
        except ValidationError as error:
            sentences = [_sentence(row) for row in error.errors(include_url=False, include_input=False)]
            raise SettingsError(f"{self.noun} {kind}: {'; '.join(sentences)}") from None

    def changed_settings(self, kind: str, settings: JsonObject, changes: JsonObject) -> ChangedSettings:
        """Return the settings with the changes, of which null takes a setting away; what they do not name stays.

        Credentials stay only where nothing changes that may say whom they are told: a place is never told those of
        another. Raises SettingsError.
        """
        changed = {name: value for name, value in {**settings, **changes}.items() if value is not None}
        secret = _secret_names(type(self.check_settings(kind, changed)))
        is_elsewhere = _place(settings, secret) != _place(changed, secret)
        kept = sorted(name for name in secret & settings.keys() if name not in changes)
        if is_elsewhere and kept:
            raise SettingsError(f"{self.noun} {kind}: with these changes, give {' and '.join(kept)} again")
        return ChangedSettings(changed, is_elsewhere)

    def build(self, kind: str, settings: JsonObject, *context: object) -> P:
        """Return the plug-in made with these settings. Raises SettingsError or NotConfigured."""
        checked = self.check_settings(kind, settings)
        try:
            make: Callable[..., P] = self.classes[kind]
            return make(checked, *context)
        except NotConfigured as error:
            raise NotConfigured(f"{self.noun} {kind} is off: {error}") from error


def discover(port: type[P], *, noun: str, package: str, group: str) -> Registry[P]:
    """Return all plug-ins that keep to ``port``. Raises PluginError naming a plug-in that does not."""
    classes: dict[str, type[P]] = {}
    for origin, candidate in (*_built_in(package), *_installed(group)):
        _check(port, noun, origin, candidate)
        kind = candidate.kind
        if kind in classes:
            raise PluginError(f"{noun} {kind!r} of {origin} exists already in {classes[kind].__module__}")
        classes[kind] = candidate
    return Registry(noun, classes)


def _built_in(package: str) -> Iterator[tuple[str, Any]]:
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        module = importlib.import_module(found.name)
        for candidate in vars(module).values():
            if (
                inspect.isclass(candidate)
                and candidate.__module__ == found.name
                and isinstance(vars(candidate).get("kind"), str)
            ):
                yield found.name, candidate


def _installed(group: str) -> Iterator[tuple[str, Any]]:
    for entry_point in entry_points(group=group):
        try:
            yield entry_point.value, entry_point.load()
        except Exception as error:
            raise PluginError(f"plug-in {entry_point.value} cannot be loaded: {type(error).__name__}") from error


def _check(port: type[Any], noun: str, origin: str, candidate: Any) -> None:
    missing = [
        name
        for name, member in inspect.getmembers(port)
        if inspect.isfunction(member) and not name.startswith("_") and not callable(getattr(candidate, name, None))
    ]
    missing += [name for name in inspect.get_annotations(port) if not hasattr(candidate, name)]
    if missing:
        raise PluginError(f"{noun} {origin} lacks {', '.join(sorted(missing))}")
    for name, member in inspect.getmembers(port, inspect.iscoroutinefunction):
        if not inspect.iscoroutinefunction(getattr(candidate, name)):
            raise PluginError(f"{noun} {origin}: {member.__name__} must be an async function")
    if not isinstance(candidate.kind, str) or not candidate.kind.isidentifier():
        raise PluginError(f"{noun} {origin}: kind must be a short name of letters, digits and _")
    if not (inspect.isclass(candidate.Settings) and issubclass(candidate.Settings, BaseModel)):
        raise PluginError(f"{noun} {origin}: Settings must be a pydantic model")


def _secret_names(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(
        name
        for name, setting in model.model_fields.items()
        if SecretStr in (setting.annotation, *get_args(setting.annotation))
    )


def _place(settings: JsonObject, secret: Set[str]) -> JsonObject:
    """Return what may say which place it is: an address, a host, a folder, a description of a site. Lists, numbers and
    switches say what is read there."""
    return {name: value for name, value in settings.items() if name not in secret and isinstance(value, str | Mapping)}


def _sentence(row: Any) -> str:
    message = row["msg"].removeprefix("Value error, ")  # pydantic's, before a sentence of ours
    return f"setting {'.'.join(map(str, row['loc']))}: {message}" if row["loc"] else message
