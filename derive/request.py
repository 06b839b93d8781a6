"""What a user asks about: a loss and an activation as slugs, text or SymPy expressions; imports syntax and prover.

``read`` makes a statement of both; ``matching`` asks for an activation alone, by the same functions.

SymPy, with the bridge and the catalogue, is imported only where a slug or a SymPy expression is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from derive.calculus import Calculus
from derive.derivation import Statement
from derive.errors import DeriveError, KernelError, UnknownName
from derive.kernel import Theory, is_proved
from derive.prover import CLASS, FAMILIES, assembled, obstacle
from derive.syntax import RESERVED, Symbols, parse, parse_relation
from derive.term import MINUS_ONE, ZERO, Term, add, index, mul, num, rebuild, reindex, rel, subterms

SIZES = frozenset(("K", "m"))
ALIASES = ("a", "yhat")  # of h, where they are not declared
Relations = tuple[Term, ...]


class Half(NamedTuple):
    """A loss or an activation: its term, and the relations that its entry in the catalogue gives."""

    term: Term
    domain: Relations = ()
    targets: Relations = ()
    parameters: Relations = ()
    cases: Relations = ()
    name: str | None = None

    @property
    def is_vector(self) -> bool:
        return any(t.kind == "item" and t.args[0] in FAMILIES for t in subterms(self.term))

    @property
    def names(self) -> Mapping[str, bool]:
        """Its names besides h, y and z, and whether they are indexed."""
        parts = [t for t in subterms(self.term) if t.kind in ("var", "item") and t.args[0] not in FAMILIES]
        return {t.args[0]: t.kind == "item" for t in parts}


def read(
    loss: Any, activation: Any, params: Sequence[str] = (), assume: Sequence[str] = (), average: bool = False
) -> Statement:
    """The statement that a user means, with the domain that its formulas need.

    Raises SyntaxProblem with a column, DeriveError for a name that is declared wrongly, for a loss that the activation
    leaves, or a relation between what may not be related.
    """
    names = declared(params)
    cost, output = half(loss, "loss", names), half(activation, "activation", names)
    said = given(params, assume, {**names, **cost.names, **output.names}, cost.is_vector or output.is_vector)
    sorted_out: dict[str, list[Term]] = {"h": [*cost.domain], "z": [*output.domain], "y": [*cost.targets], "": []}
    for relation in (*cost.parameters, *output.parameters, *said):
        about = _about(relation)
        if relation.args[0] == "=" and about != "y":
            raise DeriveError("only targets may be fixed by an equation, as in 'sum(k, y[k]) = 1'; write an inequality")
        sorted_out[about].append(relation)
    _infer(cost.term, sorted_out)
    _infer(output.term, sorted_out)
    kinds = [sorted_out[name] for name in ("h", "z", "y", "")]
    found = assembled(cost.term, output.term, [*kinds, cost.cases], average)
    positive = rel(">", found.target, ZERO)
    if any("y" in r.names for r in found.loss_domain) and positive not in found.targets:
        # log(y/h) needs y/h > 0: for outputs of one sign this is said more simply by the target
        simpler = found._replace(
            loss_domain=tuple(r for r in found.loss_domain if "y" not in r.names), targets=(*found.targets, positive)
        )
        inner = Theory(simpler.definitions, simpler.inner_assumptions)
        if all(is_proved(inner.holds, r) for r in found.loss_domain):
            found = simpler
    why = obstacle(found)
    if why is not None and "not proved" not in why:
        free = "z or y" if re.search(r"\by\b", why) else "z"
        raise DeriveError(f"the activation leaves the domain of the loss: {why}; restrict {free} by --assume")
    return found


def declared(params: Iterable[str]) -> Mapping[str, bool]:
    """The names that "w", "w>0", "0<t<1" or "w[k]>0" declare, and whether they are indexed."""
    found: dict[str, bool] = {}
    for text in params:
        names = [m for m in re.finditer(r"([A-Za-z_]\w*)\s*(\[)?", re.sub(r"\[[^\]]*\]", "[]", text))]
        own = [(m[1], m[2] is not None) for m in names if m[1] not in RESERVED | SIZES]
        if not own:
            raise DeriveError(f"no name is declared by {text[:40]!r}; write 'w', 'w > 0' or '0 < t < 1'")
        for name, is_indexed in own:
            if name in (*FAMILIES, "J"):
                raise DeriveError(f"the name {name} has a meaning already; a parameter needs another")
            found[name] = found.get(name, False) or is_indexed
    return found


def given(params: Iterable[str], assume: Iterable[str], names: Mapping[str, bool], is_vector: bool) -> list[Term]:
    """The relations of declarations that say more than a name, and of assumptions."""
    bounds = [text for text in params if not re.fullmatch(r"\s*\w+\s*(\[\s*\w+\s*\])?\s*", text)]
    return [r for text in (*bounds, *assume) for r in relations(text, names, is_vector)]


def relations(text: str, names: Mapping[str, bool], is_vector: bool) -> Iterator[Term]:
    """a < b < c as a < b and b < c."""
    parts = re.split(r"(<=|>=|!=|<|>|=)", text)
    letters = _letters(text)
    for n in range(1, max(len(parts), 2), 2):
        found = parse_relation("".join(parts[n - 1 : n + 2]), symbols(names, is_vector, letters))
        yield (
            reindex(found, {i: index(CLASS[0], i.args[1]) for i in found.indices}) if len(found.indices) == 1 else found
        )


def symbols(names: Mapping[str, bool], is_vector: bool, letters: Iterable[str]) -> Symbols:
    """The names of a text: h, y and z as families over K or as scalars, and the declared ones."""
    scalars = {n for n, is_indexed in names.items() if not is_indexed} | ({*FAMILIES} if not is_vector else set())
    families = {n: ("K",) for n, is_indexed in names.items() if is_indexed}
    if is_vector:
        families |= dict.fromkeys(FAMILIES, ("K",))
    return Symbols(frozenset(scalars), families, dict.fromkeys(letters, "K"))


def half(asked: Any, role: str, names: Mapping[str, bool]) -> Half:
    """A loss or an activation, by slug, text or SymPy expression; its free index, if any, is k.

    Raises SyntaxProblem, UnknownName with the nearest slug, DeriveError for a name or an index that is not for it.
    """
    is_slug = isinstance(asked, str) and re.fullmatch(r"[a-zA-Z][a-zA-Z-]+\d?", asked) and asked not in names
    entry = _entry(asked, role) if is_slug else None
    if entry is not None:
        return entry
    term = _term(asked, role, names)
    if foreign := sorted(term.names & FOREIGN[role]):
        raise DeriveError(f"the {role} is a function of {MEANT[role]}; it cannot use {', '.join(foreign)}")
    if len(term.indices) > (role == "activation"):
        letters = ", ".join(i.args[0] for i in term.indices)
        raise DeriveError(f"the {role} has free indices ({letters}); {INDEXED[role]}")
    return Half(oriented(reindex(term, {i: index(CLASS[0], i.args[1]) for i in term.indices})))


FOREIGN = {"loss": {"J"}, "activation": {"h", "y", "J"}}
MEANT = {"loss": "h, y and z", "activation": "z"}
INDEXED = {
    "loss": "it is a sum over them, as in -sum(k, y[k]*log(h[k]))",
    "activation": "of a vector it is h[k], with one free index, as in exp(z[k])/sum(l, exp(z[l]))",
}
FORMULAS = {"loss": "h and y, such as '(h - y)^2/2'", "activation": "z, such as 'z/(1 + |z|)'"}


def _term(asked: Any, role: str, names: Mapping[str, bool]) -> Term:
    """Text or a SymPy expression as a term."""
    if not isinstance(asked, str):
        from derive.bridge import to_term

        return to_term(asked)
    try:
        return parse(asked, symbols(names, _is_indexed(asked, names), _letters(asked) if role == "activation" else ()))
    except UnknownName:
        if not re.fullmatch(r"[a-zA-Z]{2,}\d?", asked):
            raise
        raise UnknownName(_unknown(asked, role)) from None


def _unknown(word: str, role: str) -> str:
    """What to write instead of a word that is neither a slug nor a declared name."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), _table(role), n=1)
    hint = f"did you mean {near[0]}?" if near else f"write its formula in {FORMULAS[role]}"
    return f"no {role} is called {word!r}; {hint}"


TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def oriented(term: Term) -> Term:
    """The term with y*h > 1 for a condition 0 > 1 - y*h: what varies on the left, without minus, a number right."""
    term = rebuild(term, oriented)
    if term.kind != "rel":
        return term
    op, left, right = term.args
    if right.names and not left.names:
        op, left, right = TURNED[op], right, left
    if left.kind == "add" and right.kind == "num":
        moved = [t for t in left.args if t.kind == "num"]
        left = add(*(t for t in left.args if t.kind != "num"))
        right = num(right.args[0] - sum(t.args[0] for t in moved))
    if left.kind == "mul" and left.args[0] == MINUS_ONE and right.kind == "num":
        op, left, right = TURNED[op], mul(*left.args[1:]), num(-right.args[0])
    return rel(op, left, right)


def _entry(slug: str, role: str) -> Half | None:
    """An entry of the catalogue as terms."""
    from derive.bridge import to_term

    entry = _table(role).get(slug)
    if entry is None:
        return None
    targets, cases = (entry.targets, entry.cases) if role == "loss" else ((), ())
    kinds = [tuple(map(to_term, relations)) for relations in (entry.domain, targets, entry.parameters, cases)]
    domain, targets, parameters, cases = kinds
    return Half(to_term(entry[2]), domain, targets, parameters, cases, entry.slug)


def _table(role: str) -> Mapping[str, Any]:
    """The entries of the catalogue by slug, activations by their other names too."""
    from derive.activations import ACTIVATIONS
    from derive.activations import ALIASES as OTHER_NAMES
    from derive.losses import LOSSES

    aliases = {name: ACTIVATIONS[slug] for name, slug in OTHER_NAMES.items()}
    return LOSSES if role == "loss" else {**ACTIVATIONS, **aliases}


def _is_indexed(text: str, names: Mapping[str, bool]) -> bool:
    """Whether a text uses h, y or z as families."""
    own = "|".join(name for name in (*FAMILIES, *ALIASES) if name not in names)
    return bool(re.search(rf"\b({own})\s*(\[|_[A-Za-z])|\bsoftmax\b", text))


def _letters(text: str) -> list[str]:
    """The indices of a text that no sum binds, k first: softmax(z) means its k-th element."""
    used = re.findall(r"[\[,]\s*([A-Za-z]\w*)\s*(?=[\],])|\b[A-Za-z]+_([A-Za-z])\b", text)
    bound = set(re.findall(r"\bsum\s*\(\s*([A-Za-z]\w*)", text))
    found = dict.fromkeys(a or b for a, b in used if (a or b) not in bound)
    return [*found] or ([CLASS[0]] if CLASS[0] not in bound else [])


def _about(relation: Term) -> str:
    """Which of h, z and y a relation is about; one about sizes alone stands beside those on z."""
    found = [name for name in ("h", "z", "y") if name in relation.names]
    if len(found) > 1 and "z" in found:
        raise DeriveError("an assumption is about z, or about h and y, and other names")
    return found[0] if found else "" if relation.names else "z"


def _infer(term: Term, known: dict[str, list[Term]]) -> None:
    """Add the relations under which a term is defined, where those known do not imply them."""
    algebra = Calculus({}, tuple(r for rs in known.values() for r in rs if r.args[0] != "="))
    try:
        needs = algebra.attempt(lambda: [algebra.obligation(r) for r in algebra.conditions(term)])
    except KernelError as problem:
        raise DeriveError(f"the formula has no meaning: {problem}") from problem
    for need in needs:
        if not need.is_met:
            known[_about(need.claim)].append(need.claim)
