"""Normal forms and signs of terms; imports term, laws and python-flint only.

A term becomes a fraction of polynomials over *atoms* (variables, exp of a monomial, log of an
irreducible polynomial, sums of monomials over a symbolic index, ...) modulo rules ``atom^n =
polynomial`` of earlier atoms. Every step of the way is an identity wherever the term is defined, so
equal normal forms are a proof; different ones are no statement at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from itertools import product
from math import comb, lcm, prod
from typing import Any, NamedTuple, TypeVar

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from derive.errors import REFUSALS, KernelError
from derive.laws import BOUNDS, CONSTANTS, LAWS, law
from derive.term import (
    ONE,
    ZERO,
    Definitions,
    Term,
    add,
    call,
    index,
    kept,
    kron,
    mul,
    names_behind,
    num,
    open_sum,
    power,
    rebuild,
    reindex,
    rel,
    sub,
    sum_over,
)

Fraction = tuple[fmpq_mpoly, fmpq_mpoly]
Factors = tuple[fmpq, tuple[tuple[fmpq_mpoly, int], ...]]  # a constant, and irreducible factors with their exponents

MAX_ATOMS = 256
MAX_EXPONENT = 10_000
MAX_TERMS = 5_000
MAX_BITS = 100_000
MAX_WORK = 200_000
MAX_DEGREE = 500
MAX_FACTORED = 24
MAX_INSTANCES = 1_000
MAX_ANGLE = 32
MAX_INTEGER_BITS = 64
MAX_LEVEL = 3

NEGATIVE, ZERO_SIGN, POSITIVE = 1, 2, 4
ANY_SIGN = NEGATIVE | ZERO_SIGN | POSITIVE
ALLOWED = {
    "<": NEGATIVE,
    "<=": NEGATIVE | ZERO_SIGN,
    ">": POSITIVE,
    ">=": POSITIVE | ZERO_SIGN,
    "=": ZERO_SIGN,
    "!=": NEGATIVE | POSITIVE,
}
Sign = tuple[int, tuple[Term, ...]]  # the possible signs, and the facts that say so
Found = TypeVar("Found")
_NO_FACTS: tuple[Term, ...] = ()
NAMED = frozenset(("var", "item"))
_LETTERS = {"K": "klpqbcdefg", "m": "nirstuvw"}  # for indices over classes and over examples


class Obligation(NamedTuple):
    """A relation that has to hold; whether it follows, and from which facts (assumptions or laws)."""

    claim: Term
    facts: tuple[Term, ...]
    is_met: bool


class _Restart(Exception):
    """The atoms chosen so far do not fit; begin again with what was learned."""


@cache
def _ring(size: int) -> tuple[fmpq_mpoly_ctx, tuple[fmpq_mpoly, ...], fmpq_mpoly, fmpq_mpoly]:
    """The polynomials in so many generators, the first the greatest; with 0 and 1."""
    context = fmpq_mpoly_ctx.get(("a", size), Ordering.lex)
    return context, context.gens(), context.constant(0), context.constant(1)


def _multiply(a: fmpq_mpoly, b: fmpq_mpoly) -> fmpq_mpoly:
    if len(a) * len(b) > MAX_WORK:
        raise KernelError("a product is too large to write out")
    return a * b


def _check_size(a: fmpq_mpoly, b: fmpq_mpoly) -> None:
    """Greatest common divisors and factors are sought where both polynomials are of moderate size."""
    if min(len(a), len(b)) < 2:
        return
    if len(a) + len(b) > MAX_TERMS or a.total_degree() + b.total_degree() > 2 * MAX_DEGREE:
        raise KernelError("a polynomial is too large to factor")


def _factored(poly: fmpq_mpoly) -> Factors:
    """Refused for more than two terms in several generators of a high degree, which take minutes and gigabytes."""
    _check_size(poly, poly)
    if len(poly) > 2 and poly.total_degree() > MAX_FACTORED and sum(map(bool, poly.degrees())) > 1:
        raise KernelError(f"a polynomial of degree {poly.total_degree()} is too large to factor")
    constant, factors = poly.factor()
    return constant, tuple((factor, int(e)) for factor, e in factors)


# the same few polynomials are factored all the time: by ring and text, which says a polynomial exactly
_FACTORED: dict[tuple[int, str], Factors] = {}
MAX_KNOWN, MAX_KNOWN_TERMS = 10_000, 30


def _sign_of(number: fmpq) -> int:
    return POSITIVE if number > 0 else NEGATIVE if number < 0 else ZERO_SIGN


@cache
def _times_sign(a: int, b: int) -> int:
    """The possible signs of a product."""
    out = (a | b) & ZERO_SIGN
    if (a & POSITIVE and b & POSITIVE) or (a & NEGATIVE and b & NEGATIVE):
        out |= POSITIVE
    if (a & POSITIVE and b & NEGATIVE) or (a & NEGATIVE and b & POSITIVE):
        out |= NEGATIVE
    return out


@cache
def _plus_sign(a: int, b: int) -> int:
    """The possible signs of a sum."""
    if ((a | b) & (NEGATIVE | POSITIVE)) == (NEGATIVE | POSITIVE):
        return ANY_SIGN
    return ((a | b) & ~ZERO_SIGN) | (a & b & ZERO_SIGN)


def fresh_index(size_name: str, *terms: Term) -> Term:
    """An index that occurs free in none of the terms (names with # cannot be written by a user)."""
    taken = {i.args[0] for t in terms for i in t.indices}
    return index(next(name for name in (f"#{n}" for n in range(len(taken) + 1)) if name not in taken), size_name)


def _case_of(atom: Term) -> Term | None:
    """The condition that decides an indicator or an absolute value, where it has no index: those are universal."""
    if atom.loose or atom.indices:
        return None
    if atom.kind == "where":
        return rel(">", *atom.args[0].args[1:])
    return rel(">", atom.args[1], ZERO) if atom.kind == "call" and atom.args[0] == "abs" else None


@kept
def _readable(relation: Term) -> Term:
    """The relation with letters for its indices, whatever they were called; its free indices are universal."""
    own = relation.indices
    if own and any(i.args[0].startswith("#") for i in own):
        taken = {i.args[0] for i in own}
        table: dict[Term, Term] = {}
        for i in own:
            if i.args[0].startswith("#"):
                name = next((c for c in _letters(i.args[1]) if c not in taken), i.args[0])
                taken.add(name)
                table[i] = index(name, i.args[1])
        relation = reindex(relation, table)
    return _lettered(relation, tuple(i.args[0] for i in relation.indices))


def _letters(size_name: str) -> str:
    return _LETTERS.get(size_name, _LETTERS["K"])


def _lettered(term: Term, taken: tuple[str, ...]) -> Term:
    """The same term with the names of bound indices chosen by where they stand."""
    if term.kind != "sum":
        return rebuild(term, lambda t: _lettered(t, taken))
    name = next((c for c in _letters(term.args[0]) if c not in taken), "#")
    return Term("sum", (term.args[0], _lettered(term.args[1], (*taken, name))), name)


class Algebra:
    """Normal forms and signs under definitions and assumptions; decides, but states nothing."""

    def __init__(self, definitions: Definitions, assumptions: tuple[Term, ...]) -> None:
        self.definitions = definitions
        self.assumptions = assumptions
        self._equations = [r for r in assumptions if r.args[0] == "="]
        self._inequalities = [r for r in assumptions if r.args[0] != "="]
        self._is_indexed = any(r.indices for r in assumptions)
        self._roots: dict[Term, int] = {}
        self._cases: dict[Term, Algebra] = {}
        self._level = 0
        self._capacity = 8
        self._reset()

    @cached_property
    def _limited(self) -> frozenset[str]:
        """The variables about which something is assumed, through definitions too."""
        return names_behind(self.assumptions, self.definitions)

    def under(self, relation: Term) -> Algebra:
        """The same with one more assumption."""
        found = self._cases.get(relation)
        if found is None:
            found = self._cases[relation] = self._with((*self.assumptions, relation))
            found._level = self._level + 1
        return found

    def _with(self, assumptions: tuple[Term, ...]) -> Algebra:
        return Algebra(self.definitions, assumptions)

    def _reset(self) -> None:
        self._context, self._generators, self._zero, self._one = _ring(self._capacity)
        self._constant: Callable[[Any], fmpq_mpoly] = self._context.constant
        self._unit: Fraction = (self._one, self._one)
        self._atoms: list[Term] = []
        self._atom_numbers: dict[Term, fmpq_mpoly] = {}
        self._log_arguments: dict[int, fmpq_mpoly] = {}
        self._rules: list[tuple[int, int, fmpq_mpoly]] = []
        self._memo: dict[Term, Fraction] = {}
        self._instances: dict[Term, tuple[fmpq_mpoly, int] | None] = {}
        self._bound: dict[Term, None] = {}
        self.facts: dict[Term, None] = {}
        self._atom_signs: dict[Term, Sign] = {}
        self._signs: dict[tuple[str, int, int], Sign] = {}
        self._reading = 0
        self._obligations: dict[Term, Obligation] = {}

    def attempt(self, work: Callable[[], Found]) -> Found:
        """The result of ``work``, begun again whenever the atoms had to be chosen anew."""
        for _ in range(24):
            try:
                if not self._atoms:
                    self.use_equations(())
                return work()
            except _Restart:
                self._reset()
            except REFUSALS as problem:
                raise KernelError(f"the kernel cannot treat this: {problem}") from problem
        raise KernelError("the normal form does not settle")

    # ---- polynomials over atoms -------------------------------------------------------------

    def atom(self, term: Term) -> fmpq_mpoly:
        """The generator of an atom; later atoms are greater in the lexicographic order."""
        found = self._atom_numbers.get(term)
        if found is None:
            if len(self._atoms) == self._capacity:
                if self._capacity >= MAX_ATOMS:
                    raise KernelError(f"more than {MAX_ATOMS} independent parts")
                self._capacity *= 2
                raise _Restart
            found = self._generators[self._capacity - 1 - len(self._atoms)]
            self._atoms.append(term)
            self._atom_numbers[term] = found
        return found

    def atom_at(self, position: int) -> Term:
        return self._atoms[self._capacity - 1 - position]

    def atoms_of(self, poly: fmpq_mpoly) -> list[Term]:
        return [self.atom_at(g) for g, degree in enumerate(poly.degrees()) if degree]

    def _indices_of(self, poly: fmpq_mpoly) -> tuple[Term, ...]:
        return tuple(dict.fromkeys(i for atom in self.atoms_of(poly) for i in atom.indices))

    def _position(self, poly: fmpq_mpoly) -> int | None:
        """Where ``poly`` is a single generator: which."""
        if len(poly) != 1 or poly.leading_coefficient() != 1 or poly.total_degree() != 1:
            return None
        return int(poly.degrees().index(1))

    def _add_rule(self, poly: fmpq_mpoly) -> None:
        """Use ``poly = 0`` as atom^n -> polynomial in earlier atoms; refuse every other shape."""
        if not poly:
            return
        powers = [(g, e) for g, e in enumerate(poly.monomial(0)) if e]
        if len(powers) != 1:
            raise KernelError("an equation can be used where it determines one quantity by the others")
        poly = poly / poly.leading_coefficient()
        if not any(r == poly for _, _, r in self._rules):
            self._rules = sorted([*self._rules, (*powers[0], poly)], key=lambda rule: rule[0])

    def use_equations(self, indices: Iterable[Term]) -> None:
        """Turn the assumed equations, at every choice of the given indices, into rules."""
        if not self._equations:
            return
        self._bound |= dict.fromkeys(indices)
        for equation in self._equations:
            for instance in self._instantiate(equation, self._bound):
                if instance not in self._instances:
                    self._instances[instance] = None
                    above, below = self.canonical(self.difference(*instance.args[1:]))
                    self._add_rule(self.reduce(above) if below.is_constant() else self._zero)

    def _instantiate(self, relation: Term, indices: Iterable[Term]) -> Iterator[Term]:
        own = relation.indices
        choices = [[i for i in indices if i.args[1] == o.args[1]] for o in own]
        if prod(map(len, choices)) > MAX_INSTANCES:
            raise KernelError("a hypothesis about too many indices")
        for choice in product(*choices):
            yield reindex(relation, dict(zip(own, choice, strict=True)))

    def reduce(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        if self._rules:
            degrees = poly.degrees()
            for generator, degree, rule in self._rules:
                if degrees[generator] >= degree:
                    poly = divmod(poly, rule)[1]
                    degrees = poly.degrees()
        return poly

    def canonical(self, fraction: Fraction) -> Fraction:
        """Lowest terms, monic denominator: one form for one element of the field of fractions."""
        if fraction[1] is self._one:
            return self.reduce(fraction[0]), self._one
        above, below = self.reduce(fraction[0]), self.reduce(fraction[1])
        if not below:
            raise KernelError("division by zero")
        if not above:
            return self._zero, self._one
        if not below.is_constant():
            common = self._gcd(above, below)
            above, below = above // common, below // common
        if below.is_constant():
            return (above if below.is_one() else above / below.leading_coefficient()), self._one
        lead = below.leading_coefficient()
        return (above, below) if lead == 1 else (above / lead, below / lead)

    def inner(self, fraction: Fraction) -> Fraction:
        """The canonical form, and no roots in a monomial below the line: for an argument, 1/sqrt(h) is sqrt(h)/h."""
        above, below = self.canonical(fraction)
        if len(below) == 1 and not below.is_constant():
            for generator, degree, rule in self._rules:
                found = below.degrees()[generator]
                if found and len(rule) == 2:
                    rest = self._generators[generator] ** (degree - found)
                    above, below = self.canonical((above * rest, below * rest))
        return above, below

    def to_term(self, fraction: Fraction) -> Term:
        above, below = self._poly_term(fraction[0]), self._poly_term(fraction[1])
        return above if below == ONE else mul(above, power(below, -1))

    def _poly_term(self, poly: fmpq_mpoly) -> Term:
        return add(*(self._monomial_term(exponents, c) for exponents, c in poly.terms()))

    def _monomial_term(self, exponents: tuple[int, ...], coefficient: fmpq) -> Term:
        factors = [self.atom_at(g) if e == 1 else power(self.atom_at(g), int(e)) for g, e in enumerate(exponents) if e]
        return mul(*([] if coefficient == 1 and factors else [num(coefficient)]), *factors)

    # ---- the normal form, one method a kind of term -----------------------------------------

    def normal(self, term: Term) -> Fraction:
        """The term as a fraction of polynomials; equal to it wherever the term is defined."""
        found = self._memo.get(term)
        if found is None:
            method = _NORMAL.get(term.kind)
            if method is None:
                raise KernelError(f"a {term.kind} is no number")
            found = self._memo[term] = method(self, term)
        return found

    def _normal_num(self, term: Term) -> Fraction:
        return self._constant(term.args[0]), self._one

    def _normal_atom(self, term: Term) -> Fraction:
        body = self._unfold(term) if term.args[0] in self.definitions else None
        return (self.atom(term), self._one) if body is None else self.normal(body)

    def _unfold(self, term: Term) -> Term | None:
        """The body of a defined variable or family element at its indices."""
        found = self.definitions.get(term.args[0])
        if found is None or term.kind == "size":
            return None
        formals, body = found
        actuals = term.args[1:]
        if not formals and not actuals:
            return body
        if [i.args[1] for i in formals] != [i.args[1] for i in actuals]:
            raise KernelError(f"{term.args[0]} is indexed otherwise than it is defined")
        return reindex(body, dict(zip(formals, actuals, strict=True)))

    def _normal_add(self, term: Term) -> Fraction:
        above, below = self.normal(term.args[0]) if term.args else (self._zero, self._one)
        for part in term.args[1:]:
            n, d = self.normal(part)
            if d is below or d == below:
                above = above + n
            else:
                common = self._gcd(below, d)
                rest = d // common
                above = _multiply(above, rest) + _multiply(n, below // common)
                below = _multiply(below, rest)
        return above, below

    def difference(self, left: Term, right: Term) -> Fraction:
        """left - right as a fraction of polynomials."""
        above, below = self.normal(left)
        if right is ZERO:
            return above, below
        n, d = self.normal(right)
        return (above - n, below) if d is below or d == below else self.normal(sub(left, right))

    def _normal_mul(self, term: Term) -> Fraction:
        return self.product_of(*[self.normal(part) for part in term.args])

    def product_of(self, *fractions: Fraction) -> Fraction:
        above, below = fractions[0] if fractions else self._unit
        for n, d in fractions[1:]:
            if n is not self._one:
                above = n if above is self._one else _multiply(above, n)
            if d is not self._one:
                below = d if below is self._one else _multiply(below, d)
        return above, below

    def _gcd(self, a: fmpq_mpoly, b: fmpq_mpoly) -> fmpq_mpoly:
        _check_size(a, b)
        return a.gcd(b)

    def factor(self, poly: fmpq_mpoly) -> Factors:
        if len(poly) > MAX_KNOWN_TERMS:
            return _factored(poly)
        key = self._capacity, str(poly)
        found = _FACTORED.get(key)
        if found is None:
            if len(_FACTORED) >= MAX_KNOWN:
                _FACTORED.clear()
            found = _FACTORED[key] = _factored(poly)
        return found

    def _power(self, fraction: Fraction, exponent: int) -> Fraction:
        above, below = fraction if exponent >= 0 else (fraction[1], fraction[0])
        if not below:
            raise KernelError("division by zero")
        n = abs(exponent)
        if n == 1:
            return above, below
        if n > 8 or len(above) > 6 or len(below) > 6:
            self._check_power(max(len(above), len(below)), n, (*above.coeffs(), *below.coeffs()))
        return above**n, below if below is self._one else below**n

    def _check_power(self, longest: int, n: int, coefficients: Iterable[fmpq]) -> None:
        if n > MAX_EXPONENT or comb(longest + n - 1, n) > MAX_TERMS:
            raise KernelError(f"the power {n} is too large to write out")
        if n * max(max(c.p.bit_length(), c.q.bit_length()) for c in coefficients) > MAX_BITS:
            raise KernelError(f"the power {n} has too many digits")

    def _normal_pow(self, term: Term) -> Fraction:
        base, exponent = term.args
        if exponent.kind == "num" and exponent.args[0].q == 1:
            if abs(exponent.args[0]) > MAX_EXPONENT:
                raise KernelError(f"an exponent beyond {MAX_EXPONENT}")
            return self._power(self.normal(base), int(exponent.args[0].p))
        return self._exponential(self.product_of(self.normal(exponent), self._logarithm(self.normal(base))))

    def _normal_call(self, term: Term) -> Fraction:
        name, *args = term.args
        if not args and name in CONSTANTS:
            return self.atom(term), self._one
        row = law(name)
        if row is None or len(args) != 1:
            raise KernelError(f"no law is known for {name}")
        if row.rewrite is not None:
            return self.normal(row.rewrite(args[0]))
        special = _SPECIAL.get(name)
        if special is not None:
            return special(self, self.normal(args[0]))
        above, below = self.inner(self.normal(args[0]))
        if row.odd and not above:
            return self._zero, self._one
        if row.odd and above.leading_coefficient() < 0:
            return -self.atom(call(name, self.to_term((-above, below)))), self._one
        return self.atom(call(name, self.to_term((above, below)))), self._one

    def _exponential(self, exponent: Fraction) -> Fraction:
        """exp(a + b) = exp(a) exp(b), monomial by monomial."""
        above, below = self.inner(exponent)
        return self.product_of(*[self._exp_monomial(e, below, c) for e, c in above.terms()])

    def _exp_monomial(self, exponents: tuple[int, ...], below: fmpq_mpoly, coefficient: fmpq) -> Fraction:
        """exp(c M) as an integer power of exp(M/r); exp(n log A) = A^n for an integer n."""
        whole: Fraction = self._unit
        is_atom = below.is_one() and sum(exponents) == 1
        argument = self._log_arguments.get(exponents.index(1)) if is_atom else None
        if argument is not None:
            floor = int(coefficient.floor())
            whole = self._power((argument, self._one), floor)
            coefficient = coefficient - floor
            if coefficient == 0:
                return whole
        key = self._quotient_term(exponents, below)
        root = self._root(key, int(coefficient.q))
        term = call("exp", key if root == 1 else mul(num(1, root), key))
        is_new = term not in self._atom_numbers
        generator = self.atom(term)
        if argument is not None and is_new:
            self._add_rule(generator**root - argument)
        power_of_atom = self._power((generator, self._one), int((coefficient * root).p))
        return power_of_atom if whole is self._unit else self.product_of(whole, power_of_atom)

    def _quotient_term(self, exponents: tuple[int, ...], below: fmpq_mpoly) -> Term:
        """A monomial over a polynomial, in lowest terms."""
        if below.is_one():
            return self._monomial_term(exponents, fmpq(1))
        return self.to_term(self.canonical((self._context.from_dict({exponents: 1}), below)))

    def _root(self, key: Term, denominator: int) -> int:
        """The r for which all exponents of exp(key) met so far are multiples of 1/r."""
        root = self._roots.setdefault(key, denominator)
        if root % denominator:
            self._roots[key] = lcm(root, denominator)
            if self._roots[key] > MAX_EXPONENT:
                raise KernelError("too many different roots")
            raise _Restart
        return root

    def _logarithm(self, argument: Fraction) -> Fraction:
        """log of a product of factors of known sign is a sum; even powers go through abs.

        The caller's obligation says that the argument is positive.
        """
        rest = self._one
        parts: list[Fraction] = []
        for factor, e in self._factors(argument):
            if factor.is_constant():
                parts.append(self._log_rational(abs(factor.leading_coefficient())))
                rest = rest if factor.leading_coefficient() > 0 else -rest
                continue
            position = self._position(factor)
            atom = ZERO if position is None else self.atom_at(position)
            if atom.kind == "call" and atom.args[0] == "exp":
                parts.append(self._scaled(e, self.normal(atom.args[1])))
                continue
            sign = self._known_sign(factor)
            if sign == NEGATIVE:
                factor, rest = -factor, -rest if e % 2 else rest
            elif sign != POSITIVE:
                if e % 2:
                    rest, e = rest * factor, e - 1
                factor = self._abs_atom(factor) if e else factor
            if e:
                parts.append(self._scaled(e, (self._log_atom(factor), self._one)))
        if not rest.is_one():
            if rest.is_constant():
                raise KernelError("the logarithm of a negative number")
            parts.append((self._log_atom(rest), self._one))
        return self.total(parts)

    def total(self, parts: list[Fraction]) -> Fraction:
        above, below = self._zero, self._one
        for n, d in parts:
            if d == below:
                above = above + n
            else:
                above, below = _multiply(above, d) + _multiply(n, below), _multiply(below, d)
        return above, below

    def _scaled(self, factor: int, fraction: Fraction) -> Fraction:
        return fraction[0] * factor, fraction[1]

    def _factors(self, fraction: Fraction) -> Iterator[tuple[fmpq_mpoly, int]]:
        """Irreducible factors with their exponents, the rational constant first."""
        above, below = self.canonical(fraction)
        if not above:
            raise KernelError("the logarithm or absolute value of a term that is zero")
        c_above, f_above = self.factor(above)
        c_below, f_below = self.factor(below)
        yield self._constant(c_above / c_below), 1
        for poly, e in f_above:
            yield poly, e
        for poly, e in f_below:
            yield poly, -e

    def _known_sign(self, poly: fmpq_mpoly) -> int:
        sign, facts = self.sign(poly)
        if sign != ANY_SIGN:
            self.facts |= dict.fromkeys(facts)
        return sign

    def _log_atom(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        atom = self.atom(call("log", self._poly_term(poly)))
        self._log_arguments[atom.degrees().index(1)] = poly
        return atom

    def _log_rational(self, number: fmpq) -> Fraction:
        """log of a positive rational, by the primes of numerator and denominator."""
        if max(number.p.bit_length(), number.q.bit_length()) > MAX_INTEGER_BITS:
            return self._log_atom(self._constant(number)), self._one
        primes = [(p, e) for p, e in number.p.factor()] + [(p, -e) for p, e in number.q.factor()]
        return self.total([self._scaled(int(e), (self._log_atom(self._constant(p)), self._one)) for p, e in primes])

    def _abs_atom(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        if poly.leading_coefficient() < 0:
            poly = -poly
        term = call("abs", self._poly_term(poly))
        is_new = term not in self._atom_numbers
        atom = self.atom(term)
        if is_new:
            self._add_rule(atom**2 - poly**2)
        return atom

    def _absolute(self, argument: Fraction) -> Fraction:
        if not self.canonical(argument)[0]:
            return self._zero, self._one
        result = self._unit
        for factor, e in self._factors(argument):
            sign = _sign_of(factor.leading_coefficient()) if factor.is_constant() else self._known_sign(factor)
            if not sign & POSITIVE:
                factor = -factor
            elif sign & NEGATIVE and e % 2:
                factor = self._abs_atom(factor)
            result = self.product_of(result, self._power((factor, self._one), e))
        return result

    def _circular(self, argument: Fraction) -> tuple[Fraction, Fraction]:
        """(cos, sin) of a sum of integer multiples of base angles, by the addition theorem."""
        above, below = self.inner(argument)
        cosine, sine = self._unit, (self._zero, self._one)
        for exponents, c in above.terms():
            key = self._quotient_term(exponents, below)
            root = self._root(key, int(c.q))
            angle = key if root == 1 else mul(num(1, root), key)
            turn_c, turn_s = self._base_angle(angle)
            turns = int((c * root).p)
            if abs(turns) > MAX_ANGLE:
                raise KernelError(f"a multiple of an angle beyond {MAX_ANGLE}")
            for _ in range(abs(turns)):
                s = turn_s if turns > 0 else -turn_s
                cosine, sine = (
                    (_multiply(cosine[0], turn_c) - _multiply(sine[0], s), self._one),
                    (_multiply(sine[0], turn_c) + _multiply(cosine[0], s), self._one),
                )
        return cosine, sine

    def _base_angle(self, angle: Term) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        is_new = call("cos", angle) not in self._atom_numbers
        cosine, sine = self.atom(call("cos", angle)), self.atom(call("sin", angle))
        if is_new:
            self._add_rule(sine**2 + cosine**2 - 1)
        return cosine, sine

    def _normal_kron(self, term: Term) -> Fraction:
        i, j = term.args
        if i == j:
            return self._unit
        term = kron(*sorted((i, j), key=lambda t: str(t.args[0])))
        is_new = term not in self._atom_numbers
        delta = self.atom(term)
        if is_new:
            self._add_rule(delta**2 - delta)
        return delta, self._one

    def _normal_where(self, term: Term) -> Fraction:
        condition, inside, outside = term.args
        verdict = self.decide(condition)
        if verdict is not None:
            return self.normal(inside if verdict else outside)
        indicator = self._indicator(condition)
        rest = (self._one - indicator[0], self._one)
        a, b = self.product_of(indicator, self.normal(inside)), self.product_of(rest, self.normal(outside))
        return self.total([a, b])

    def _indicator(self, condition: Term) -> Fraction:
        """1 where the condition holds, else 0, by atoms [p > 0]: [a <= b] = 1 - [a - b > 0]."""
        op, left, right = condition.args
        if op in ("<=", ">="):
            inverse = self._indicator(rel(">" if op == "<=" else "<", left, right))[0]
            return self._one - inverse, self._one
        above, below = self.canonical(self.difference(left, right) if op == ">" else self.difference(right, left))
        poly = above * below
        poly = poly / abs(poly.leading_coefficient()) if poly else poly
        term = Term("where", (rel(">", self._poly_term(poly), ZERO), ONE, ZERO))
        is_new = term not in self._atom_numbers
        atom = self.atom(term)
        if is_new:
            self._add_rule(atom**2 - atom)
        return atom, self._one

    def _normal_sum(self, term: Term) -> Fraction:
        """Pull out what is free of the index, collapse deltas; sums of distinct monomials are atoms."""
        i = fresh_index(term.args[0], term)
        self.use_equations((i,))
        above, below = self.canonical(self.normal(open_sum(term, i)))
        inner, outer = self._split_denominator(below, i)
        quotient, remainder = (above, self._zero) if inner.is_one() else divmod(above, inner)
        parts = self._sum_monomials(quotient, self._one, i) + self._sum_monomials(remainder, inner, i)
        n, d = self.total(parts)
        return n, d * outer

    def _split_denominator(self, below: fmpq_mpoly, i: Term) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """The denominator as (factors that depend on the index) * (factors that do not)."""
        if not any(i in a.indices for a in self.atoms_of(below)):
            return self._one, below
        inner = self._one
        for poly, e in self.factor(below)[1]:
            if any(i in a.indices for a in self.atoms_of(poly)):
                inner = inner * poly**e
        return inner, below // inner

    def _sum_monomials(self, poly: fmpq_mpoly, below: fmpq_mpoly, i: Term) -> list[Fraction]:
        depends = [False] * self._capacity
        for n, atom in enumerate(self._atoms):
            depends[self._capacity - 1 - n] = i in atom.indices
        groups: dict[tuple[int, ...], dict[tuple[int, ...], fmpq]] = {}
        for exponents, c in poly.terms():
            inside = tuple(e if d else 0 for e, d in zip(exponents, depends, strict=True))
            outside = tuple(0 if d else e for e, d in zip(exponents, depends, strict=True))
            groups.setdefault(inside, {})[outside] = c
        return [
            self.product_of((self._context.from_dict(outside), self._one), self._sum_quotient(inside, below, i))
            for inside, outside in groups.items()
        ]

    def _sum_quotient(self, inside: tuple[int, ...], below: fmpq_mpoly, i: Term) -> Fraction:
        """The sum of a monomial over ``below``, in lowest terms."""
        if below.is_one():
            return self._sum_monomial(inside, below, i)
        above, below = self.canonical((self._context.from_dict({inside: 1}), below))
        n, d = self._sum_monomial(above.monomial(0), below, i)
        return n * above.leading_coefficient(), d

    def _sum_monomial(self, inside: tuple[int, ...], below: fmpq_mpoly, i: Term) -> Fraction:
        """The sum over i of one monomial over ``below``: K, a collapsed delta, or an atom."""
        factors = [(self.atom_at(g), e) for g, e in enumerate(inside) if e]
        tail = [] if below.is_one() else [power(self._poly_term(below), -1)]
        for atom, _ in factors:
            if atom.kind == "kron":
                other = atom.args[1] if atom.args[0] == i else atom.args[0]
                rest = mul(*(power(a, int(e)) for a, e in factors), *tail)
                return self.normal(reindex(rest, {i: other}))
        if not factors and not tail:
            return self.atom(Term("size", (i.args[1],))), self._one
        ordered = sorted((a if e == 1 else power(a, int(e)) for a, e in factors), key=repr)
        return self.atom(sum_over(i, mul(*ordered, *tail))), self._one

    def vanishes(self, poly: fmpq_mpoly, distinct: tuple[Term, ...] = ()) -> bool:
        """Whether a polynomial is 0 in each case of two free indices equal or not; ``distinct`` deltas are 0."""
        for delta in distinct:
            poly = poly.subs({str(self._normal_kron(delta)[0]): 0})
        poly = self.reduce(poly)
        open_deltas = [atom for atom in self.atoms_of(poly) if atom.kind == "kron"] if poly else []
        if not open_deltas:
            return not poly
        delta = open_deltas[0]
        same = dict([delta.args])
        merged = [kron(*(same.get(i, i) for i in other.args)) for other in distinct]
        if not self.vanishes(poly, (*distinct, delta)):
            return False
        if any(other.args[0] == other.args[1] for other in merged):
            return True  # two indices that differ are equal: no such case
        return self.vanishes(self.normal(reindex(self._poly_term(poly), same))[0], tuple(merged))

    # ---- signs ------------------------------------------------------------------------------

    def sign(self, poly: fmpq_mpoly) -> Sign:
        """The signs that a polynomial can have on the domain, with the facts used."""
        poly = self.reduce(poly)
        if len(poly) < 2 and poly.is_constant():
            return _sign_of(poly.leading_coefficient() if poly else fmpq(0)), ()
        key = str(poly), self._level, len(self._rules)
        found = self._signs.get(key)
        if found is None:
            reading = self._reading
            found = self._find_sign(poly)
            if not reading:
                self._signs[key] = found
        return found

    def _find_sign(self, poly: fmpq_mpoly) -> Sign:
        if self._is_unbounded(poly):
            return ANY_SIGN, ()
        for method in (
            self._sign_assumed,
            self._sign_by_terms,
            self._sign_by_factors,
            self._sign_by_split,
            self._sign_by_squares,
            self._sign_by_exponents,
            self._sign_by_logarithms,
            self._sign_by_ends,
            self._sign_by_cases,
        ):
            sign, facts = method(poly)
            if sign != ANY_SIGN:
                return sign, facts
        return ANY_SIGN, ()

    def _is_unbounded(self, poly: fmpq_mpoly) -> bool:
        """Whether it is a v + b for a variable v about which nothing is assumed, and that is in no other part of it.

        Then no sign of it can be proved (where a = 0 on all of the domain, none is), and most searches end here.
        """
        atoms = [(self.atom_at(g), degree) for g, degree in enumerate(poly.degrees()) if degree]
        free = (a for a, degree in atoms if degree == 1 and a.kind in NAMED and a.args[0] not in self._limited)
        return any(sum(v.args[0] in atom.names for atom, _ in atoms) == 1 for v in free)

    def sign_of_fraction(self, fraction: Fraction) -> Sign:
        above, below = self.canonical(fraction)
        if below is self._one:
            return self.sign(above)
        (a, facts_a), (b, facts_b) = self.sign(above), self.sign(below)
        return _times_sign(a, b & ~ZERO_SIGN), facts_a + facts_b

    def _sign_assumed(self, poly: fmpq_mpoly) -> Sign:
        if not self.assumptions:
            return ANY_SIGN, ()
        lead = poly.leading_coefficient()
        monic = poly if lead == 1 else poly / lead
        indices = self._indices_of(poly) if self._is_indexed else ()
        total, used = ANY_SIGN, _NO_FACTS
        for relation in self._inequalities:
            for instance in self._instantiate(relation, indices) if relation.indices else (relation,):
                known, sign = self._instances.get(instance) or self._assumed(instance)
                if known == monic and total & ~sign:
                    total, used = total & sign, (*used, relation)
        return _times_sign(total, _sign_of(lead)), used

    def _assumed(self, relation: Term) -> tuple[fmpq_mpoly, int]:
        """A relation a < b as (monic polynomial, its signs)."""
        found = self._instances.get(relation)
        if found is None:
            self._instances[relation] = self._zero, ANY_SIGN  # while it is being read, it says nothing
            self._reading += 1
            above, below = self.canonical(self.difference(*relation.args[1:]))
            self._reading -= 1
            poly = self.reduce(above * below)
            lead = poly.leading_coefficient() if poly else fmpq(1)
            found = poly / lead, _times_sign(ALLOWED[relation.args[0]], _sign_of(lead))
            self._instances[relation] = found
        return found

    def _sign_by_terms(self, poly: fmpq_mpoly) -> Sign:
        total, used = ZERO_SIGN, _NO_FACTS
        for exponents, c in poly.terms():
            sign = _sign_of(c)
            for g, e in enumerate(exponents):
                if e:
                    part, facts = self._sign_of_atom(self.atom_at(g))
                    even = POSITIVE | (part & ZERO_SIGN)
                    sign, used = _times_sign(sign, part if e % 2 else even), used + facts
            total = _plus_sign(total, sign)
            if total == ANY_SIGN:
                break
        return total, used

    def _sign_of_atom(self, atom: Term) -> Sign:
        found = self._atom_signs.get(atom)
        if found is None:
            found = self._atom_signs[atom] = self._find_sign_of_atom(atom)
        return found

    def _find_sign_of_atom(self, atom: Term) -> Sign:
        if atom.kind == "size":
            return POSITIVE, ()
        if atom.kind in ("kron", "where"):
            return POSITIVE | ZERO_SIGN, ()
        if atom.kind == "sum":
            sign, facts = self.sign_of_fraction(self.normal(open_sum(atom, fresh_index(atom.args[0], atom))))
            known, fact = self._sign_assumed(self.atom(atom))
            if sign & POSITIVE and sign & NEGATIVE:  # summands of both signs: nothing is known of their sum
                return known, fact
            return (sign & known, (*facts, *fact)) if sign & ~known else (sign, facts)
        if atom.kind == "call":
            return self._sign_of_call(atom)
        if atom.kind == "rest":
            return self._sign_of_rest(atom)
        return self._sign_assumed(self.atom(atom))

    def _sign_of_call(self, atom: Term) -> Sign:
        name, *args = atom.args
        if CONSTANTS.get(name) == "positive" or (name in LAWS and LAWS[name].sign == "positive"):
            return POSITIVE, (rel(">", atom, ZERO),)
        if name == "log":
            return self.sign_of_fraction(self.normal(sub(args[0], ONE)))
        if name in LAWS and LAWS[name].sign == "as argument":
            return self.sign_of_fraction(self.normal(args[0]))
        if name == "abs":
            sign, facts = self.sign_of_fraction(self.normal(args[0]))
            return (POSITIVE, facts) if not sign & ZERO_SIGN else (POSITIVE | ZERO_SIGN, ())
        return ANY_SIGN, ()

    def _sign_by_factors(self, poly: fmpq_mpoly) -> Sign:
        try:
            constant, factors = self.factor(poly)
        except KernelError:  # too large to factor; it may have a sign for another reason
            return ANY_SIGN, ()
        if len(factors) == 1 and factors[0][1] == 1:
            return ANY_SIGN, ()
        total, used = _sign_of(constant), _NO_FACTS
        for factor, e in factors:
            sign, facts = self.sign(factor)
            even = POSITIVE | (sign & ZERO_SIGN)
            total, used = _times_sign(total, sign if e % 2 else even), used + facts
        return total, used

    def _sign_by_split(self, poly: fmpq_mpoly) -> Sign:
        """Split one summand off a sum of positive terms: sum_l f(l) = f(i) + rest."""
        for atom in self.atoms_of(poly):
            if atom.kind != "sum":
                continue
            for i in self._indices_of(poly):
                if i.args[1] != atom.args[0]:
                    continue
                above, below = self.normal(open_sum(atom, i))
                if not below.is_one() or above == self.atom(atom):
                    continue
                rest = self.atom(Term("rest", (atom, i)))
                images = list(self._generators)
                images[images.index(self.atom(atom))] = above + rest
                sign, facts = self._sign_by_terms(poly.compose(*images, ctx=self._context))
                if sign != ANY_SIGN:
                    return sign, facts
        return ANY_SIGN, ()

    def _sign_by_exponents(self, poly: fmpq_mpoly) -> Sign:
        """c exp(a) - d exp(b) = (c - d) exp(a) + d (exp(a) - exp(b)), which has the sign of a - b."""
        if len(poly) != 2 or poly.coefficient(0) * poly.coefficient(1) > 0:
            return ANY_SIGN, ()
        left, right = (self._exponent(monomial) for monomial in poly.monoms())
        if left is None or right is None:
            return ANY_SIGN, ()
        sign, facts = self.sign_of_fraction(self.normal(sub(left, right)))
        surplus = _sign_of(poly.coefficient(0) + poly.coefficient(1))
        return _plus_sign(surplus, _times_sign(sign, _sign_of(poly.coefficient(0)))), facts

    def _sign_by_squares(self, poly: fmpq_mpoly) -> Sign:
        """a v^2 + b v + c with a > 0 is positive where 4 a c - b^2 is."""
        best: Sign = ANY_SIGN, ()
        if self._level >= MAX_LEVEL:
            return best
        for place in (place for place, degree in enumerate(poly.degrees()) if degree == 2):
            slope = poly.derivative(place)
            leading, facts = self.sign(slope.derivative(place))
            if leading not in (POSITIVE, NEGATIVE):
                continue
            b, c = (self._put(p, place, self._zero) for p in (slope, poly))
            self._level += 1
            try:
                sign, why = self.sign(2 * slope.derivative(place) * c - b**2)
            finally:
                self._level -= 1
            if sign == POSITIVE:
                return leading, (*facts, *why)
            if not sign & NEGATIVE:
                best = leading | ZERO_SIGN, (*facts, *why)
        return best

    def _sign_by_logarithms(self, poly: fmpq_mpoly) -> Sign:
        """p has the sign of exp(p) - 1, which is free of the logarithms of p."""
        logs = any(a.kind == "call" and a.args[0] == "log" for a in self.atoms_of(poly))
        if not logs or self._level >= MAX_LEVEL or len(poly) > 4 or any(c.q != 1 for c in poly.coeffs()):
            return ANY_SIGN, ()
        self._level += 1
        try:
            return self.sign_of_fraction(self.total([self._exponential((poly, self._one)), (-self._one, self._one)]))
        finally:
            self._level -= 1

    def _exponent(self, monomial: tuple[int, ...]) -> Term | None:
        """The a of a monomial that is exp(a)."""
        atoms = [(self.atom_at(g), int(e)) for g, e in enumerate(monomial) if e]
        if not all(a.kind == "call" and a.args[0] == "exp" for a, _ in atoms):
            return None
        return add(*(mul(num(e), a.args[1]) for a, e in atoms))

    def _sign_by_ends(self, poly: fmpq_mpoly) -> Sign:
        """A polynomial that is linear in a bounded atom has its signs between those at the ends."""
        if self._level >= MAX_LEVEL:
            return ANY_SIGN, ()
        self._level += 1
        try:
            for place, degree in enumerate(poly.degrees()):
                if degree == 1:
                    sign, facts = self._sign_between(poly, place)
                    if sign != ANY_SIGN:
                        return sign, facts
        finally:
            self._level -= 1
        return ANY_SIGN, ()

    def _sign_between(self, poly: fmpq_mpoly, place: int) -> Sign:
        """By both ends of the atom where it has two, or by one end and the slope."""
        slope = poly.derivative(place)
        found: dict[int, tuple[int, bool, tuple[Term, ...]]] = {}
        for side, end, is_open, fact in self._ends(place):
            sign, facts = self.sign(self._put(poly, place, end))
            if sign == ANY_SIGN:
                continue
            way, why = self.sign(slope if side == POSITIVE else -slope)
            one_sided = _plus_sign(sign, _times_sign(way, POSITIVE if is_open else POSITIVE | ZERO_SIGN))
            if one_sided != ANY_SIGN:
                return one_sided, (*facts, *why, *fact)
            there, there_open, used = found.get(NEGATIVE if side == POSITIVE else POSITIVE, (ANY_SIGN, True, ()))
            between = _plus_sign(sign, there) | (0 if is_open else sign) | (0 if there_open else there)
            if between != ANY_SIGN:
                return between, (*facts, *fact, *used)
            found.setdefault(side, (sign, is_open, (*facts, *fact)))
        return ANY_SIGN, ()

    def _put(self, poly: fmpq_mpoly, place: int, end: fmpq_mpoly) -> fmpq_mpoly:
        images = list(self._generators)
        images[place] = end
        return self.reduce(poly.compose(*images, ctx=self._context))

    def _ends(self, place: int) -> Iterator[tuple[int, fmpq_mpoly, bool, tuple[Term, ...]]]:
        """Bounds of an atom: POSITIVE where it is above the end, the end, whether it stays off it, and the fact."""
        atom = self.atom_at(place)
        if atom.kind == "call" and atom.args[0] in BOUNDS:
            bound = self.canonical(self.normal(BOUNDS[atom.args[0]]))[0]
            yield POSITIVE, -bound, True, ()
            yield NEGATIVE, bound, True, ()
        if atom.kind not in ("var", "item"):
            return
        for relation in self._inequalities:
            if relation.args[0] == "!=":
                continue
            for instance in self._instantiate(relation, atom.indices) if relation.indices else (relation,):
                known, sign = self._instances.get(instance) or self._assumed(instance)
                if sign == ANY_SIGN or known.degrees()[place] != 1:
                    continue
                slope = known.derivative(place)
                if not slope.is_constant():
                    continue
                c = slope.leading_coefficient()
                end = self._generators[place] - known / c
                side = _times_sign(sign, _sign_of(c))
                yield side & ~ZERO_SIGN, end, not side & ZERO_SIGN, (relation,)

    def _sign_by_cases(self, poly: fmpq_mpoly) -> Sign:
        """The signs where a condition of ``where`` or an argument of abs has either sign."""
        if self._level >= MAX_LEVEL:
            return ANY_SIGN, ()
        relation = next((r for r in map(_case_of, self.atoms_of(poly)) if r is not None), None)
        if relation is None:
            return ANY_SIGN, ()
        total, used, term = 0, _NO_FACTS, self._poly_term(poly)
        for case in (relation, rel("<=", *relation.args[1:])):
            algebra = self.under(case)
            sign, facts = algebra.attempt(lambda a=algebra: a.sign_of_fraction(a.normal(term)))  # type: ignore[misc]
            total, used = total | sign, used + tuple(f for f in (*facts, *algebra.facts) if f != case)
        return total, used

    def _sign_of_rest(self, rest: Term) -> Sign:
        """All summands but one, of a sum of positive terms: positive if the size exceeds 1, else maybe 0."""
        total = rest.args[0]
        sign, facts = self._sign_of_atom(total)
        if sign != POSITIVE:
            return ANY_SIGN, ()
        more, why = self._sign_assumed(self.atom(Term("size", (total.args[0],))) - 1)
        return (POSITIVE, facts + why) if more == POSITIVE else (POSITIVE | ZERO_SIGN, facts)

    def decide(self, relation: Term) -> bool | None:
        """Whether a relation always or never holds on the domain, else None."""
        op, left, right = relation.args
        sign, facts = self.sign_of_fraction(self.difference(left, right))
        holds = not sign & ~ALLOWED[op]
        fails = not sign & ALLOWED[op]
        if holds or fails:
            self.facts |= dict.fromkeys(facts)
        return True if holds else False if fails else None

    def obligation(self, relation: Term) -> Obligation:
        """The relation with the facts from which it follows, if it does; an error where it can never hold."""
        found = self._obligations.get(relation)
        if found is None:
            op, left, right = relation.args
            sign, facts = self.sign_of_fraction(self.difference(left, right))
            if not sign & ALLOWED[op]:
                raise KernelError("a condition can never hold: something is undefined everywhere on the domain")
            known, is_met = tuple(dict.fromkeys(map(_readable, facts))), not sign & ~ALLOWED[op]
            found = self._obligations[relation] = Obligation(_readable(relation), known if is_met else (), is_met)
        return found


_NORMAL: dict[str, Callable[[Algebra, Term], Fraction]] = {
    "num": Algebra._normal_num,
    "var": Algebra._normal_atom,
    "size": Algebra._normal_atom,
    "item": Algebra._normal_atom,
    "add": Algebra._normal_add,
    "mul": Algebra._normal_mul,
    "pow": Algebra._normal_pow,
    "call": Algebra._normal_call,
    "sum": Algebra._normal_sum,
    "kron": Algebra._normal_kron,
    "where": Algebra._normal_where,
}
_SPECIAL: dict[str, Callable[[Algebra, Fraction], Fraction]] = {
    "exp": Algebra._exponential,
    "log": Algebra._logarithm,
    "abs": Algebra._absolute,
    "cos": lambda algebra, x: algebra._circular(x)[0],
    "sin": lambda algebra, x: algebra._circular(x)[1],
}
