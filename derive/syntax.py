"""The expression language, plain or LaTeX, to terms: one parser; imports spellings, terms, laws and errors only.

The parser is a descent by binding power over tokens: sum, product, power, operand. A rule that needs a nested
expression yields it to ``_Parser._drive``, which keeps the waiting rules in a list, and the printer keeps a list too:
no input, however deep, can exhaust Python's stack. Nothing is ever evaluated.

``parse(plain(t), symbols) == t`` for every term whose names are ASCII identifiers, declared in ``symbols`` and
not RESERVED, whose functions have a law and one argument, whose relations stand at the top or in ``where`` and
whose indices in items and deltas, and that is within the limits below (numbers and depth of nesting).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar

from derive import term as make
from derive.errors import DeriveError, SyntaxProblem, UnknownName
from derive.language import (
    ALIASES,
    DEFAULT_SIZE,
    EXAMPLES,
    FUNCTIONS,
    MAX_DIGITS,
    MAX_EXPONENT,
    MAX_LENGTH,
    MAX_SUMMANDS,
    RESERVED,
    SUGAR,
)
from derive.laws import ABSTRACT, CONSTANTS, LAWS, MAX_PRIMES, law
from derive.plain import plain
from derive.spelling import Token, shown, spelling_of, tokens
from derive.term import MAX_DEPTH, RELATIONS, Term

__all__ = [
    "FUNCTIONS",
    "MAX_LENGTH",
    "RESERVED",
    "SUGAR",
    "Claim",
    "Symbols",
    "UndeclaredName",
    "parse",
    "parse_claim",
    "parse_relation",
    "plain",
    "spelling_of",
]

OTHER_NAMES = {"a": "h", "yhat": "h"}  # of variables, where a text's symbols declare no a or yhat
LAYERS = {
    ("a", "L"): "h",
    ("h", "L"): "h",
    ("yhat", "L"): "h",
    ("z", "L"): "z",
    ("delta", "L"): "delta",
}  # the last layer is the output
TOO_DEEP = f"the expression is nested more than {MAX_DEPTH} deep, which is the limit"

Read = TypeVar("Read")
Rule: TypeAlias = Generator[Any, Any, Any]  # yields rules, is sent their results, returns its own


class Symbols(NamedTuple):
    """What the names of a text mean: families with the size of each index position, free indices with their size.

    ``functions`` are abstract: names of ABSTRACT, each of them any differentiable function. The rest is for texts of
    people, and nothing of it is read where a name is declared otherwise:

    - ``others``: another name of a declared one, {"a": "h"}: a_j is h_j. "J" may be named too, {"C": "J"}.
    - ``layers``: {("a", "2"): "a2"}: a^{(2)} is a2, and a^(2) in the plain spelling; ("a", "L") is h by itself.
    - ``applied``: what f(x), f'(x) ... mean, by the name with its primes. Of a function with a law, such as tanh, the
      first derivative tanh'(x) is known by itself.
    - ``named``: names that stand for a term, given their indices and layer: {"delta": f} where delta_j is
      f((j,), "") and delta^{(2)} is f((), "2"). With two indices and no layer, delta_kj is Kronecker's.
    - ``derivative``: what dJ/dz_j, d2J/dz2, dh_k/dz_j and d/dh (E) mean: called with the subject (J is var("J")), the
      variable (a variable or an element of a family), and the order; without it they are refused.
    - ``coordinate``: an index at which bare families of one index are read: h - y is h[j] - y[j].
    """

    scalars: frozenset[str]
    families: Mapping[str, tuple[str, ...]]
    indices: Mapping[str, str]
    sizes: frozenset[str] = frozenset(("K", "m"))
    functions: frozenset[str] = frozenset()
    others: Mapping[str, str] = OTHER_NAMES
    layers: Mapping[tuple[str, str], str] = {}
    applied: Mapping[str, Callable[[Term], Term]] = {}
    named: Mapping[str, Callable[[tuple[Term, ...], str], Term]] = {}
    derivative: Callable[[Term, Term, int], Term] | None = None
    coordinate: str = ""

    def declares(self, name: str) -> bool:
        """Whether the name is that of a variable, family, index, size or abstract function."""
        scalars, families, indices, sizes, functions = self[:5]
        return name in scalars or name in families or name in indices or name in sizes or name in functions


class Claim(NamedTuple):
    """The sides of an equation A = B = C, or the one expression; the first is None in "= B". Columns count from 1."""

    sides: tuple[Term | None, ...]
    columns: tuple[int, ...]


class UndeclaredName(SyntaxProblem, UnknownName):
    """A name in a text that nobody declared; it has a column as well."""


def parse(text: str, symbols: Symbols, spelling: str = "plain") -> Term:
    """The expression that ``text`` says, in the spelling "plain" or "latex".

    Raises SyntaxProblem, and DeriveError for a reserved name in ``symbols``.
    """
    parser = _Parser(text, symbols, spelling)
    return _within_limits(lambda: parser.whole(parser.sum()))


def parse_relation(text: str, symbols: Symbols, spelling: str = "plain") -> Term:
    """The relation (< <= > >= = !=) that ``text`` says; raises as ``parse`` does."""
    parser = _Parser(text, symbols, spelling)
    return _within_limits(lambda: parser.whole(parser.relation()))


def parse_claim(text: str, symbols: Symbols, spelling: str | None = None) -> Claim:
    """A line of a derivation: "E", "A = B", "A = B = C", or "= B" that goes on from the line before.

    The spelling is that of the text, unless it is given. Raises as ``parse`` does.
    """
    parser = _Parser(text, symbols, spelling or spelling_of(text))
    return _within_limits(parser.claim)


def _within_limits(read: Callable[[], Read]) -> Read:
    """What is read, where terms allow it: operations nest without brackets, and ``and`` repeats a subterm."""
    try:
        return read()
    except ValueError as problem:
        raise SyntaxProblem(f"the expression is {problem}", 1) from problem


# the leaves of the last texts, which are those of the next line as well
_variable, _size, _index, _element = (lru_cache(2_000)(leaf) for leaf in (make.var, make.size, make.index, make.item))


def _number(token: Token) -> Term:
    """The exact value of a numeral; its limits are checked before any number is made."""
    return _small_number(token[1]) if len(token[1]) < 4 else _any_number(token)


@lru_cache(2_000)
def _small_number(word: str) -> Term:
    return _any_number(("number", word, 1))


def _any_number(token: Token) -> Term:
    _, word, column = token
    mantissa, _, exponent = word.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    if len(whole + fraction) > MAX_DIGITS or len(exponent) > MAX_DIGITS:
        raise SyntaxProblem(f"a number has more than {MAX_DIGITS} digits, which is the limit", column)
    shift = int(exponent or "0") - len(fraction)
    if max(abs(shift), abs(shift + len(fraction))) > MAX_EXPONENT:
        raise SyntaxProblem(f"the exponent of a number is beyond {MAX_EXPONENT}, which is the limit", column)
    digits = int(whole + fraction)
    return make.num(digits * 10**shift) if shift >= 0 else make.num(digits, 10**-shift)


# ---- tokens -> term

CLOSERS = {"(": ")", "{": "}", "|": "|", "lbrack": "rbrack", "lbrace": "rbrace", "lvert": "rvert"}
ROUND = ("(", "lbrack", "lbrace")  # brackets around what a function is applied to
SIGNS = {"rbrack": "]", "rbrace": r"\}", "rvert": r"\rvert"}  # of closers, for messages
IMPLIED = frozenset(("name", "primed", "{", "frac", "root", "bigsum", "cases", "lvert", *ROUND))
OPERATORS = frozenset(  # written without brackets in LaTeX, before one letter
    ("log", "ln", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "erf")
)
DIFFERENTIAL = re.compile(r"d([2-9]?)([A-Za-z]\w*)?")


class _Parser:
    """One text; each rule starts at the token ``at`` and ends behind what it read."""

    def __init__(self, text: str, symbols: Symbols, spelling: str) -> None:
        _check(symbols)
        self.is_latex = spelling == "latex"
        self.tokens = tokens(text, spelling, partial(_is_word, symbols))
        self.symbols = symbols
        self.at = 0
        self.in_bars = False  # the innermost open bracket is |
        self.scope: dict[str, tuple[int, str]] = {}  # bound index -> number of sums around its own, size
        self.whole_families: Token | None = None  # inside softmax: the index of whole families
        self.bound: set[str] = set()  # names of bound indices, in scope or not
        self.used: set[str] = set()  # names with any other meaning

    def whole(self, rule: Rule) -> Term:
        term: Term = self._drive(rule)
        self._end()
        return term

    def _end(self) -> None:
        kind, word, column = self.tokens[self.at]
        if kind != "end":
            advice = "; write * to multiply" if kind == "number" else ""
            raise SyntaxProblem(f"expected an operator or the end, found {shown(word)}{advice}", column)

    def claim(self) -> Claim:
        sides: list[Term | None] = [None] if self.tokens[0][0] == "=" else []
        columns = [1] if sides else []
        while not sides or self._accept("="):
            columns.append(self.tokens[self.at][2])
            sides.append(self._drive(self.sum()))
        if self.tokens[self.at][0] in RELATIONS:
            _, word, column = self.tokens[self.at]
            raise SyntaxProblem(f"a claim is an expression or an equation; write = instead of {shown(word)}", column)
        self._end()
        return Claim(tuple(sides), tuple(columns))

    def _drive(self, rule: Rule) -> Any:
        """Runs rules to their end; a rule waits here, not on Python's stack, for the rule that it yields."""
        waiting: list[Rule] = []
        result = None
        while True:
            try:
                inner = rule.send(result)
            except StopIteration as done:
                result = done.value
                if not waiting:
                    return result
                rule = waiting.pop()
            else:
                if len(waiting) == MAX_DEPTH:
                    raise SyntaxProblem(TOO_DEEP, self.tokens[self.at][2])
                waiting.append(rule)
                rule, result = inner, None

    def _accept(self, kind: str) -> bool:
        found = self.tokens[self.at][0] == kind
        self.at += found
        return found

    def _expect(self, kind: str, what: str = "") -> Token:
        token = self.tokens[self.at]
        if token[0] != kind:
            raise SyntaxProblem(f"expected {what or shown(kind)}, found {shown(token[1])}", token[2])
        self.at += 1
        return token

    # -- rules

    def relation(self) -> Rule:
        left = yield from self.sum()
        return (yield from self._compared(left))

    def _compared(self, left: Term) -> Rule:
        op, word, column = self.tokens[self.at]
        if op not in RELATIONS:
            raise SyntaxProblem(f"expected a relation ({' '.join(RELATIONS)}), found {shown(word)}", column)
        self.at += 1
        return make.rel(op, left, (yield from self.sum()))

    def sum(self) -> Rule:
        terms = [(yield from self._product())]
        while self._accept("+") or self.tokens[self.at][0] == "-":  # a product reads its own minus
            terms.append((yield from self._product()))
        if len(terms) > MAX_SUMMANDS:
            raise SyntaxProblem(
                f"a sum has more than {MAX_SUMMANDS} summands, which is the limit", self.tokens[self.at][2]
            )
        return make.add(*terms)

    def _product(self) -> Rule:
        """-x*y is the flat product (-1)*x*y, and -2*x is (-2)*x."""
        negative = self._accept("-")
        factors = yield from self._factors()
        if negative and factors[0].kind == "num":
            factors[0] = make.neg(factors[0])
        elif negative:
            factors.insert(0, make.MINUS_ONE)
        return make.mul(*factors)

    def _factors(self) -> Rule:
        r"""The factors of a product; \cdot holds together less than letters side by side: a \cdot b c is a*(b*c)."""
        factors: list[Term] = []
        run = self._leading_number()
        operator = ""
        if run is None:
            run = yield from self._factor()
        while operator := self._operator(after=operator):
            kind, _, column = self.tokens[self.at]
            if operator == "cdot" and kind != "number" and self._number_of_fraction() is None:
                factors.append(make.mul(*run))
                run = []
            found = yield from self._factor()
            if operator == "/":
                found = [self._inverse(make.mul(*found), column)]
            elif kind == "frac" and len(found) > 1 and _is_negative(found[0]):
                found = [make.mul(*found[:-1]), found[-1]]  # its sign stays above the line
            elif kind == "frac" and run and _is_inverse(run[-1]) and _is_inverse(found[0]):
                found = [make.ONE, *found]  # two fractions, and not one with two factors below
            run += found
        return [*factors, make.mul(*run)] if factors else run

    def _inverse(self, factor: Term, column: int) -> Term:
        if factor == make.ZERO:
            raise SyntaxProblem("division by zero", column)
        return make.power(factor, -1)

    def _factor(self) -> Rule:
        r"""A power, as a list of one, or the factors of \frac{a b}{c}."""
        if self.tokens[self.at][0] == "frac" and not self._is_slope(self.at + 2, "}"):
            found = yield from self._fraction()
            if self.tokens[self.at][0] == "^":
                raise SyntaxProblem("write brackets around a fraction to raise it", self.tokens[self.at][2])
            return found
        return [(yield from self._power())]

    def _leading_number(self) -> list[Term] | None:
        """The numeral that begins a product: 3/4 is one number, and the 1 of 1/b is left out."""
        first, slash, second, last = self.tokens[self.at : self.at + 4]
        if first[0] != "number" or slash[0] == "^":
            return None
        self.at += 1
        value = _number(first)
        if slash[0] != "/":
            return [value]
        if second[0] != "number" or last[0] == "^" or not (first[1] + second[1]).isdigit():
            return [] if value == make.ONE else [value]
        self.at += 2
        if (below := _number(second)) == make.ZERO:
            raise SyntaxProblem("division by zero", second[2])
        return [make.num(value.args[0] / below.args[0])]

    def _operator(self, after: str) -> str:
        """The operator that continues a product, "*" where it is implied, or nothing."""
        kind, _, column = self.tokens[self.at]
        if kind in ("*", "/", "cdot"):
            self.at += 1
            return kind
        implied = kind in IMPLIED or (kind == "|" and not self.in_bars)
        if implied and after == "/":
            raise SyntaxProblem("a/b c can be read in two ways: write a/b*c or a/(b*c)", column)
        if kind == "frac" and (number := self._number_of_fraction()):
            raise SyntaxProblem(rf"{number[1]}\frac may be a mixed number: write \cdot between them", column)
        return "*" if implied else ""

    def _number_of_fraction(self) -> Token | None:
        r"""The number before \frac{1}{2}: 2\frac{1}{2} may mean 5/2."""
        before = self.tokens[self.at - 2 if self.tokens[self.at - 1][0] == "cdot" else self.at - 1]
        first, second = self.tokens[self.at + 1 : self.at + 3]
        starts = (second if first[0] == "{" else first)[0] == "number" and self.tokens[self.at][0] == "frac"
        return before if starts and before[0] == "number" else None

    def _power(self) -> Rule:
        if self._accept("-"):
            return make.neg((yield self._power()))
        base = yield from self._operand()
        column = self.tokens[self.at][2]
        if not self._accept("^"):
            return base
        power = make.power(base, (yield from self._exponent()))
        if self.symbols.derivative and not power.names and _is_huge(power):  # of claims, which are worked out
            raise SyntaxProblem(f"the exponent of a number is beyond {MAX_EXPONENT}, which is the limit", column)
        return power

    def _exponent(self) -> Rule:
        if not self.is_latex:
            return (yield self._power())
        kind, word, column = self.tokens[self.at]
        if kind not in ("{", "number", "name", "frac", "root") or word in RESERVED - CONSTANTS.keys():
            raise SyntaxProblem("an exponent is a group in braces: write ^{...}", column)
        exponent = yield self._operand()
        if self.tokens[self.at][0] == "^":
            raise SyntaxProblem("two exponents: write x^{a^b}", self.tokens[self.at][2])
        return exponent

    def _operand(self) -> Rule:
        token = self.tokens[self.at]
        self.at += 1
        kind = token[0]
        if kind == "name":
            return (yield from self._named(token))
        if kind == "number":
            return _number(token)
        if kind in CLOSERS and kind != "lbrace":
            inner = yield from self._inside(CLOSERS[kind])
            return make.call("abs", inner) if kind in ("|", "lvert") else inner
        rule = _OPERANDS.get(kind)
        if rule is not None:
            return (yield from rule(self, token))
        advice = "; leave it out" if kind in ("+", "&", "row") else ""
        raise SyntaxProblem(f"expected a number, a name or a bracket, found {shown(token[1])}{advice}", token[2])

    def _inside(self, closer: str, rule: Rule | None = None) -> Rule:
        """What stands between the bracket or comma that was just read and ``closer``."""
        _, opener, column = self.tokens[self.at - 1]
        outer, self.in_bars = self.in_bars, closer == "|"
        inner = yield rule or self.sum()
        self.in_bars = outer
        self._expect(closer, f"'{SIGNS.get(closer, closer)}' after the '{opener}' of column {column}")
        return inner

    # -- what only LaTeX has

    def _argument(self) -> Rule:
        """The group, or the one digit or letter, that a command acts on."""
        kind, word, column = self.tokens[self.at]
        self.at += 1
        if kind == "{":
            return (yield from self._inside("}"))
        if len(word) == 1 and kind in ("number", "name") and self.tokens[self.at][0] not in ("[", "layer", "^"):
            return _number((kind, word, column)) if kind == "number" else (yield from self._operand_at(self.at - 1))
        raise SyntaxProblem(f"expected a group in braces, found {shown(word)}", column)

    def _operand_at(self, at: int) -> Rule:
        self.at = at
        return (yield from self._operand())

    def _fraction(self) -> Rule:
        r"""The factors of \frac{a b}{c}: a, b and c^-1; \frac{3}{4} is a number."""
        self.at += 1
        above = yield from self._argument()
        column = self.tokens[self.at][2]
        below = yield from self._argument()
        inverse = self._inverse(below, column)
        if above.kind == below.kind == "num" and above.args[0] / below.args[0] != 0 and below.args[0] > 1:
            value = above.args[0] / below.args[0]
            if value.q == below.args[0]:
                return [make.num(value)]
        is_flat = above.kind == "mul" and not any(map(_stands_apart, above.args))
        if _is_inverse(above):
            above = make.mul(make.ONE, above)  # a fraction in a fraction
        factors = above.args if is_flat else () if above == make.ONE else (above,)
        return [*factors, inverse]

    def _fraction_alone(self, _: Token) -> Rule:
        self.at -= 1
        if self._is_slope(self.at + 2, "}"):
            self.at += 2
            return (yield from self._slope("}"))
        return make.mul(*(yield from self._fraction()))

    def _root(self, token: Token) -> Rule:
        degree = _number(token)
        if degree.args[0] <= 1 or degree.args[0].q != 1:
            raise SyntaxProblem("the degree of a root is an integer of at least 2", token[2])
        return make.power((yield from self._argument()), make.num(1 / degree.args[0]))

    def _big_sum(self, token: Token) -> Rule:
        r"""\sum_{k=1}^{K} a_k b_k + c: the sum ends with its product."""
        name = self._bind(self._expect("name", "the name of an index"))
        over = DEFAULT_SIZE
        if self.tokens[self.at][0] == "upper":
            over = self.tokens[self.at][1]
            if over not in self.symbols.sizes:
                known = ", ".join(sorted(self.symbols.sizes))
                raise SyntaxProblem(f"{shown(over)} is no size; sizes: {known[:80]}", self.tokens[self.at][2])
            self._use(self.tokens[self.at])
            self.at += 1
        return (yield from self._body(name, over, self._product()))

    def _body(self, name: str, over: str, rule: Rule) -> Rule:
        self.scope[name] = len(self.scope), over
        body = yield from rule
        del self.scope[name]
        return Term("sum", (over, body), name)

    def _rows(self, token: Token) -> Rule:
        r"""\begin{cases} a & \text{if } c \\ b & \text{otherwise} \end{cases}, as where(c, a, b)."""
        column = token[2]
        rows: list[tuple[list[Term], Term]] = []
        while not self._accept("endcases"):
            value = yield self.sum()
            self._accept(",")
            column = self._expect("&", "'&' and a condition")[2]
            self._accept("if")
            conditions = [] if self._accept("otherwise") else (yield from self._conditions())
            self._accept(",")
            if self.tokens[self.at][0] != "endcases":
                self._expect("row", r"'\\' or \end{cases}")
            rows.append((conditions, value))
            if not conditions:
                self._expect("endcases", r"\end{cases} after \text{otherwise}")
                break
        if len(rows) < 2 or (rows[-1][0] and not _is_complement(rows)):
            raise SyntaxProblem(r"the cases leave values out: write \text{otherwise} in the last row", column)
        result = rows.pop()[1]
        for conditions, value in reversed(rows):
            result = _where(conditions, value, result)
        return result

    def _choice(self, _: Token) -> Rule:
        r"""\{a \text{ if } c, \text{ else } b\} as where(c, a, b), or a in braces."""
        column = self.tokens[self.at - 1][2]
        rows: list[tuple[list[Term], Term]] = []
        result = yield self.sum()
        while self._accept("if"):
            rows.append(((yield from self._conditions()), result))
            self._expect(",", "',' and an else")
            is_last = self._accept("otherwise")
            result = yield self.sum()
            if is_last:
                break
        else:
            if rows:
                raise SyntaxProblem(r"the cases leave values out: write \text{else}", column)
        self._expect("rbrace", rf"'\}}' after the '\{{' of column {column}")
        for conditions, value in reversed(rows):
            result = _where(conditions, value, result)
        return result

    def _function(self, name: str, column: int) -> Rule:
        r"""\log h, \log(1 - h), \sin^2 x; what could be read in two ways is refused."""
        exponent = None
        if self._accept("^"):
            exponent = yield self._operand()
            if exponent.kind != "num" or exponent.args[0].q != 1 or exponent.args[0] < 0:
                raise SyntaxProblem(f"write brackets around \\{name}(x) to raise it", column)
        if self.tokens[self.at][0] in ROUND:
            opener, *_ = self._round(name)
            argument = yield from self._inside(CLOSERS[opener])
            follows = {"^"} if name != "exp" else set()
        else:
            argument = yield from self._bare(name)
            follows = {"^", "*", "/", "cdot", "number", *IMPLIED, *([] if self.in_bars else ["|"])}
        kind, _, after = self.tokens[self.at]
        if kind in follows:
            raise SyntaxProblem(f"what \\{name} acts on can be read in two ways: write brackets around it", after)
        result = make.call(ALIASES.get(name, name), argument) if name not in SUGAR else SUGAR[name][1](argument)
        return result if exponent is None else make.power(result, exponent)

    def _bare(self, name: str) -> Rule:
        kind, word, column = self.tokens[self.at]
        if kind == "frac":
            return make.mul(*(yield from self._fraction()))
        if kind not in ("name", "primed", "number", "{", "lvert", "|"):
            raise SyntaxProblem(f"expected '(' after the function {name}, found {shown(word)}", column)
        return (yield self._operand())

    # -- names and what they are applied to

    def _named(self, token: Token) -> Rule:
        name, symbols = token[1], self.symbols
        if name[0] == "d" and self._is_slope(self.at - 1, "/"):
            self.at -= 1
            return (yield from self._slope("/"))
        if not symbols.declares(name) and (stem := name.partition("_")[0]) in ("delta", *symbols.named):
            return self._stands_for(token, stem)
        token, raised = self._layered(token)
        name, following = token[1], self.tokens[self.at][0]
        if self.whole_families and symbols.families.get(name) == (DEFAULT_SIZE,) and following != "[":
            return _element(self._use(token), self._index(self.whole_families))
        if name in symbols.scalars and following != "[" and not raised:
            return _variable(self._use(token))
        if name in CONSTANTS:
            return make.call(name)
        if name in RESERVED:
            return (yield from self._applied(name, token[2]))
        if name in symbols.functions or (name in symbols.applied and not symbols.declares(name)):
            return (yield from self._abstract(token))
        if name in symbols.sizes:
            return _size(self._use(token))
        if name == "e" and name not in self.scope and not symbols.declares(name) and self._accept("^"):
            return make.call("exp", (yield from self._exponent()))
        return self._item(token, raised)

    def _applied(self, name: str, column: int) -> Rule:
        if self.is_latex and name in OPERATORS:
            return (yield from self._function(name, column))
        if self.is_latex and name == "sqrt" and self.tokens[self.at][0] not in ROUND:
            return make.call("sqrt", (yield from self._argument()))
        opener, _, column = self._round(f"the function {name}")
        rules = {"sum": self._total, "where": self._case, "softmax": self._softmax}
        if name in rules:
            return (yield from rules[name]())
        if name == "kron":
            return self._delta()
        size, meaning = SUGAR.get(name) or (1, partial(make.call, ALIASES.get(name, name)))
        arguments = []
        for closer in (*[","] * (size - 1), CLOSERS[opener]):
            arguments.append((yield from self._inside(closer)))
        if name == "clip" and _is_descending(*arguments[1:]):
            raise SyntaxProblem("clip(x, low, high) needs low <= high", column)
        return meaning(*arguments)

    def _round(self, what: str) -> Token:
        """The bracket that opens the arguments of a function."""
        token = self.tokens[self.at]
        if token[0] not in ROUND:
            raise SyntaxProblem(f"expected '(' after {what}, found {shown(token[1])}", token[2])
        self.at += 1
        return token

    def _abstract(self, token: Token) -> Rule:
        """F(x) or F'(x) for a declared function F, and what f(x), f'(x) and tanh'(x) are known to be."""
        _, name, column = token
        stem = name.rstrip("'")
        meaning: Callable[[Term], Term] | None = self.symbols.applied.get(name)
        known = LAWS.get(ALIASES.get(stem, stem))
        if meaning is None and stem in self.symbols.functions:
            if law(name) is None:
                raise SyntaxProblem(f"a function has more than {MAX_PRIMES} primes, which is the limit", column)
            self._use(("name", stem, column))
            meaning = partial(make.call, name)
        elif meaning is None and known is not None and name == f"{stem}'":
            meaning = known.derivative
        elif meaning is None:
            what = f"{shown(name)}: no function {stem[:40]} is declared"
            raise UndeclaredName(f"{what}; write its derivative out", column)
        opener, *_ = self._round(f"the function {shown(name)[1:-1]}")
        return meaning((yield from self._inside(CLOSERS[opener])))

    def _stands_for(self, token: Token, stem: str) -> Term:
        """delta, delta_j, delta[j] or delta^{(2)}_j, or another such name; delta_kj is Kronecker's."""
        kind, name, column = token
        layer = self._layer(stem)
        indices = [self._index((kind, letter, column)) for letter in name[len(stem) + 1 :]]
        if not indices and self._accept("["):
            indices = self._indices("]")
        if stem == "delta" and len(indices) == 2 and not layer:
            return self._kronecker(indices, column)
        if stem not in self.symbols.named:
            raise UndeclaredName("delta with one index, or none, has no meaning here: write delta_kj", column)
        self._use((kind, stem, column))
        return self.symbols.named[stem](tuple(indices), layer)

    def _layer(self, name: str) -> str:
        """The layer of the name just read, as in a^{(2)}; in the plain spelling a^(2) is one where it is declared."""
        kind, word, _ = self.tokens[self.at]
        if kind in ("layer", "example"):
            self.at += 1
            return word
        if kind == "^" and not self.is_latex:
            opening, (_, word, _), closing = self.tokens[self.at + 1 : self.at + 4]
            if opening[0] == "(" and closing[0] == ")" and self._meaning_of_layer(name, word):
                self.at += 4
                self._separate_indices()
                return word
        return ""

    def _separate_indices(self) -> None:
        """The tokens of [k], where a^(2)_k has the name _k."""
        kind, word, column = self.tokens[self.at]
        if kind == "name" and word.startswith("_") and len(word) > 1:
            row = [
                token for n, letter in enumerate(word[1:], column + 1) for token in ((",", ",", n), (kind, letter, n))
            ]
            self.tokens[self.at : self.at + 1] = [("[", "_", column), *row[1:], ("]", "_", column)]

    def _meaning_of_layer(self, name: str, layer: str) -> str:
        return self.symbols.layers.get((name, layer)) or LAYERS.get((name, layer), "")

    def _layered(self, token: Token) -> tuple[Token, list[Token]]:
        """The name that a name with or without a layer means, and the numbers of examples written as a layer."""
        mark, _, column = self.tokens[self.at]
        layer = self._layer(token[1])
        if layer and (meaning := self._meaning_of_layer(token[1], layer)):
            return (token[0], meaning, token[2]), []
        token = self._meant(token)
        name = token[1]
        if not layer or (mark == "example" and EXAMPLES not in self.symbols.families.get(name, ())):
            return token, []  # h(x^{(i)}) where no family tells examples apart is the output of the one that is meant
        names = layer.split(",")
        if not all(n in self.scope or n in self.symbols.indices for n in names):
            what = f"'({shown(layer)[1:-1]})' is no layer and no index of {name[:40]} here"
            raise SyntaxProblem(f"{what}; a power is written {name[:40]}^{{{shown(layer)[1:-1]}}}", column)
        return token, [("name", n, column) for n in names]

    # -- derivatives

    def _is_slope(self, at: int, form: str) -> bool:
        r"""Whether dJ/dz ("/") or the inside of \frac{dJ}{dz} ("}") begins at a token."""
        if form == "}" and self.tokens[at - 1][0] != "{":
            return False
        if not self._is_differential(self.tokens[at]):
            return False
        at += 1
        if self.tokens[at][0] == "^":  # d^2J
            at += 4 if self.tokens[at + 1][0] == "{" else 2
            at += self.tokens[at][0] == "name"
        at += self.tokens[at][0] in ("layer", "example")
        if self.tokens[at][0] == "[":
            at = next((n + 1 for n, token in enumerate(self.tokens[at : at + 20], at) if token[0] == "]"), at)
        if self.tokens[at][0] != form:
            return False
        at += 1 if form == "/" else 2
        return self._is_differential(self.tokens[at])

    def _is_differential(self, token: Token) -> bool:
        kind, name, _ = token
        if kind != "name" or name[0] != "d" or name in RESERVED or self.symbols.declares(name):
            return False
        return DIFFERENTIAL.fullmatch(name) is not None and name.partition("_")[0] != "delta"

    def _slope(self, form: str) -> Rule:
        r"""dJ/dz_j, d2J/dz2, \frac{\partial h_k}{\partial z_j}, d/dh (E), with the meaning that the symbols give."""
        column, meaning = self.tokens[self.at][2], self.symbols.derivative
        if meaning is None:
            raise SyntaxProblem("derivatives have no meaning here: write what they are", column)
        if form == self.tokens[self.at - 1][0]:
            raise SyntaxProblem("a/dJ/dz can be read in two ways: write a/(dJ/dz)", column)
        order, subject, is_bare = self._differential()
        self._expect(form)
        self._accept("{")
        variables = self._variables(order, is_bare)
        if form == "}":
            self._expect("}")
        if self.tokens[self.at][0] == "^":
            raise SyntaxProblem(
                "write (dJ/dz)^2 for a square, d2J/dz2 for a second derivative", self.tokens[self.at][2]
            )
        result = (yield from self._differentiated()) if subject is None else subject
        for variable, times in reversed(variables):
            result = meaning(result, variable, times)
        return result

    def _differential(self) -> tuple[int, Term | None, bool]:
        """The order, what is differentiated (nothing in d/dh), and whether that is a family without its index."""
        kind, word, column = self.tokens[self.at]
        digits, name = DIFFERENTIAL.fullmatch(word).groups()  # type: ignore[union-attr]
        self.at += 1
        order = int(digits or 1)
        if not name and self._accept("^"):
            order = self._order()
            following = self.tokens[self.at]
            if following[0] == "name":
                self.at += 1
                return order, *self._reference(following)
        if not name:
            return order, None, False
        return order, *self._reference((kind, name, column))

    def _order(self) -> int:
        is_group = self._accept("{")
        token = self._expect("number", "the order of the derivative")
        if is_group:
            self._expect("}")
        if token[1] not in ("1", "2", "3", "4"):
            raise SyntaxProblem("the order of a derivative is 1, 2, 3 or 4", token[2])
        return int(token[1])

    def _variables(self, order: int, is_bare: bool) -> list[tuple[Term, int]]:
        """The variables below, each with how often it is derived by: dz_j2, dz_j^2, dz_j dz_k."""
        found: list[tuple[Term, int]] = []
        left = order
        while left:
            token, following = self.tokens[self.at : self.at + 2]
            kind, word, column = token
            if not self._is_differential(token) or (len(word) == 1 and following[0] != "("):
                advice = f"expected {left} more of the variables, as in d2J/dz2"
                raise SyntaxProblem(f"{advice}, found {shown(word)}", column)
            self.at += 1
            term, times, is_also_bare = self._variable((kind, word[1:], column), order)
            if is_bare and is_also_bare:
                raise SyntaxProblem("each component depends on each: write dh_k/dz_j", column)
            if times > left:
                raise SyntaxProblem(f"the orders above and below differ: {order} above", column)
            found.append((term, times))
            left -= times
        return found

    def _variable(self, token: Token, order: int) -> tuple[Term, int, bool]:
        kind, name, column = token
        times = 1
        if not name:  # \partial (z_j)^2
            self._expect("(")
            term, is_bare = self._reference(self._expect("name", "the name of a variable"))
            self._expect(")")
        else:
            if order > 1 and name[-1] in "234" and self._is_counted(name):
                name, times = name[:-1].rstrip("_"), int(name[-1])
            term, is_bare = self._reference((kind, name, column))
        if order > 1 and times == 1 and self._accept("^"):
            times = self._order()
        return term, times, is_bare

    def _is_counted(self, name: str) -> bool:
        """Whether the last digit of dz2 is how often it is derived by z, and not of a name z2 with dz behind it."""
        return not self.symbols.declares(name) or not self._is_differential(self.tokens[self.at])

    def _reference(self, token: Token) -> tuple[Term, bool]:
        """A variable, or an element of a family, and whether its index was left out."""
        symbols = self.symbols
        if symbols.others.get(token[1], token[1]) == "J" and not symbols.declares(token[1]):
            return make.var("J"), False
        token, raised = self._layered(token)
        following = self.tokens[self.at][0]
        if token[1] in symbols.scalars and following != "[":
            return _variable(self._use(token)), False
        return self._item(token, raised), token[1] in symbols.families and following != "[" and not raised

    def _differentiated(self) -> Rule:
        """The E of d/dh (E)."""
        inner = yield self._power()
        kind, _, column = self.tokens[self.at]
        if kind in ("*", "/", "cdot", "^", *IMPLIED):
            raise SyntaxProblem("write brackets around what is differentiated: d/dh (y*h)", column)
        return inner

    def _softmax(self) -> Rule:
        """softmax(z)[j] is exp(z[j])/sum(l, exp(z[l])); without [j], of the first free index over the classes.

        What stands in the brackets is read twice, with its families at l and then at j.
        """
        start, column = self.at, self.tokens[self.at - 1][2]
        if self.whole_families:
            raise SyntaxProblem("softmax inside softmax: write one of them with exp and sum", column)
        self.scope[""] = len(self.scope), DEFAULT_SIZE  # no text can name this index
        below = yield from self._at_coordinate(("name", "", column))
        del self.scope[""]
        if not below.loose:
            raise SyntaxProblem("softmax needs a family, such as z where z[k] has an index over K", column)
        j, end = self._class_index(column), self.at
        self.at = start
        above = yield from self._at_coordinate(j)
        self.at = end
        return make.div(above, Term("sum", (DEFAULT_SIZE, below), "l"))

    def _at_coordinate(self, index: Token) -> Rule:
        self.whole_families = index
        inside = yield from self._inside(")")
        self.whole_families = None
        return make.call("exp", inside)

    def _class_index(self, column: int) -> Token:
        """The [j] behind softmax(z), or the coordinate, or the first index over the classes, unless a sum binds it."""
        if self._accept("["):
            token = self._expect("name", "the name of an index")
            self._expect("]")
        else:
            known = self.symbols.indices
            names = (name for name in (self.symbols.coordinate, *known) if known.get(name) == DEFAULT_SIZE)
            token = ("name", next(names, ""), column)
            token = token if token[1] not in self.scope else ("name", "", column)
        if not token[1] or self._index(token).args[1] != DEFAULT_SIZE:
            raise SyntaxProblem(f"softmax needs an index over {DEFAULT_SIZE}: write softmax(z)[k]", column)
        return token

    def _total(self) -> Rule:
        """sum(k, body) or sum(i, m, body); de Bruijn depths are counted here, as sum_over walks each body anew."""
        name, over = self._bind(self._expect("name", "the name of an index")), DEFAULT_SIZE
        self._expect(",")
        size, comma = self.tokens[self.at : self.at + 2]
        if size[1] in self.symbols.sizes and comma[0] == ",":
            over = self._use(size)
            self.at += 2
        return (yield from self._body(name, over, self._inside(")")))

    def _bind(self, token: Token) -> str:
        """The name of an index that a sum binds."""
        name = token[1]
        if name in RESERVED:
            raise SyntaxProblem(f"{name} belongs to the language; choose another index", token[2])
        if name in self.used or name in self.scope:
            self._clash(token, "bound again inside" if name in self.scope else "free elsewhere")
        self.bound.add(name)
        return name

    def _case(self) -> Rule:
        """where(c and d, a, b), which is where(c, where(d, a, b), b)."""
        conditions = yield from self._inside(",", self._conditions())
        inside = yield from self._inside(",")
        outside = yield from self._inside(")")
        return _where(conditions, inside, outside)

    def _conditions(self) -> Rule:
        """Inequalities: a < b and b < c, which may be written a < b < c."""
        conditions: list[Term] = []
        while not conditions or self._accept("and"):
            column = self.tokens[self.at][2]
            conditions.append((yield from self.relation()))
            while (following := self.tokens[self.at][0]) in RELATIONS:
                if following[0] != conditions[-1].args[0][0]:
                    raise SyntaxProblem("two directions: write and between the relations", self.tokens[self.at][2])
                conditions.append((yield from self._compared(conditions[-1].args[2])))
            if any(condition.args[0] in ("=", "!=") for condition in conditions):
                raise SyntaxProblem("where needs an inequality (< <= > >=)", column)
        return conditions

    # -- indices and names

    def _delta(self) -> Term:
        column = self.tokens[self.at][2]
        return self._kronecker(self._indices(")"), column)

    def _kronecker(self, indices: list[Term], column: int) -> Term:
        if len(indices) != 2 or indices[0].args[1] != indices[1].args[1]:
            raise SyntaxProblem("kron compares two indices over the same size", column)
        return make.kron(*indices)

    def _indices(self, closer: str) -> list[Term]:
        indices = [self._index(self._expect("name", "the name of an index"))]
        while self._accept(","):
            indices.append(self._index(self._expect("name", "the name of an index")))
        self._expect(closer)
        return indices

    def _meant(self, token: Token) -> Token:
        """The token, with h for a or yhat (h_k for a_k) where h is declared and the other name is not."""
        kind, name, column = token
        if self.symbols.declares(name):
            return token
        stem, mark, suffix = name.partition("_")
        known = self.symbols.others.get(stem, "")
        if not known or not self.symbols.declares(known) or self.symbols.declares(stem):
            return token
        self._use((kind, stem, column))
        return kind, f"{known}{mark}{suffix}", column

    def _index(self, token: Token) -> Term:
        _, name, column = token
        if name and self.scope.get(name, (-1,))[0] < self.scope.get("", (-1,))[0]:
            raise SyntaxProblem("softmax acts on whole families: write z, not z[k], in its brackets", column)
        if name in self.scope:
            level, over = self.scope[name]
            return Term("bound", (len(self.scope) - 1 - level, over))
        if name in self.symbols.indices:
            return _index(self._use(token), self.symbols.indices[name])
        known = ", ".join(sorted({*self.scope, *self.symbols.indices}))[:80] or "none"
        raise UndeclaredName(f"{shown(name)} is no index here; indices: {known}; sum(k, ...) binds one", column)

    def _item(self, token: Token, raised: list[Token] | None = None) -> Term:
        """h[k], h[i,k], the other spelling h_k, h_ik, or h_k^{(i)} with the number i of the example raised."""
        kind, name, column = token
        families = self.symbols.families
        stem, _, suffix = name.rpartition("_")
        if name in families and self._accept("["):
            indices = self._indices("]")
        elif name not in families and stem in families and suffix and self.tokens[self.at][0] != "[":
            letters = list(suffix) if len(families[stem]) > 1 else [suffix]
            indices = [self._index((kind, letter, column)) for letter in letters]
            name = stem
        elif name in families and raised:
            indices = []
        elif self._is_at_coordinate(name):
            indices = [self._index((kind, self.symbols.coordinate, column))]
        else:
            self._unknown(token)
        sizes = families[name]
        indices = _in_places(sizes, indices, [self._index(t) for t in raised or ()])
        given = tuple(i.args[1] for i in indices)
        if given != sizes:
            found = f"the indices of {name} run over {', '.join(sizes)}, not over {', '.join(given)[:40]}"
            raise SyntaxProblem(f"{found}; sum(i, m, ...) binds one over m", column)
        return _element(self._use((kind, name, column)), *indices)

    def _is_at_coordinate(self, name: str) -> bool:
        """Whether a family without its index is meant at the coordinate; not inside of a sum, where it says nothing."""
        over = self.symbols.indices.get(self.symbols.coordinate)
        return bool(over) and self.symbols.families.get(name) == (over,) and not self.scope

    def _use(self, token: Token) -> str:
        if token[1] in self.bound:
            self._clash(token)
        self.used.add(token[1])
        return token[1]

    def _clash(self, token: Token, other: str = "free elsewhere") -> NoReturn:
        raise SyntaxProblem(f"the index {shown(token[1])} is bound by a sum and {other}; rename one", token[2])

    def _unknown(self, token: Token) -> NoReturn:
        _, name, column = token
        symbols = self.symbols
        if name in symbols.families:
            letters = ",".join("i" if over == EXAMPLES else "k" for over in symbols.families[name])
            opening, closing = ("_{", "}") if self.is_latex else ("[", "]")
            raise SyntaxProblem(f"{name} has indices: write {name}{opening}{letters}{closing}", column)
        stem, _, suffix = name.partition("_")
        if stem in symbols.scalars and (suffix or name == stem) and stem not in symbols.families:
            raise SyntaxProblem(f"{stem} has no indices here: leave them out", column)
        if name in self.scope or name in symbols.indices:
            raise SyntaxProblem(f"{name} is an index, not a number", column)
        if name == "e":
            raise UndeclaredName("unknown name 'e': write exp(1), or e^x", column)
        if name in FUNCTIONS:
            raise UndeclaredName(f"{shown(name)} is a function: write {name}(z); the activation's output is h", column)
        near = _nearest(name, {*FUNCTIONS, *CONSTANTS, *symbols.scalars, *symbols.families, *symbols.sizes})
        if self.tokens[self.at][0] == "(":
            raise UndeclaredName(f"unknown function {shown(name)}{near}; known: {', '.join(FUNCTIONS)}", column)
        raise UndeclaredName(f"unknown name {shown(name)}{near}; declare it: --param {name[:40]}", column)


def _check(symbols: Symbols) -> None:
    """Raises DeriveError where a declared name has another meaning, or no function can have it."""
    scalars, families, indices, sizes, functions = symbols[:5]
    names: tuple[Collection[str], ...] = symbols[:5]
    taken = [name for some in names if not RESERVED.isdisjoint(some) for name in RESERVED.intersection(some)]
    taken += sizes & scalars
    taken += (name for name in functions if any(name in some for some in (scalars, families, indices, sizes)))
    if taken:
        raise DeriveError(f"the name {min(taken)} has a meaning already; choose another")
    if not functions <= ABSTRACT:
        name = min(functions - ABSTRACT)
        raise DeriveError(f"no function can be declared as {name}; choose from {', '.join(sorted(ABSTRACT))}")


def _is_word(symbols: Symbols, name: str) -> bool:
    """Whether a text may use the name."""
    return symbols.declares(name) or any(name in names for names in (symbols.others, symbols.named, symbols.applied))


def _in_places(sizes: tuple[str, ...], lower: list[Term], raised: list[Term]) -> list[Term]:
    """Indices in the order of a family's sizes: those that are raised count examples."""
    if not raised:
        return lower
    found = []
    for over in sizes:
        row = raised if over == EXAMPLES and raised else lower
        found += [row.pop(0)] if row else []
    return [*found, *lower, *raised]


def _where(conditions: list[Term], inside: Term, outside: Term) -> Term:
    for condition in reversed(conditions):
        inside = make.where(condition, inside, outside)
    return inside


_COMPLEMENTS = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _is_complement(rows: list[tuple[list[Term], Term]]) -> bool:
    """Whether the second of two rows holds where the first does not."""
    if len(rows) != 2 or any(len(conditions) != 1 for conditions, _ in rows):
        return False
    (op, *sides), (other, *others) = (conditions[0].args for conditions, _ in rows)
    return other == _COMPLEMENTS[op] if sides == others else (_TURNED[other], others) == (_COMPLEMENTS[op], sides[::-1])


def _stands_apart(factor: Term) -> bool:
    """Whether a factor above a line is printed as a product or fraction of its own."""
    return _is_inverse(factor) or factor.kind == "mul" or (factor.kind == "num" and bool(factor.args[0].q != 1))


def _is_negative(factor: Term) -> bool:
    return factor.kind == "num" and bool(factor.args[0] < 0)


def _is_inverse(factor: Term) -> bool:
    return factor.kind == "pow" and factor.args[1].kind == "num" and bool(factor.args[1].args[0] < 0)


def _is_huge(power: Term) -> bool:
    """Whether a number is raised to a number beyond the limit; a tower of powers is, long before it is worked out."""
    exponent = power.args[1]
    if exponent.kind == "pow":
        base, above = exponent.args
        if base.kind == above.kind == "num" and above.args[0].q == 1 and abs(above.args[0]) <= MAX_EXPONENT:
            return bool(abs(base.args[0]) ** int(abs(above.args[0])) > MAX_EXPONENT)
        return bool(base.kind == "num")
    return exponent.kind == "num" and bool(abs(exponent.args[0]) > MAX_EXPONENT)


def _is_descending(low: Term, high: Term) -> bool:
    return low.kind == high.kind == "num" and bool(low.args[0] > high.args[0])


def _nearest(name: str, known: set[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name[:40], sorted(known), 1)
    return f", did you mean {found[0]}?" if found else ""


_OPERANDS: dict[str, Callable[[_Parser, Token], Rule]] = {
    "primed": _Parser._abstract,
    "lbrace": _Parser._choice,
    "frac": _Parser._fraction_alone,
    "root": _Parser._root,
    "bigsum": _Parser._big_sum,
    "cases": _Parser._rows,
}
