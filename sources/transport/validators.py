"""What makes a request conditional: the validators of the last answer (RFC 9110, section 13.1)."""

from __future__ import annotations

from dataclasses import dataclass

from core.ports import HttpResponse
from core.types import JsonObject

_LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """The ETag and Last-Modified of an answer; None where there is none that can be sent back."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, response: HttpResponse) -> Validators:
        """Return those of the answer."""
        return cls(etag=_usable(response, "etag"), last_modified=_usable(response, "last-modified"))

    @classmethod
    def read(cls, cursor: JsonObject) -> Validators:
        """Return those that :meth:`written` put into a cursor."""
        etag, last_modified = cursor.get("etag"), cursor.get("last_modified")
        return cls(
            etag=etag if isinstance(etag, str) else None,
            last_modified=last_modified if isinstance(last_modified, str) else None,
        )

    def written(self) -> dict[str, str | None]:
        """Return what a cursor keeps of them."""
        return {"etag": self.etag, "last_modified": self.last_modified}

    def headers(self) -> dict[str, str]:
        """Return the headers of a request that is answered with status 304 where nothing changed."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in named.items() if value is not None}


def _usable(response: HttpResponse, name: str) -> str | None:
    value = response.headers.get(name, "")
    return value if value and value.isprintable() and value.isascii() and len(value) <= _LONGEST else None
