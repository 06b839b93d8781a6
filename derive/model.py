"""What the names in a claim stand for: J, h, the layers of a network, derivatives; imports kernel, derivation, term.

A derivative stands in a claim as a name of its own, such as ``dJ/dz[j]``, which the kernel's theorem about it defines.
Then a claim is an equation of terms under definitions, as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property, partial
from string import ascii_letters
from typing import NamedTuple

from derive.algebra import fresh_index
from derive.calculus import Calculus
from derive.derivation import COST, Statement
from derive.errors import DeriveError
from derive.kernel import Derivative, Theorem, Theory
from derive.language import RESERVED
from derive.laws import ABSTRACT
from derive.syntax import Symbols
from derive.term import (
    ZERO,
    Definitions,
    Term,
    add,
    call,
    index,
    item,
    mul,
    names_behind,
    num,
    open_sum,
    power,
    reindex,
    rename,
    replace,
    size,
    subterms,
    sum_over,
    var,
)

OTHER_NAMES = {**{n: "h" for n in ("a", "yhat", "p", "A", "P", "H")}, "Y": "y", "Z": "z", **dict.fromkeys("CLE", "J")}
# names of dJ/dz and dJ/dh, in books and in programs
NAMED = {"delta": "z", "delta2": "z2", "delta3": "z", "dZ": "z", "dA": "h", "da": "h"}
LAYERS = {  # a^{(2)} and so on; (L) is the output layer
    **{(name, layer): f"{name}{layer}" for name, layer in ("a1", "a2", "z2")},
    **{(name, layer): f"{name}{layer}" for name in ("Theta", "b") for layer in "12"},
    **{(name, layer): to for name, to in {"a": "h", "h": "h", "z": "z", "delta": "z"}.items() for layer in "3L"},
    ("delta", "2"): "z2",
}
INDICES = {"i": ("m",), "n": ("n1", "m"), "q": ("n1",), "j": ("n2",), "l": ("n2",), "s": ("n2",)}  # else the classes
VARIABLES = frozenset(("J", "h", "y", "z", "a1", "a2", "z2", "Theta1", "Theta2", "b1", "b2"))  # no parameters
NETWORK = VARIABLES - {"J", "h", "y", "z"}
HIDDEN = "f"  # the activation of hidden layers where that of the output acts on a whole vector
EXAMPLES = "m"


class Quantity(NamedTuple):
    """d subject / d variable, or the second derivative, for all values of the formal indices."""

    formals: tuple[Term, ...]
    subject: Term
    variable: Term
    order: int = 1


class Meaning(NamedTuple):
    """The value of a quantity by a theorem, and what that theorem needs beyond the domain."""

    value: Term
    needs: tuple[Term, ...]


class Model:
    """J and all that it rests on.

    statement: the pair of the output layer. definitions: J, h and, of a network, z, a2, z2. assumptions: what holds of
    the names that are not defined.
    conditions: equations on the targets, which are never used unsaid; cases: the values of a discrete target.
    free: what holds besides where a defined name, such as h, is a variable of its own. variable: z at its coordinate.
    activation: the f of f(z), as its variable and body, where it acts on a number.
    """

    def __init__(
        self,
        statement: Statement,
        definitions: Definitions,
        variable: Term,
        assumptions: tuple[Term, ...] = (),
        conditions: tuple[Term, ...] = (),
        cases: tuple[Term, ...] = (),
        free: Mapping[str, tuple[Term, ...]] | None = None,
        activation: tuple[Term, Term] | None = None,
    ) -> None:
        self.statement = statement
        self.definitions, self.variable, self.assumptions = definitions, variable, assumptions
        self.conditions, self.cases, self.free, self.activation = conditions, cases, free or {}, activation
        self.quantities: dict[str, Quantity] = {}
        self.known: dict[tuple[Term, Term, int], Meaning] = {}
        self.meaning = cache(self._meaning)
        self.theory = cache(self._theory)

    # -- derivatives by name

    def stand_in(self, subject: Term, variable: Term, order: int = 1) -> Term:
        """The term that stands for d subject / d variable; ``quantities`` says what it is."""
        if variable.kind not in ("var", "item"):
            raise DeriveError("a derivative is by a variable, such as z or z[j]")
        times = str(order) if order > 1 else ""
        if not subject.names.isdisjoint(self.quantities):
            subject = self.written_out(subject)
        self._check_order(subject, variable)
        if subject.kind in ("var", "item"):
            name = f"d{times}{subject.args[0]}/d{variable.args[0]}{times}"
            actual = (*subject.args[1:], *variable.args[1:])
            formals = tuple(index(f"#{n}", i.args[1]) for n, i in enumerate(actual))
            own = len(subject.args) - 1
            found = Quantity(
                formals,
                Term(subject.kind, (subject.args[0], *formals[:own])),
                Term(variable.kind, (variable.args[0], *formals[own:])),
                order,
            )
        else:
            if subject.loose or variable.loose:
                raise DeriveError("the derivative of an expression cannot stand inside a sum over one of its indices")
            actual = formals = tuple(dict.fromkeys((*subject.indices, *variable.indices)))
            found = Quantity(formals, subject, variable, order)
            known = (name for name, quantity in self.quantities.items() if quantity == found)
            name = next(known, f"d{times}({len(self.quantities) + 1})/d{variable.args[0]}{times}")
        self.quantities[name] = found
        return item(name, *actual) if actual else var(name)

    def _check_order(self, subject: Term, variable: Term) -> None:
        """Raises DeriveError for dz/dh, which no definition gives a meaning."""
        behind = names_behind((variable,), self.definitions) - {variable.args[0]}
        before = sorted(subject.names & behind & VARIABLES)
        if before:
            shown = f"{before[0]} comes before {variable.args[0]}, and is no function of it"
            raise DeriveError(f"{shown}; write 1/(d{variable.args[0]}/d{before[0]}) for the inverse")

    def quantity_of(self, term: Term) -> Quantity | None:
        """What a stand-in stands for, at its own indices; None for any other term."""
        found = self.quantities.get(term.args[0]) if term.kind in ("var", "item") else None
        if found is None or term.loose:
            return None
        own = dict(zip(found.formals, term.args[1:], strict=True))
        return found._replace(
            formals=term.args[1:], subject=reindex(found.subject, own), variable=reindex(found.variable, own)
        )

    def learn(self, theorems: Iterable[Theorem]) -> None:
        """Use what theorems, the steps of a proof, say about derivatives without a condition; what needs least."""
        for theorem in theorems:
            found = theorem.conclusion
            if isinstance(found, Derivative) and all(h.args[0] == "!=" or h in self._given for h in theorem.hypotheses):
                needs = tuple(h for h in theorem.hypotheses if h not in self._given)
                key, meaning = (found.subject, found.variable, found.order), Meaning(found.value, needs)
                self.known[key] = min(meaning, self.known.get(key, meaning), key=lambda m: len(m.needs))

    @cached_property
    def _given(self) -> tuple[Term, ...]:
        return (*self.assumptions, *(r for rs in self.free.values() for r in rs))

    def _learned(self, quantity: Quantity) -> Meaning | None:
        for (subject, variable, order), meaning in self.known.items():
            names = (subject.args[0], variable.args[0], order)
            if names == (quantity.subject.args[0], quantity.variable.args[0], quantity.order):
                own = (*subject.args[1:], *variable.args[1:])[: len(quantity.formals)]
                actual = dict(zip(own, quantity.formals, strict=True))
                return Meaning(reindex(meaning.value, actual), tuple(reindex(r, actual) for r in meaning.needs))
        return None

    def _meaning(self, name: str, raw: bool = False) -> Meaning:
        """The kernel's theorem about a quantity: one of the pair's proof, or by the laws alone where it is ``raw``.

        Raises KernelError where there is none.
        """
        _, subject, variable, order = self.quantities[name]
        learned = None if raw else self._learned(self.quantities[name])
        if learned is not None:
            return learned
        definitions, assumptions = self.free_of(variable.args[0])
        theory, value = Theory(definitions, assumptions), subject
        needs: dict[Term, None] = {}
        for _ in range(order):
            algebra = Calculus(definitions, assumptions)
            found = algebra.attempt(lambda: algebra.differentiate(value, variable))  # noqa: B023
            theorem = theory.derivative(value, variable, ZERO if found is None else found)
            value = ZERO if found is None else found
            needs.update(dict.fromkeys(h for h in theorem.hypotheses if h not in assumptions))
        return Meaning(value, tuple(needs))

    def free_of(self, name: str) -> tuple[Definitions, tuple[Term, ...]]:
        """Definitions and assumptions under which a name is a variable of its own."""
        rest = {n: d for n, d in self.definitions.items() if n != name}
        return rest, (*self.assumptions, *self.free.get(name, ()))

    # -- theories

    def _theory(
        self, extra: tuple[Term, ...], names: tuple[str, ...], stated: tuple[tuple[str, Term], ...], raw: bool
    ) -> Theory:
        values = {name: (self.quantities[name].formals, self.meaning(name, raw).value) for name in names}
        own = {name: (self.quantities[name].formals, value) for name, value in stated}
        return Theory({**self.definitions, **values, **own}, (*self.assumptions, *extra))

    def theory_for(
        self,
        terms: Iterable[Term],
        extra: tuple[Term, ...] = (),
        stated: Mapping[str, Term] | None = None,
        raw: bool = False,
    ) -> Theory:
        """The theory in which the stand-ins of the terms are defined: as they are, or as ``stated`` in their stead."""
        stated = stated or {}
        used, waiting = set[str](), [t for term in terms for t in term.names]
        while waiting:
            name = waiting.pop()
            if name in self.quantities and name not in used:
                used.add(name)
                waiting += stated[name].names if name in stated else ()
        by_claim = tuple(sorted((name, stated[name]) for name in used & stated.keys()))
        return self.theory(extra, tuple(sorted(used - stated.keys())), by_claim, raw and bool(self.known))

    def needs_of(self, terms: Iterable[Term], raw: bool = False) -> tuple[Term, ...]:
        """What the theorems about the stand-ins of the terms need beyond the domain."""
        names = {name for term in terms for name in term.names if name in self.quantities}
        return tuple(
            dict.fromkeys(r for name in sorted(names) for r in self.meaning(name, raw and bool(self.known)).needs)
        )

    def written_out(self, term: Term) -> Term:
        """The term with the values of its stand-ins in their places."""
        quantity = self.quantity_of(term)
        if quantity is not None:
            formals = self.quantities[term.args[0]].formals
            return reindex(self.meaning(term.args[0]).value, dict(zip(formals, term.args[1:], strict=True)))
        if term.names.isdisjoint(self.quantities):
            return term
        if term.kind == "sum":
            i = fresh_index(term.args[0], term)
            return rename(sum_over(i, self.written_out(open_sum(term, i))), term.hint)
        if term.loose:
            raise DeriveError("the derivative of an expression cannot stand inside a sum over one of its indices")
        return Term(term.kind, tuple(self.written_out(a) if isinstance(a, Term) else a for a in term.args), term.hint)

    # -- names

    @cached_property
    def symbols(self) -> Symbols:
        """The names of a claim, in the spellings of courses and papers."""
        families, scalars, functions = self.names
        sizes = frozenset(over for found in families.values() for over in found)
        taken = {*scalars, *families, *functions, *RESERVED, *NAMED, *OTHER_NAMES, "K", EXAMPLES, "e", "d", "f"}
        letters = [c for c in ascii_letters if c not in taken] if families else []
        return Symbols(
            frozenset(scalars),
            families,
            {c: next((over for over in INDICES.get(c, ()) if over in sizes), "K") for c in letters},
            sizes | {"K", EXAMPLES},
            frozenset(functions),
            others={n: to for n, to in OTHER_NAMES.items() if n not in {*scalars, *families}},
            layers={layer: to for layer, to in LAYERS.items() if to in families or to in scalars},
            applied=self._applied() if self.activation else {},
            named={name: partial(self._differential, of) for name, of in NAMED.items()},
            derivative=self.stand_in,
            coordinate=self.variable.args[-1].args[0] if self.variable.args[1:] else "",
        )

    @cached_property
    def names(self) -> tuple[dict[str, tuple[str, ...]], set[str], set[str]]:
        """Families with their sizes, scalars, and abstract functions."""
        terms = [self.variable, *(body for _, body in self.definitions.values())]
        terms += [r for rs in (self.assumptions, self.conditions, self.cases, *self.free.values()) for r in rs]
        parts = [t for term in terms for t in subterms(term)]
        families = {t.args[0]: tuple(i.args[1] for i in t.args[1:]) for t in parts if t.kind == "item"}
        families |= {n: tuple(i.args[1] for i in formals) for n, (formals, _) in self.definitions.items() if formals}
        scalars = {t.args[0] for t in parts if t.kind == "var"} | self.definitions.keys() - families.keys()
        return families, scalars, {t.args[0].rstrip("'") for t in parts if t.kind == "call"} & ABSTRACT

    def _applied(self) -> dict[str, Callable[[Term], Term]]:
        """f(x) and f'(x), where the activation acts on a number."""
        assert self.activation is not None
        z, body = self.activation
        algebra = Calculus({}, self.assumptions)
        slope = algebra.attempt(lambda: algebra.differentiate(body, z))
        return {"f": lambda x: replace(body, {z: x}), "f'": lambda x: replace(slope or ZERO, {z: x})}

    def _differential(self, name: str, indices: tuple[Term, ...], layer: str = "") -> Term:
        """dJ/dz or dJ/dh at the indices: of the layer that is named, else of one that has such indices.

        Without indices at the coordinate that is asked about. Raises DeriveError where there is no such layer.
        """
        families, scalars, _ = self.names
        asked = self.variable if name == "z" else Term(self.variable.kind, (name, *self.variable.args[1:]))
        known = (LAYERS.get((name, layer), ""),) if layer else (asked.args[0], name, "z2")
        sizes = tuple(i.args[1] for i in indices or asked.args[1:])
        of = next((n for n in known if families.get(n, () if n in scalars else None) == sizes), None)
        if of is None:
            said = f" of layer {layer[:20]}" if layer else ""
            raise DeriveError(
                f"there is no d J/d {name}{said} with {len(indices) or 'no'} indices here".replace("d ", "d")
            )
        return self.stand_in(COST, item(of, *(indices or asked.args[1:])) if sizes else var(of))


# ---- models ----------------------------------------------------------------------------------------


def of_statement(statement: Statement) -> Model:
    """The output layer of a pair: J = cost(h, y), h = activation(z)."""
    return Model(
        statement,
        statement.definitions,
        statement.preactivation,
        statement.inner_assumptions,
        tuple(r for r in statement.targets if r.args[0] == "="),
        statement.cases,
        {statement.output.args[0]: statement.loss_domain},
        None if statement.output.indices else (statement.preactivation, statement.activation),
    )


def of_network(statement: Statement, layer: int = 2, average: bool = False, decay: bool = False) -> Model:
    """Three layers with biases: z2 = b1 + Theta1 a1, a2 = f(z2), z = b2 + Theta2 a2, h = activation(z).

    K outputs, n2 hidden units, n1 inputs; f is the activation of the output where that acts on a number, else any
    differentiable f. average: J is the mean over m examples, by an index i of a, z, h and y. decay: J has
    lambda/(2m) (the sum of the squares of both Theta) besides. layer: whose z is asked about, 2 or 3.
    Raises DeriveError for another layer.
    """
    if layer not in (2, 3):
        raise DeriveError("a network here has layers 2 (hidden) and 3 (output); the inputs, layer 1, have no delta")
    if any(i.args[1] == EXAMPLES for i in statement.output.indices):
        raise DeriveError("give the pair itself; the network is averaged by its own option")
    own = NETWORK | {"lambda"} if decay else NETWORK
    taken = sorted((statement.cost.names | statement.activation.names) & own)
    if taken:
        raise DeriveError(f"{taken[0]} is a name of the network; declare the parameter by another name")
    k, unit_of_2, unit_of_1 = index("k", "K"), index("l", "n2"), index("n", "n1")
    example: tuple[Term, ...] = (index("i", EXAMPLES),) if average else ()
    z, h, y = (item(name, *example, k) for name in ("z", "h", "y"))
    of_hidden = statement.activation if not statement.output.indices else call(HIDDEN, var("z"))

    def unit(name: str, *indices: Term) -> Term:
        return item(name, *example, *indices)

    def spread(term: Term) -> Term:
        """A term of the statement with its elements as those of an example."""
        if statement.output.indices:
            return _with_example(term, example)
        return replace(term, {var("z"): z, var("h"): h, var("y"): y})

    cost = spread(statement.cost)
    if not statement.output.indices:
        cost = sum_over(k, cost)
    if average:
        cost = mul(power(size(EXAMPLES), -1), sum_over(index("i", EXAMPLES), cost))
    if decay:
        squares = [sum_over(k, sum_over(unit_of_2, power(item("Theta2", k, unit_of_2), 2)))]
        squares.append(sum_over(unit_of_2, sum_over(unit_of_1, power(item("Theta1", unit_of_2, unit_of_1), 2))))
        twice = mul(num(2), size(EXAMPLES)) if average else num(2)
        cost = add(cost, mul(var("lambda"), power(twice, -1), add(*squares)))
    output = spread(statement.activation)
    below, inputs = unit_of_2, sum_over(unit_of_1, mul(item("Theta1", unit_of_2, unit_of_1), unit("a1", unit_of_1)))
    hidden = sum_over(below, mul(item("Theta2", k, below), unit("a2", below)))
    definitions: dict[str, tuple[tuple[Term, ...], Term]] = {
        "z2": ((*example, below), add(item("b1", below), inputs)),
        "a2": ((*example, below), replace(of_hidden, {var("z"): unit("z2", below)})),
        "z": ((*example, k), add(item("b2", k), hidden)),
        "h": ((*example, *(statement.output.args[1:] or (k,))), output),
        "J": ((), cost),
    }
    relations = {
        name: tuple(spread(r) for r in getattr(statement, name))
        for name in ("loss_domain", "activation_domain", "targets", "parameters", "cases")
    }
    targets = relations["targets"]
    return Model(
        statement,
        definitions,
        unit("z2", index("j", "n2")) if layer == 2 else unit("z", index("j", "K")),
        (
            *relations["activation_domain"],
            *relations["parameters"],
            *(r for r in targets if r.args[0] != "="),
        ),
        tuple(r for r in targets if r.args[0] == "="),
        relations["cases"],
        {"h": relations["loss_domain"]},
        (var("z"), of_hidden) if not statement.output.indices else None,
    )


def _with_example(term: Term, example: tuple[Term, ...]) -> Term:
    if term.kind == "item" and term.args[0] in ("h", "y", "z"):
        return item(term.args[0], *example, *term.args[1:])
    return Term(term.kind, tuple(_with_example(a, example) if isinstance(a, Term) else a for a in term.args), term.hint)
