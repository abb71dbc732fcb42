"""What is made of a place's answers before a source reads them."""

from __future__ import annotations

import pytest

from core.errors import SourceBroken
from core.ports import HttpResponse
from sources.transport.fetching import LARGEST_JSON_BYTES, Answer


def answer(body: bytes) -> Answer:
    return Answer(HttpResponse(status=200, headers={}, body=body, url="https://place.example/list?key=k"), None)


def test_json_that_is_too_large_is_refused_in_one_sentence_before_it_is_parsed() -> None:
    text = b'"' + b"x" * (LARGEST_JSON_BYTES - 2) + b'"'
    assert len(answer(text).json()) == LARGEST_JSON_BYTES - 2
    with pytest.raises(SourceBroken, match=r"^place\.example answers with more than 5000000 bytes of JSON$"):
        answer(text + b" ").json()
