"""Everything that works without a database: the plug-ins, and the way to compile a catalogue.

Commands that only look through documents need no more, and start without the database and the API.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from functools import cache

from alerting.scoring import Scorer
from core.clock import Clock, SystemClock
from core.crypto import KEY_BYTES, find_key
from core.plugins import Registry, discover
from core.ports import Concealer, Matcher, Notifier, Source
from core.settings import Settings
from core.types import Catalogue, Pack
from matchers.entities import EntityPipeline, PersonRecogniser, pattern_recognisers
from matchers.fingerprints import Fingerprinter
from matchers.index import Index
from monitor.pipeline import Examiner
from watchlists.packs import load_packs


@dataclass(frozen=True)
class Parts:
    """Everything that works without a database: the plug-ins, and the way to compile a catalogue."""

    settings: Settings
    clock: Clock
    sources: Registry[Source]
    matchers: Registry[Matcher]
    notifiers: Registry[Notifier]
    packs: tuple[Pack, ...]
    fingerprinter: Fingerprinter = field(repr=False)
    """Makes what alerts are known again by."""
    _matchers: tuple[Matcher, ...] = field(repr=False)

    @property
    def entities(self) -> EntityPipeline:
        """The recognisers. Loading them takes a second, so it waits until somebody looks at a document.
        Raises SettingsError for phone regions or a model that do not exist."""
        return _entities(self.settings.phone_regions, self.settings.nlp_model)

    def keyed(self) -> Parts:
        """Return the parts with matchers that conceal terms with the key of this installation. Without, or where
        there is no such key yet, what they conceal is known to these parts only. Raises CryptoError."""
        key = find_key(self.settings)
        if key is None:
            return self
        return replace(
            self,
            fingerprinter=Fingerprinter(key.derive("traces")),
            _matchers=tuple(
                matcher.keyed(key.derive(f"matcher {matcher.kind}")) if isinstance(matcher, Concealer) else matcher
                for matcher in self._matchers
            ),
        )

    def index(self, catalogue: Catalogue) -> Index:
        """Return the catalogue's terms compiled for searching."""
        return Index(catalogue, self._matchers)

    def examiner(self, catalogue: Catalogue, *, minimum_score: int | None = None) -> Examiner:
        """Return the synchronous pipeline over the catalogue; the topic packs are added here.
        ``minimum_score`` (0 to 100) is the lowest that raises an alert, by default the setting's."""
        complete = Catalogue(
            communities=catalogue.communities,
            watchlists=catalogue.watchlists,
            terms=catalogue.terms,
            packs=self.packs,
            revision=catalogue.revision,
        )
        lowest = self.settings.monitor.minimum_score if minimum_score is None else minimum_score
        return Examiner(
            index=self.index(complete),
            entities=self.entities,
            scorer=Scorer(complete, minimum_score=lowest),
            clock=self.clock,
        )


@cache  # they are the same with any key and on any database
def _entities(phone_regions: tuple[str, ...], nlp_model: str | None) -> EntityPipeline:
    return EntityPipeline([*pattern_recognisers(phone_regions), PersonRecogniser(nlp_model)])


def build_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """Find the plug-ins and load what matching needs. Raises PluginError or SettingsError."""
    matchers = discover(Matcher, noun="matcher", package="matchers", group="leakwatch.matchers")  # type: ignore[type-abstract]
    return Parts(
        settings=settings,
        clock=clock or SystemClock(),
        sources=discover(Source, noun="source", package="sources", group="leakwatch.sources"),  # type: ignore[type-abstract]
        matchers=matchers,
        notifiers=discover(Notifier, noun="channel", package="alerting.notifiers", group="leakwatch.notifiers"),  # type: ignore[type-abstract]
        packs=load_packs(),
        fingerprinter=Fingerprinter(secrets.token_bytes(KEY_BYTES)),
        _matchers=tuple(matchers.build(kind, {}) for kind in matchers.kinds()),
    )
