"""Logins with their passwords, and secret keys, as they stand in pastes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from core.types import EntityType
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import any_of, own_table
from matchers.phrases import UNSPACED
from matchers.words import is_ordinary, ordinary_words

_FORM_CONFIDENCE = 0.95
_NAMED_KEY_CONFIDENCE = 0.8
_MAIL_LINE_CONFIDENCE = 0.9
_USER_LINE_CONFIDENCE = 0.7
_LOGIN_CONFIDENCE = 0.9
_PASSWORD_CONFIDENCE = 0.8

_TABLE: dict[str, Any] = own_table("secrets.yaml")
_KEYS: list[dict[str, Any]] = _TABLE["keys"]
_FORMS = "|".join(f"(?P<key{number}>{row['form']})" for number, row in enumerate(_KEYS))
_KEY = re.compile(rf"(?<![A-Za-z0-9_])(?:{_FORMS})(?![A-Za-z0-9])")

_MAIL = r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}"
_VALUE = r"[^\s:;|,<>]{4,64}"
_MAIL_LINE = re.compile(rf"(?<![\w.+%@-]){_MAIL}\s?[:;|]\s?(?!//){_VALUE}(?=\s|$|[:;|,])")
_USER_LINE = re.compile(
    rf"^[ \t>*-]{{0,4}}(?P<login>(?P<user>[\w.-]{{3,40}}):(?P<password>(?!//){_VALUE}))[ \t]*$", re.M
)
_IN_LINK = re.compile(r"(?<=://)[^\s:/@?#]{1,64}:[^\s:/@?#]{1,64}@(?:[\w-]{1,63}\.){0,5}[\w-]{1,63}")
_FEWEST_USER_LINES = 3

_JOINTS = any_of(_TABLE["joints"])
_AFTER_PASSWORD_WORD = re.compile(
    rf"(?<![^\W_])(?:{any_of(_TABLE['password_words'])})(?![^\W_{UNSPACED}])[\"']?"
    rf"(?P<joint>\s?(?:[:=]|=>|->|→){{1,2}}\s{{0,3}}|\s(?:{_JOINTS})\s?:?\s|\s?(?:是|为)\s?:?\s?)(?P<value>\"[^\"\n]{{4,64}}\"|'[^'\n]{{4,64}}'|\S{{4,64}})"
)
_AFTER_KEY_WORD = re.compile(
    rf"(?<![^\W_])(?:{any_of(_TABLE['key_words'])})(?![^\W_])[\"']?\s?(?:[:=]|=>|\sis\s|\s){{1,2}}\s?[\"']?(?P<value>[\w/+=.~-]{{16,200}})"
)
_AFTER_PHRASE_WORD = re.compile(
    rf"(?<!\w)(?:{any_of(_TABLE['phrase_words'])})\W{{1,5}}(?:is\W{{1,3}})?(?P<value>[a-z]{{3,8}}(?:[\s,]{{1,3}}(?:\d{{1,2}}[.)]\s?)?[a-z]{{3,8}}){{11,23}})"
)
_PLACEHOLDERS = frozenset(_TABLE["placeholders"])
_IS_PLACEHOLDER = re.compile(r"[*.x_•#?-]+$|[<{$%(].*|.*[({]|\$?\{.*\}|https?:|\.{3}")
_HAS_SIGN = re.compile(r"[\d!@#$%^&*_+=?~]")
_TIME = re.compile(r"\d{1,2}:\d{2}")
_RANDOM_BITS = 3.0
"""Of information in a character: words of a language have less, random letters and digits more."""


class KeyRecogniser(TextRecogniser):
    """Sees secret keys by their issuers' forms."""

    gate = Gate(
        "|".join((any_of(sign for row in _KEYS for sign in row["sign"]), r"[0-9]:aa[a-z0-9_-]")),
        reach=100,
        unbroken=26,
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the keys in a stretch."""
        # Of a key, capitals count.
        for place in _KEY.finditer(stretch.original):
            name = _KEYS[int(str(place.lastgroup)[3:])]["name"]
            yield _seen(EntityType.SECRET_KEY, stretch.folded_at(*place.span()), _FORM_CONFIDENCE, name)


class LoginRecogniser(TextRecogniser):
    """Sees passwords with their logins (``mail:password`` lines, ``password is ...``, links with both) and, after a
    word for a key, what looks random."""

    gate = Gate(
        "|".join(
            (
                rf"(?:{any_of(_TABLE['password_words'])})[\"']?(?:\s?[:=>→-]|\s(?:{_JOINTS})\s|\s?(?:是|为))",
                rf"(?:{any_of([*_TABLE['key_words'], *_TABLE['phrase_words']])})[\"']?[^a-z]",
                r"@[a-z0-9-]+\.[a-z0-9.-]+\s?[:;|]|://[^\s:/@?#]+:[^\s:/@?#]+@",
                r"(?:^|\n)[ \t>*-]*[a-z0-9_.-]+:[^\s:;|,<>/]",
            )
        ),
        reach=350,
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the logins and keys in a stretch."""
        text = stretch.folded.text
        for place in _AFTER_KEY_WORD.finditer(text):
            if _is_random(stretch.written(*place.span("value"))):
                yield _seen(EntityType.SECRET_KEY, place.span("value"), _NAMED_KEY_CONFIDENCE, "named_key")
        for place in _AFTER_PHRASE_WORD.finditer(text):
            yield _seen(EntityType.SECRET_KEY, place.span("value"), _NAMED_KEY_CONFIDENCE, "wallet_phrase")
        yield from _logins(text)


def _logins(text: str) -> Iterator[Seen]:
    if "@" in text:
        for place in _MAIL_LINE.finditer(text):
            if _looks_like_password(place[0].rstrip().rpartition("@")[2]):
                yield _seen(EntityType.CREDENTIAL, place.span(), _MAIL_LINE_CONFIDENCE, "mail_and_password")
        for place in _IN_LINK.finditer(text):
            yield _seen(EntityType.CREDENTIAL, place.span(), _LOGIN_CONFIDENCE, "login_in_link")
    lines = [place for place in _USER_LINE.finditer(text) if _is_login(place)]
    if len(lines) >= _FEWEST_USER_LINES:
        for place in lines:
            yield _seen(EntityType.CREDENTIAL, place.span("login"), _USER_LINE_CONFIDENCE, "user_and_password")
    for place in _AFTER_PASSWORD_WORD.finditer(text):
        if span := _password(place):
            yield _seen(EntityType.CREDENTIAL, span, _PASSWORD_CONFIDENCE, "password")


def _password(place: re.Match[str]) -> tuple[int, int] | None:
    """Return where a password stands after a word for one, unless the sentence just goes on."""
    start, end = place.span("value")
    value = place["value"]
    if value[0] in "\"'" and value[-1] == value[0]:
        start, end = start + 1, end - 1
    elif (bare := value.rstrip(",.;:)\"'")) != value:
        end = start + len(bare)
    password = place.string[start:end]
    if end - start < 4 or not _looks_like_password(password):
        return None
    is_stated = ":" in place["joint"] or "=" in place["joint"]
    if value[0] in "\"'" or _HAS_SIGN.search(password):
        return start, end
    return (start, end) if is_stated and not is_ordinary(password) else None


def _looks_like_password(value: str) -> bool:
    return value not in _PLACEHOLDERS and _IS_PLACEHOLDER.match(value) is None


def _is_login(place: re.Match[str]) -> bool:
    user, password = place["user"], place["password"]
    return (
        _TIME.match(place["login"]) is None
        and user not in ordinary_words()
        and not user.isdecimal()
        and _looks_like_password(password)
        and not is_ordinary(password)
    )


def _is_random(value: str) -> bool:
    if not any(map(str.isdecimal, value)) or not any(map(str.isalpha, value)):
        return False
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) >= _RANDOM_BITS


def _seen(kind: EntityType, span: tuple[int, int], confidence: float, recogniser: str) -> Seen:
    return Seen(kind, *span, confidence, recogniser)
