"""The gate of a query: operands one of which stands in every document for which it holds, the rarer the better."""

from __future__ import annotations

from dataclasses import dataclass, field

from matchers.folding import folded_forms
from matchers.phrases import Words, with_particles
from matchers.query_language import And, Mention, Near, Node, Not, Operand, Or, Phrase, Within, children
from matchers.words import ordinary_words

# How often, roughly, documents are looked at for an operand in vain.
_RARE = 1.0
_BEGINNING = 10.0
_ORDINARY = 20.0
_MISTYPED = 25.0


@dataclass(frozen=True, slots=True)
class Gate:
    """``operands``, one of which stands wherever the query holds, and the words, or beginnings of words, one of
    which stands wherever one of its phrases does; a word that may be mistyped stands for itself."""

    operands: frozenset[Operand] = field(repr=False)
    words: frozenset[str] = field(default=frozenset(), repr=False)
    prefixes: frozenset[str] = field(default=frozenset(), repr=False)
    cost: float = _RARE


def gate_of(tree: Node) -> Gate:
    """Return the cheapest gate of a query that :func:`matchers.query_language.parse` gave."""
    gate = _gate(tree)
    assert gate is not None, "a query that holds where nothing stands is refused"  # noqa: S101
    return gate


def _gate(node: Node) -> Gate | None:
    """Return the gate of a part, None where it may hold though no word or match of it stands."""
    match node:
        case Phrase():
            return _phrase_gate(node)
        case Mention():
            return None if node.name in ("person", "pii") else Gate(frozenset({node}))
        case Not():
            return None
        case Within():
            return None if node.name == "source" else _gate(node.part)
        case And() | Near():
            gates = [gate for gate in map(_gate, children(node)) if gate is not None]
            return min(gates, key=lambda gate: gate.cost, default=None)
        case Or():
            alternatives = [_gate(part) for part in node.parts]
            gates = [gate for gate in alternatives if gate is not None]
            return _union(gates) if len(gates) == len(alternatives) else None


def _union(gates: list[Gate]) -> Gate:
    return Gate(
        operands=frozenset().union(*(gate.operands for gate in gates)),
        words=frozenset().union(*(gate.words for gate in gates)),
        prefixes=frozenset().union(*(gate.prefixes for gate in gates)),
        cost=sum(gate.cost for gate in gates),
    )


def _phrase_gate(phrase: Phrase) -> Gate:
    """Return the gate of a phrase: its rarest word, for each of its folded forms."""
    words: set[str] = set()
    prefixes: set[str] = set()
    cost = _MISTYPED if phrase.ending == "~" else _RARE
    for form in folded_forms(phrase.text):
        *before, last = Words(form).texts
        costs = [(_ORDINARY if word in ordinary_words() else _RARE, -len(word), word) for word in before]
        last_cost = _BEGINNING if phrase.ending == "*" else _ORDINARY if last in ordinary_words() else _RARE
        rarest = min([*costs, (last_cost, -len(last), last)])
        cost = max(cost, rarest[0])
        if rarest in costs:
            words.update(with_particles(rarest[2]))
        elif phrase.ending == "*":
            prefixes.update(with_particles(last))
        else:
            words.update((*with_particles(last), f"{last}s", f"{last}es"))
    return Gate(frozenset({phrase}), frozenset(words), frozenset(prefixes), cost)
