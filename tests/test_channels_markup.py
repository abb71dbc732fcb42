"""Crawled text stays text in every chat: no mention, link, markup or line of its own, at any length."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from alerting.messages import PLAIN_TEXT, Markup, Style, inert, message
from alerting.notifiers import discord, matrix, mattermost, ntfy, slack, telegram
from alerting.notifiers.email import compose
from core.types import Notice, Severity
from tests.channel_fixtures import CHANNELS, NOTICE, hostile, longest, many, texts_of, with_text
from tests.test_messages import LINKS_AND_MENTIONS

BODIES: Mapping[str, Callable[[Notice], Any]] = {
    "discord": discord.body,
    "mattermost": mattermost.body,
    "slack": slack.body,
    "matrix": matrix.body,
    "telegram": telegram.body,
    "ntfy": lambda notice: ntfy.body(notice, "leaks"),
}
LENGTHS: Mapping[str, Callable[[Any], int]] = {
    "discord": lambda body: len(body["embeds"][0]["description"]) - discord.LONGEST_DESCRIPTION,
    "mattermost": lambda body: len(body["text"]) - mattermost.LONGEST_TEXT,
    "slack": lambda body: len("".join(element["text"] for element in elements(body))) - slack.LONGEST_TEXT,
    "matrix": lambda body: octets(body) - matrix.LONGEST_CONTENT_BYTES,
    "telegram": lambda body: len(body["text"].encode("utf-16-le")) // 2 - telegram.LONGEST_TEXT,
    "ntfy": lambda body: octets(body) - ntfy.LONGEST_BODY_BYTES,
}
"""By how much a body is over its channel's limit."""

LINK = f"https://leaks.example/incidents/com_{'a' * 24}~inc_{'b' * 24}~dst_{'c' * 24}~-~1795600000~{'0' * 32}"
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def elements(body: Any) -> list[Any]:
    (block,) = body["blocks"]
    (section,) = block["elements"]
    found: list[Any] = section["elements"]
    return found


def octets(body: Any) -> int:
    return len(json.dumps(body, ensure_ascii=False).encode())


def quotes(notice: Notice) -> list[str]:
    return [piece.text for line in message(notice) for piece in line.pieces if piece.style is Style.QUOTED]


def test_every_chat_channel_is_tested_here() -> None:
    assert BODIES.keys() == LENGTHS.keys() == CHANNELS.keys()


@pytest.mark.parametrize("character", ["x", "*", "`", "<", "&", '"', "\\", "@", ".", "名", "😀", "\n"], ids=ascii)
@pytest.mark.parametrize("alerts", [1, 2, 20])
@pytest.mark.parametrize("kind", sorted(BODIES))
def test_the_longest_message_keeps_to_the_limit_and_keeps_why_and_which(kind: str, alerts: int, character: str) -> None:
    body = BODIES[kind](longest(character, alerts=alerts))
    assert LENGTHS[kind](body) <= 0
    text = texts_of(body).replace("\\", "")
    assert "inc_1" in text
    assert "Content note: violence" in text
    assert text.count("the watched pseudonym stands 12 words") >= 8


@pytest.mark.parametrize("character", ["x", "*", "名"], ids=ascii)
@pytest.mark.parametrize("alerts", [1, 20])
@pytest.mark.parametrize("kind", sorted(BODIES))
def test_the_link_stands_whole_in_the_longest_message(kind: str, alerts: int, character: str) -> None:
    body = BODIES[kind](replace(longest(character, alerts=alerts), link=LINK))
    assert LENGTHS[kind](body) <= 0
    assert LINK in texts_of(body)


@pytest.mark.parametrize("character", ["x", "*", "`", "<", "&", '"', "\\", "@", ".", "名", "😀", "\n"], ids=ascii)
@pytest.mark.parametrize("incidents", [1, 2, 20])
@pytest.mark.parametrize("kind", sorted(BODIES))
def test_the_longest_message_of_several_incidents_keeps_to_the_limit_and_counts_them_all(
    kind: str, incidents: int, character: str
) -> None:
    body = BODIES[kind](many(character, incidents=incidents))
    assert LENGTHS[kind](body) <= 0
    text = texts_of({**body, "formatted_body": ""}).replace("\\", "")
    assert "Content note: violence" in text
    more = re.search(r"And (\d+) more incidents?\.", text)
    shown = len(re.findall(r"\binc_\d+ ", text))
    assert shown + (int(more[1]) if more else 0) == incidents
    assert shown >= min(incidents, 5)


@pytest.mark.parametrize("incidents", [1, 2, 20])
@pytest.mark.parametrize("kind", sorted(BODIES))
def test_links_of_several_incidents_stand_whole_or_not_at_all(kind: str, incidents: int) -> None:
    several = many("x", incidents=incidents)
    linked = replace(several, incidents=tuple(replace(one, link=LINK) for one in several.incidents))
    body = BODIES[kind](linked)
    assert LENGTHS[kind](body) <= 0
    text = texts_of(body)
    assert text.count("https://leaks.example") == text.count(LINK)
    assert incidents == 20 or text.count(LINK) >= incidents
    more = re.search(r"And (\d+) more incidents?\.", text.replace("\\", ""))
    assert (
        len(re.findall(r"\binc_\d+ ", texts_of({**body, "formatted_body": ""}).replace("\\", "")))
        + (int(more[1]) if more else 0)
        == incidents
    )


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_an_ordinary_message_is_whole_in_every_channel(kind: str) -> None:
    text = texts_of(BODIES[kind](NOTICE))
    assert "█████ is M████ G███████" in text
    assert "Shortened" not in text


@pytest.mark.parametrize("kind", sorted(BODIES))
@given(hostile, hostile)
def test_nothing_becomes_a_link_a_mention_or_a_command(kind: str, text: str, named: str) -> None:
    body = {**BODIES[kind](with_text(text, named=named))}
    for ours in ("topic", "sequence_id", "msgtype", "format", "formatted_body"):  # the last is compared below
        body.pop(ours, None)
    assert not LINKS_AND_MENTIONS.search(texts_of(body).replace("\\", ""))


@pytest.mark.parametrize("kind", ["discord", "mattermost"])
@given(hostile, hostile)
def test_markdown_holds_nothing_but_bold_of_ours_and_code_with_the_quotes(kind: str, text: str, named: str) -> None:
    notice = with_text(text, named=named)
    body = BODIES[kind](notice)
    written = body["embeds"][0]["description"] if kind == "discord" else body["text"]
    tokens = MARKDOWN.parse(written)
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in inline} <= {"text", "softbreak", "strong_open", "strong_close", "code_inline"}
    assert sum(token.type == "strong_open" for token in inline) == 1
    code = [token.content for token in inline if token.type == "code_inline"]
    shown = str.maketrans({"`": "‘"} if kind == "discord" else {"`": "‘", "<": "‹"})
    assert code == [quote.translate(shown) for quote in quotes(notice)]
    assert kind == "discord" or "<" not in written  # Slack's markup, which Mattermost reads in code too


class Tags(HTMLParser):
    """Which tags a text has, with whether they carry attributes, and what is left without them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[tuple[str, bool]] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, bool(attrs)))
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def read(markup: str) -> Tags:
    tags = Tags()
    tags.feed(markup)
    tags.close()
    return tags


@given(hostile, hostile)
def test_html_holds_nothing_but_the_words_of_the_plain_text(text: str, named: str) -> None:
    body = matrix.body(with_text(text, named=named))
    shown = read(str(body["formatted_body"]))
    assert shown.tags <= {("strong", False), ("code", False), ("br", False)}
    assert shown.text == body["body"]


@given(hostile, hostile)
def test_a_mail_shows_the_same_in_both_its_parts_and_nothing_acts(text: str, named: str) -> None:
    mail = compose(with_text(text, named=named), "leakwatch@harbor.example")
    plain, markup = (part.get_content() for part in mail.iter_parts())
    shown = read(markup)
    assert shown.tags <= {(tag, False) for tag in ("html", "body", "p", "strong", "code", "br")}
    assert shown.text.split() == plain.split()
    assert not LINKS_AND_MENTIONS.search(plain)


@given(hostile, hostile)
def test_telegram_marks_every_quote_as_code_and_only_ours_bold(text: str, named: str) -> None:
    notice = with_text(text, named=named)
    body: Any = telegram.body(notice)
    units = body["text"].encode("utf-16-le")
    marked: dict[str, list[str]] = {"bold": [], "code": []}
    for entity in body["entities"]:
        start = 2 * entity["offset"]
        marked[entity["type"]].append(units[start : start + 2 * entity["length"]].decode("utf-16-le"))
    assert marked == {"bold": [inert(notice.summary).strip()], "code": quotes(notice)}
    assert "parse_mode" not in body
    assert body["link_preview_options"] == {"is_disabled": True}


def test_telegram_is_given_no_more_marks_than_it_reads() -> None:
    many = replace(NOTICE, alerts=NOTICE.alerts * 20)
    assert len(telegram.body(many)["entities"]) <= telegram.MOST_ENTITIES  # type: ignore[arg-type]


@given(hostile, hostile)
def test_slack_gets_texts_only(text: str, named: str) -> None:
    notice = with_text(text, named=named)
    body: Any = slack.body(notice)
    assert {element["type"] for element in elements(body)} == {"text"}
    assert all(element["text"] for element in elements(body))
    assert [one["text"] for one in elements(body) if one.get("style") == {"code": True}] == quotes(notice)
    assert not set(body["text"]) & set("<>")
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)


def test_discord_and_matrix_are_told_that_nobody_is_mentioned() -> None:
    assert discord.body(NOTICE)["allowed_mentions"] == {"parse": []}
    assert matrix.body(NOTICE)["m.mentions"] == {}


@pytest.mark.parametrize(("score", "priority"), [(95, 5), (75, 4), (50, 3), (25, 2), (5, 1)])
def test_ntfy_rings_the_louder_the_graver_it_is(score: int, priority: int) -> None:
    assert NOTICE.incident is not None
    notice = replace(NOTICE, incident=replace(NOTICE.incident, score=score))
    assert ntfy.body(notice, "leaks")["priority"] == priority
    assert set(discord._COLOURS) == set(ntfy._PRIORITIES) == set(Severity)


def test_ntfy_says_the_heading_once() -> None:
    body: Any = ntfy.body(NOTICE, "leaks")
    assert body["title"] == "1 linkage alert, high (88), Members"
    assert body["title"] not in body["message"]
    assert body["message"].startswith("Content note: ")
    assert body["sequence_id"] == NOTICE.idempotency_key


def test_a_markup_measures_at_least_what_it_writes() -> None:
    markups = (PLAIN_TEXT, discord.MARKUP, Markup(str, str, str, line_break="<br>"))
    for markup in markups:
        lines = message(NOTICE)
        assert sum(map(markup.size, lines)) >= len(markup.text(lines))


def test_the_link_can_be_followed_in_every_channel_and_stands_there_once() -> None:
    linked = replace(NOTICE, link=LINK)
    told = f"Read and acknowledge: {LINK}"
    for kind in ("discord", "mattermost"):
        assert texts_of(BODIES[kind](linked)).count(LINK) == 1, kind
        shown = [
            child.content for token in MARKDOWN.parse(texts_of(BODIES[kind](linked))) for child in token.children or ()
        ]
        assert told in shown
    assert [one for one in elements(BODIES["slack"](linked)) if one["type"] == "link"] == [
        {"type": "link", "url": LINK, "text": LINK}
    ]
    body = BODIES["telegram"](linked)
    (entity,) = [one for one in body["entities"] if one["type"] == "text_link"]
    text = body["text"].encode("utf-16-le")
    assert entity["url"] == text[entity["offset"] * 2 :][: entity["length"] * 2].decode("utf-16-le") == LINK
    body = BODIES["matrix"](linked)
    assert body["formatted_body"].count(f'<a href="{LINK}">{LINK}</a>') == 1
    assert body["body"].count(told) == 1
    body = BODIES["ntfy"](linked)
    assert LINK not in body["message"]
    assert body["click"] == LINK
    assert body["actions"] == [{"action": "view", "label": "Read and acknowledge", "url": LINK}]
    plain, written = compose(linked, "leakwatch@harbor.example").iter_parts()
    assert plain.get_content().count(told) == 1
    assert written.get_content().count(f'<a href="{LINK}">{LINK}</a>') == 1
