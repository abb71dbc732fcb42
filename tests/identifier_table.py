"""The table of identifiers in ``docs/identifiers.md``, made from the program's own table: ``make readme`` writes it."""

from __future__ import annotations

from collections import defaultdict

from core.types import EntityType
from matchers.entities.identifier_rules import IdentifierRule, identifier_table
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "identifiers.md"
BEGIN, END = "<!-- identifiers: written by `make readme` -->\n", "<!-- end of identifiers -->"
COLUMNS = {
    EntityType.NATIONAL_ID: "national",
    EntityType.TAX_ID: "tax",
    EntityType.HEALTH_ID: "health",
    EntityType.DRIVING_LICENCE: "driving licence",
    EntityType.PASSPORT: "passport",
    EntityType.IMMIGRATION_ID: "immigration",
    EntityType.LICENCE_PLATE: "licence plate",
}


def markdown_table() -> str:
    """Return the table (GitHub Flavored Markdown): a line for every country, a column for every type."""
    rules: defaultdict[str, list[IdentifierRule]] = defaultdict(list)
    for rule in identifier_table().identifiers:
        rules[rule.country or "any"].append(rule)
    rows = [f"| country | {' | '.join(COLUMNS.values())} |", f"| --- |{' --- |' * len(COLUMNS)}"]
    for country, ones in sorted(rules.items()):
        cells = (", ".join(_name(rule) for rule in ones if rule.type is kind) for kind in COLUMNS)
        rows.append(f"| {country} | {' | '.join(cells)} |")
    return "".join(f"{row}\n" for row in rows)


def with_identifiers(page: str) -> str:
    """Return the page with the table as it would be written today."""
    before, after = page.index(BEGIN) + len(BEGIN), page.index(END)
    return page[:before] + markdown_table() + page[after:]


def _name(rule: IdentifierRule) -> str:
    words = rule.name.replace("_", " ").removeprefix(f"{(rule.country or '').lower()} ")
    return words + "✓" * (rule.check is not None) + "!" * (rule.alone is not None)


if __name__ == "__main__":
    PAGE.write_text(with_identifiers(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
