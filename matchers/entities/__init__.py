"""Entities: persons and what identifies them, whoever it is."""

from __future__ import annotations

from matchers.entities.addresses import AddressRecogniser
from matchers.entities.births import BirthRecogniser
from matchers.entities.cases import CaseNumberRecogniser
from matchers.entities.crypto import CryptoRecogniser
from matchers.entities.emails import EmailRecogniser
from matchers.entities.geo import GeoRecogniser
from matchers.entities.identifiers import IdentifierRecogniser
from matchers.entities.links import LinkRecogniser
from matchers.entities.money import MoneyRecogniser
from matchers.entities.mrz import MachineReadableZoneRecogniser
from matchers.entities.network import NetworkRecogniser
from matchers.entities.persons import PersonRecogniser
from matchers.entities.phones import PhoneRecogniser
from matchers.entities.pipeline import EntityPipeline, Recogniser
from matchers.entities.secrets import KeyRecogniser, LoginRecogniser
from matchers.entities.social import SocialRecogniser

__all__ = ["EntityPipeline", "PersonRecogniser", "Recogniser", "pattern_recognisers"]


def pattern_recognisers(regions: tuple[str, ...]) -> tuple[Recogniser, ...]:
    """Return the recognisers of what has a form of its own. ``regions`` are the countries (ISO 3166-1 alpha-2) whose
    national formats count; raises SettingsError for an unknown one."""
    return (
        AddressRecogniser(),
        BirthRecogniser(),
        CaseNumberRecogniser(),
        CryptoRecogniser(),
        EmailRecogniser(),
        GeoRecogniser(),
        IdentifierRecogniser(),
        KeyRecogniser(),
        LinkRecogniser(),
        LoginRecogniser(),
        MachineReadableZoneRecogniser(),
        MoneyRecogniser(),
        NetworkRecogniser(),
        PhoneRecogniser(regions),
        SocialRecogniser(),
    )
