"""Every error that Leakwatch raises on purpose. A message is one sentence that says what is wrong
and where, and never quotes a term, a name, a credential or crawled text.

::

    LeakwatchError
     ├── UsageError                  the caller's input is wrong; says what to do
     │    ├── WatchlistError         a watchlist file, with file and line
     │    ├── TermError              a term's value, with the character to blame
     │    └── SettingsError          a setting, a source's or a destination's settings
     ├── NotConfigured               a plug-in is off, with the reason
     ├── PluginError                 a plug-in is broken
     ├── NotFound                    no such object in this community
     ├── Conflict                    the object is not in a state that allows this
     ├── LinkRefused                 a signed link does not count: not ours, or expired
     ├── StoreError                  the database cannot be read or written
     │    └── LeaseLost              somebody else took the work over; nothing was recorded
     ├── CryptoError                 a sealed value cannot be opened: wrong key, or moved, or altered
     ├── FetchError                  an outgoing request failed
     │    ├── AddressRefused         the address is not public
     │    ├── AskedToWait            not made: the host wants to be left alone until later
     │    └── TooLarge               the answer is over the size limit
     ├── SourceError                 a poll failed
     │    ├── SourceUnavailable      may work later; may carry when
     │    └── SourceBroken           needs a person: gone, forbidden, not a feed
     └── DeliveryError               a notice was not delivered
          ├── DeliveryDeferred       may work later; may carry when
          └── DeliveryRefused        will not work by trying again
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core.types import JsonObject


class LeakwatchError(Exception):
    """The root of the tree."""


class UsageError(LeakwatchError):
    """The caller's input is wrong."""


class WatchlistError(UsageError):
    """A watchlist cannot be read. ``line`` is 1-based, None where no line is to blame. ``problems`` are the
    errors that one raised for a whole file stands for, in order of the lines; an error of its own holds itself."""

    def __init__(
        self, sentence: str, *, file: str, line: int | None = None, problems: Sequence[WatchlistError] = ()
    ) -> None:
        self.file = file
        self.line = line
        self.problems: tuple[WatchlistError, ...] = tuple(problems) or (self,)
        super().__init__(f"{file}{f', line {line}' if line else ''}: {sentence}")


class TermError(UsageError):
    """A term cannot be looked for because of one place in its value. ``place`` is the character, 1-based."""

    def __init__(self, sentence: str, *, place: int) -> None:
        self.place = place
        super().__init__(f"character {place}: {sentence}")


class SettingsError(UsageError):
    """A setting is missing or wrong."""


class NotConfigured(LeakwatchError):
    """A plug-in cannot be used with what is configured; the message is the reason."""


class PluginError(LeakwatchError):
    """A plug-in does not keep to its port."""


class NotFound(LeakwatchError):
    """There is no such object in this community."""


class Conflict(LeakwatchError):
    """The object's state does not allow this."""


class LinkRefused(LeakwatchError):
    """A signed link does not count. The message is written for whoever followed it."""


class StoreError(LeakwatchError):
    """The database cannot be read or written."""


class LeaseLost(StoreError):
    """The work was taken over by another process; nothing was recorded."""


class CryptoError(LeakwatchError):
    """A sealed value cannot be opened."""


DOES_NOT_OPEN = "what is kept of it does not open: restore the database from a backup, or delete it and add it again"
"""What people are told of a source or a destination of which a sealed value cannot be opened."""


class FetchError(LeakwatchError):
    """An outgoing request failed: no connection, no answer in time, a broken answer."""


class AddressRefused(FetchError):
    """The request would have gone to an address that is not public."""


class AskedToWait(FetchError):
    """The request was not made, as the host has asked to be left alone. ``retry_after`` is for how long still."""

    def __init__(self, sentence: str, *, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        super().__init__(sentence)


class TooLarge(FetchError):
    """The answer is larger than the limit, before or after decompression."""


class SourceError(LeakwatchError):
    """A poll failed. ``cursor`` is where the next one goes on; None: where this one did."""

    def __init__(self, sentence: str, *, cursor: JsonObject | None = None) -> None:
        self.cursor = cursor
        super().__init__(sentence)


class SourceUnavailable(SourceError):
    """The place cannot be read now. ``retry_after`` is what it asked to wait, if it did."""

    def __init__(
        self, sentence: str, *, retry_after: timedelta | None = None, cursor: JsonObject | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(sentence, cursor=cursor)


class SourceBroken(SourceError):
    """The place cannot be read until somebody changes something."""


class DeliveryError(LeakwatchError):
    """A notice was not delivered. ``status`` is what the other side answered in its protocol, None for no answer."""

    def __init__(self, sentence: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(sentence)


class DeliveryDeferred(DeliveryError):
    """The destination cannot take the notice now. ``retry_after`` is what it asked to wait; ``progress`` what the
    channel is given again with the notice, where some of its readers have it already: values of JSON."""

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
        progress: JsonObject | None = None,
    ) -> None:
        self.retry_after = retry_after
        self.progress = progress
        super().__init__(sentence, status=status)


class DeliveryRefused(DeliveryError):
    """The destination will not take this notice. ``gone``: nor any other, ever (HTTP 410)."""

    def __init__(self, sentence: str, *, status: int | None = None, gone: bool = False) -> None:
        self.gone = gone
        super().__init__(sentence, status=status)
