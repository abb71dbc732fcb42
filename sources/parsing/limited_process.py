"""The process that reads one content: limits itself, reads stdin, writes JSON to stdout, ends.

In: one line of JSON (``seconds``, ``memory_bytes``, and what ``read_content`` asks for), then the content. Out: an
object with the ``documents``, or with the ``problem`` in the words of UnreadableFormat.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict
from datetime import datetime

from sources.parsing.content import read_content
from sources.parsing.formats import Format, UnreadableFormat

# What one small thing in a content can be made to say again for every entry must not fill the process that asks.
_SMALL_ANSWER = 10_000_000
_LARGEST_GROWTH = 4
"""In JSON, most writing systems take three times their bytes."""


def main() -> None:
    """Do the whole work of this process."""
    request = json.loads(sys.stdin.buffer.readline())
    seconds, memory_bytes = request.pop("seconds"), request.pop("memory_bytes")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    kind = Format(request.pop("kind"))
    content = sys.stdin.buffer.read()
    try:
        answer = json.dumps({"documents": list(map(asdict, read_content(content, kind, **request)))}, default=_written)
        if len(answer) > max(_SMALL_ANSWER, _LARGEST_GROWTH * len(content)):
            raise UnreadableFormat("says much more than it holds: it is made to swell")
    except UnreadableFormat as error:
        answer = json.dumps({"problem": str(error)})
    sys.stdout.write(answer)


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


if __name__ == "__main__":
    main()
