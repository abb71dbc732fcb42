"""The README's table of disguises, made by the program: ``make readme`` writes it."""

from __future__ import annotations

import re

from core.settings import Settings
from core.types import Catalogue, Community, Document, Term, TermKind, Watchlist
from monitor.commands.view import visible
from monitor.parts import build_parts
from tests.conftest import REPOSITORY

README = REPOSITORY / "README.md"
BEGIN, END = "<!-- disguises: written by `make readme` -->\n", "<!-- end of disguises -->"
HANDLE = "night_heron"
DISGUISES = (
    ("leet", "ask n1gh7_h3r0n about it"),
    ("look-alikes of other scripts", "ask n\u0456ght_h\u0435r\u043en about it"),
    ("invisible characters", "ask night\u200b_he\u2060ron about it"),
    ("separators", "ask n.i.g.h.t.h.e.r.o.n about it"),
    ("split, over the end of a line too", "ask nig ht\nheron about it"),
    ("split into ordinary words", "ask night her on about it"),
    ("glued to other words", "ihatenightheron99"),
    ("a typo", "ask night_heorn about it"),
    ("two typos", "ask nigt_heronn about it"),
    ("masked letters", "ask n*ght_h*ron about it"),
    ("repeated letters", "ask niiight_heeeron about it"),
    ("HTML entities", "ask n&#105;ght&lowbar;heron about it"),
    ("in a web address", "https://forum.example/u/nig%68t%5Fheron?tab=posts"),
    ("Markdown escapes", r"ask night\_heron about it"),
    ("fullwidth letters", "ask \uff4e\uff49\uff47\uff48\uff54_\uff48\uff45\uff52\uff4f\uff4e about it"),
    ("mathematical letters", "ask night_\U0001d4f1\U0001d4ee\U0001d4fb\U0001d4f8\U0001d4f7 about it"),
    ("diacritics", "ask n\u00ee\u0121ht_h\u00e9r\u00f6n about it"),
    ("several at once", "ask N\u0456GHT.h3r0nnn's friends"),
    ("none: other words", "last night heroin was found; a knight, her only son"),
)


def disguise_table() -> str:
    """Return the table (GitHub Flavored Markdown) of what is found today, invisible characters by their codes."""
    index = build_parts(Settings()).index(
        Catalogue(
            communities=(Community(id="c", name="c"),),
            watchlists=(Watchlist(id="w", community_id="c", name="w"),),
            terms=(Term(id="t", reference="t", watchlist_id="w", kind=TermKind.PSEUDONYM, value=HANDLE),),
        )
    )
    found = index.find([Document(id=name, text=text) for name, text in DISGUISES])
    rows = ["| disguise | in the text | found | undone |", "| --- | --- | --- | --- |"]
    for (name, text), row in zip(DISGUISES, found, strict=True):
        spots = ", ".join(_code(match.found) for match in row.matches) or "nothing"
        undone = ", ".join(name.replace("_", " ") for match in row.matches for name in match.transformations)
        rows.append(f"| {name} | {_code(text)} | {spots} | {undone} |")
    return "".join(f"{row}\n" for row in rows)


def with_table(readme: str) -> str:
    """Return the README with the table as it would be written today."""
    before, after = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return readme[:before] + disguise_table() + readme[after:]


def _code(text: str) -> str:
    shown = re.sub("\n", " ⏎ ", text)
    return f"`{visible(shown)}`"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
