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
from core.types import EventType, Incident, Notice, NoticeAlert, NoticeDigest, NoticeEscalation, NoticeIncident

_LONGEST_NAME = 100
_LONGEST_SENTENCE = 250
_SHORTEST_REST = 20
"""What would be left of a text that is shorter than this is left out."""
_HAPPENED: Mapping[EventType, str] = {
    EventType.INCIDENT_OPENED: "New",
    EventType.INCIDENT_UPDATED: "Seen again",
    EventType.INCIDENT_RESOLVED: "Closed",
    EventType.INCIDENT_REPEATED: "Not acknowledged",
}

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
    """How a piece of a line stands out. ``QUOTED`` is what strangers wrote, ``LINKED`` an address of our own, which is
    not inert."""

    PLAIN = "plain"
    STRONG = "strong"
    QUOTED = "quoted"
    LINKED = "linked"


class Rank(IntEnum):
    """How long a line is kept in a message that is too long: the lowest goes first."""

    EXCERPT = 0
    TITLE = 1
    PLACE = 2
    LATER_REASON = 3
    LATER_ALERT = 4
    LINK = 5
    REASON = 6
    INCIDENT = 7
    ALWAYS = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a line in one style, inert unless that is ``LINKED``."""

    text: str = field(repr=False)
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a message. ``is_apart``: an empty line stands before it. ``incident_count``: without it, so many of
    several incidents are not told of."""

    pieces: tuple[Piece, ...]
    rank: Rank = Rank.ALWAYS
    is_apart: bool = False
    incident_count: int = 0


@dataclass(frozen=True, slots=True)
class Markup:
    """How a channel writes pieces: each function takes inert text, ``linked`` an address of our own (letters, digits
    and ``:/._~-``), and returns it escaped and marked up."""

    plain: Callable[[str], str]
    strong: Callable[[str], str]
    quoted: Callable[[str], str]
    line_break: str = "\n"
    linked: Callable[[str], str] = str

    def line(self, line: Line) -> str:
        """Return the line as the channel writes it."""
        write = {
            Style.PLAIN: self.plain,
            Style.STRONG: self.strong,
            Style.QUOTED: self.quoted,
            Style.LINKED: self.linked,
        }
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
    linked=lambda address: f'<a href="{html.escape(address)}">{html.escape(address)}</a>',
)


def markdown(escaped: str, replaced: Mapping[str, str] = MappingProxyType({})) -> Markup:
    """Return the markup of a chat's Markdown: a backslash takes the ``escaped`` characters their meaning; where it
    cannot, they are ``replaced``.

    Quotes are code, where Markdown means nothing; a backtick, which would end it, becomes a quotation mark, which no
    program takes for a letter of a mention.
    """
    special = re.compile(f"([{re.escape(escaped)}])")
    look_alikes = str.maketrans(dict(replaced))
    in_code = look_alikes | str.maketrans({"`": "‘"})

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


def message(notice: Notice, *, is_headed: bool = True, is_linked: bool = True) -> tuple[Line, ...]:
    """Return the lines of the notice, the content note first, then, if it ``is_headed``, its heading; if it
    ``is_linked``, the link to the incident's page is one of them."""
    return tuple(_lines(notice, is_headed=is_headed, is_linked=is_linked))


def link_label(notice: Notice) -> str:
    """Return what the link of the notice is for, in words."""
    return _link_label(notice.incident)


def fitted(lines: Sequence[Line], longest: int, size: Callable[[Line], int]) -> tuple[Line, ...]:
    """Return the lines of which the sizes add up to ``longest`` at most. Excerpts go first, the last of them before
    the others, then titles and authors; what happened, why, and which incident it is stay. Of several incidents, each
    keeps its first line as long as there is room for them. That something was left out is said at the end."""
    excess = sum(map(size, lines)) - longest
    if excess <= 0:
        return tuple(lines)
    incident_count = sum(line.incident_count for line in lines)
    left_out_count = 0
    kept: dict[int, Line] = dict(enumerate(lines))
    excess += size(_shortening(incident_count, incident_count))
    droppable = [number for number, line in enumerate(lines) if line.rank < Rank.ALWAYS]
    for number in sorted(droppable, key=lambda one: (lines[one].rank, -one)):
        if excess <= 0:
            break
        line = kept.pop(number)
        excess -= size(line)
        left_out_count += line.incident_count
        rest = _shortened(line, -excess, size)
        if rest is not None:
            kept[number] = rest
            excess += size(rest)
    return (*(line for _, line in sorted(kept.items())), _shortening(incident_count, left_out_count))


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


def _lines(notice: Notice, *, is_headed: bool, is_linked: bool) -> Iterator[Line]:
    if notice.content_notes:
        yield _line(f"Content note: {', '.join(notice.content_notes)}")
    if is_headed:
        yield Line((Piece(heading(notice), Style.STRONG),))
    yield _line(f"Community: {_clipped(notice.community, _LONGEST_NAME)}", is_apart=True)
    if notice.incident is not None:
        incident = notice.incident
        yield _line(f"Incident: {_named(incident)}")
        yield _line(f"First seen: {incident.first_seen_at:%Y-%m-%d %H:%M} UTC")
        if incident.reason is not None:
            yield from _quoted("Reason", incident.reason, Rank.TITLE)
    if notice.escalation is not None:
        yield from _escalation_lines(notice.escalation)
    if notice.is_without_quotes:
        yield _line("What strangers wrote is left out, as was asked for.")
    if is_linked and notice.link is not None:
        yield _linked(notice.incident, notice.link, Rank.ALWAYS)
    if notice.source is not None:
        yield _line(f"Source: {notice.source.id} ({notice.source.state})")
    if notice.event is EventType.SOURCE_FAILING:
        yield _line("Until it works again, leaks that appear there may be missed.")
    if notice.event is EventType.DESTINATION_DISABLED:
        yield _line("Nobody is told there any more. What waited for it is sent once it is switched on again.")
    if notice.canary is not None:
        yield _line(f"Canary: {notice.canary.id}, planted {notice.canary.planted_at:%Y-%m-%d %H:%M} UTC")
        yield _line("Leaks that appear there may not arrive, either. This destination was told as it is another one.")
    for number, alert in enumerate(notice.alerts):
        yield from _alert_lines(alert, is_first=number == 0)
    if notice.digest is not None:
        yield from _digest_lines(notice.digest)
    for told in notice.incidents:
        yield from _incident_lines(told)
    if notice.more_count:
        listing = (
            "" if notice.delivery_id is None else f" GET /v1/incidents?delivery_id={notice.delivery_id} lists all."
        )
        yield Line((Piece(f"{_more(notice.more_count)}{listing}"),), Rank.INCIDENT, True, notice.more_count)
    yield _line(f"Detail level of this destination: {notice.detail}", is_apart=True)


def _escalation_lines(escalation: NoticeEscalation) -> Iterator[Line]:
    yield _line(f"Waiting since: {escalation.waiting_since:%Y-%m-%d %H:%M %Z}")
    if escalation.due_at is None:
        yield _line("Everybody was asked several times; nobody is asked any more.")
    else:
        asked = "Asked" if escalation.moderator is None else f"Asked: {_clipped(escalation.moderator, _LONGEST_NAME)},"
        yield _line(f"{asked} to acknowledge by {escalation.due_at:%Y-%m-%d %H:%M %Z}")


def _digest_lines(digest: NoticeDigest) -> Iterator[Line]:
    yield _line(f"From {digest.since:%Y-%m-%d %H:%M} to {digest.until:%Y-%m-%d %H:%M} UTC")
    for name, counts in (("severity", digest.severity_counts), ("kind", digest.class_counts)):
        if counts:
            rows = ", ".join(f"{count} {one.replace('_', ' ')}" for one, count in counts.items())
            yield _line(f"Incidents by {name}: {rows}")
    if not digest.severity_counts:
        yield _line("Incidents: nothing was found.")
    yield _line(f"Sources: {digest.healthy_count} of {digest.source_count} healthy", is_apart=True)
    for source in digest.unhealthy:
        named = f"one of kind {source.kind}" if source.name is None else _clipped(source.name, _LONGEST_NAME)
        since = "" if source.since is None else f" since {source.since:%Y-%m-%d %H:%M} UTC"
        yield _line(f"- {named}: {source.state.replace('_', ' ')}{since}", Rank.LATER_REASON)
    unlisted_count = digest.source_count - digest.healthy_count - len(digest.unhealthy)
    if unlisted_count:
        yield _line(f"- and {unlisted_count} more that are not healthy")


def _incident_lines(told: NoticeIncident) -> Iterator[Line]:
    """Yield the lines of one of several incidents: the first says all that must be known of it."""
    incident = told.incident
    severity = f"{incident.severity.upper()} ({incident.score}) {incident.alert_class.replace('_', ' ')}"
    watchlist = _clipped(told.watchlist, _LONGEST_NAME)
    text = f"{_HAPPENED.get(told.event, 'Incident')}: {severity}, {watchlist}: {_named(incident)}"
    yield Line((Piece(text, Style.STRONG),), Rank.INCIDENT, is_apart=True, incident_count=1)
    if told.link is not None:
        yield _linked(incident, told.link, Rank.LINK)
    for alert in told.alerts[:1]:  # the others are copies, or pieces of the same leak
        yield from _details(alert, is_first=False)


def _alert_lines(alert: NoticeAlert, *, is_first: bool) -> Iterator[Line]:
    told = f"{alert.severity.upper()} ({alert.score}) {alert.alert_class.replace('_', ' ')}, "
    rank = Rank.ALWAYS if is_first else Rank.LATER_ALERT
    yield _line(told + _clipped(alert.watchlist, _LONGEST_NAME), rank, is_apart=True)
    yield from _details(alert, is_first=is_first)


def _details(alert: NoticeAlert, *, is_first: bool) -> Iterator[Line]:
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


def _named(incident: Incident) -> str:
    """Return which incident it is, where it stands and how often it was seen."""
    times, sites = incident.sighting_count, incident.site_count
    seen = "seen once" if times == 1 else f"seen {times} times on {sites} {'site' if sites == 1 else 'sites'}"
    return f"{incident.id} ({incident.state}, {seen})"


def _more(count: int) -> str:
    return f"And {count} more incident{'s' if count > 1 else ''}."


def _shortening(incident_count: int, left_out_count: int) -> Line:
    """Return the last line of a message that was shortened, which of several incidents left out so many."""
    more = f"{_more(left_out_count)} " if left_out_count else ""
    has = "incident has" if incident_count == 0 else "incidents have"
    return _line(f"{more}Shortened; the {has} the rest.", is_apart=True)


def _line(text: str, rank: Rank = Rank.ALWAYS, *, is_apart: bool = False) -> Line:
    return Line((Piece(text),), rank, is_apart)


def _linked(incident: Incident | None, link: str, rank: Rank) -> Line:
    return Line((Piece(f"{_link_label(incident)}: "), Piece(link, Style.LINKED)), rank)


def _link_label(incident: Incident | None) -> str:
    return "Read it" if incident is None or incident.state.is_closed else "Read and acknowledge"


def _quoted(name: str, text: str | None, rank: Rank) -> Iterator[Line]:
    shown = inert(text or "").strip()
    if shown:
        yield Line((Piece(f"{name}: "), Piece(shown, Style.QUOTED)), rank)


def _clipped(text: str, longest: int) -> str:
    shown = inert(text).strip()
    return shown if len(shown) <= longest else shown[: longest - 1] + ELLIPSIS
