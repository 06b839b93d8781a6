"""The job ``derive match``: reads what is asked, and has it answered; SymPy is imported only then.

Helmbold, Kivinen, Warmuth, NIPS 8 (1995): J = int h dz - y z is, up to c(y), the only loss with dJ/dz = h - y, and is
convex in z iff h does not decrease. Kivinen, Warmuth (2001): for a vector there is one iff dh_k/dz_j = dh_j/dz_k.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from derive.errors import REFUSALS, DeriveError, KernelError, UnknownName
from derive.matched import OWN, Match, Problem
from derive.syntax import RESERVED, Symbols, parse, parse_relation, plain
from derive.term import Term, item, reindex, replace, subterms, var

SIZES = frozenset(("K", "m"))
NAMES_OF_THE_STATEMENT = {"J", "h", "y", "z"}


def match(activation: Any, params: Sequence[str] = (), assume: Sequence[str] = (), timeout: float = 10.0) -> Match:
    """The loss J with dJ/dz = h - y for an activation h(z), or the proof that there is none.

    activation: a slug of the catalogue, text in the plain language (``z`` elementwise, ``z[k]`` for a vector), or a
    SymPy expression; params: "w", "w>0" or "0<t<1" for each other name; assume: relations on z, such as "z<0";
    timeout: seconds for SymPy's guesses. What is not decided is None, with a reason. Raises DeriveError for bad input.
    """
    problem = _problem(activation, params, assume)
    from derive.potentials import Scalar, Vector

    try:
        return (Vector if problem.is_vector else Scalar)(problem, timeout).solve()
    except (KernelError, *REFUSALS) as obstacle:
        return Match(plain(problem.body), name=problem.name, reason=f"undecided: {obstacle}")


def _problem(activation: Any, params: Sequence[str], assume: Sequence[str]) -> Problem:
    names = [name for text in params for name in _names(text)]
    letters = _letters(" ".join((activation if isinstance(activation, str) else "", *assume)))
    body, given, title = _body(activation, names)
    free = sorted(t.args[0] for t in body.indices)
    if len(free) > 1 or (not free and any(t.kind == "item" for t in subterms(body))):
        raise DeriveError("an activation of a vector is h[k], with one free index, as in exp(z[k])/sum(l, exp(z[l]))")
    body = reindex(body, {i: OWN for i in body.indices})
    known = {t.args[0] for t in subterms(body) if t.kind == "var"} | {n for r in given for n in r.names}
    for name in (body.names & NAMES_OF_THE_STATEMENT) - {"z"}:
        raise DeriveError(f"an activation is a function of z; it cannot use {name}")
    scalars = frozenset({*names, *known} - SIZES - ({"z"} if free else set()) | (set() if free else {"z"}))
    symbols = Symbols(scalars, {"z": ("K",)} if free else {}, dict.fromkeys(letters, "K"))
    bounds = [text for text in params if not text.strip().isidentifier()]
    said = tuple(r for text in (*bounds, *assume) for r in _relations(text, symbols))
    return _coordinatewise(Problem(body, tuple(dict.fromkeys((*given, *said))), title))


def _body(activation: Any, names: Sequence[str]) -> tuple[Term, tuple[Term, ...], str | None]:
    """h as a term, the relations that the catalogue gives, and its name there."""
    from derive.activations import ACTIVATIONS, ALIASES
    from derive.bridge import to_term

    if not isinstance(activation, str):
        return to_term(activation), (), None
    entry = ACTIVATIONS.get(ALIASES.get(activation, activation))
    if entry is not None:
        return to_term(entry.output), tuple(map(to_term, (*entry.domain, *entry.parameters))), entry.slug
    letters = _letters(activation)
    if re.fullmatch(r"[a-zA-Z]{2,}", activation) and activation not in {*names, *RESERVED}:
        raise UnknownName(_unknown(activation, [*ACTIVATIONS, *ALIASES]))
    families = {"z": ("K",)} if letters else {}
    return parse(activation, Symbols(frozenset({*names} | ({"z"} - {*families})), families, letters)), (), None


def _unknown(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else "write its formula in z, such as 'z/(1 + |z|)'"
    return f"no activation is called {word!r}; {hint}"


def _letters(text: str) -> dict[str, str]:
    """The free indices of z in a text, over K."""
    used = re.findall(r"\bz\s*\[\s*([A-Za-z]\w*)\s*\]|\bz_([A-Za-z]\w*)", text)
    bound = set(re.findall(r"\bsum\s*\(\s*([A-Za-z]\w*)", text))
    found = {a or b: "K" for a, b in used if (a or b) not in bound}
    return found or ({"k": "K"} if re.search(r"\bsoftmax\b", text) else {})  # softmax(z) is its k-th element


def _names(text: str) -> list[str]:
    """The names that a declaration such as "0<t<1" or "w" declares."""
    found = [n for n in re.findall(r"[A-Za-z_]\w*", text) if n not in RESERVED | SIZES]
    for name in found:
        if name in NAMES_OF_THE_STATEMENT:
            raise DeriveError(f"the name {name} has a meaning already; a parameter needs another")
    if not found:
        raise DeriveError(f"no name is declared by {text[:40]!r}; write 'w', 'w > 0' or '0 < t < 1'")
    return found


def _relations(text: str, symbols: Symbols) -> Iterator[Term]:
    """a < b < c as a < b and b < c."""
    parts = re.split(r"(<=|>=|!=|<|>|=)", text)
    for n in range(1, max(len(parts), 2), 2):
        yield parse_relation("".join(parts[n - 1 : n + 2]), symbols)


def _coordinatewise(problem: Problem) -> Problem:
    """A vector whose h[k] uses z[k] alone is the scalar h(z), coordinate by coordinate."""
    own = item("z", OWN)
    terms = [
        replace(reindex(t, {i: OWN for i in t.indices}), {own: var("z")}) for t in (problem.body, *problem.assumptions)
    ]
    is_single = not any(t.kind in ("item", "sum", "size", "kron") for whole in terms for t in subterms(whole))
    said = "The k-th output uses the k-th input alone: this is the activation, and J the loss, of one coordinate."
    return Problem(terms[0], tuple(terms[1:]), problem.name, said) if problem.is_vector and is_single else problem
