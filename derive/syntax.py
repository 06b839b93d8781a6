"""The plain expression language, text to term and back; imports terms, the names of laws, and errors only.

The parser is a tokenizer and a descent by binding power: sum, product, power, operand. A rule that needs
a nested expression yields it to ``_Parser._drive``, which keeps the waiting rules in a list, and the printer
keeps a list too: no input, however deep, can exhaust Python's stack. Nothing is ever evaluated.

``parse(plain(t), symbols) == t`` for every term whose names are ASCII identifiers, declared in ``symbols`` and
not RESERVED, whose functions have a law and one argument, whose relations stand at the top or in ``where`` and
whose indices in items and deltas, and that is within the limits below (numbers and depth of nesting).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from functools import partial
from itertools import chain, count
from typing import Any, NamedTuple, NoReturn, TypeAlias

from flint import fmpq

from derive import term as make
from derive.errors import DeriveError, SyntaxProblem, UnknownName
from derive.laws import ABSTRACT, CONSTANTS, LAWS, MAX_PRIMES, law
from derive.term import MAX_DEPTH, RELATIONS, Term

MAX_LENGTH, MAX_DIGITS, MAX_EXPONENT = 100_000, 1_000, 1_000
DEFAULT_SIZE = "K"  # what sum(k, ...) runs over
ALIASES = {"ln": "log", "sigma": "sigmoid"}
OTHER_NAMES = {"a": "h", "yhat": "h"}  # of variables, where a text's symbols declare no a or yhat


def _clip(x: Term, low: Term, high: Term) -> Term:
    return make.where(make.rel("<", x, low), low, make.where(make.rel(">", x, high), high, x))


# Functions that are read as other terms: how many arguments, and what they mean. sign(0) is undefined.
SUGAR: dict[str, tuple[int, Callable[..., Term]]] = {
    "max": (2, lambda a, b: make.where(make.rel(">", a, b), a, b)),
    "min": (2, lambda a, b: make.where(make.rel("<", a, b), a, b)),
    "relu": (1, lambda x: make.where(make.rel(">", x, make.ZERO), x, make.ZERO)),
    "clip": (3, _clip),
    "sign": (1, lambda x: make.mul(x, make.power(make.call("abs", x), -1))),
    "tan": (1, lambda x: make.mul(make.call("sin", x), make.power(make.call("cos", x), -1))),
}
FUNCTIONS = tuple(sorted((*LAWS, *ALIASES, *SUGAR, "kron", "softmax", "sum", "where")))
RESERVED = frozenset((*FUNCTIONS, *CONSTANTS, "and"))

TOO_DEEP = f"the expression is nested more than {MAX_DEPTH} deep, which is the limit"

Token = tuple[str, str, int]  # kind (a mark is its own kind), text, column
Rule: TypeAlias = Generator[Any, Any, Any]  # yields rules, is sent their results, returns its own


class Symbols(NamedTuple):
    """The declared names: families with the size of each index position, free indices with their size.

    ``functions`` are abstract: names of ABSTRACT, each of them any differentiable function.
    """

    scalars: frozenset[str]
    families: Mapping[str, tuple[str, ...]]
    indices: Mapping[str, str]
    sizes: frozenset[str] = frozenset(("K", "m"))
    functions: frozenset[str] = frozenset()


class UndeclaredName(SyntaxProblem, UnknownName):
    """A name in a text that nobody declared; it has a column as well."""


def parse(text: str, symbols: Symbols) -> Term:
    """The expression that ``text`` says; raises SyntaxProblem, and DeriveError for a reserved name in ``symbols``."""
    parser = _Parser(text, symbols)
    return _within_limits(lambda: parser.whole(parser.sum()))


def parse_relation(text: str, symbols: Symbols) -> Term:
    """The relation (< <= > >= = !=) that ``text`` says; raises as ``parse`` does."""
    parser = _Parser(text, symbols)
    return _within_limits(lambda: parser.whole(parser.relation()))


def _within_limits(read: Callable[[], Term]) -> Term:
    """What is read, where terms allow it: operations nest without brackets, and ``and`` repeats a subterm."""
    try:
        return read()
    except ValueError as problem:
        raise SyntaxProblem(f"the expression is {problem}", 1) from problem


# ---- text -> tokens

_TOKEN = re.compile(
    r"[ \t\r\n]+"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<primed>[A-Za-z_][A-Za-z0-9_]*'+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<mark>\*\*|<=|>=|==|!=|[-+*/^()\[\],|<>=])"
    r"|(?P<other>[^ \t\r\n])"
)


def _tokens(text: str) -> list[Token]:
    """The tokens and four ends, so that a rule may look three tokens ahead."""
    if len(text) > MAX_LENGTH:
        raise SyntaxProblem(f"the text has {len(text)} characters; the limit is {MAX_LENGTH}", MAX_LENGTH + 1)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, word, column = match.lastgroup, match.group(), match.start() + 1
        if kind == "other":
            raise SyntaxProblem(f"unexpected character {_character(word)}", column)
        if word == "==":
            raise SyntaxProblem("write = instead of ==", column)
        if kind == "mark" or word == "and":
            tokens.append(("^" if word == "**" else word, word, column))
        elif kind:
            tokens.append((kind, word, column))
    if not tokens:
        raise SyntaxProblem("the text is empty: write an expression", 1)
    return tokens + [("end", "", len(text) + 1)] * 4


def _character(character: str) -> str:
    """A character for a message: itself where it is harmless, else its code point and name."""
    if character.isascii() and character.isprintable():
        return repr(character)
    import unicodedata

    name = {"Cc": "control character", "Cs": "lone surrogate"}.get(unicodedata.category(character))
    hint = "" if character.isascii() else " (ASCII only)"
    return f"U+{ord(character):04X} {name or unicodedata.name(character, 'unnamed')}{hint}"


def _number(token: Token) -> Term:
    """The exact value of a numeral; its limits are checked before any number is made."""
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


def _shown(word: str) -> str:
    return f"'{word if len(word) <= 40 else word[:37] + '...'}'" if word else "the end"


# ---- tokens -> term


class _Parser:
    """One text; each rule starts at the token ``at`` and ends behind what it read."""

    def __init__(self, text: str, symbols: Symbols) -> None:
        _check(symbols)
        self.tokens = _tokens(text)
        self.symbols = symbols
        self.at = 0
        self.in_bars = False  # the innermost open bracket is |
        self.scope: dict[str, tuple[int, str]] = {}  # bound index -> number of sums around its own, size
        self.coordinate: Token | None = None  # inside softmax: the index of whole families
        self.bound: set[str] = set()  # names of bound indices, in scope or not
        self.used: set[str] = set()  # names with any other meaning

    def whole(self, rule: Rule) -> Term:
        term: Term = self._drive(rule)
        kind, word, column = self.tokens[self.at]
        if kind != "end":
            advice = "; write * to multiply" if kind == "number" else ""
            raise SyntaxProblem(f"expected an operator or the end, found {_shown(word)}{advice}", column)
        return term

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
            raise SyntaxProblem(f"expected {what or _shown(kind)}, found {_shown(token[1])}", token[2])
        self.at += 1
        return token

    # -- rules

    def relation(self) -> Rule:
        left = yield from self.sum()
        op, _, column = self.tokens[self.at]
        if op not in RELATIONS:
            raise SyntaxProblem(f"expected a relation ({' '.join(RELATIONS)}), found {_shown(op)}", column)
        self.at += 1
        return make.rel(op, left, (yield from self.sum()))

    def sum(self) -> Rule:
        terms = [(yield from self._product())]
        while self._accept("+") or self.tokens[self.at][0] == "-":  # a product reads its own minus
            terms.append((yield from self._product()))
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
        first = self._leading_number()
        factors = [(yield from self._power())] if first is None else first
        operator = ""
        while operator := self._operator(after=operator):
            column = self.tokens[self.at][2]
            factor = yield from self._power()
            if operator == "/" and factor == make.ZERO:
                raise SyntaxProblem("division by zero", column)
            factors.append(make.power(factor, -1) if operator == "/" else factor)
        return factors

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
        if kind in ("*", "/"):
            self.at += 1
            return kind
        implied = kind in ("name", "primed", "(") or (kind == "|" and not self.in_bars)
        if implied and after == "/":
            raise SyntaxProblem("a/b c can be read in two ways: write a/b*c or a/(b*c)", column)
        return "*" if implied else ""

    def _power(self) -> Rule:
        if self._accept("-"):
            return make.neg((yield self._power()))
        base = yield from self._operand()
        return make.power(base, (yield self._power())) if self._accept("^") else base

    def _operand(self) -> Rule:
        token = self.tokens[self.at]
        self.at += 1
        if token[0] == "name":
            return (yield from self._named(self._meant(token)))
        if token[0] == "primed":
            return (yield from self._abstract(token))
        if token[0] == "number":
            return _number(token)
        if token[0] == "(":
            return (yield from self._inside(")"))
        if token[0] == "|":
            return make.call("abs", (yield from self._inside("|")))
        advice = "; leave it out" if token[0] == "+" else ""
        raise SyntaxProblem(f"expected a number, a name or a bracket, found {_shown(token[1])}{advice}", token[2])

    def _inside(self, closer: str, rule: Rule | None = None) -> Rule:
        """What stands between the bracket or comma that was just read and ``closer``."""
        _, opener, column = self.tokens[self.at - 1]
        outer, self.in_bars = self.in_bars, closer == "|"
        inner = yield rule or self.sum()
        self.in_bars = outer
        self._expect(closer, f"'{closer}' after the '{opener}' of column {column}")
        return inner

    def _named(self, token: Token) -> Rule:
        name, symbols = token[1], self.symbols
        if self.coordinate and symbols.families.get(name) == (DEFAULT_SIZE,) and self.tokens[self.at][0] != "[":
            return make.item(self._use(token), self._index(self.coordinate))
        if name in symbols.scalars and self.tokens[self.at][0] != "[":
            return make.var(self._use(token))
        if name in CONSTANTS:
            return make.call(name)
        if name in RESERVED:
            return (yield from self._applied(name))
        if name in symbols.functions:
            return (yield from self._abstract(token))
        if name in symbols.sizes:
            return make.size(self._use(token))
        if name == "e" and not any(name in names for names in (self.scope, *symbols)) and self._accept("^"):
            return make.call("exp", (yield self._power()))
        return self._item(token)

    def _applied(self, name: str) -> Rule:
        _, _, column = self._expect("(", f"'(' after the function {name}")
        rules = {"sum": self._total, "where": self._case, "softmax": self._softmax}
        if name in rules:
            return (yield from rules[name]())
        if name == "kron":
            return self._delta()
        size, meaning = SUGAR.get(name) or (1, partial(make.call, ALIASES.get(name, name)))
        arguments = []
        for closer in ")".rjust(size, ","):
            arguments.append((yield from self._inside(closer)))
        if name == "clip" and _is_descending(*arguments[1:]):
            raise SyntaxProblem("clip(x, low, high) needs low <= high", column)
        return meaning(*arguments)

    def _abstract(self, token: Token) -> Rule:
        """F(x) or F'(x) for a declared function F."""
        _, name, column = token
        stem = name.rstrip("'")
        if stem not in self.symbols.functions:
            what = f"{_shown(name)}: no function {stem[:40]} is declared"
            raise UndeclaredName(f"{what}; write its derivative out", column)
        if law(name) is None:
            raise SyntaxProblem(f"a function has more than {MAX_PRIMES} primes, which is the limit", column)
        self._use(("name", stem, column))
        self._expect("(", f"'(' after the function {name}")
        return make.call(name, (yield from self._inside(")")))

    def _softmax(self) -> Rule:
        """softmax(z)[j] is exp(z[j])/sum(l, exp(z[l])); without [j], of the first free index over the classes.

        What stands in the brackets is read twice, with its families at l and then at j.
        """
        start, column = self.at, self.tokens[self.at - 1][2]
        if self.coordinate:
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
        self.coordinate = index
        inside = yield from self._inside(")")
        self.coordinate = None
        return make.call("exp", inside)

    def _class_index(self, column: int) -> Token:
        """The [j] behind softmax(z), or the first declared index over the classes unless a sum binds its name."""
        if self._accept("["):
            token = self._expect("name", "the name of an index")
            self._expect("]")
        else:
            names = (name for name, over in self.symbols.indices.items() if over == DEFAULT_SIZE)
            token = ("name", next(names, ""), column)
            token = token if token[1] not in self.scope else ("name", "", column)
        if not token[1] or self._index(token).args[1] != DEFAULT_SIZE:
            raise SyntaxProblem(f"softmax needs an index over {DEFAULT_SIZE}: write softmax(z)[k]", column)
        return token

    def _total(self) -> Rule:
        """sum(k, body) or sum(i, m, body); de Bruijn depths are counted here, as sum_over walks each body anew."""
        token = self._expect("name", "the name of an index")
        name, over = token[1], DEFAULT_SIZE
        if name in RESERVED:
            raise SyntaxProblem(f"{name} belongs to the language; choose another index", token[2])
        if name in self.used or name in self.scope:
            self._clash(token, "bound again inside" if name in self.scope else "free elsewhere")
        self.bound.add(name)
        self._expect(",")
        size, comma = self.tokens[self.at : self.at + 2]
        if size[1] in self.symbols.sizes and comma[0] == ",":
            over = self._use(size)
            self.at += 2
        self.scope[name] = len(self.scope), over
        body = yield from self._inside(")")
        del self.scope[name]
        return Term("sum", (over, body), name)

    def _case(self) -> Rule:
        """where(c and d, a, b), which is where(c, where(d, a, b), b)."""
        conditions = yield from self._inside(",", self._conditions())
        inside = yield from self._inside(",")
        outside = yield from self._inside(")")
        for condition in reversed(conditions):
            inside = make.where(condition, inside, outside)
        return inside

    def _conditions(self) -> Rule:
        conditions: list[Term] = []
        while not conditions or self._accept("and"):
            column = self.tokens[self.at][2]
            conditions.append((yield from self.relation()))
            if conditions[-1].args[0] in ("=", "!="):
                raise SyntaxProblem("where needs an inequality (< <= > >=)", column)
        return conditions

    # -- indices and names

    def _delta(self) -> Term:
        column = self.tokens[self.at][2]
        indices = self._indices(")")
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
        stem, mark, suffix = name.partition("_")
        known = OTHER_NAMES.get(stem, "")
        declares_h = known in self.symbols.scalars or known in self.symbols.families
        if not declares_h or any(word in names for names in self.symbols for word in (stem, name)):
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
            return make.index(self._use(token), self.symbols.indices[name])
        known = ", ".join(sorted({*self.scope, *self.symbols.indices}))[:80] or "none"
        raise UndeclaredName(f"{_shown(name)} is no index here; indices: {known}; sum(k, ...) binds one", column)

    def _item(self, token: Token) -> Term:
        """h[k], h[i,k], or the other spelling h_k, h_ik."""
        kind, name, column = token
        families = self.symbols.families
        stem, _, suffix = name.rpartition("_")
        if name in families and self._accept("["):
            indices = self._indices("]")
        elif name not in families and stem in families and suffix and self.tokens[self.at][0] != "[":
            letters = list(suffix) if len(families[stem]) > 1 else [suffix]
            indices = [self._index((kind, letter, column)) for letter in letters]
            name = stem
        else:
            self._unknown(token)
        sizes, given = families[name], tuple(i.args[1] for i in indices)
        if given != sizes:
            found = f"the indices of {name} run over {', '.join(sizes)}, not over {', '.join(given)[:40]}"
            raise SyntaxProblem(f"{found}; sum(i, m, ...) binds one over m", column)
        return make.item(self._use((kind, name, column)), *indices)

    def _use(self, token: Token) -> str:
        if token[1] in self.bound:
            self._clash(token)
        self.used.add(token[1])
        return token[1]

    def _clash(self, token: Token, other: str = "free elsewhere") -> NoReturn:
        raise SyntaxProblem(f"the index {_shown(token[1])} is bound by a sum and {other}; rename one", token[2])

    def _unknown(self, token: Token) -> NoReturn:
        _, name, column = token
        symbols = self.symbols
        if name in symbols.families:
            letters = ",".join("i" if over == "m" else "k" for over in symbols.families[name])
            raise SyntaxProblem(f"{name} has indices: write {name}[{letters}]", column)
        if name in self.scope or name in symbols.indices:
            raise SyntaxProblem(f"{name} is an index, not a number", column)
        if name == "e":
            raise UndeclaredName("unknown name 'e': write exp(1), or e^x", column)
        near = _nearest(name, {*FUNCTIONS, *CONSTANTS, *symbols.scalars, *symbols.families, *symbols.sizes})
        if self.tokens[self.at][0] == "(":
            raise UndeclaredName(f"unknown function {_shown(name)}{near}; known: {', '.join(FUNCTIONS)}", column)
        raise UndeclaredName(f"unknown name {_shown(name)}{near}; declare it: --param {name[:40]}", column)


def _check(symbols: Symbols) -> None:
    """Raises DeriveError where a declared name has another meaning, or no function can have it."""
    scalars, families, indices, sizes, functions = symbols
    taken = [name for names in symbols if not RESERVED.isdisjoint(names) for name in RESERVED.intersection(names)]
    taken += sizes & scalars
    taken += (name for name in functions if any(name in names for names in (scalars, families, indices, sizes)))
    if taken:
        raise DeriveError(f"the name {min(taken)} has a meaning already; choose another")
    if not functions <= ABSTRACT:
        name = min(functions - ABSTRACT)
        raise DeriveError(f"no function can be declared as {name}; choose from {', '.join(sorted(ABSTRACT))}")


def _is_descending(low: Term, high: Term) -> bool:
    return low.kind == high.kind == "num" and bool(low.args[0] > high.args[0])


def _nearest(name: str, known: set[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name[:40], sorted(known), 1)
    return f", did you mean {found[0]}?" if found else ""


# ---- term -> text

_RELATION, _SUM, _PRODUCT, _POWER, _OPERAND = range(5)  # how strongly a text binds
_LETTERS = "klinpqrstuvwabcdfgox"
Scope = tuple[str, ...]  # names of the sums around a term, the innermost first
Piece = str | tuple[Term, int, Scope]  # a text, or a term, how strongly it must bind, and its scope
Shown = tuple[int, list[Piece]]  # how strongly a term binds, and its pieces


def plain(term: Term) -> str:
    """The text of an expression, a relation or an index; ``parse`` turns it into the same term.

    A sum keeps the hint of its index unless another name of the whole text clashes with it.
    """
    printer, texts = _Printer(term), []
    stack: list[Piece] = [(term, _RELATION, ())]
    while stack:
        piece = stack.pop()
        if isinstance(piece, str):
            texts.append(piece)
        else:
            stack.extend(reversed(printer.pieces(*piece)))
    return "".join(texts)


class _Printer:
    """Takes terms apart one level at a time, so that depth costs no recursion; a method for a kind."""

    def __init__(self, whole: Term) -> None:
        self.whole = whole
        self.taken: set[str] = set()  # names that a bound index cannot have; filled at the first sum

    def pieces(self, term: Term, floor: int, scope: Scope) -> list[Piece]:
        strength, pieces = getattr(self, f"_{term.kind}")(term, scope)
        return pieces if strength >= floor else ["(", *pieces, ")"]

    def _var(self, term: Term, scope: Scope) -> Shown:
        return _OPERAND, [scope[term.args[0]] if term.kind == "bound" else term.args[0]]

    _size = _index = _bound = _var

    def _num(self, term: Term, scope: Scope) -> Shown:
        value = term.args[0]
        text = _numeral(abs(value))
        return _PRODUCT if value < 0 or "/" in text else _OPERAND, [*"-"[: value < 0], text]

    def _call(self, term: Term, scope: Scope) -> Shown:
        head, arguments = (term.args[0], term.args[1:]) if term.kind in ("call", "item") else (term.kind, term.args)
        opening, closing = "[]" if term.kind == "item" else "()"
        listed = [piece for argument in arguments for piece in (", ", (argument, _RELATION, scope))]
        return _OPERAND, [head, opening, *listed[1:], closing] if arguments else [head]

    _item = _kron = _where = _call

    def _rel(self, term: Term, scope: Scope) -> Shown:
        op, left, right = term.args
        return _RELATION, [(left, _SUM, scope), f" {op} ", (right, _SUM, scope)]

    def _sum(self, term: Term, scope: Scope) -> Shown:
        over, body = term.args
        name = self._free_name(term.hint, scope)
        opening = f"sum({name}, " if over == DEFAULT_SIZE else f"sum({name}, {over}, "
        return _OPERAND, [opening, (body, _SUM, (name, *scope)), ")"]

    def _add(self, term: Term, scope: Scope) -> Shown:
        pieces = self.pieces(term.args[0], _PRODUCT, scope)
        for argument in term.args[1:]:
            shown = self.pieces(argument, _PRODUCT, scope)
            pieces += [" - ", *shown[1:]] if shown[0] == "-" else [" + ", *shown]
        return _SUM, pieces

    def _pow(self, term: Term, scope: Scope) -> Shown:
        base, exponent = term.args
        if exponent == make.MINUS_ONE and not _is_numeral(base):
            return _PRODUCT, ["1/", (base, _POWER, scope)]
        return _POWER, [(base, _OPERAND, scope), "^", (exponent, _POWER, scope)]

    def _mul(self, term: Term, scope: Scope) -> Shown:
        first, *rest = term.args
        pieces = self._first_factor(first, scope)
        if first == make.MINUS_ONE and rest[0].kind != "num":
            pieces = ["-", *self._first_factor(rest.pop(0), scope)]
        elif _is_inverse(rest[0]) and first.kind == "num" and (first == make.ONE or _is_numeral(rest[0].args[0])):
            pieces += ["*", (rest.pop(0).args[0], _OPERAND, scope), "^(-1)"]  # 1/b and 3/4 mean something else
        for factor in rest:
            divides = _is_inverse(factor) and factor.args[0] != make.ZERO
            pieces += ["/", (factor.args[0], _POWER, scope)] if divides else ["*", (factor, _POWER, scope)]
        return _PRODUCT, pieces

    def _first_factor(self, factor: Term, scope: Scope) -> list[Piece]:
        """A number or 1/b begins a product without brackets."""
        return self.pieces(factor, _PRODUCT if factor.kind in ("num", "pow") else _POWER, scope)

    def _free_name(self, hint: str, scope: Scope) -> str:
        self.taken = self.taken or _occupied(self.whole)
        named = [hint] if hint.isidentifier() and hint.isascii() else []
        names = chain(named, _LETTERS, (f"k{n}" for n in count(1)))
        return next(name for name in names if name not in self.taken and name not in scope)


def _is_inverse(term: Term) -> bool:
    return term.kind == "pow" and bool(term.args[1] == make.MINUS_ONE)


def _is_numeral(term: Term) -> bool:
    return term.kind == "num" and bool(term.args[0].q == 1 and term.args[0] >= 0)


def _occupied(term: Term) -> set[str]:
    """The words of the language and every name of the term but those of bound indices."""
    stack, found = [term], {*RESERVED}
    while stack:
        node = stack.pop()
        found.update(a.rstrip("'") for a in node.args if isinstance(a, str))
        stack.extend(a for a in node.args if isinstance(a, Term))
    return found


def _numeral(value: fmpq) -> str:
    """Digits, or p/q, or an exponent where the digits would be more than a numeral may have."""
    if max(len(str(value.p)), len(str(value.q))) <= MAX_DIGITS:
        return str(value)
    scaled = value * fmpq(10) ** MAX_EXPONENT
    digits = str(scaled.p)
    zeros = min(len(digits) - len(digits.rstrip("0")), 2 * MAX_EXPONENT)
    return f"{digits[: len(digits) - zeros]}e{zeros - MAX_EXPONENT}" if scaled.q == 1 else str(value)
