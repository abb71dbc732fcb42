"""Names on social networks: in links to profiles, and in running text next to the network's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.types import EntityType
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import any_of, own_table
from matchers.folding import folded_forms
from matchers.words import is_ordinary, ordinary_words

_TOLD_CONFIDENCE = 0.85
_NAMED_CONFIDENCE = 0.75
_FORM_CONFIDENCE = 0.9
_TAG_CONFIDENCE = 0.6

_TABLE: dict[str, Any] = own_table("social.yaml")
_NETWORKS: dict[str, dict[str, Any]] = _TABLE["networks"]
_BY_HOST = {host: name for name, row in _NETWORKS.items() for host in row["hosts"]}
_BY_WORD = {form: name for name, row in _NETWORKS.items() for word in row["words"] for form in folded_forms(word)}
_PAGES = frozenset(_TABLE["pages"])
_PROFILES = {name: re.compile(row.get("profile", r"[\w.-]{2,60}/?(?:#|$)")) for name, row in _NETWORKS.items()}
_NAMES = {name: re.compile(row.get("name", r"[\w.-]{2,40}")) for name, row in _NETWORKS.items()}
_SUBDOMAIN = re.compile(r"^(?:m|mobile|old|new|[a-z]{2}(?:-[a-z]{2})?)\.")
_OF_NOBODY = frozenset({"www", "help", "support", "blog", "about", "assets", "static", "media", "api"})
# Hosts on which everybody has a subdomain.
_PERSONAL = re.compile(r"^([\w-]{2,60})\.(?:tumblr\.com|substack\.com|livejournal\.com|carrd\.co|deviantart\.com)$")
_NAMED_BY_QUERY = ("profile.php", "send")
_FEDIVERSE_PATH = re.compile(r"/@[\w.-]{2,60}(?:@[\w.-]{4,80})?/?$")

_WORDS = any_of(_BY_WORD)
_JOINTS = any_of(_TABLE["joints"])
_ON = rf"(?:\s(?:{any_of(_TABLE['before'])})\s(?:my |his |her )?|\s?[(\[-]\s?(?:on\s)?)"
_AFTER_WORD = re.compile(
    rf"(?<![\w.@/-])(?P<network>{_WORDS})(?![\w.]|'s)"
    rf"(?P<joint>(?:\s(?:{_JOINTS})){{0,3}}\s?[(\[]?(?:\s?(?:[:=>|-]|->|→)){{0,2}}\s?)"
    r"(?P<name>[@$]?[\w][\w.#-]{1,39})(?![@/]|://)"
)
_BEFORE_WORD = re.compile(
    r"(?<![\w.@/-])(?P<name>@?\w[\w.-]{2,39})"
    rf"{_ON}(?P<network>{_WORDS})(?![\w.])"
)
_FORMS = (
    (re.compile(r"(?<![\w/.@-])/?u/[\w-]{3,20}(?![\w/-])"), _FORM_CONFIDENCE, "reddit_name"),
    (
        re.compile(r"(?<![\w@/.-])@[\w.-]{1,60}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}(?![\w-])"),
        _FORM_CONFIDENCE,
        "fediverse_name",
    ),
)
_DISCORD_TAG = re.compile(r"(?<![\w@/#.-])(?P<name>[\w.]{2,32})#\d{4}(?![\w#])")
_IS_NO_WORD = re.compile(r"[\d_]|\w\.\w")


class SocialRecogniser(TextRecogniser):
    """Sees names on networks in running text: ``insta: maria.g``, ``@maria on twitter``, ``u/maria``, ``@a@host``,
    ``maria#1234``. A mention alone (``@maria``) is none, as it is how people talk to one another."""

    gate = Gate(
        r"(?:^|[^\w/.@-])/?u/[a-z0-9_-]{3}|@[a-z0-9_.-]+@[a-z0-9]|[a-z0-9_.]#[0-9]{4}"
        rf"|(?:^|[^\w.@/-])(?:{_WORDS})(?:\s(?:{_JOINTS}))*\s?[(\[]?\s?(?:[:=>@|-]|→|(?:is|handle|id|es|ist|est|name|at)\s)"
        rf"|[@._\pN][^\s]*{_ON}(?:{_WORDS})\b",
        reach=80,
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the names in a stretch."""
        text = stretch.folded.text
        for place in _AFTER_WORD.finditer(text):
            if (end := _name_end(place)) and _is_told(place, end):
                yield _seen(place.start("name"), end, _TOLD_CONFIDENCE, f"{_network(place)}_name")
        for place in _BEFORE_WORD.finditer(text):
            name = place["name"]
            if name.startswith("@") or (_IS_NO_WORD.search(name) and not name.isdecimal()):
                yield _seen(*place.span("name"), _NAMED_CONFIDENCE, f"{_network(place)}_name")
        for pattern, confidence, recogniser in _FORMS:
            for place in pattern.finditer(text):
                yield _seen(*place.span(), confidence, recogniser)
        for place in _DISCORD_TAG.finditer(text):
            if not is_ordinary(place["name"].strip("._")) and not place["name"].isdecimal():
                yield _seen(*place.span(), _TAG_CONFIDENCE, "discord_tag")


def is_profile(host: str, rest: str) -> bool:
    """Return whether a link to ``rest`` (path, query and fragment) on a host, all folded, is a person's profile."""
    if (name := _PERSONAL.match(host)) and name[1] not in _OF_NOBODY:
        return True
    network = _BY_HOST.get(host) or _BY_HOST.get(_SUBDOMAIN.sub("", host))
    if network is None:
        return _FEDIVERSE_PATH.match(rest) is not None
    path = rest.lstrip("/").removeprefix("#!/")
    if not path.startswith(_NAMED_BY_QUERY):
        path = path.partition("?")[0]
    is_page = path.partition("/")[0] in _PAGES or path.rstrip("/") in _PAGES
    return not is_page and _PROFILES[network].match(path) is not None


def _network(place: re.Match[str]) -> str:
    return _BY_WORD[place["network"]]


def _name_end(place: re.Match[str]) -> int | None:
    """Return where the name ends by the network's rules."""
    start = place.start("name") + place["name"].startswith("@")
    name = _NAMES[_network(place)].match(place.string, start, place.end("name"))
    if name is None:
        return None
    end = start + len(name[0].rstrip(".-,"))
    return end if end - start > 1 and place.string[end : end + 1] not in ("@", "/") else None


def _is_told(place: re.Match[str], end: int) -> bool:
    """Return whether what follows a network's word is a name rather than the sentence going on."""
    name, joint = place.string[place.start("name") : end], place["joint"]
    if name.startswith("@"):
        return True
    if not re.search(r"[:=>|]|→|\b(?:is|id|handle|name|username|es|ist|est)\b|\s-\s", joint):
        return False
    if _IS_NO_WORD.search(name) and not name.isdecimal():
        return True
    if _network(place) == "qq" and name.isdecimal():
        return True
    if name.isdecimal():
        return False
    # "Insta: maria" is told by the line's end; "Twitter: Maria has left" is a sentence.
    is_end = place.string[end : end + 1] in ("", "\n")
    return name not in ordinary_words() if is_end and re.search(r"[:=>|]|→", joint) else not is_ordinary(name)


def _seen(start: int, end: int, confidence: float, recogniser: str) -> Seen:
    return Seen(EntityType.SOCIAL_HANDLE, start, end, confidence, recogniser)
