"""Reading and writing watchlist files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WatchlistError
from core.types import Basis, Community, MatchMode, Sensitivity, Term, TermKind, TermSettings, Watchlist
from tests.timing import cpu_seconds
from watchlists.export import to_yaml
from watchlists.files import MAXIMUM_BYTES, Form, WatchlistFile, load, parse
from watchlists.table import write_table

SAMPLE = Path(__file__).parent.parent / "monitor" / "sample" / "watchlist.yaml"
HEAD = "version: 1\ncommunity: Harbor Commons\nwatchlists:\n  - name: Members\n    terms:\n"
FORMATS_EXAMPLE = r"""
version: 1
community: Harbor Commons
context: [harbor commons, "r/harborcommons"]
watchlists:
  - name: Members
    sensitivity: balanced
    packs: [doxxing]
    terms:
      - {id: t1, kind: pseudonym, value: night_heron, aliases: [nheron]}
      - {id: t2, kind: name, value: Maria Gonzalez, person: p1, basis: {kind: consent, recorded_by: admin, until: 2027-06-30}}
      - {id: t3, kind: pseudonym, value: harborlight, person: p1}
      - {id: t4, kind: keyword, value: safe house}
      - {id: t5, kind: query, value: '"harbor commons" NEAR/20 ("real name" OR identity OR dox*)'}
      - {id: t6, kind: regex, value: 'HC-\d{4}-[A-Z]{2}'}
      - {id: t7, kind: domain, value: harborcommons.example}
      - {id: t8, kind: passage, value: "text of a confidential post …"}
      - {kind: pseudonym, value: raven, needs_context: true, never: [baltimore ravens]}
"""  # noqa: E501


def term_of(line: str) -> Term:
    return parse(f"{HEAD}      - {line}\n", file="members.yaml").terms[0]


def problems_of(text: str, form: Form = "yaml") -> list[str]:
    with pytest.raises(WatchlistError) as raised:
        parse(text, file=f"members.{form}", form=form)
    return [str(problem) for problem in raised.value.problems]


def problem_of(line: str) -> str:
    [problem] = problems_of(f"{HEAD}      - {line}\n")
    return problem


# ── what can be read ────────────────────────────────────────────────────────────────────────────


def test_the_example_of_the_format_is_read() -> None:
    file = parse(FORMATS_EXAMPLE, file="members.yaml")
    [(watchlist, terms)] = file.watchlists
    assert file.community == Community(
        id="Harbor Commons", name="Harbor Commons", context=("harbor commons", "r/harborcommons")
    )
    assert watchlist == Watchlist(id="Members", community_id="Harbor Commons", name="Members", packs=("doxxing",))
    assert [term.kind for term in terms] == [
        *(TermKind.PSEUDONYM, TermKind.NAME, TermKind.PSEUDONYM, TermKind.KEYWORD, TermKind.QUERY, TermKind.REGEX),
        *(TermKind.DOMAIN, TermKind.PASSAGE, TermKind.PSEUDONYM),
    ]
    assert terms[0].variants == ("nheron",)
    assert terms[1].settings == TermSettings(
        person="p1",
        basis=Basis(kind="consent", recorded_by="admin", until=datetime(2027, 6, 30, 23, 59, 59, tzinfo=UTC)),
    )
    assert terms[5].value == r"HC-\d{4}-[A-Z]{2}"
    assert terms[8].settings == TermSettings(needs_context=True, never=("baltimore ravens",))
    assert file.lines["t1"] == 10


def test_the_same_in_json_is_the_same() -> None:
    plain = {
        "version": 1,
        "community": "Harbor Commons 😀",
        "watchlists": [{"name": "Members", "terms": [{"id": "a", "kind": "pseudonym", "value": "night\\_heron 😀"}]}],
    }
    expected = to_yaml(*_parts(parse(json.dumps(plain), file="x.json", form="json")))
    for text in (json.dumps(plain, ensure_ascii=False), json.dumps(plain, indent="\t")):
        file = parse(text, file="x.json", form="json")
        assert to_yaml(*_parts(file)) == expected
        assert file.terms[0].value == "night\\_heron 😀"


def test_the_sample_watchlist_is_read(tmp_path: Path) -> None:
    file = load(SAMPLE)
    assert {term.kind for term in file.terms} >= {TermKind.PSEUDONYM, TermKind.NAME, TermKind.KEYWORD}
    assert any(term.settings.needs_context for term in file.terms)
    assert not file.generated


@pytest.mark.parametrize("text", ["community: *x", "a: @b", ": :", "- {", "\x00", "version: 1\x85\x07", "7", "[]", "%"])
def test_text_that_is_no_watchlist_is_an_error(text: str) -> None:
    assert problems_of(text)


def test_ten_thousand_terms_are_read_in_two_seconds() -> None:
    lines = (f"      - {{kind: pseudonym, value: handle_{n}, aliases: [h{n}], person: p{n}}}\n" for n in range(10_000))
    text = HEAD + "".join(lines)
    read: list[WatchlistFile] = []
    assert cpu_seconds(lambda: read.append(parse(text, file="members.yaml"))) < 2
    assert len(read[0].terms) == 10_000


# ── identifiers ─────────────────────────────────────────────────────────────────────────────────


def test_a_term_without_id_is_called_by_its_kind_and_a_count() -> None:
    file = parse(
        HEAD
        + """
      - {kind: pseudonym, value: night_heron}
      - {id: pseudonym-2, kind: pseudonym, value: marigold}
      - {kind: keyword, value: safe house}
      - {kind: pseudonym, value: saltmarsh}
""",
        file="members.yaml",
    )
    assert [term.reference for term in file.terms] == ["pseudonym-1", "pseudonym-2", "keyword-1", "pseudonym-3"]
    assert file.generated == {"pseudonym-1", "keyword-1", "pseudonym-3"}


def test_adopted_watchlists_have_ids_of_their_own_and_keep_given_references() -> None:
    text = HEAD + "      - {id: t1, kind: keyword, value: safe house}\n      - {kind: keyword, value: lantern night}\n"
    file = parse(text, file="members.yaml")
    [(watchlist, terms)] = file.adopted_by("com_1")
    [(other, _)] = file.adopted_by("com_1")
    assert watchlist.community_id == "com_1"
    assert watchlist.id not in ("Members", other.id)
    assert {term.watchlist_id for term in terms} == {watchlist.id}
    assert terms[0].reference == "t1" != terms[0].id
    assert terms[1].reference == terms[1].id


def test_a_catalogue_leaves_out_what_has_ended() -> None:
    text = (
        HEAD
        + """
      - {id: a, kind: keyword, value: safe house, expires_at: 2026-01-31}
      - {id: b, kind: name, value: Ines Okafor, basis: {kind: consent, recorded_by: admin, until: 2026-02-28}}
      - {id: c, kind: keyword, value: lantern night}
"""
    )
    file = parse(text, file="members.yaml")

    def watched(*moment: int) -> list[str]:
        return [term.id for term in file.catalogue(datetime(*moment, tzinfo=UTC)).terms]  # type: ignore[arg-type,misc]

    assert watched(2026, 1, 31, 23, 59, 58) == ["a", "b", "c"]
    assert watched(2026, 2, 1) == ["b", "c"]
    assert watched(2026, 3, 1) == ["c"]


# ── what is wrong is said with its line and what to do ──────────────────────────────────────────


def test_every_problem_is_told_at_once_in_order_of_the_lines() -> None:
    problems = problems_of(
        """version: 2
community: Harbor Commons
contxt: [harbor]
watchlists:
  - name: Members
    packs: [doxing]
    sensitivity: wid
    terms:
      - {id: t1, kind: pseudonim, value: secretvalue}
      - {id: t1, kind: pseudonym, value: 1234}
      - kind: keyword
        alias: [secretvalue]
        value: secretvalue
"""
    )
    assert problems == [
        "members.yaml, line 1: version has a value that is not known; there are: 1",
        "members.yaml, line 3: unknown key 'contxt': did you mean 'context'?",
        "members.yaml, line 6: an entry of packs is no topic pack; did you mean 'doxxing'?",
        "members.yaml, line 7: sensitivity has a value that is not known; did you mean 'wide'?",
        "members.yaml, line 9: kind has a value that is not known; did you mean 'pseudonym'?",
        "members.yaml, line 10: id is the id of an earlier term; every term needs its own",
        "members.yaml, line 10: value must be text, and this reads as a number or as yes/no: "
        'put it in quotes, as in "1234"',
        "members.yaml, line 12: unknown key 'alias': did you mean 'aliases'?",
    ]


@pytest.mark.parametrize("value", ["1234", "0x1F", "1.5", "no", "on", "True", "12:30:45", "9" * 5000, ".inf"])
def test_a_value_that_yaml_takes_for_something_else_must_be_quoted(value: str) -> None:
    assert "put it in quotes" in problem_of(f"{{kind: keyword, value: {value}}}")
    assert term_of(f'{{kind: keyword, value: "{value}"}}').value == value


def test_a_value_that_looks_like_a_date_is_text() -> None:
    assert term_of("{kind: keyword, value: 2026-11-20}").value == "2026-11-20"


def test_a_value_behind_a_number_sign_is_called_empty() -> None:
    assert "begins with # needs quotes" in problem_of("kind: keyword\n        value: #harbor")


def test_a_value_that_begins_with_an_at_sign_needs_quotes() -> None:
    assert "begins with @" in problem_of("{kind: pseudonym, value: @night_heron}")


def test_a_name_without_basis_is_told_how_to_write_one() -> None:
    problem = problem_of("{kind: name, value: Ines Okafor}")
    assert "line 6" in problem
    assert "basis: {kind: consent, recorded_by: your name, until: 2027-06-30}" in problem
    assert "Okafor" not in problem


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        ("{kind: consnt, recorded_by: admin}", "did you mean 'consent'?"),
        ("{kind: consent}", "recorded_by is missing"),
        ("{kind: consent, recorded_by: admin, untill: 2027-01-01}", "did you mean 'until'?"),
        ("consent", "basis must hold keys with values"),
    ],
)
def test_a_wrong_basis_is_an_error(basis: str, said: str) -> None:
    assert said in problem_of(f"{{kind: name, value: Ines Okafor, basis: {basis}}}")


@pytest.mark.parametrize("moment", ["2027-13-01", "soon", "2027-06-30T18:00:00", "2027", "0001-01-01T00:00:00+09:00"])
def test_a_wrong_date_is_an_error(moment: str) -> None:
    assert "expires_at must be" in problem_of(f"{{kind: keyword, value: safe house, expires_at: '{moment}'}}")


def test_a_time_is_kept_as_utc() -> None:
    term = term_of("{kind: keyword, value: safe house, expires_at: 2027-06-30T18:00:00+02:00}")
    assert term.settings.expires_at == datetime(2027, 6, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("aliases: nheron", "aliases must be a list, such as [one, two]"),
        ("aliases: [a, '']", "an entry of aliases is empty"),
        ("aliases: [7]", "an entry of aliases must be text"),
        ("needs_context: 'yes'", "needs_context must be true or false"),
        ("match: fuzy", "did you mean 'fuzzy'?"),
        ("note: {a: b}", "note must be text"),
    ],
)
def test_a_wrong_setting_is_an_error(keys: str, said: str) -> None:
    assert said in problem_of(f"{{kind: keyword, value: safe house, {keys}}}")


def test_a_watchlist_name_stands_once() -> None:
    [problem] = problems_of("version: 1\ncommunity: x\nwatchlists:\n  - name: a\n  - name: a\n")
    assert problem.startswith("members.yaml, line 5: name is the name of an earlier watchlist")


def test_aliases_tags_repeated_keys_and_depth_are_refused_with_their_line() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\n"
    assert problems_of(bomb) == ["members.yaml, line 2: aliases (*name) are not allowed: write the value out"]
    assert problems_of("a: 1\nb: !!python/object:os.system x")[0].startswith("members.yaml, line 2: tags")
    assert problems_of("a: 1\na: 2") == ["members.yaml, line 2: this key stands here a second time, first in line 1"]
    assert "nested too deeply" in problems_of("[" * 100_000)[0]
    assert "nested too deeply" in problems_of("[" * 100_000, "json")[0]
    assert "one document" in problems_of("a: 1\n---\nb: 2")[0]


def test_wrong_json_is_told_with_its_line() -> None:
    assert problems_of('{\n"version": 1,\n}', "json")[0].startswith("members.json, line 3: this is not JSON")


def test_half_a_character_is_an_error() -> None:
    assert "half a character" in problems_of(HEAD + "      - {kind: keyword, value: '\ud800'}")[0]


def test_files_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    for name, content, said in [
        ("a.txt", b"", "must end with .yaml"),
        ("a.yaml", b"a: 1\nb: \xff", "line 2: the file is not saved as UTF-8"),
        ("b.yaml", b"#" * (MAXIMUM_BYTES + 1), "larger than 20 MB"),
        ("c.yaml", b"", "is empty"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WatchlistError, match=said):
            load(tmp_path / name)
    with pytest.raises(WatchlistError, match="No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "d.yaml").mkdir()
    with pytest.raises(WatchlistError, match="directory"):
        load(tmp_path / "d.yaml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "members.csv").write_bytes(b"\xef\xbb\xbfkind,value\r\nkeyword,safe house\r\n")
    assert load(tmp_path / "members.csv").terms[0].value == "safe house"


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_gives_terms_with_all_their_settings() -> None:
    file = parse(
        "kind,value,id,aliases,watchlist,person,note,needs_context,never,basis_kind,basis_recorded_by,basis_until\n"
        "pseudonym,night_heron,t1,nheron; n.heron ,Members,p1,,,,,,\n"
        "\n"
        'name,Ines Okafor,t2,,Members,p1,"two\nlines",,,consent,admin,2027-06-30\n'
        'keyword, 1234 ,,,,,,TRUE,a;"b;c",,,\n'.replace('a;"b;c"', '"a;""b;c"""'),
        file="harbor.csv",
        form="csv",
    )
    assert [watchlist.name for watchlist, _ in file.watchlists] == ["Members", "harbor"]
    heron, ines, number = file.terms
    assert heron.variants == ("nheron", "n.heron")
    assert ines.settings.basis == Basis(
        kind="consent", recorded_by="admin", until=datetime(2027, 6, 30, 23, 59, 59, tzinfo=UTC)
    )
    assert (number.value, number.settings.needs_context, number.settings.never) == ("1234", True, ("a", "b;c"))
    assert file.lines == {"t1": 2, "t2": 4, "keyword-1": 6}


def test_wrong_tables_are_told_with_their_line() -> None:
    assert problems_of("kind,valu\n", "csv") == [
        "members.csv, line 1: unknown column 'valu': did you mean 'value'?",
        "members.csv, line 1: the column 'value' is missing",
    ]
    assert problems_of("kind,value\nkeyword,a\nkeyword,b,c\n", "csv")[0].startswith(
        "members.csv, line 3: the row has 3"
    )
    assert problems_of("kind,value,id\nkeyword,a,t1\nkeywrd,b,t1\n", "csv") == [
        "members.csv, line 3: id is the id of an earlier term; every term needs its own",
        "members.csv, line 3: kind has a value that is not known; did you mean 'keyword'?",
    ]
    assert "true or false" in problems_of("kind,value,needs_context\nkeyword,a,perhaps\n", "csv")[0]
    assert problems_of("", "csv")[0].startswith("members.csv, line 1: the column 'kind' is missing")
    assert "not CSV" in problems_of('kind,value\nkeyword,"a', "csv")[0]


# ── what is written loads back ──────────────────────────────────────────────────────────────────

texts = (
    st.text(
        st.characters(codec="utf-8") | st.sampled_from("no:#'\"@,;\\ \n\r\t\x85\u2028😀"),
        min_size=1,
        max_size=12,
    )
    .map(str.strip)
    .filter(bool)
)
some_texts = st.lists(texts, max_size=3).map(tuple)
moments = (
    st.none()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates().map(lambda day: datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC))
)
bases = st.builds(
    Basis,
    kind=st.sampled_from(["consent", "request", "guardian", "organisation"]),
    recorded_by=texts,
    until=moments,
)
settings = st.builds(
    TermSettings,
    person=st.none() | texts,
    match=st.none() | st.sampled_from(MatchMode),
    needs_context=st.booleans(),
    never=some_texts,
    search_externally=st.booleans(),
    expires_at=moments,
    basis=bases,
    note=st.none() | texts,
)


@st.composite
def watchlist_files(draw: st.DrawFn) -> WatchlistFile:
    community = draw(st.builds(Community, id=st.just("c"), name=texts, context=some_texts))
    community = Community(id=community.name, name=community.name, context=community.context)
    references = iter(draw(st.lists(texts, min_size=6, max_size=6, unique=True)))
    watchlists = []
    for name in draw(st.lists(texts, min_size=1, max_size=2, unique=True)):
        watchlist = Watchlist(
            id=name,
            community_id=community.id,
            name=name,
            sensitivity=draw(st.sampled_from(Sensitivity)),
            packs=draw(st.sampled_from([(), ("doxxing",)])),
        )
        terms = tuple(
            Term(
                id=reference,
                reference=reference,
                watchlist_id=name,
                kind=draw(st.sampled_from(TermKind)),
                value=draw(texts),
                variants=draw(some_texts),
                settings=draw(settings),
            )
            for reference in [next(references) for _ in range(draw(st.integers(1, 3)))]
        )
        watchlists.append((watchlist, terms))
    return WatchlistFile(community=community, watchlists=tuple(watchlists))


def _parts(file: WatchlistFile) -> tuple[Community, tuple[tuple[Watchlist, tuple[Term, ...]], ...]]:
    return file.community, file.watchlists


@given(watchlist_files())
def test_a_file_written_as_yaml_loads_back_to_the_same(file: WatchlistFile) -> None:
    assert _parts(parse(to_yaml(*_parts(file)), file="x.yaml")) == _parts(file)


@given(watchlist_files())
def test_terms_written_as_a_table_load_back_to_the_same(file: WatchlistFile) -> None:
    read = parse(write_table(file.watchlists), file="x.csv", form="csv")
    assert [(watchlist.name, terms) for watchlist, terms in read.watchlists] == [
        (watchlist.name, terms) for watchlist, terms in file.watchlists
    ]
