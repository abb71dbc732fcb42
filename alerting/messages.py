"""A notice as people read it in a chat or a mail: its lines, shortened to what a channel takes.

Whatever others wrote (crawled text above all, names that admins gave as well) is made inert here, once for all
channels: it can make no mention, no link and no command, so that no program follows an address because it was shown.
How a channel marks text up is its own affair, given as a :class:`Markup`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from types import MappingProxyType

from alerting.redaction import ELLIPSIS, safe_text
from core.types import EventType, Notice, NoticeAlert

_LONGEST_NAME = 100
_LONGEST_SENTENCE = 250
_SHORTEST_REST = 20
"""What would be left of a text that is shorter than this is left out."""

# What chat programs, phones and mail programs make links, mentions or commands of: the dot in a host name, the @ of a
# mention or an address, the colon of a scheme, and #topic, ~channel, $TICKER and /command. What has brackets already
# gets no others.
_TRIGGER = re.compile(
    r"(?<=[^\s.\[])[.。．｡](?=[^\s.\]])|[@＠#＃](?=[^\s\]])|:(?=//)|(?<!\w)[~$](?=\w)|(?<![\w/<])/(?=\w)"
)


def inert(text: str) -> str:
    """Return the text on one line, with what would make a link, a mention or a command of it in brackets, as people
    who handle dangerous addresses write them: ``https[:]//blog[.]example``."""
    return _TRIGGER.sub(r"[\g<0>]", safe_text(text))


class Style(Enum):
    """How a piece of a line stands out. ``QUOTED`` is what strangers wrote."""

    PLAIN = "plain"
    STRONG = "strong"
    QUOTED = "quoted"


class Rank(IntEnum):
    """How long a line is kept in a message that is too long: the lowest goes first."""

    EXCERPT = 0
    TITLE = 1
    PLACE = 2
    LATER_REASON = 3
    LATER_ALERT = 4
    LINK = 5
    REASON = 6
    ALWAYS = 7


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a line, inert, in one style."""

    text: str = field(repr=False)
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a message. ``is_apart``: an empty line stands before it."""

    pieces: tuple[Piece, ...]
    rank: Rank = Rank.ALWAYS
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class Markup:
    """How a channel writes pieces: each function takes inert text and returns it escaped and marked up."""

    plain: Callable[[str], str]
    strong: Callable[[str], str]
    quoted: Callable[[str], str]
    line_break: str = "\n"

    def line(self, line: Line) -> str:
        """Return the line as the channel writes it."""
        write = {Style.PLAIN: self.plain, Style.STRONG: self.strong, Style.QUOTED: self.quoted}
        return "".join(write[piece.style](piece.text) for piece in line.pieces)

    def text(self, lines: Sequence[Line]) -> str:
        """Return the lines as one text."""
        return "".join(f"{self._before(line) if number else ''}{self.line(line)}" for number, line in enumerate(lines))

    def size(self, line: Line) -> int:
        """Return how many characters the line adds to a text, at most."""
        return len(self._before(line)) + len(self.line(line))

    def _before(self, line: Line) -> str:
        return self.line_break * 2 if line.is_apart else self.line_break


PLAIN_TEXT = Markup(str, str, str)
HTML = Markup(
    plain=html.escape,
    strong=lambda text: f"<strong>{html.escape(text)}</strong>",
    quoted=lambda text: f"<code>{html.escape(text)}</code>",
)


def markdown(escaped: str, replaced: Mapping[str, str] = MappingProxyType({})) -> Markup:
    """Return the markup of a chat's Markdown: a backslash takes the ``escaped`` characters their meaning; where it
    cannot, they are ``replaced``.

    Quotes are code, where Markdown means nothing; a backtick, which would end it, becomes a grave accent.
    """
    special = re.compile(f"([{re.escape(escaped)}])")
    look_alikes = str.maketrans(dict(replaced))
    in_code = look_alikes | str.maketrans({"`": "ˋ"})

    def plain(text: str) -> str:
        return special.sub(r"\\\1", text.translate(look_alikes))

    return Markup(
        plain=plain,
        strong=lambda text: f"**{plain(text)}**",
        quoted=lambda text: f"`{text.translate(in_code)}`",
    )


def heading(notice: Notice) -> str:
    """Return what the notice says in a sentence, inert, of bounded length."""
    return _clipped(notice.summary, _LONGEST_SENTENCE)


def message(notice: Notice, *, is_headed: bool = True) -> tuple[Line, ...]:
    """Return the lines of the notice, the content note first, and then, if it ``is_headed``, its heading."""
    return tuple(_lines(notice, is_headed=is_headed))


def fitted(lines: Sequence[Line], longest: int, size: Callable[[Line], int]) -> tuple[Line, ...]:
    """Return the lines of which the sizes add up to ``longest`` at most. Excerpts go first, the last of them before
    the others, then titles and authors; what happened, why, and which incident it is stay. That something was left out
    is said at the end."""
    excess = sum(map(size, lines)) - longest
    if excess <= 0:
        return tuple(lines)
    kept: dict[int, Line] = dict(enumerate((*lines, _SHORTENED)))
    excess += size(_SHORTENED)
    droppable = [number for number, line in enumerate(lines) if line.rank < Rank.ALWAYS]
    for number in sorted(droppable, key=lambda one: (lines[one].rank, -one)):
        if excess <= 0:
            break
        line = kept.pop(number)
        excess -= size(line)
        rest = _shortened(line, -excess, size)
        if rest is not None:
            kept[number] = rest
            excess += size(rest)
    return tuple(line for _, line in sorted(kept.items()))


def _shortened(line: Line, longest: int, size: Callable[[Line], int]) -> Line | None:
    """Return the line with as much of its quote as there is room for; None where that is not worth showing."""
    *before, last = line.pieces
    if last.style is not Style.QUOTED:
        return None
    low, high = 0, len(last.text)
    while low < high:  # how many characters fit: what they measure grows with them
        middle = (low + high + 1) // 2
        cut = replace(line, pieces=(*before, replace(last, text=last.text[:middle] + ELLIPSIS)))
        low, high = (middle, high) if size(cut) <= longest else (low, middle - 1)
    if low < _SHORTEST_REST:
        return None
    return replace(line, pieces=(*before, replace(last, text=last.text[:low] + ELLIPSIS)))


def _lines(notice: Notice, *, is_headed: bool) -> Iterator[Line]:
    if notice.content_notes:
        yield _line(f"Content note: {', '.join(notice.content_notes)}")
    if is_headed:
        yield Line((Piece(heading(notice), Style.STRONG),))
    yield _line(f"Community: {_clipped(notice.community, _LONGEST_NAME)}", is_apart=True)
    if notice.incident is not None:
        incident = notice.incident
        times, sites = incident.sighting_count, incident.site_count
        seen = "seen once" if times == 1 else f"seen {times} times on {sites} {'site' if sites == 1 else 'sites'}"
        yield _line(f"Incident: {incident.id} ({incident.state}, {seen})")
        yield _line(f"First seen: {incident.first_seen_at:%Y-%m-%d %H:%M} UTC")
        if incident.reason is not None:
            yield from _quoted("Reason", incident.reason, Rank.TITLE)
    if notice.source is not None:
        yield _line(f"Source: {notice.source.id} ({notice.source.state})")
    if notice.event is EventType.SOURCE_FAILING:
        yield _line("Until it works again, leaks that appear there may be missed.")
    if notice.event is EventType.DESTINATION_DISABLED:
        yield _line("Nobody is told there any more. What waited for it is sent once it is switched on again.")
    for number, alert in enumerate(notice.alerts):
        yield from _alert_lines(alert, is_first=number == 0)
    yield _line(f"Detail level of this destination: {notice.detail}", is_apart=True)


def _alert_lines(alert: NoticeAlert, *, is_first: bool) -> Iterator[Line]:
    told = f"{alert.severity.upper()} ({alert.score}) {alert.alert_class.replace('_', ' ')}, "
    rank = Rank.ALWAYS if is_first else Rank.LATER_ALERT
    yield _line(told + _clipped(alert.watchlist, _LONGEST_NAME), rank, is_apart=True)
    for reason in alert.reasons:
        sentence = f"- {_clipped(reason.text, _LONGEST_SENTENCE)} (+{reason.points})"
        yield _line(sentence, Rank.REASON if is_first else Rank.LATER_REASON)
    if alert.published_at is not None:
        yield _line(f"Published: {alert.published_at:%Y-%m-%d %H:%M} UTC", Rank.PLACE)
    yield from _quoted("Where", alert.source, Rank.PLACE)
    yield from _quoted("Title", alert.title, Rank.TITLE)
    yield from _quoted("Author", alert.author, Rank.TITLE)
    yield from _quoted("Link", alert.url, Rank.LINK if is_first else Rank.PLACE)
    yield from _quoted("Text", alert.excerpt, Rank.EXCERPT)


def _line(text: str, rank: Rank = Rank.ALWAYS, *, is_apart: bool = False) -> Line:
    return Line((Piece(text),), rank, is_apart)


def _quoted(name: str, text: str | None, rank: Rank) -> Iterator[Line]:
    shown = inert(text or "").strip()
    if shown:
        yield Line((Piece(f"{name}: "), Piece(shown, Style.QUOTED)), rank)


def _clipped(text: str, longest: int) -> str:
    shown = inert(text).strip()
    return shown if len(shown) <= longest else shown[: longest - 1] + ELLIPSIS


_SHORTENED = Line((Piece("Shortened; the incident has the rest."),), is_apart=True)
