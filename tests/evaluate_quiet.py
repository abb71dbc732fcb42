"""Measures false alarms on real posts: ``make evaluate-quiet`` (docs/evaluation.md holds the figures).

In each of three rounds 1,000 other handles and 200 other names are watched at ``balanced`` while all posts of the
shared data go through ``leakwatch scan``. What reaches a moderator (severity medium and above) from a post without a
watched term is a false alarm; posts that plainly hold one (the same letters, in any case) are looked at apart: handles
that are ordinary words are among them. ``--wrong`` shows the posts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from tests.linkage_set import Line, alerting, scan

DICE = random.Random(41)
ROUNDS = 3
HANDLE_COUNT = 1000
NAME_COUNT = 200
SHORTEST_HANDLE = 4
BASIS = {"kind": "consent", "recorded_by": "evaluation"}


def read(path: Path) -> Iterator[Line]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def watched_handles(path: Path) -> list[str]:
    """Return handles of four letters or digits and more, as shorter ones cannot be watched; ordinary words are
    among them."""
    handles = {row["text"] for row in read(path) if sum(map(str.isalnum, row["text"])) >= SHORTEST_HANDLE}
    return DICE.sample(sorted(handles), HANDLE_COUNT)


def watched_names(path: Path) -> list[str]:
    """Return full names in Latin letters, each of a forename and a surname that are frequent in one country."""
    by_country: dict[str, dict[str, list[Line]]] = {}
    for row in read(path):
        by_country.setdefault(row["country"], {"forename": [], "surname": []})[row["kind"]].append(row)
    countries = sorted(country for country, kinds in by_country.items() if all(kinds.values()))
    names: dict[str, None] = {}
    while len(names) < NAME_COUNT:
        kinds = by_country[countries[len(names) % len(countries)]]
        names[" ".join(DICE.choice(kinds[kind])["text"] for kind in ("forename", "surname"))] = None
    return list(names)


def write_watchlist(path: Path, handles: Sequence[str], names: Sequence[str]) -> None:
    terms: list[Line] = [{"kind": "pseudonym", "value": handle} for handle in handles]
    terms += [{"kind": "name", "value": name, "basis": dict(BASIS)} for name in names]
    watchlist = {"name": "Members", "packs": ["doxxing"], "terms": terms}
    path.write_text(yaml.safe_dump({"version": 1, "community": "Evaluation", "watchlists": [watchlist]}), "utf-8")


def plain_mentions(texts: Mapping[str, str], values: Sequence[str]) -> set[str]:
    """Return the ids of the texts in which one of the values stands, in any case."""
    folded = [value.casefold() for value in values]
    return {key for key, text in texts.items() if any(map(text.casefold().__contains__, folded))}


def reasons(alert: Line) -> str:
    signals = " + ".join(f"{reason['signal']} {reason['points']}" for reason in alert["reasons"])
    return f"{alert['class']} {alert['severity']}: {signals}"


def show(what: str, count: int, findings: Sequence[Line], texts: dict[str, str], *, wrong: bool) -> None:
    alerts = [alert for finding in findings for alert in alerting(finding)]
    print(
        f"{what}: {len(alerts)} alerts of medium or above from {len(findings)} of {count:,} posts "
        f"({len(alerts) / max(count, 1) * 100_000:.1f} alerts per 100,000)"
    )
    for reason, times in Counter(map(reasons, alerts)).most_common():
        print(f"    {times} × {reason}")
    if wrong:
        for finding in findings:
            places = [(found["kind"], found["found"]) for found in finding["matches"]]
            entities = [(entity["type"], entity["found"]) for entity in finding["entities"]]
            print(f"  {finding['id']}: {texts[finding['id']][:600]!r}\n    {places}\n    {entities}")
            for alert in alerting(finding):
                print(f"    {reasons(alert)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures false alarms on real posts.")
    parser.add_argument("shared", type=Path, help="the folder of shared data")
    parser.add_argument("--wrong", action="store_true", help="show the posts that raised an alert")
    options = parser.parse_args()
    folder = options.shared / "data"
    texts = {row["id"]: row["text"] for path in sorted((folder / "posts").glob("*.gz")) for row in read(path)}
    plain_count = 0
    raised: dict[bool, list[Line]] = {True: [], False: []}
    for _ in range(ROUNDS):
        handles = watched_handles(folder / "names" / "handles.jsonl.gz")
        names = watched_names(folder / "names" / "names_by_country.jsonl.gz")
        plain = plain_mentions(texts, [*handles, *names])
        plain_count += len(plain)
        with tempfile.TemporaryDirectory() as scratch:
            watchlist = Path(scratch) / "watchlist.yaml"
            write_watchlist(watchlist, handles, names)
            documents = ({"id": key, "text": text} for key, text in texts.items())
            for key, finding in scan(watchlist, documents, Path(scratch)).items():
                if alerting(finding):
                    raised[key in plain].append(finding)
    other_count = ROUNDS * len(texts) - plain_count
    show("posts without a watched term", other_count, raised[False], texts, wrong=options.wrong)
    show("posts that plainly hold one", plain_count, raised[True], texts, wrong=options.wrong)


if __name__ == "__main__":
    main()
