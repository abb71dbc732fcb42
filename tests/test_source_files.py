"""Reading files, directories and streams, and the source that keeps its place in them."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from core.errors import SourceBroken
from core.http import GuardedClient
from core.ports import SourceContext
from core.settings import HttpSettings
from core.types import Document, Page
from sources.files import FilesSettings, FilesSource
from sources.parsing.formats import Format, format_of
from sources.parsing.limited_reading import read_within_limits
from sources.parsing.reading import Step, Unreadable, read_documents, read_file
from tests.timing import cpu_seconds

RSS = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><item><guid>g1</guid>'
    "<description>from a feed</description></item></channel></rss>"
)


def rss(*ids: str) -> bytes:
    items = "".join(f"<item><guid>{one}</guid><title>{one}</title></item>" for one in ids)
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


def compressed(content: bytes) -> bytes:
    """Return the content as .gz, the same bytes at every call."""
    return gzip.compress(content, mtime=0)


def documents(source: Path | bytes, **options: Any) -> list[Document]:
    """The documents, where nothing is unreadable."""
    found = list(read_documents(source if isinstance(source, Path) else io.BytesIO(source), **options))
    assert not [str(item) for item in found if isinstance(item, Unreadable)]
    return [item for item in found if isinstance(item, Document)]


def problems(source: Path | bytes, **options: Any) -> list[str]:
    """What is said about what could not be read."""
    found = read_documents(source if isinstance(source, Path) else io.BytesIO(source), **options)
    return [str(item) for item in found if isinstance(item, Unreadable)]


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in (
        {"From": "Ann <ann@example.org>", "To": "bo@example.org", "Message-ID": "<1@x>"} | headers
    ).items():
        message[name] = value
    return message


# ── JSON lines ──────────────────────────────────────────────────────────────────────────────────


def test_a_line_becomes_a_document_with_all_its_fields() -> None:
    row: dict[str, Any] = {
        "id": "a",
        "text": "t",
        "title": "T",
        "url": "http://u.example/",
        "author": "me",
        "source": "s",
    }
    row |= {"published_at": "2026-11-20T12:00:00+02:00", "language": "en", "labels": [1, 2], "tokens": None}
    (document,) = documents(lines(row))
    assert (document.id, document.text, document.title, document.url) == ("a", "t", "T", "http://u.example/")
    assert (document.author, document.source, document.language) == ("me", "s", "en")
    assert document.published_at is not None
    assert document.published_at.isoformat() == "2026-11-20T10:00:00+00:00"


def test_a_missing_id_is_the_line_number_and_blank_lines_count() -> None:
    found = documents(b'{"text": "one"}\n\n  \r\n{"text": "four"}\r\n{"id": 7, "text": "five"}')
    assert [(document.id, document.text) for document in found] == [("1", "one"), ("4", "four"), ("7", "five")]


def test_a_line_that_is_no_such_object_is_named_and_reading_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    rows = ['{"text": "first"}', "{not json", "[]", '"text"', "{}", '{"text": 1}', '{"text": null}']
    rows += ['{"text": "x", "title": 5}', '{"text": "x", "published_at": "soon"}', '{"text": "x", "id": []}']
    rows += ["[" * 100_000, '{"text": "last"}']
    path.write_text("\n".join(rows))
    found = list(read_documents(path))
    assert [item.id for item in found if isinstance(item, Document)] == ["1", "12"]
    assert [str(item) for item in found if isinstance(item, Unreadable)] == [
        "posts.jsonl, line 2 is not JSON",
        "posts.jsonl, line 3 is not an object with a text",
        "posts.jsonl, line 4 is not an object with a text",
        "posts.jsonl, line 5 is not an object with a text",
        "posts.jsonl, line 6 is not an object with a text",
        "posts.jsonl, line 7 is not an object with a text",
        "posts.jsonl, line 8 has a title that is not a string",
        "posts.jsonl, line 9 has a published_at that is not a time (ISO 8601)",
        "posts.jsonl, line 10 has an id that is not a string",
        "posts.jsonl, line 11 is not JSON",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_lines_in_any_unicode_encoding_are_read(encoding: str) -> None:
    text = '{"text": "Füße"}\n{"text": "two"}\n'
    found = documents(text.encode(encoding), name="x.jsonl")
    assert [(document.id, document.text) for document in found] == [("1", "Füße"), ("2", "two")]


def test_bytes_that_are_not_utf8_are_replaced_and_said() -> None:
    found = list(read_documents(io.BytesIO(b'{"text": "a\xffb"}\n{"text": "c"}\n')))
    assert [item.text for item in found if isinstance(item, Document)] == ["a\N{REPLACEMENT CHARACTER}b", "c"]
    assert str(found[0]) == "standard input, line 1 holds bytes that are not UTF-8; they were replaced"


def test_lone_surrogates_and_zeros_do_no_harm() -> None:
    (document,) = documents(b'{"text": "a\\ud800b\\u0000c \\ud83d\\ude00"}\n')
    assert document.text == "a\N{REPLACEMENT CHARACTER}b\0c \N{GRINNING FACE}"
    document.text.encode()


def test_every_naughty_string_survives(shared: Path) -> None:
    path = shared / "data/protocols/naughty_strings.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line]
    found = documents(path)
    assert [document.text for document in found] == [row["text"] for row in rows]
    for row in rows:
        assert list(read_documents(io.BytesIO(row["text"].encode(errors="replace")), name="x.txt"))


def test_a_line_that_is_too_long_is_skipped_without_keeping_it(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb") as file:
        file.write(b'{"text": "first"}\n{"text": "')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"text": "last"}\n')
    found = list(read_documents(path, max_bytes=1_000_000))
    assert [item.id for item in found if isinstance(item, Document)] == ["1", "3"]
    assert problems(path, max_bytes=1_000_000) == ["bomb.jsonl.gz, line 2 is longer than 1000000 bytes"]


def test_json_lines_may_be_longer_than_the_limit_of_other_files(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(lines(*({"text": "x" * 90} for _ in range(100))))
    assert len(documents(path, max_bytes=1000)) == 100
    text = tmp_path / "long.txt"
    text.write_text("x" * 1001)
    assert problems(text, max_bytes=1000) == ["long.txt is larger than 1000 bytes"]


def test_the_real_posts_are_read_quickly(shared: Path) -> None:
    path = shared / "data/posts/goemotions.jsonl.gz"
    clock = SystemClock()
    started = clock.monotonic()
    count = sum(isinstance(item, Document) for item in read_documents(path))
    seconds = clock.monotonic() - started
    assert count == 48_836
    assert seconds < 5, "ten times what it takes on an idle machine"


# ── other formats ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Füße".encode(), "Füße"),
        ("Füße".encode("utf-8-sig"), "Füße"),
        ("Füße".encode("utf-16"), "Füße"),
        ("caffè latte".encode("utf-16-le"), "caffè latte"),
        ("Füße “quoted”".encode("cp1252"), "Füße “quoted”"),
        (b"a zero\0 within " + b"text " * 20, "a zero\0 within " + "text " * 20),
        (b"", ""),
        (("ü" * 10_000).encode(), "ü" * 10_000),
    ],
)
def test_text_is_decoded_whatever_its_encoding(content: bytes, text: str) -> None:
    (document,) = documents(content, name="note.txt")
    assert (document.id, document.text) == ("note.txt", text)


@pytest.mark.parametrize(
    ("content", "text", "title"),
    [
        (b"<!doctype html><title>T</title><p>Hello", "Hello", "T"),
        (b"<p>Hello</p>", "Hello", None),
        (b"Hello <b>you</b>", "Hello <b>you</b>", None),
        (RSS.encode(), "from a feed", None),
        (b"From: a@b.example\nSubject: Hi\nMessage-ID: <1>\n\nbody\n", "body", "Hi"),
        (b"Note: not a mail\nat all", "Note: not a mail\nat all", None),
        (b'\n{"text": "a line"}', "a line", None),
        (compressed(b'{"text": "a line"}'), "a line", None),
        (compressed(b"only text"), "only text", None),
        (
            b'{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "content_text": "item"}]}',
            "item",
            None,
        ),
        (
            b'{"text": "\\"version\\": \\"https://jsonfeed.org/version/1\\""}',
            '"version": "https://jsonfeed.org/version/1"',
            None,
        ),
    ],
)
def test_a_stream_is_taken_for_what_it_looks_like(content: bytes, text: str, title: str | None) -> None:
    (document,) = documents(content)
    assert (document.text, document.title) == (text, title)


def test_a_mail_is_read_with_its_headers_and_its_text(tmp_path: Path) -> None:
    message = mail(Subject="Grüße =?utf-8?q?an_alle?=", Date="Fri, 20 Nov 2026 12:00:00 +0200")
    message.set_content("Plain words.\n")
    message.add_alternative("<p>The same in HTML</p>", subtype="html")
    message.add_attachment("attached notes", filename="notes.txt")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="x.png")
    path = tmp_path / "one.eml"
    path.write_bytes(bytes(message))
    (document,) = documents(path)
    assert document.text == "Plain words.\n\nattached notes"
    assert (document.author, document.external_id) == ("Ann <ann@example.org>", "<1@x>")
    assert document.published_at is not None
    assert document.published_at.hour == 10


def test_a_mail_of_html_only_and_a_forwarded_one_are_read(tmp_path: Path) -> None:
    inner = mail(Subject="inner")
    inner.set_content("<p>Only <b>HTML</b></p>", subtype="html")
    outer = mail(Subject="outer")
    outer.set_content("see below")
    outer.add_attachment(inner)
    path = tmp_path / "two.eml"
    path.write_bytes(bytes(outer))
    assert documents(path)[0].text == "see below\n\nOnly HTML"
    path.write_bytes(bytes(inner))
    assert documents(path)[0].text == "Only HTML"


@pytest.mark.parametrize(
    "content",
    [
        b"From: \xff\xfe<@>\nDate: never\nSubject: =?x?q?=ff?=\nContent-Type: text/plain; charset=nonsense\n\nt\xe9xt",
        b"Content-Type: text/plain; charset=undefined\nFrom: a\nSubject: b\n\ntext",
        b"Content-Type: text/plain; charset=idna\nFrom: a\nSubject: b\n\nt\xe9xt..",
        b'To: "\nFrom: <a@[\nMessage-ID: <[>\nSubject: s\n\nt\xe9xt',
        b"Content-Type: multipart/mixed; boundary=x\nFrom: a\nSubject: b\n\n--x\n\nt\xe9xt",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\nFrom: a\nSubject: b\n\ndOl4dA=",
    ],
)
def test_a_malformed_mail_is_read_as_far_as_it_goes(content: bytes) -> None:
    (document,) = documents(content, name="bad.eml")
    assert "t" in document.text


@pytest.mark.parametrize("date", ["0000-00-00 00:00:00", "9999-12-31T23:59:59-12:00"])
def test_a_date_that_no_calendar_has_costs_no_feed(date: str) -> None:
    items = f"<item><title>one</title><pubDate>{date}</pubDate></item><item><title>two</title></item>"
    feed = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
    assert [(one.title, one.published_at) for one in documents(feed.encode(), name="a.rss")] == [
        ("two", None),
        ("one", None),
    ]


def test_the_whole_mails_of_the_corpus_are_read(shared: Path) -> None:
    rows = gzip.decompress((shared / "data/posts/long_emails.jsonl.gz").read_bytes()).splitlines()[:100]
    for row in rows:
        assert documents(json.loads(row)["text"].encode(errors="replace"), name="mail.eml")


ATTRIBUTES = b"<p " + b" ".join(b"%x" % number for number in range(145_000)) + b">bomb</p>"
END_TAGS = b"<i>" * 80_000 + b"</b>" * 140_000 + b"ends"


async def test_pages_made_to_hang_the_parser_hold_up_no_other(
    context: SourceContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.parsing.reading.PARSING_SECONDS", 1)
    assert min(len(ATTRIBUTES), len(END_TAGS)) > 790_000
    (tmp_path / "a.html").write_text("<p>before")
    (tmp_path / "b.html").write_bytes(ATTRIBUTES)
    (tmp_path / "c.html").write_bytes(END_TAGS)
    (tmp_path / "d.eml").write_bytes(b"Subject: s\nContent-Type: text/html\n\n" + END_TAGS)
    (tmp_path / "e.eml").write_bytes(b"From: " + b'"' * 80_000 + b"\n\nx")
    (tmp_path / "f.html").write_text("<p>after")
    started = context.clock.monotonic()
    found = list(read_documents(tmp_path))
    given, _ = await everything(context, tmp_path)
    assert context.clock.monotonic() - started < 40, "eight processes of up to one second, on a busy machine"
    assert [item.text for item in found if isinstance(item, Document)] == ["before", "bomb", "ends", "ends", "after"]
    assert [str(item) for item in found if isinstance(item, Unreadable)] == [
        "e.eml takes longer than 1 seconds to read"
    ]
    assert given == ["a.html", "b.html", "c.html", "d.eml", "f.html"]


@pytest.mark.parametrize("content", [b"<p a='" + b"a " * 6_000_000 + b"'>x</p>", b"<p>x</p>" * 2_000_000])
def test_a_page_that_needs_too_much_memory_is_said_and_not_read_in_part(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr("sources.parsing.limited_reading.MEMORY_BYTES", 90_000_000)
    assert problems(content, name="a.html") == ["a.html cannot be read: the parser failed"]


def test_large_pages_and_mails_are_read_like_small_ones(tmp_path: Path) -> None:
    page = "<html lang=de><title>Größe</title>" + "<p>Füße \N{GRINNING FACE}</p>" * 10_000
    (document,) = documents(page.encode(), name="a.html")
    assert (document.id, document.title, document.language) == ("a.html", "Größe", "de")
    assert document.text.count("Füße \N{GRINNING FACE}") == 10_000
    message = mail(Subject="Größe", Date="Fri, 20 Nov 2026 12:00:00 +0200")
    message.set_content("Füße\n" * 10_000)
    message.add_attachment("<p>attached</p>", subtype="html")
    (document,) = documents(bytes(message), name="\udcff.eml")
    assert document.text == "Füße\n" * 10_000 + "\nattached"
    assert (document.id, document.title, document.external_id) == ("\udcff.eml", "Größe", "<1@x>")
    assert document.published_at is not None
    assert document.published_at.isoformat() == "2026-11-20T10:00:00+00:00"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (Format.HTML, END_TAGS[:32_000] + b"</b>" * 16_900),
        (Format.HTML, b"<b>x" * 24_900),
        (Format.MAIL, b"From: " + b'"' * 7_900 + b"\n\nx"),
        (Format.MAIL, b"From: " + b"a " * 3_950 + b"\n\nx"),
        (Format.MAIL, b"Content-Type: text/plain; " + b"; ".join(b"a*%d=1" % n for n in range(900)) + b"\n\nx"),
    ],
)
def test_the_worst_that_is_read_without_a_process_is_read_soon(kind: Format, content: bytes) -> None:
    assert cpu_seconds(lambda: read_within_limits(content, kind, name="x", seconds=1)) < 3


@pytest.mark.parametrize(
    "piece", [b"<?xml?>", b"<!---->", b"<!DOCTYPE>", b"<? ?>\n", b"a:\n b\n", b"<a ", b'"version"']
)
def test_what_a_file_is_takes_no_time_to_see(piece: bytes) -> None:
    head = (piece * 4096)[:4096]
    assert cpu_seconds(lambda: format_of("x", head)) < 0.2


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.zip", b"PK\x03\x04rest", "a.zip is a ZIP archive or an office document, which is not read"),
        ("a.txt", b"\x89PNG\r\n\x1a\nrest", "a.txt is an image, which is not read"),
        ("a.pdf", b"%PDF-1.7 rest", "a.pdf is a PDF document, which is not read"),
        ("a.tar", bytes(257) + b"ustar", "a.tar is a tar archive, which is not read"),
        ("a", bytes(range(256)), "a is binary, not text"),
        ("a.gz", compressed(compressed(b"twice")), "a.gz is compressed twice, which is not read"),
        (
            "a.jsonl.gz",
            compressed(b'{"text": "x"}\n' * 9)[:-9],
            "a.jsonl.gz is damaged after line 9: it cannot be decompressed",
        ),
        ("a.gz", b"\x1f\x8bnonsense", "a.gz is damaged: it cannot be decompressed"),
        ("a.json", b"[\n{}\n]", "a.json is a JSON array where JSON lines are read, one object a line"),
        ("a.rss", b"<html></html>", "a.rss is not a feed"),
        (
            "a.eml",
            b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(2000)
            ),
            "a.eml has parts nested too deeply to be read",
        ),
        ("b.eml", b"Content-Type: message/rfc822\n\n" * 2000, "b.eml has parts nested too deeply to be read"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert problems(path) == [sentence]


def test_a_file_that_is_missing_is_said() -> None:
    assert problems(Path("/nonexistent/x")) == ["x cannot be read (FileNotFoundError)"]


def test_a_directory_is_read_with_all_below_it_in_a_stable_order(tmp_path: Path) -> None:
    (tmp_path / "tree" / "b").mkdir(parents=True)
    tree = tmp_path / "tree"
    (tree / "b" / "lines.jsonl").write_bytes(lines({"text": "one"}, {"id": "own", "text": "two"}))
    (tree / "a.txt").write_text("text")
    (tree / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tree / "z.html").write_text("<p>html")
    (tree / ".hidden").write_text("hidden")
    (tmp_path / "outside.txt").write_text("outside")
    (tree / "link.txt").symlink_to(tmp_path / "outside.txt")
    (tree / "b" / "loop").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    found = list(read_documents(tree))
    assert [item.id for item in found if isinstance(item, Document)] == [
        "a.txt", "z.html", "b/lines.jsonl:1", "own",
    ]  # fmt: skip
    assert [str(item) for item in found if isinstance(item, Unreadable)] == ["c.png is an image, which is not read"]


# ── the source ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with GuardedClient(HttpSettings(), SystemClock()) as http:
        yield SourceContext(name="Drop", http=http, clock=SystemClock())


async def poll(context: SourceContext, path: Path, cursor: Any = None, **settings: Any) -> Page:
    """Poll with a source made anew and a cursor as it comes from the database."""
    source = FilesSource(FilesSettings(path=path, **settings), context)
    return await source.poll(json.loads(json.dumps(cursor)))


async def everything(context: SourceContext, path: Path, cursor: Any = None) -> tuple[list[str | None], Any]:
    """Poll while there is more; return the external ids and the last cursor."""
    given: list[str | None] = []
    while True:
        page = await poll(context, path, cursor)
        assert len(page.documents) <= 200
        given += [document.external_id for document in page.documents]
        cursor = page.cursor
        if not page.more:
            return given, cursor


async def test_a_document_of_a_file_says_where_it_came_from(context: SourceContext, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_bytes(lines({"id": "a", "text": "one", "source": "elsewhere"}))
    (tmp_path / "note.txt").write_text("two")
    first, second = (await poll(context, tmp_path)).documents
    assert (first.id, first.source, first.external_id) == ("Drop:lines.jsonl:a", "Drop", "lines.jsonl:a")
    assert (second.id, second.source, second.external_id) == ("Drop:note.txt", "Drop", "note.txt")
    assert first.fetched_at is not None


@pytest.mark.parametrize("suffix", ["", ".gz"])
async def test_pages_continue_where_they_stopped(context: SourceContext, tmp_path: Path, suffix: str) -> None:
    content = lines(*({"text": f"line {number}"} for number in range(1, 451)))
    path = tmp_path / f"posts.jsonl{suffix}"
    path.write_bytes(compressed(content) if suffix else content)
    (tmp_path / "zz.txt").write_text("last")
    given, cursor = await everything(context, tmp_path)
    assert given == [*(f"posts.jsonl{suffix}:{number}" for number in range(1, 451)), "zz.txt"]
    assert await everything(context, tmp_path, cursor) == ([], cursor)


@pytest.mark.parametrize("name", ["posts.jsonl.gz", "feed.rss"])
async def test_pages_of_a_file_that_cannot_be_read_from_its_middle_are_one_reading(
    context: SourceContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content = lines(*({"text": f"line {number}"} for number in range(1, 901)))
    feed = rss(*(f"g{number}" for number in range(1, 901)))
    (tmp_path / name).write_bytes(compressed(content) if name.endswith(".gz") else feed)
    readings: list[str] = []

    def counted(path: Path, name: str, **options: Any) -> Iterator[Step]:
        readings.append(name)
        return read_file(path, name, **options)

    monkeypatch.setattr("sources.files.read_file", counted)
    given, _ = await everything(context, tmp_path)
    assert (len(given), len(set(given))) == (900, 900)
    assert readings == [name]
    # After a start of the program, or where others came in between, all before the place is read again.
    first = await poll(context, tmp_path)
    for number in range(5):
        path = tmp_path / str(number) / name
        path.parent.mkdir()
        path.write_bytes((tmp_path / name).read_bytes())
        await poll(context, path)
        path.unlink()
    readings.clear()
    later, _ = await everything(context, tmp_path, first.cursor)
    assert [document.external_id for document in first.documents] + later == given
    assert readings == [name]


async def test_lines_added_are_read_and_nothing_again(context: SourceContext, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(lines({"text": "one"}, {"text": "two"}))
    _, cursor = await everything(context, path)
    with path.open("ab") as file:
        file.write(lines({"text": "three"}))
    given, cursor = await everything(context, path, cursor)
    assert given == ["posts.jsonl:3"]
    assert (await everything(context, path, cursor))[0] == []


async def test_a_line_that_is_still_being_written_is_left_for_later(context: SourceContext, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    whole = lines({"text": "one"}, {"text": "zwölf"})
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        before, cursor = await everything(context, path)
        path.write_bytes(whole)
        after, _ = await everything(context, path, cursor)
        assert before + after == ["posts.jsonl:1", "posts.jsonl:2"]


async def test_lines_added_between_two_pages_are_not_lost(context: SourceContext, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(lines(*({"text": f"{number}"} for number in range(250))))
    page = await poll(context, path)
    assert page.more
    with path.open("ab") as file:
        file.write(lines({"text": "added"}))
    given, _ = await everything(context, path, page.cursor)
    assert given == [f"posts.jsonl:{number}" for number in range(201, 252)]


async def test_a_file_that_changed_is_read_again(context: SourceContext, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    note = tmp_path / "note.txt"
    path.write_bytes(lines({"text": "one"}, {"text": "two"}))
    note.write_text("first")
    _, cursor = await everything(context, tmp_path)
    path.write_bytes(lines({"text": "another"}, {"text": "two"}, {"text": "three"}))
    note.write_text("second version")
    given, _ = await everything(context, tmp_path, cursor)
    assert given == ["note.txt", "posts.jsonl:1", "posts.jsonl:2", "posts.jsonl:3"]


async def test_new_files_are_read_and_removed_ones_forgotten(context: SourceContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    _, cursor = await everything(context, tmp_path)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.txt").write_text("b")
    given, cursor = await everything(context, tmp_path, cursor)
    assert given == ["b.txt"]
    assert set(cursor) == {"b.txt"}


async def test_only_files_that_match_the_pattern_are_read(context: SourceContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.log").write_text("b")
    page = await poll(context, tmp_path, pattern="*.log")
    assert [document.external_id for document in page.documents] == ["b.log"]
    assert page.silence_is_usual
    assert not (await poll(context, tmp_path, pattern="*.gol")).silence_is_usual  # it may be written wrongly


async def test_what_cannot_be_read_in_a_directory_does_not_stop_the_rest(
    context: SourceContext, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a secret name.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "b.txt").write_text("b")
    page = await poll(context, tmp_path)
    assert [document.external_id for document in page.documents] == ["b.txt"]
    assert page.gap == "files, lines or directories that could not be read, or not wholly: 1"
    again = await poll(context, tmp_path, page.cursor)
    assert (again.documents, again.gap) == ((), None)
    written = capsys.readouterr()
    assert "secret name" not in written.out + written.err


async def test_a_file_that_may_not_be_opened_is_read_once_it_may(
    context: SourceContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("fine")
    (tmp_path / "leak.txt").write_text("closed")
    opened = Path.open

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "leak.txt":
            raise PermissionError
        return opened(path, *arguments, **options)

    with monkeypatch.context() as closed:  # whoever runs the tests may be allowed to open everything
        closed.setattr(Path, "open", refused)
        page = await poll(context, tmp_path)
        assert [document.text for document in page.documents] == ["fine"]
        page = await poll(context, tmp_path, page.cursor)
        assert (page.documents, page.more) == ((), False)
        assert page.gap == "files, lines or directories that could not be read, or not wholly: 1"
    page = await poll(context, tmp_path, page.cursor)
    assert ([document.text for document in page.documents], page.gap) == (["closed"], None)
    page = await poll(context, tmp_path, page.cursor)
    assert (page.documents, page.gap) == ((), None)


async def test_a_single_file_that_cannot_be_read_is_an_error(context: SourceContext, tmp_path: Path) -> None:
    with pytest.raises(SourceBroken, match=r"^its path is neither a file nor a directory that can be read$"):
        await poll(context, tmp_path / "missing")
    path = tmp_path / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(SourceBroken, match=r"^the file is an image, which is not read$"):
        await poll(context, path)


async def test_a_directory_that_may_not_be_listed_is_told_and_its_files_are_not_read_anew_afterwards(
    context: SourceContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "members").mkdir()
    (tmp_path / "members" / "leak.jsonl").write_bytes(lines({"text": "one"}))
    (tmp_path / "post.txt").write_text("two")
    page = await poll(context, tmp_path)
    assert len(page.documents) == 2
    listed = os.scandir

    def refused(path: str) -> Any:
        if Path(path).name in closed_names:
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    closed_names = {"members"}
    with monkeypatch.context() as closed:  # whoever runs the tests may be allowed to list everything
        closed.setattr(os, "scandir", refused)
        assert problems(tmp_path) == ["members cannot be listed (PermissionError)"]
        page = await poll(context, tmp_path, page.cursor)
        assert (page.documents, page.gap) == (
            (),
            "files, lines or directories that could not be read, or not wholly: 1",
        )
        closed_names = {tmp_path.name}
        with pytest.raises(SourceBroken, match=r"^its path cannot be listed \(PermissionError\)$"):
            await poll(context, tmp_path, page.cursor)
    page = await poll(context, tmp_path, page.cursor)
    assert (page.documents, page.gap) == ((), None)


async def test_a_page_ends_where_its_texts_are_long_enough(context: SourceContext, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.txt").write_bytes(b"x" * 5_000_001)
    page = await poll(context, tmp_path)
    assert ([document.external_id for document in page.documents], page.more) == (["a.txt", "b.txt"], True)
    page = await poll(context, tmp_path, page.cursor)
    assert ([document.external_id for document in page.documents], page.more) == (["c.txt"], False)
