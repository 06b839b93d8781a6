"""Forms for people: terms tidied, factored and combined by normal forms; untrusted, imports algebra and syntax.

What comes from here is a proposal. The prover shows it only where the kernel proves it equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flint import fmpq, fmpq_mat, fmpq_mpoly

from derive.algebra import Algebra, Factors, Fraction
from derive.errors import KernelError
from derive.syntax import plain
from derive.term import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    call,
    index,
    item,
    kron,
    mul,
    neg,
    num,
    open_sum,
    power,
    rebuild,
    reindex,
    rel,
    rename,
    sub,
    subterms,
    sum_over,
    var,
)

MAX_FOLDED = 64


def tidy(term: Term) -> Term:
    """Flat sums and products, numbers multiplied, equal bases gathered, sums over a Kronecker delta collapsed."""
    if term.kind == "sum":
        return _tidy_total(term)
    term = rebuild(term, tidy)
    rule = _TIDY.get(term.kind)
    return rule(term) if rule else term


def _tidy_sum(term: Term) -> Term:
    parts = [p for t in term.args for p in (t.args if t.kind == "add" else (t,)) if p != ZERO]
    numbers = [p for p in parts if p.kind == "num"]
    if len(numbers) > 1:
        total = num(sum((p.args[0] for p in numbers), fmpq(0)))
        parts = [p for p in parts if p.kind != "num"] + [total] * (total != ZERO)
    return add(*parts)


def _tidy_product(term: Term) -> Term:
    number = fmpq(1)
    exponents: dict[Term, fmpq] = {}
    others: list[Term] = []
    for base, exponent in _powers(term, fmpq(1)):
        if base.kind == "num" and exponent.q == 1 and abs(exponent) < MAX_FOLDED and (base != ZERO or exponent > 0):
            number *= base.args[0] ** int(exponent)
        elif base.kind == "pow":
            others.append(base if exponent == 1 else power(base, num(exponent)))
        else:
            exponents[base] = exponents.get(base, fmpq(0)) + exponent
    if number == 0:
        return ZERO
    above = [b if e == 1 else power(b, num(e)) for b, e in exponents.items() if e > 0]
    below = [b if e == -1 else power(b, num(-e)) for b, e in exponents.items() if e < 0]
    return signed_product(number, above + others, below)


def _powers(term: Term, exponent: fmpq) -> Iterator[tuple[Term, fmpq]]:
    """Factors as (base, exponent), through nested products and integer powers."""
    if term.kind == "mul":
        for factor in term.args:
            yield from _powers(factor, exponent)
    elif term.kind == "pow" and term.args[1].kind == "num" and term.args[1].args[0].q == 1:
        yield from _powers(term.args[0], exponent * term.args[1].args[0])
    else:
        yield term, exponent


def signed_product(number: fmpq, above: list[Term], below: list[Term]) -> Term:
    """number * above / below, as it is written: the sign and integer first, one reciprocal at the end."""
    p, q = fmpq(number.p), fmpq(number.q)
    below = ([num(q)] if q != 1 else []) + below
    head = [] if p == 1 and (above or below) else [num(p)]
    return mul(*head, *above, *([power(mul(*below), -1)] if below else []))


def _tidy_power(term: Term) -> Term:
    base: Term = term.args[0]
    exponent: Term = term.args[1]
    if exponent == ONE or base == ONE:
        return base
    return ONE if exponent == ZERO else term


def _tidy_total(term: Term) -> Term:
    i = index("#" + "".join(j.args[0] for j in term.indices), term.args[0])
    body = tidy(open_sum(term, i))
    if body.kind == "add" and all(_has_delta(t, i) for t in body.args):
        return tidy(add(*(sum_over(i, t) for t in body.args)))
    factors = body.args if body.kind == "mul" else (body,)
    for f in factors:
        if f.kind == "kron" and i in f.args and f.args[0] != f.args[1]:
            other = f.args[1] if f.args[0] == i else f.args[0]
            return tidy(reindex(mul(*(g for g in factors if g is not f)), {i: other}))
    return rename(sum_over(i, body), term.hint)


def _has_delta(term: Term, i: Term) -> bool:
    return any(
        f.kind == "kron" and i in f.args and f.args[0] != f.args[1]
        for f in (term.args if term.kind == "mul" else (term,))
    )


def _tidy_where(term: Term) -> Term:
    """A Kronecker delta of both branches in front."""
    condition, *branches = term.args
    rows = [t.args if t.kind == "mul" else (t,) for t in branches]
    deltas = [f for row in rows for f in row if f.kind == "kron"]
    for delta in deltas:
        if all(delta in row or row == (ZERO,) for row in rows):
            rest = [ZERO if row == (ZERO,) else mul(*(f for f in row if f is not delta and f != delta)) for row in rows]
            return mul(delta, _tidy_where(Term("where", (condition, *rest))))
    return term


_TIDY: dict[str, Callable[[Term], Term]] = {
    "add": _tidy_sum,
    "mul": _tidy_product,
    "pow": _tidy_power,
    "where": _tidy_where,
    "kron": lambda term: ONE if term.args[0] == term.args[1] else term,
}


OPAQUE = frozenset(("phi", "Phi", "sigmoid", "sinh", "cosh", "tanh"))


def length(term: Term) -> int:
    return len(plain(term))


def _is_residual(left: Term, right: Term) -> bool:
    """h - y, or h[k] - y[k]."""
    return left.kind in ("var", "item") and left.args[0] == "h" and right == neg(replace_name(left, "y"))


def replace_name(element: Term, name: str) -> Term:
    return Term(element.kind, (name, *element.args[1:]))


class Veil:
    """A term with some of its parts behind names of their own, and back; the names cannot be written by a user."""

    def __init__(self, residual: bool) -> None:
        self.residual = residual
        self.names: dict[Term, str] = {}

    def hidden(self, term: Term) -> Term:
        if term.kind == "sum":
            i = index(f"#v{len(term.indices)}", term.args[0])
            return rename(sum_over(i, self.hidden(open_sum(term, i))), term.hint)
        if self.residual and term.kind in ("var", "item") and term.args[0] == "h":
            return add(replace_name(term, "y"), replace_name(term, "~r"))
        if (term.kind == "call" and term.args[0] in OPAQUE) or (term.kind == "where" and term.indices):
            formals = {i: index(f"#f{n}", i.args[1]) for n, i in enumerate(term.indices)}
            name = self.names.setdefault(reindex(term, formals), f"~{len(self.names)}")
            return item(name, *term.indices) if term.indices else var(name)
        return rebuild(term, self.hidden)

    def lifted(self, term: Term) -> Term:
        if term.kind == "sum":
            i = index(f"#v{len(term.indices)}", term.args[0])
            return rename(sum_over(i, self.lifted(open_sum(term, i))), term.hint)
        if term.kind in ("var", "item") and term.args[0] == "~r":
            return sub(replace_name(term, "h"), replace_name(term, "y"))
        if term.kind == "add":
            return _rejoined([self.lifted(t) for t in term.args])
        template = next((t for t, n in self.names.items() if term.kind in ("var", "item") and n == term.args[0]), None)
        if template is None:
            return rebuild(term, self.lifted)
        formals = {index(f"#f{n}", i.args[1]): i for n, i in enumerate(term.args[1:])}
        return reindex(template, formals)


def _rejoined(terms: list[Term]) -> Term:
    """A sum with (h - y) + y as h, and -(h - y) - y as -h."""
    for t in terms:
        for whole, part, sign in ((t, lambda y: y, lambda h: h), (neg_inside(t), neg, neg)):
            if whole is None or whole.kind != "add" or len(whole.args) != 2 or not _is_residual(*whole.args):
                continue
            y = part(replace_name(whole.args[0], "y"))
            if y in terms:
                rest = [sign(whole.args[0]) if u is t else u for u in terms if u != y]
                return add(*rest)
    return add(*terms)


def neg_inside(term: Term) -> Term | None:
    """The a of -a."""
    return mul(*term.args[1:]) if term.kind == "mul" and term.args[0] == MINUS_ONE else None


class Presenter:
    """Normal forms under one algebra, written out as people write them."""

    def __init__(self, algebra: Algebra, deltas: Sequence[Term] = ()) -> None:
        """``deltas`` are Kronecker deltas with their indices in the order in which to write them."""
        self.algebra = algebra
        self.deltas = {kron(*reversed(d.args)): d for d in deltas}
        self.written: dict[Term, Term] = {}

    def shown(self, term: Term) -> Term:
        """The term over one denominator, factored where that is shorter; functions that may stand as they are, do."""
        found = self._shown(term)
        for veil in self._veils(term):
            try:
                other = veil.lifted(self._shown(veil.hidden(term)))
            except KernelError:
                continue
            found = min(found, other, key=length)
        return found

    def _veils(self, term: Term) -> Iterator[Veil]:
        """Ways to see a term: with functions as names of their own, and with h as y + (h - y)."""
        parts = list(subterms(term))
        opaque = any(
            (t.kind == "call" and t.args[0] in OPAQUE) or (t.kind == "where" and t.loose + len(t.indices))
            for t in parts
        )
        if opaque:
            yield Veil(False)
        if any(t.kind == "add" and len(t.args) == 2 and _is_residual(*t.args) for t in parts):
            yield Veil(True)

    def _shown(self, term: Term) -> Term:
        algebra = self.algebra

        def present() -> Term:
            algebra.use_equations(term.indices)
            return self._fraction(algebra.canonical(algebra.normal(term)))

        return algebra.attempt(present)

    def factors(self, term: Term) -> list[Term]:
        """The irreducible factors of the numerator, each written out."""

        def split() -> list[Term]:
            algebra = self.algebra
            algebra.use_equations(term.indices)
            above = algebra.canonical(algebra.normal(term))[0]
            return [self._oriented(f)[1] for f, _ in self._factored(above)[1]] if above else []

        return self.algebra.attempt(split)

    def multiple_of(self, term: Term, residual: Term) -> Term | None:
        """The term as g * residual with g finite where the residual is 0; None where it is not of that shape."""
        found = self._multiple_of(term, residual)
        if found is None or found == residual:
            return found
        for veil in self._veils(term):
            try:
                other = self._multiple_of(veil.hidden(term), veil.hidden(residual))
            except KernelError:
                continue
            if other is not None:
                other = mul(*map(veil.lifted, other.args[:-1]), residual)
                found = min(found, other, key=length)
        return found

    def _multiple_of(self, term: Term, residual: Term) -> Term | None:

        def divide() -> Term | None:
            algebra = self.algebra
            algebra.use_equations((*term.indices, *residual.indices))
            n, d = algebra.normal(residual)
            above, below = algebra.canonical(algebra.product_of(algebra.normal(term), (d, n)))
            root = algebra.canonical((n, d))[0]
            if not below.gcd(root).is_constant():
                return None
            if above == below:
                return residual
            factor = self._fraction((above, below))
            return mul(*(factor.args if factor.kind == "mul" else (factor,)), residual)

        return self.algebra.attempt(divide)

    def combination(self, term: Term, forms: Sequence[Term]) -> Term | None:
        """Rational c_i with term = sum of c_i forms_i, as a term; None where there are none."""

        def solve() -> Term | None:
            normals = [self.algebra.normal(t) for t in (*forms, term)]
            below = normals[0][1]
            for _, d in normals[1:]:
                below = below * (d // below.gcd(d))
            columns = [dict(self.algebra.reduce(n * (below // d)).terms()) for n, d in normals]
            found = _solve(columns)
            return None if found is None else tidy(add(*(mul(num(c), f) for c, f in zip(found, forms, strict=True))))

        return self.algebra.attempt(solve)

    def _fraction(self, fraction: Fraction) -> Term:
        fraction = self._without_exp_below(fraction)
        number_above, above = self._product(fraction[0])
        number_below, below = self._product(fraction[1])
        if fraction[1].is_one() and not above:
            return num(number_above)
        return signed_product(number_above / number_below, above, below)

    def _without_exp_below(self, fraction: Fraction) -> Fraction:
        """(e^x - 1)/e^x as 1 - e^(-x): a denominator's power of exp(x) divided out of each term."""
        above, below = fraction
        for atom in self.algebra.atoms_of(below):
            place = self.algebra.atom(atom).degrees().index(1)
            least = min(e[place] for e in below.monoms())
            if atom.kind == "call" and atom.args[0] == "exp" and least >= max(e[place] for e in above.monoms()):
                inverse = self.algebra.atom(call("exp", neg(atom.args[1]))).degrees().index(1)
                above = self._moved(above, place, inverse, int(least))
                below = below // self.algebra.atom(atom) ** int(least)
        return above, below

    def _moved(self, poly: fmpq_mpoly, place: int, inverse: int, degree: int) -> fmpq_mpoly:
        found = {}
        for exponents, c in poly.terms():
            row = list(exponents)
            row[place], row[inverse] = 0, degree - row[place]
            found[tuple(row)] = c
        return poly.context().from_dict(found)

    def _product(self, poly: fmpq_mpoly) -> tuple[fmpq, list[Term]]:
        """A number and factors: common monomial first, the rest factored or expanded, whichever is shorter."""
        if poly.is_constant():
            return poly.leading_coefficient() if poly else fmpq(0), []
        number, factors = self._factored(poly)
        monomials: list[Term] = []
        rest: list[Term] = []
        expanded = poly / number
        for factor, e in factors:
            if len(factor) == 1:
                atom = self._atom_term(factor)
                monomials.append(atom if e == 1 else power(atom, int(e)))
                expanded = expanded // factor**e
            else:
                sign, sum_ = self._oriented(factor)
                number *= fmpq(sign) ** int(e)
                rest.append(sum_ if e == 1 else power(sum_, int(e)))
        if len(rest) > 1 or (rest and rest[0].kind == "pow"):
            sign, flat = self._oriented(expanded)
            if len(plain(flat)) < len(plain(mul(*rest))):
                number, rest = fmpq(poly.leading_coefficient() / expanded.leading_coefficient()) * sign, [flat]
        return number, sorted(monomials, key=_place) + rest

    def _factored(self, poly: fmpq_mpoly) -> Factors:
        """As the kernel keeps them; also those of a degree that the kernel refuses, such as (h - y)^30."""
        try:
            return self.algebra.factor(poly)
        except KernelError:
            number, factors = poly.factor()
            return number, tuple(factors)

    def _atom_term(self, generator: fmpq_mpoly) -> Term:
        return self._named(self.algebra.atoms_of(generator)[0])

    def _oriented(self, poly: fmpq_mpoly) -> tuple[int, Term]:
        """A polynomial up to sign as written: 1 - h, h - y, positive terms before negative ones."""
        terms = [self._monomial(exponents, c) for exponents, c in poly.terms()]
        sign = 1 if min(terms, key=_rank)[0] > 0 else -1
        signed = [(c * sign, body) for c, body in terms]
        signed.sort(key=lambda t: (t[0] < 0, _rank((abs(t[0]), t[1]))))
        return sign, add(*(_times(c, body) for c, body in signed))

    def _monomial(self, exponents: tuple[int, ...], c: fmpq) -> tuple[fmpq, tuple[Term, ...]]:
        atoms = [(self._named(self.algebra.atom_at(g)), int(e)) for g, e in enumerate(exponents) if e]
        return c, tuple(sorted((a if e == 1 else power(a, e) for a, e in atoms), key=_place))

    def _named(self, atom: Term) -> Term:
        """An atom as it is written: its arguments in order, a letter in a sum, k before j in a delta, h^p for exp."""
        if atom.kind == "kron":
            return self.deltas.get(atom, atom)
        found = self.written.get(atom)
        if found is None:
            found = self.written[atom] = self._written(atom)
        return found

    def _written(self, atom: Term) -> Term:
        if atom.kind == "call" and len(atom.args) == 2:
            argument = self._fraction(self.algebra.canonical(self.algebra.normal(atom.args[1])))
            return _exponential(argument) if atom.args[0] == "exp" else call(atom.args[0], argument)
        if atom.kind == "where" and not atom.loose:
            sign, body = self._oriented(self.algebra.normal(atom.args[0].args[1])[0])
            return Term("where", (rel(">" if sign > 0 else "<", body, ZERO), *atom.args[1:]))
        if atom.kind == "sum":
            i = index("#s", atom.args[0])
            body = open_sum(atom, i)
            taken = {j.args[0] for j in atom.indices}
            letter = next(letter for letter in "klnpqrst" if letter not in taken)
            return rename(
                sum_over(i, rebuild(body, self._inner) if body.kind in ("mul", "pow") else self._inner(body)), letter
            )
        return atom

    def _inner(self, term: Term) -> Term:
        """A factor of a summand."""
        return rebuild(term, self._inner) if term.kind in ("mul", "pow", "add") else self._named(term)


def _exponential(exponent: Term) -> Term:
    """exp(p log h) as h^p, and exp(log(h)/2) as sqrt(h)."""
    factors = exponent.args if exponent.kind == "mul" else (exponent,)
    logs = [f for f in factors if f.kind == "call" and f.args[0] == "log"]
    if len(logs) != 1 or exponent.kind != "mul":
        return call("exp", exponent)
    rest = mul(*(f for f in factors if f is not logs[0]))
    if rest.kind == "pow" and rest.args[0].kind == "num" and rest.args[1] == MINUS_ONE:
        rest = num(1 / rest.args[0].args[0])
    base = logs[0].args[1]
    return call("sqrt", base) if rest == num(1, 2) else power(base, rest)


def _rank(term: tuple[fmpq, tuple[Term, ...]]) -> tuple[int, int, int, str]:
    """Numbers first, then what has h, then the shorter: its sign is the one shown as plus."""
    _, factors = term
    has_delta = any(f.kind == "kron" for f in factors)
    has_output = any("h" in f.names for f in factors)
    return bool(factors), 2 - 2 * has_delta - has_output, len(factors), plain(mul(*factors))


def _place(factor: Term) -> tuple[int, str]:
    if factor.kind == "call" and len(factor.args) == 1:
        return 0, plain(factor)
    return {"kron": 0, "size": 0, "var": 1, "item": 1, "pow": 2, "call": 3, "sum": 4}.get(factor.kind, 5), plain(factor)


def _times(c: fmpq, factors: tuple[Term, ...]) -> Term:
    if not factors:
        return num(c)
    if c == -1:
        return mul(MINUS_ONE, *factors)
    return mul(*factors) if c == 1 else signed_product(c, list(factors), [])


def _solve(columns: Sequence[dict[tuple[int, ...], fmpq]]) -> list[fmpq] | None:
    """c with columns[:-1] c = columns[-1], free unknowns 0; None where inconsistent."""
    rows = list(dict.fromkeys(e for column in columns for e in column))
    count = len(columns) - 1
    if not rows:
        return [fmpq(0)] * count
    matrix = fmpq_mat(len(rows), len(columns), [column.get(e, fmpq(0)) for e in rows for column in columns])
    reduced, rank = matrix.rref()
    found = [fmpq(0)] * count
    for row in range(rank):
        pivot = next(c for c in range(len(columns)) if reduced[row, c] != 0)
        if pivot == count:
            return None
        found[pivot] = reduced[row, count]
    return found
