"""Case numbers: every form counts where it should, and not elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from core.types import Document, Entity, EntityType
from matchers.entities import EntityPipeline
from matchers.entities.cases import CaseNumberRecogniser, case_forms
from tests.timing import cpu_seconds

PIPELINE = EntityPipeline([CaseNumberRecogniser()])


class Example(NamedTuple):
    form: str
    text: str
    found: str
    never: str


EXAMPLES = [
    Example(**row) for row in yaml.safe_load((Path(__file__).parent / "entities" / "cases.yaml").read_text("utf-8"))
]


def recognise(text: str) -> tuple[Entity, ...]:
    (entities,) = PIPELINE.recognise([Document(id="1", text=text)])
    return entities


def test_every_form_has_an_example() -> None:
    assert [example.form for example in EXAMPLES] == [form.name for form in case_forms()]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.form for example in EXAMPLES])
def test_a_case_number_counts(example: Example) -> None:
    (entity,) = recognise(example.text)
    assert (entity.found, entity.type, entity.recogniser) == (example.found, EntityType.CASE_NUMBER, example.form)
    assert example.text[entity.span.start : entity.span.end] == example.found
    assert 0.5 < entity.confidence < 1


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.form for example in EXAMPLES])
def test_what_looks_like_one_does_not_count_without_context(example: Example) -> None:
    assert example.form not in {entity.recogniser for entity in recognise(example.never)}


@pytest.mark.parametrize(
    "text",
    [
        "we played 24/7 in 2021 and won 3-2 on 12/05/2021",
        "case 1 of 2",
        "case number 5",
        "in any case 100000 people came",
        "it was 1:21-1:45 on my phone",
        "RFC 2822, section 3.4.1, bug 123456",
        "https://example.org/2021/12/1234567/a-story",
    ],
)
def test_an_ordinary_text_holds_no_case_number(text: str) -> None:
    assert recognise(text) == ()


@pytest.mark.parametrize(
    "pattern",
    [
        "1",
        "1/",
        "1-",
        "1 ",
        "12-cv-",
        "case no ",
        "no. 1234/56 ",
        "2021 ",
        "a1-",
        "(2021)京1",
        "ecli:nl:",
        "1234567-12.2021.",
    ],
)
def test_case_numbers_take_time_linear_in_hostile_text(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        text = f"docket no 12-345 conseil d'etat 412345 {pattern * (length // len(pattern))}"
        return cpu_seconds(lambda: recognise(text), enough)

    bound = 24 * max(seconds(4_000), 0.01)
    assert seconds(32_000, bound) < bound
