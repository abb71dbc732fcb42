"""Measures how well a dox is told from a mention: ``make evaluate-linkage`` (docs/evaluation.md holds the figures).

The texts under tests/linkage go through ``leakwatch scan``; one counts as found where it raises an alert of class
``linkage`` with severity medium or above. ``--wrong`` shows what was missed or false, but never of the held part.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.linkage_set import WATCHLIST, Family, Line, is_linkage, load_families, measure, scan


def show_table(what: str, groups: Mapping[str, Sequence[Family]], findings: Mapping[str, Line]) -> None:
    print(
        f"| {what} | texts | found | missed | false | quiet | recall | precision |\n|---|---|---|---|---|---|---|---|"
    )
    for name, families in groups.items():
        figures = measure(families, findings)
        count = sum(len(family.texts) for family in families)
        print(
            f"| {name} | {count} | {figures.found} | {figures.missed} | {figures.false} | {figures.quiet} "
            f"| {figures.recall:.3f} | {figures.precision:.3f} |"
        )
    print()


def show_wrong(families: Sequence[Family], findings: Mapping[str, Line]) -> None:
    for family in families:
        for text in family.texts:
            finding = findings.get(text.id)
            if is_linkage(finding) == family.is_linked:
                continue
            fields = " | ".join(filter(None, (text.author, text.title, text.text)))
            print(f"{'MISSED' if family.is_linked else 'FALSE'} {text.id}: {fields}")
            if finding is None:
                print("    no watched term was found")
                continue
            entities = ", ".join(f"{entity['type']} {entity['found']!r}" for entity in finding["entities"])
            print(f"    entities: {entities or 'none'}")
            for alert in finding["alerts"]:
                reasons = ", ".join(f"{reason['signal']} {reason['points']}" for reason in alert["reasons"])
                print(f"    {alert['class']} {alert['score']} {alert['severity']}: {reasons}")
            print()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures linkage on the texts under tests/linkage.")
    parser.add_argument("--wrong", action="store_true", help="show what was missed or false in the dev part")
    parser.add_argument("--families", action="store_true", help="show the figures of every family")
    options = parser.parse_args()
    families = load_families()
    documents = [text.document() for family in families for text in family.texts]
    with tempfile.TemporaryDirectory() as folder:
        findings = scan(WATCHLIST, documents, Path(folder))
    dev = [family for family in families if not family.is_held]
    held = [family for family in families if family.is_held]
    show_table("part", {"dev": dev, "held": held, "all": families}, findings)
    languages = sorted({family.language for family in families})
    show_table("language", {name: [one for one in families if one.language == name] for name in languages}, findings)
    if options.families:
        show_table("family", {family.name: [family] for family in families}, findings)
    if options.wrong:
        show_wrong(dev, findings)


if __name__ == "__main__":
    main()
