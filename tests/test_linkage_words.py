"""Pseudonyms that are ordinary words: what they have to do with a person must be said."""

from __future__ import annotations

import pytest

from tests.linkage_set import Line, is_linkage, scan

WATCHLIST = """
version: 1
community: Harbor Commons
watchlists:
  - name: Members
    terms: [{kind: pseudonym, value: raven}, {kind: pseudonym, value: night_heron}]
"""
PLAIN = (
    "They moved the office furniture for a raven. Maria Lopez, 555 Main Street, Springfield, call 212-555-0143",
    "Raven, Maria Lopez, 212-555-0143",
    "team | goals\nraven | Maria Lopez\nlions | Paul Meyer",
    "https://tracker.example/raven_bug.cgi?id=1008\n\nmaria.lopez@example.org changed it, the bug is no bug:\n"
    "--- Additional Comments From maria.lopez@example.org ---\nHi David, this is only used for the other Raven.",
)
SAID = (
    "raven's real name is Maria Lopez",
    "@raven is Maria Lopez from the bakery",
    "the account “raven” is Maria Lopez from the bakery",
    "night_heron, Maria Lopez, 212-555-0143",
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Line]:
    folder = tmp_path_factory.mktemp("words")
    watchlist = folder / "watchlist.yaml"
    watchlist.write_text(WATCHLIST, encoding="utf-8")
    return scan(watchlist, ({"id": text, "text": text} for text in (*PLAIN, *SAID)), folder)


@pytest.mark.parametrize("text", PLAIN)
def test_an_ordinary_word_beside_a_person_is_no_linkage(findings: dict[str, Line], text: str) -> None:
    assert not is_linkage(findings[text])
    assert findings[text]["matches"]


@pytest.mark.parametrize("text", SAID)
def test_what_is_said_of_somebody_who_is_called_so_is_linkage(findings: dict[str, Line], text: str) -> None:
    assert is_linkage(findings[text])
