"""Topic packs: what must make them fire, and what must not."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import yaml

from core.errors import TermError, UsageError
from core.types import Document, Pack
from matchers.phrases import is_unspaced
from matchers.surroundings import Stretch, stretches_around
from matchers.topics import Topics, topics_of
from tests.evaluate_packs import firing
from tests.timing import cpu_seconds
from watchlists.packs import FOLDER, load_packs

LANGUAGES = {"en", "es", "fr", "de", "pt", "ru", "ar", "zh"}
PACKS = {pack.name: pack for pack in load_packs()}
TEXTS = Path(__file__).parent / "packs"


def texts(which: str) -> list[tuple[str, str, list[str]]]:
    """Return the texts that make a pack fire (``fires``) or look as if they might (``quiet``), by pack and language."""
    return [
        (path.stem, language, by_kind[which])
        for path in sorted(TEXTS.glob("*.yaml"))
        for language, by_kind in yaml.safe_load(path.read_text("utf-8")).items()
        if which in by_kind
    ]


def found(topics: Topics, text: str, title: str | None = None) -> list[tuple[str, str]]:
    """Return the packs that fire in the text, each with what shows it."""
    document = Document(id="1", text=text, title=title)
    return [
        (pack, document.field(span.field)[span.start : span.end])
        for stretch in stretches_around(document, [])
        for pack, span in topics.find(document, stretch)
    ]


def pack_of(*phrases: str, queries: tuple[str, ...] = ()) -> Topics:
    return topics_of((Pack(name="p", description="", phrases=phrases, queries=queries),))


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_a_pack_is_described_and_its_phrases_are_words_that_may_end_with_a_star(pack: Pack) -> None:
    assert pack.description.endswith(".")
    assert pack.not_for.endswith(".")
    for phrase in pack.phrases:
        assert phrase == unicodedata.normalize("NFC", phrase).lower().strip()
        assert "*" not in phrase[:-1]
        assert len(phrase.rstrip("*")) >= (2 if is_unspaced(phrase[0]) else 3)


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_has_phrases_and_queries_in_eight_languages_and_says_nothing_twice(name: str) -> None:
    entry = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    assert set(entry["phrases"]) == set(entry["queries"]) == LANGUAGES
    for rows in (*entry["phrases"].values(), *entry["queries"].values()):
        assert rows
        assert len(rows) == len(set(rows))


@pytest.mark.parametrize("name", PACKS)
def test_every_pack_has_texts_of_both_kinds_in_eight_languages(name: str) -> None:
    entry = yaml.safe_load((TEXTS / f"{name}.yaml").read_text("utf-8"))
    assert set(entry) == LANGUAGES
    for by_kind in entry.values():
        assert set(by_kind) == {"fires", "quiet"}
        assert all(len(set(rows)) == len(rows) >= 3 for rows in by_kind.values())


@pytest.mark.parametrize(("name", "language", "rows"), texts("fires"))
def test_a_pack_fires(name: str, language: str, rows: list[str]) -> None:
    topics = topics_of((PACKS[name],))
    assert [text for text in rows if not firing(topics, text)] == [], language


@pytest.mark.parametrize(("name", "language", "rows"), texts("quiet"))
def test_no_pack_fires_in_ordinary_talk(name: str, language: str, rows: list[str]) -> None:
    topics = topics_of(load_packs())
    assert [(text, packs) for text in rows if (packs := firing(topics, text))] == [], (name, language)


def test_a_query_shows_all_places_where_it_holds_in_a_field() -> None:
    topics = pack_of("real name", queries=("(find OR post) NEAR/3 address -weather",))
    text = "Find her address, says one; the address? Post it, says another. A real name? An address of nobody."
    assert found(topics, text) == [("p", "real name"), ("p", "Find her address"), ("p", "address? Post")]
    assert found(topics, "find it", title="the address") == []
    assert found(topics, "find her address in this weather") == []


def test_an_arabic_phrase_is_found_with_the_particles_written_onto_it() -> None:
    topics = pack_of("العنوان الحقيقي", "اسم", queries=("هوية NEAR/3 تسريب",))
    for text in ("والعنوان الحقيقي", "للعنوان الحقيقي", "فباسم", "بالاسم", "وللاسم", "تسريب سريع والهوية"):
        assert found(topics, text), text
    assert found(topics, "كرسم") == []


def test_a_chinese_phrase_is_found_inside_running_text() -> None:
    assert found(pack_of("真实姓名"), "有人把他的真实姓名发出来了") == [("p", "真实姓名")]


def test_a_query_that_cannot_be_read_or_speaks_of_what_is_watched_is_refused() -> None:
    with pytest.raises(TermError, match="before it one is missing"):
        pack_of(queries=("OR address",))
    with pytest.raises(UsageError, match="a query of the topic pack p has an @; packs speak of words only"):
        pack_of(queries=("@pseudonym NEAR/3 address",))


def test_packs_take_time_linear_in_hostile_text() -> None:
    topics = topics_of(load_packs())

    def seconds(times: int, enough: float = 0) -> float:
        text = "he is at her address, she and his kids kill the real name of a leaked password " * times
        stretch = Stretch("text", 0, text)
        document = Document(id="1", text=text)
        return cpu_seconds(lambda: list(topics.find(document, stretch)), enough)

    bound = 3 * 8 * max(seconds(100), 0.01)
    assert seconds(800, bound) < bound
