"""What of a place was given already, for listings that overlap from one poll to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.types import Json


def digest_of(*parts: object) -> str:
    """Return a short digest of an item's identifier and, with whatever changes when the item does, of its version."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Given:
    """The digests of what was given, the latest last."""

    digests: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, written: Json) -> Given:
        """Return what :meth:`written` gave, nothing for anything else."""
        if isinstance(written, str) or not isinstance(written, Sequence):
            return cls()
        return cls(tuple(map(str, written)))

    def written(self) -> Json:
        """Return it as a part of a cursor."""
        return list(self.digests)

    def __contains__(self, digest: str) -> bool:
        return digest in self.digests

    def and_also(self, digests: Iterable[str], *, at_most: int) -> Given:
        """Return what is given after these, too. The earliest are forgotten where that is more than ``at_most``."""
        latest = dict.fromkeys(digests)
        kept = [digest for digest in self.digests if digest not in latest]
        return Given((*kept, *latest)[-at_most:])
