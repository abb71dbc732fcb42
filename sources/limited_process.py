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

from sources.content import read_content
from sources.formats import Format, UnreadableFormat


def main() -> None:
    """Do the whole work of this process."""
    request = json.loads(sys.stdin.buffer.readline())
    seconds, memory_bytes = request.pop("seconds"), request.pop("memory_bytes")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    kind = Format(request.pop("kind"))
    try:
        documents = read_content(sys.stdin.buffer.read(), kind, **request)
        answer: dict[str, object] = {"documents": [asdict(document) for document in documents]}
    except UnreadableFormat as error:
        answer = {"problem": str(error)}
    json.dump(answer, sys.stdout, default=datetime.isoformat)


if __name__ == "__main__":
    main()
