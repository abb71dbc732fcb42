"""The ``leakwatch`` program, run as its users run it."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import resource
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from monitor.commands.view import printable
from tests.programs import LEAKWATCH, run_forked

SAMPLE = Path(__file__).parent.parent / "monitor" / "sample"
COMMANDS = (
    *("scan", "entities", "try", "bench", "up", "demo", "doctor"),
    *("watchlist", "watchlist check", "watchlist import", "watchlist export"),
    *("source add", "source edit", "source import", "destination add", "destination test", "key create"),
    *("delivery list", "delivery replay"),
)
WATCHLIST = """version: 1
community: Harbor Commons
watchlists:
  - name: Members
    packs: [doxxing]
    terms:
      - {id: t1, kind: pseudonym, value: night_heron, person: p1}
      - id: t2
        kind: name
        value: Maria Gonzalez
        person: p1
        basis: {kind: consent, recorded_by: admin, until: 2099-06-30}
      - {id: t3, kind: keyword, value: lighthouse supper}
"""
DOX = "everybody should know that n1ght_h3ron is Maria Gonzalez"
HARMLESS = "the first boat leaves at ten past six"


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEAKWATCH_")}
    return {**kept, "LEAKWATCH_DATA_DIRECTORY": str(tmp_path / "data"), "COLUMNS": "100"}


@pytest.fixture
def watchlist(tmp_path: Path) -> Path:
    path = tmp_path / "members.yaml"
    path.write_text(WATCHLIST, "utf-8")
    return path


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps({"id": f"p{n}", "text": text}) + "\n" for n, text in enumerate([HARMLESS, DOX])))
    return path


class Program:
    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def __call__(self, *arguments: object, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        content = given.encode() if isinstance(given, str) else given
        return run_forked(arguments, folder=self.folder, environment=self.environment, given=content)


@pytest.fixture
def leakwatch(environment: Mapping[str, str], tmp_path: Path) -> Program:
    return Program(environment, tmp_path)


# ── help and errors ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", COMMANDS)
def test_help_answers_at_once(environment: Mapping[str, str], command: str) -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [LEAKWATCH, *command.split(), "--help"], env=environment, capture_output=True, text=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Processor time is what the program needs by itself, however busy the tests keep the machine.
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0
        assert done.stdout.startswith(f"Usage: leakwatch {command}")
    assert statistics.median(seconds) < 0.3


def test_nothing_heavy_is_imported_for_help() -> None:
    heavy = "{'pydantic', 'rich', 'numpy', 'yaml', 'asyncio'}"
    code = (
        f"import sys, monitor.cli as cli; cli.run(['watchlist', 'check', '--help']); print({heavy} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.endswith(b"set()\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "'leakwatch --help'"),
        (["scn"], "No such command 'scn'"),
        (["scan"], "'leakwatch scan --help'"),
        (["scan", "--watchlist", "none.yaml"], "none.yaml: the file cannot be read (No such file or directory)"),
        (["scan", "--watchlist", "members.yaml", "--min-score", "101"], "--min-score"),
        (["scan", "--watchlist", "members.yaml", "--output", "no/where.jsonl"], "no/where.jsonl cannot be written"),
        (["try", "--term", "x", "--kind", "pseudonim", "text"], "pseudonim"),
        (["source", "add", "files", "path=.", "--interval", "99999999999999"], "--interval"),
        (["source", "add", "files", "path=.", "--maximum-interval", "99999999999999"], "--maximum-interval"),
        (["watchlist", "export", "a.txt"], "must end with .yaml, .yml, .csv"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(
    leakwatch: Program, watchlist: Path, arguments: list[str], said: str
) -> None:
    done = leakwatch(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("leakwatch: ")
    assert said in done.stderr


def test_an_unreadable_watchlist_names_every_problem(leakwatch: Program, watchlist: Path) -> None:
    watchlist.write_text(WATCHLIST.replace("keyword", "keywrd").replace("id: t1", "idd: t1"))
    done = leakwatch("scan", "--watchlist", "members.yaml")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "leakwatch: members.yaml, line 7: unknown key 'idd': did you mean 'id'?",
        "leakwatch: members.yaml, line 13: kind has a value that is not known; did you mean 'keyword'?",
    ]


def test_a_wrong_setting_is_named(leakwatch: Program, watchlist: Path) -> None:
    leakwatch.environment = {**leakwatch.environment, "LEAKWATCH_API__PORT": "many"}
    done = leakwatch("scan", "--watchlist", watchlist)
    assert done.returncode == 2
    assert "setting api.port" in done.stderr


def test_debug_shows_the_traceback(leakwatch: Program) -> None:
    done = leakwatch("scan", "--watchlist", "none.yaml", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


# ── scan ────────────────────────────────────────────────────────────────────────────────────────


def findings(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_scan_raises_what_links_a_pseudonym_with_a_name(leakwatch: Program, watchlist: Path, posts: Path) -> None:
    done = leakwatch("scan", "--watchlist", watchlist, "--input", posts)
    assert done.returncode == 1, done.stderr
    [finding] = findings(done)
    assert finding["id"] == "p1"
    matches = {(match["term"], match["found"]) for match in finding["matches"]}  # type: ignore[attr-defined]
    assert matches == {("t1", "n1ght_h3ron"), ("t2", "Maria Gonzalez")}
    assert any(alert["class"] == "linkage" for alert in finding["alerts"])  # type: ignore[attr-defined]
    assert re.fullmatch(r"2 documents in \d+\.\d s \([\d,]+ a second\), 2 matches, \d+ alerts\n", done.stderr)


def test_scan_reads_standard_input_and_gzip_and_directories_alike(
    leakwatch: Program, watchlist: Path, posts: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "posts.jsonl.gz").write_bytes(gzip.compress(posts.read_bytes()))
    results = [
        leakwatch("scan", "--watchlist", watchlist, given=posts.read_bytes()),
        leakwatch("scan", "--watchlist", watchlist, "--input", "-", given=posts.read_bytes()),
        leakwatch("scan", "--watchlist", watchlist, "--input", folder / "posts.jsonl.gz"),
        leakwatch("scan", "--watchlist", watchlist, "--input", folder),
    ]
    assert [done.returncode for done in results] == [1, 1, 1, 1], [done.stderr for done in results]
    assert len({json.dumps([finding["matches"] for finding in findings(done)]) for done in results}) == 1


def test_scan_says_which_document_is_longer_than_what_is_examined(leakwatch: Program, watchlist: Path) -> None:
    short = Program({**leakwatch.environment, "LEAKWATCH_MONITOR__MAX_CHARACTERS": "100"}, leakwatch.folder)
    text = f"{'the ferry was late, ' * 10}and n1ght_h3ron is Ana Bell"
    done = short("scan", "--watchlist", watchlist, given=json.dumps({"id": "long", "text": text}))
    assert (done.returncode, done.stdout) == (3, "")
    assert "leakwatch: document long is read only to character 100" in done.stderr


def test_scan_of_harmless_text_raises_nothing(leakwatch: Program, watchlist: Path) -> None:
    done = leakwatch("scan", "--watchlist", watchlist, given=json.dumps({"text": HARMLESS}))
    assert (done.returncode, done.stdout) == (0, "")


def test_scan_writes_every_document_when_asked(leakwatch: Program, watchlist: Path, posts: Path) -> None:
    done = leakwatch("scan", "--watchlist", watchlist, "--input", posts, "--all")
    assert [finding["id"] for finding in findings(done)] == ["p0", "p1"]


def test_scan_raises_only_what_reaches_the_minimum_score(leakwatch: Program, watchlist: Path) -> None:
    given = json.dumps({"text": "come to the lighthouse supper"})
    raised = leakwatch("scan", "--watchlist", watchlist, "--min-score", "0", given=given)
    kept = leakwatch("scan", "--watchlist", watchlist, "--min-score", "100", given=given)
    assert (raised.returncode, kept.returncode) == (1, 0)
    assert findings(kept)[0]["matches"] == findings(raised)[0]["matches"]
    assert findings(kept)[0]["alerts"] == []


def test_scan_writes_a_file(leakwatch: Program, watchlist: Path, posts: Path, tmp_path: Path) -> None:
    done = leakwatch("scan", "--watchlist", watchlist, "--input", posts, "--output", tmp_path / "out.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == 1


def test_scan_names_lines_that_are_no_documents_and_does_the_rest(leakwatch: Program, watchlist: Path) -> None:
    given = f'{{"text": 7}}\nnot json\n{json.dumps({"text": DOX})}\n'
    done = leakwatch("scan", "--watchlist", watchlist, given=given)
    assert done.returncode == 3
    assert len(findings(done)) == 1
    assert len(done.stderr.splitlines()) == 3


def test_scan_of_a_file_that_is_not_there_is_status_3(leakwatch: Program, watchlist: Path) -> None:
    done = leakwatch("scan", "--watchlist", watchlist, "--input", "none.jsonl")
    assert done.returncode == 3
    assert done.stderr.startswith("leakwatch: none.jsonl")


def test_scan_fetches_feeds_and_names_one_that_is_none(
    leakwatch: Program, watchlist: Path, httpserver: HTTPServer
) -> None:
    leakwatch.environment = {**leakwatch.environment, "LEAKWATCH_HTTP__ALLOWED_NETWORKS": '["127.0.0.0/8"]'}
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Tidewater Talk",
        "items": [{"id": "1", "content_text": DOX}],
    }
    httpserver.expect_request("/feed.json").respond_with_json(feed, content_type="application/feed+json")
    httpserver.expect_request("/broken").respond_with_data("no feed", status=500)
    urls = [httpserver.url_for("/broken"), httpserver.url_for("/feed.json")]
    done = leakwatch("scan", "--watchlist", watchlist, *(f"--feed={url}" for url in urls))
    assert done.returncode == 3
    assert len(findings(done)) == 1
    problem, summary = done.stderr.splitlines()
    assert problem.startswith(f"leakwatch: {urls[0]} cannot be read: ")
    assert summary.startswith("1 documents")


def test_scan_survives_half_characters_and_control_characters(leakwatch: Program, watchlist: Path) -> None:
    done = leakwatch(
        "scan", "--watchlist", watchlist, "--all", given='{"id": "half \\ud800", "text": "\\udc00\\u0000\\u2028 x"}'
    )
    assert done.returncode == 0, done.stderr
    assert str(findings(done)[0]["id"]).startswith("half ")


def test_a_full_disk_is_one_sentence(leakwatch: Program, watchlist: Path, posts: Path) -> None:
    done = leakwatch("scan", "--watchlist", watchlist, "--input", posts, "--output", "/dev/full")
    assert done.returncode == 2
    assert done.stderr == "leakwatch: /dev/full cannot be written (No space left on device)\n"


def test_a_full_disk_behind_standard_output_is_one_sentence(
    leakwatch: Program, environment: Mapping[str, str], watchlist: Path, posts: Path
) -> None:
    for arguments in (
        ["scan", "--watchlist", watchlist, "--input", posts],
        ["try", "--term", "night_heron", DOX],
        ["doctor"],
    ):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [LEAKWATCH, *arguments], env=environment, stdout=full, stderr=subprocess.PIPE, check=False
            )
        assert done.returncode == 2
        assert done.stderr == b"leakwatch: standard output cannot be written (No space left on device)\n"


def test_a_closed_pipe_ends_the_scan_quietly(leakwatch: Program, watchlist: Path, posts: Path) -> None:
    posts.write_text((json.dumps({"text": DOX}) + "\n") * 3000)
    with subprocess.Popen(
        [LEAKWATCH, "scan", "--watchlist", watchlist, "--input", posts],
        env=leakwatch.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_an_interrupt_ends_the_scan_quietly(leakwatch: Program, watchlist: Path) -> None:
    with subprocess.Popen(
        [LEAKWATCH, "scan", "--watchlist", watchlist],
        env=leakwatch.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(((json.dumps({"text": DOX}) + "\n") * 600).encode())
        process.stdin.flush()
        process.stdout.readline()  # it is in the middle of its work
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (130, b"")


def test_a_terminal_gets_a_view_with_the_spot_and_the_reasons(
    environment: Mapping[str, str], watchlist: Path, posts: Path
) -> None:
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        [LEAKWATCH, "scan", "--watchlist", watchlist, "--input", posts],
        env={**environment, "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
    )
    os.close(terminal)
    shown = b"".join(_chunks(reader)).decode()
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(60) == 1
    assert re.search(r"\x1b\[1;7m[^\x1b]*n1ght_h3ron", shown)
    assert "linkage" in shown
    assert "+" in shown
    assert "{" not in shown


def _chunks(reader: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(reader, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not chunk:
            break
        yield chunk
    os.close(reader)


def test_nothing_of_a_document_controls_the_terminal() -> None:
    text = "a\x1b[2J\x07\x9b\r\n\u202eb\u2066c\ud800d é 😀"
    shown = printable(text)
    assert len(shown) == len(text)
    assert shown == "a�[2J��  �b�c�d é 😀"


# ── entities and try ────────────────────────────────────────────────────────────────────────────


def test_entities_writes_what_the_recognisers_see(leakwatch: Program) -> None:
    done = leakwatch("entities", given=json.dumps({"id": "d", "text": "write to ines.okafor@example.org"}))
    assert done.returncode == 0, done.stderr
    [line] = findings(done)
    assert line["id"] == "d"
    assert ("EMAIL", "ines.okafor@example.org") in [(seen["type"], seen["found"]) for seen in line["entities"]]  # type: ignore[attr-defined]


def test_try_shows_what_matches_and_how(leakwatch: Program) -> None:
    done = leakwatch("try", "--term", "night_heron", "ask n1ght.h3ron about it")
    assert done.returncode == 0, done.stderr
    assert "passed" in done.stdout
    assert "leet" in done.stdout
    assert done.stdout.endswith("It matches.\n")


def test_try_reads_standard_input_and_says_when_nothing_matches(leakwatch: Program) -> None:
    done = leakwatch("try", "--term", "night_heron", "-", given=HARMLESS)
    assert done.returncode == 1, done.stderr
    assert done.stdout.endswith("It does not match.\n")


def test_try_shows_how_a_text_is_read_and_invisible_characters_by_their_code(leakwatch: Program) -> None:
    done = leakwatch("try", "--term", "night_heron", "a n\u0456ght\u200bheron, \u202eknight heroes")
    assert done.returncode == 0, done.stderr
    rows = [re.split(r"  +", line.strip()) for line in done.stdout.splitlines()]
    assert ["text", "a n\u0456ght⟨U+200B⟩heron, ⟨U+202E⟩knight heroes"] in rows
    assert "read as a nightheron, knight heroes" in done.stdout
    assert ["3-4", "\u0456", "i", "homoglyph (cyrillic small letter byelorussian-ukrainian i)"] in rows
    assert ["7-8", "⟨U+200B⟩", "nothing", "zero width (zero width space)"] in rows
    assert any(row[:3] == ["passed", "2-13", "n\u0456ght⟨U+200B⟩heron"] for row in rows)
    assert not re.search("[\u200b\u202e]", done.stdout)


def test_try_looks_for_all_that_a_file_watches(leakwatch: Program) -> None:
    done = leakwatch("try", "--watchlist", SAMPLE / "watchlist.yaml", "marig0ld_tide saw the raven")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[1] for row in rows if row[:1] == ["passed"]] == ["marigold", "raven"]


def test_try_says_where_a_match_raises_no_alert_for_want_of_context(leakwatch: Program) -> None:
    done = leakwatch("try", "--watchlist", SAMPLE / "watchlist.yaml", "look, the raven")
    assert done.returncode == 0, done.stderr
    assert "raises no alert: nothing around it gives the context that the term needs" in done.stdout


def test_try_follows_the_sensitivity(leakwatch: Program) -> None:
    def outcome(sensitivity: str) -> int:
        return leakwatch("try", "--term", "seal_song", "--sensitivity", sensitivity, "a seal so ng").returncode

    assert (outcome("strict"), outcome("wide")) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--term", "night_heron", "--watchlist", "members.yaml", "text"], "--term or with --watchlist"),
        (["text"], "--term or with --watchlist"),
        (["--term", "night_heron", ""], "there is no text"),
    ],
)
def test_try_says_what_it_needs(leakwatch: Program, arguments: list[str], said: str) -> None:
    done = leakwatch("try", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_try_refuses_a_term_that_cannot_be_looked_for(leakwatch: Program) -> None:
    done = leakwatch("try", "--term", "", HARMLESS)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


# ── watchlist ───────────────────────────────────────────────────────────────────────────────────


def test_scan_answers_queries_over_what_else_is_found(leakwatch: Program, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        """version: 1
community: Harbor Commons
watchlists:
  - name: Members
    terms:
      - {id: t1, kind: pseudonym, value: night_heron}
      - {id: q1, kind: query, value: '"harbor commons" NEAR/20 ("real name" OR identity OR dox*)'}
      - {id: q2, kind: query, value: '@pseudonym NEAR/8 @person -birthday'}
      - {id: q3, kind: query, value: 'supper @person'}
"""
    )
    posts = tmp_path / "rules.jsonl"
    texts = (
        "they say they will doxx all of Hаrbor Commons",
        "n1ght_h3ron lives with Maria Gonzalez",
        "n1ght_h3ron lives with Maria Gonzalez, happy birthday",
        "supper with nobody",
        "supper with Maria Gonzalez",
    )
    posts.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    done = leakwatch("scan", "--watchlist", path, "--input", posts)
    assert done.returncode == 1, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["id"], [(match["term"], match["found"]) for match in row["matches"]]) for row in rows] == [
        ("1", [("q1", "doxx all of Hаrbor Commons")]),
        ("2", [("t1", "n1ght_h3ron"), ("q2", "n1ght_h3ron lives with Maria Gonzalez")]),
        ("3", [("t1", "n1ght_h3ron")]),
        ("5", [("q3", "supper")]),
    ]
    (alert,) = rows[0]["alerts"]
    assert alert["severity"] == "medium"
    assert "a watched query matches" in [reason["text"] for reason in alert["reasons"]]
    assert "Commons" not in alert["excerpt"]
    assert "doxx" not in alert["excerpt"]
    assert [entity["found"] for entity in rows[3]["entities"]] == ["Maria Gonzalez"]


def test_a_query_with_a_mistake_is_shown_with_the_character_to_blame(leakwatch: Program, tmp_path: Path) -> None:
    query = '"håfen" OR OR harbor'
    tried = leakwatch("try", "--kind", "query", "--term", query, "any text")
    assert tried.returncode == 2
    assert tried.stderr.splitlines() == [
        f"  {query}",
        "             ^",
        "leakwatch: character 12: OR joins two operands, and before it one is missing",
    ]
    path = tmp_path / "wrong.yaml"
    path.write_text(WATCHLIST + f"      - {{id: q1, kind: query, value: '{query}'}}\n")
    checked = leakwatch("watchlist", "check", path)
    assert checked.returncode == 2
    assert checked.stderr.splitlines() == [
        f"{path}, line 14: q1: character 12: OR joins two operands, and before it one is missing",
        f"  {query}",
        "             ^",
    ]
    scanned = leakwatch("scan", "--watchlist", path, given="any text")
    assert scanned.returncode == 2
    assert "line 14: q1: character 12:" in scanned.stderr
    assert "harbor" not in scanned.stderr


def test_try_shows_what_a_query_lacks(leakwatch: Program) -> None:
    done = leakwatch("try", "--kind", "query", "--term", "harbor NEAR/2 @person", "the harbor is closed")
    assert done.returncode == 1
    assert "the two sides of NEAR" in " ".join(done.stdout.split())
    done = leakwatch("try", "--kind", "query", "--term", "harbor NEAR/2 @person", "the harbor of Maria Gonzalez")
    assert done.returncode == 0
    assert "passed" in done.stdout


def test_check_finds_nothing_wrong_with_the_sample(leakwatch: Program) -> None:
    done = leakwatch("watchlist", "check", SAMPLE / "watchlist.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("2 watchlists, 12 terms, 0 problems, 0 warnings\n")


def test_check_warns_and_names_lines(leakwatch: Program, watchlist: Path) -> None:
    watchlist.write_text(WATCHLIST + "      - {id: t4, kind: pseudonym, value: boat}\n")
    done = leakwatch("watchlist", "check", "members.yaml")
    assert done.returncode == 0, done.stderr
    assert "members.yaml, line 14: warning: t4 is an ordinary word and will be found everywhere" in done.stdout


def test_check_of_an_unreadable_watchlist_is_status_2(leakwatch: Program, watchlist: Path) -> None:
    watchlist.write_text(WATCHLIST.replace("value: lighthouse supper", "value: 1234"))
    done = leakwatch("watchlist", "check", "members.yaml")
    assert done.returncode == 2
    assert "members.yaml, line 13: value must be text" in done.stderr


def test_what_is_imported_can_be_exported_and_imported_elsewhere(
    leakwatch: Program, watchlist: Path, tmp_path: Path
) -> None:
    done = leakwatch("watchlist", "import", watchlist)
    assert done.returncode == 0, done.stderr
    assert re.search(r"lw_[\w-]+", done.stdout)
    for name in ("out.yaml", "out.csv"):
        exported = leakwatch("watchlist", "export", name)
        assert exported.returncode == 0, exported.stderr
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        again = leakwatch("watchlist", "export", name)
        assert again.returncode == 2
        assert "File exists" in again.stderr
    given = {"text": DOX}
    results = [
        leakwatch("scan", "--watchlist", tmp_path / name, given=json.dumps(given))
        for name in ("members.yaml", "out.yaml", "out.csv")
    ]
    assert len({json.dumps([finding["matches"] for finding in findings(done)]) for done in results}) == 1


def test_a_watchlist_is_imported_once(leakwatch: Program, watchlist: Path) -> None:
    assert leakwatch("watchlist", "import", watchlist).returncode == 0
    again = leakwatch("watchlist", "import", watchlist)
    assert again.returncode == 2
    assert len(again.stderr.splitlines()) == 1


def test_export_without_a_community_says_what_to_do(leakwatch: Program) -> None:
    done = leakwatch("watchlist", "export", "out.yaml")
    assert done.returncode == 2
    assert "leakwatch watchlist import" in done.stderr


# ── doctor ──────────────────────────────────────────────────────────────────────────────────────


def test_doctor_shows_settings_without_secrets_and_changes_nothing(leakwatch: Program, tmp_path: Path) -> None:
    leakwatch.environment = {**leakwatch.environment, "LEAKWATCH_KEY": "c2VjcmV0LXRoYXQtbXVzdC1ub3QtYmUtc2hvd24tISE="}
    done = leakwatch("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "c2VjcmV0" not in done.stdout
    assert "set, not shown" in done.stdout
    assert "8420" in done.stdout
    assert not (tmp_path / "data").exists()


def test_doctor_says_what_does_not_work(leakwatch: Program, watchlist: Path, tmp_path: Path) -> None:
    assert leakwatch("watchlist", "import", watchlist).returncode == 0
    assert leakwatch("doctor").returncode == 0
    (tmp_path / "data" / "leakwatch.key").write_text("broken")
    done = leakwatch("doctor")
    assert done.returncode == 1
    assert "does not work" in done.stdout


def test_doctor_says_when_the_language_model_cannot_be_loaded(leakwatch: Program, tmp_path: Path) -> None:
    (tmp_path / "leakwatch.toml").write_text('nlp_model = "no_such_model"\n')
    done = leakwatch("doctor")
    assert done.returncode == 1
    assert "no spaCy pipeline of this name" in " ".join(done.stdout.split())
