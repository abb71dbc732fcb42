"""What is made of a place's answers before a source reads them."""

from __future__ import annotations

import asyncio
import json

import pytest

from core.errors import SourceBroken, SourceUnavailable
from core.ports import HttpResponse
from sources.transport.fetching import LARGEST_JSON_BYTES, Answer


def answer(body: bytes) -> Answer:
    return Answer(HttpResponse(status=200, headers={}, body=body, url="https://place.example/list?key=k"), None)


async def test_json_that_is_too_large_is_refused_in_one_sentence_before_it_is_parsed() -> None:
    text = b'"' + b"x" * (LARGEST_JSON_BYTES - 2) + b'"'
    assert len(await answer(text).json()) == LARGEST_JSON_BYTES - 2
    with pytest.raises(SourceBroken, match=r"^place\.example answers with more than 5000000 bytes of JSON$"):
        await answer(text + b" ").json()


async def test_a_large_answer_is_parsed_alike_while_others_run() -> None:
    value = {"rows": [{"number": 1.5e3, "text": 'é "\U0001f426" \\', "none": None, "lists": [[], {}]}] * 12_000}
    body = json.dumps(value).encode()
    parsing = asyncio.ensure_future(answer(body).json())
    turns = 0
    while not parsing.done():
        await asyncio.sleep(0)
        turns += 1
    assert parsing.result() == value
    assert turns > 10


@pytest.mark.parametrize("body", [b"<html>", b"[" * 1000, b"[1," * 300_000, b"[" * 600_000, b'["\xff"]', b""])
async def test_what_is_no_json_is_said_in_one_sentence_whatever_its_size(body: bytes) -> None:
    with pytest.raises(SourceUnavailable, match=r"^place\.example answers with something else than JSON$"):
        await answer(body).json()
