"""The shipped model on invented sentences: names of many cultures, in small letters, in the ways people dox."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed

from core import types
from core.types import Document, EntityType
from matchers.entities import EntityPipeline, PersonRecogniser
from matchers.entities.looking import NAMES_REACH
from matchers.entities.model.building import document, recogniser, untrained, weights_of
from matchers.entities.model.network import WEIGHTS, Network, trained_weights
from matchers.entities.model.reading import Tokens
from tests.timing import cpu_seconds

PIPELINE = EntityPipeline([PersonRecogniser(None)])


def found(text: str, kind: EntityType) -> list[str]:
    (entities,) = PIPELINE.recognise([Document(id="1", text=text)])
    return [entity.found for entity in entities if entity.type is kind]


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("turns out night_heron is just Chidinma Okonkwo who works in logistics", "Chidinma Okonkwo"),
        ("night_heron is actually Nguyen Thi Lan from Leeds", "Nguyen Thi Lan"),
        ("the person behind harborlight is called Priya Venkatesan", "Priya Venkatesan"),
        ("pretty sure Oluwaseun Adebayo runs the harborlight account", "Oluwaseun Adebayo"),
        ("harborlight = Mehmet Yildirim", "Mehmet Yildirim"),
        ("harborlight aka Siobhan O'Leary", "Siobhan O'Leary"),
        ("Real name: Agnieszka Nowakowska\nAddress: 12 Long Lane", "Agnieszka Nowakowska"),
        ("turns out night_heron is just chidinma okonkwo who works in logistics", "chidinma okonkwo"),
        ("everyone knows harborlight is maria gonzalez from the bakery", "maria gonzalez"),
        ("her real name is agnieszka nowakowska btw", "agnieszka nowakowska"),
        ("EVERYONE KNOWS HARBORLIGHT IS MARIA GONZALEZ", "MARIA GONZALEZ"),
        ("su nombre real es Lucía Fernández Ortega y vive en Sevilla", "Lucía Fernández Ortega"),
        ("le vrai nom de harborlight est Amélie Rousseau", "Amélie Rousseau"),
        ("hinter harborlight steckt Jürgen Hoffmann", "Jürgen Hoffmann"),
        ("o nome verdadeiro dele é João Pereira da Silva", "João Pereira da Silva"),
        ("il suo vero nome è Giulia Esposito", "Giulia Esposito"),
        ("zijn echte naam is Pieter van der Meer", "Pieter van der Meer"),
        ("prawdziwe imię i nazwisko: Katarzyna Wójcik", "Katarzyna Wójcik"),
        ("её настоящее имя Екатерина Смирнова", "Екатерина Смирнова"),
        ("اسمها الحقيقي فاطمة حسن", "فاطمة حسن"),
        ("他的真实姓名是王伟", "王伟"),
        ("harborlight就是李静，住在上海", "李静"),
        ("I saw Sarah yesterday and she was fine", "Sarah"),
    ],
)
def test_a_person_of_any_culture_is_seen(text: str, person: str) -> None:
    assert found(text, EntityType.PERSON) == [person]


@pytest.mark.parametrize(
    "text",
    [
        "Wow. Yes. Omg. Haha. Lol. Thanks. Please. Sorry.",
        "Will you mark this down, please? May the rest be good",
        "my xbox broke, Windows 10 broke it, I hate Netflix and Tesla",
        "night_heron likes harbor commons and so does @harborlight_77",
        "the moderator replied to night_heron in the thread",
        "Buy The New Phone Today",
        "ask johnny.harborlight about it, or photos.example/maria.gonzalez",
        "La reunión del lunes se cancela, qué pena para todos",
        "Merry Christmas and a Happy New Year from all of us",
    ],
)
def test_ordinary_talk_holds_no_person(text: str) -> None:
    assert found(text, EntityType.PERSON) == []


def test_places_and_organisations_are_seen() -> None:
    text = "She moved from Manchester to Toronto and works for Microsoft now"
    assert found(text, EntityType.LOCATION) == ["Manchester", "Toronto"]
    assert found(text, EntityType.ORGANIZATION) == ["Microsoft"]


def test_the_same_text_gives_the_same_entities_whatever_was_read_before() -> None:
    document = Document(id="1", text="harborlight is Chidinma Okonkwo of Leeds, pretty sure")
    alone = EntityPipeline([PersonRecogniser(None)]).recognise([document])
    others = [Document(id=str(number), text=f"word{number} Maria of Bremen") for number in range(200)]
    assert PIPELINE.recognise([*others, document])[-1:] == alone


def test_of_a_long_text_only_what_is_around_the_matches_is_read() -> None:
    text = "harborlight met Maria Gonzalez in Leeds. " * 2_000
    places = [types.Span("text", start, start + 11) for start in (0, len(text) // 2 // 41 * 41)]
    (entities,) = PIPELINE.recognise([Document(id="1", text=text)], [places])
    ends = [0, *(place.start for place in places), len(text)]
    assert entities
    assert all(min(abs(entity.span.start - end) for end in ends) <= NAMES_REACH + 20 for entity in entities)


def test_the_weights_are_small_and_hold_no_word_of_what_they_were_trained_on() -> None:
    assert len(WEIGHTS.read_bytes()) < 10_000_000
    weights = trained_weights()
    assert set(weights.pop("moves").tolist()) <= {
        "O",
        "U-",
        *(f"{move}-{label}" for move in "BILU" for label in ("PERSON", "LOCATION", "ORGANIZATION")),
    }
    assert all(np.issubdtype(array.dtype, np.number) for array in weights.values())


def test_the_network_sees_what_spacy_sees_by_the_same_weights() -> None:
    fix_random_seed(7)
    nlp = untrained()
    words = ["Maria", "Gonzalez", "lives", "in", "Leeds", "near", "Acme"]
    reference = Doc(nlp.vocab, words=words)
    labelled = ((0, 2, "PERSON"), (4, 5, "LOCATION"), (6, 7, "ORGANIZATION"))
    reference.set_ents([Span(reference, start, end, label=label) for start, end, label in labelled])
    nlp.initialize(lambda: [Example(Doc(nlp.vocab, words=words), reference)])
    dice = np.random.default_rng(7)
    lower, upper = (recogniser(nlp).model.get_ref(name) for name in ("lower", "upper"))
    for layer, name in ((upper, "W"), (upper, "b"), (lower, "b")):
        layer.set_param(name, dice.normal(size=layer.get_param(name).shape).astype(np.float32))
    texts = [
        Tokens(text) for text in [*(" ".join(dice.permutation(words * 9)) for _ in range(60)), "Ana\nBo\n\n", "I", ""]
    ]
    seen = [
        [(entity.start, entity.end, entity.label_) for entity in nlp(document(tokens, nlp.vocab)).ents]
        for tokens in texts
    ]
    network = Network(weights_of(nlp))
    assert [list(map(tuple, entities)) for entities in network.entities([tokens.words for tokens in texts])] == seen
    assert {label for entities in seen for _, _, label in entities} == {"PERSON", "LOCATION", "ORGANIZATION"}
    assert any(end - start > 2 for entities in seen for start, end, _ in entities)


def test_the_model_is_loaded_when_the_first_document_is_read_and_needs_no_spacy() -> None:
    program = (
        "import sys; from core.types import Document; from matchers.entities import EntityPipeline, PersonRecogniser;"
        "pipeline = EntityPipeline([PersonRecogniser(None)]); loaded = 'matchers.entities.model.network';"
        "before = loaded in sys.modules; pipeline.recognise([Document(id='1', text='Maria')]);"
        "print(before, loaded in sys.modules, 'spacy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True", "False"]


@pytest.mark.parametrize(
    "text",
    ["Jean-Luc O'Brien's", "王小明 l’Homme", "a\n\n  b", "#tag @name", "थापा ñandú", "https://a.example/b c", "don't"],
)
def test_tokens_hold_everything_of_a_text_but_its_spaces(text: str) -> None:
    tokens = Tokens(text)
    held = "".join(text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True))
    assert "".join(held.split()) == "".join(text.split())


@pytest.mark.parametrize("pattern", ["Maria ", "M. ", "a.b-c", "1 ", "((((1", "\u0301", "王", "Maria"])
def test_seeing_persons_takes_time_linear_in_hostile_text(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        document = Document(id="1", text=pattern * (length // len(pattern)))
        return cpu_seconds(lambda: PIPELINE.recognise([document]), enough)

    seconds(500)
    bound = 4 * 8 * max(seconds(750), 0.005)
    assert seconds(6_000, bound) < bound


@pytest.mark.parametrize("pattern", ["a", "A", "Maria ", "\n", "王", "@", "'", "www.", "\u0301", "O'"])
def test_reading_takes_time_linear_in_hostile_text(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        return cpu_seconds(lambda: Tokens(pattern * (length // len(pattern))), enough)

    seconds(1_000)
    bound = 4 * 8 * max(seconds(20_000), 0.005)
    assert seconds(160_000, bound) < bound
