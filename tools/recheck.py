"""Checks certificates again by another method than the kernel's, numbers in place of normal forms; shares no code.

Each statement of a certificate is evaluated in balls of 500 bits (python-flint) at random and chosen points that fulfil
its hypotheses, and compared with the Taylor series of J and h as defined, sums written out for sizes 1 to 5. Rewritings
are also checked exactly in towers of prime fields (Gonnet 1984): exp(a) is g^a, a taken in the field of size (p - 1)/2;
log, erf and atan of new arguments are new unknowns. Exit 0 if all agree, 1 if one does not or is not covered, 2 for no
files. Agreement at random points is no proof, but an error would have to hide from every one of them.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import operator
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, reduce
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from flint import arb, arb_series, ctx, fmpq

Node = tuple[Any, ...]
Env = dict[str, Any]
Cell = tuple[int, ...]
TINY, SHARP, DIGITS = arb(2) ** -200, arb(2) ** -380, arb(10) ** -12  # wider than SHARP, a ball says nothing
TOWERS = (190877025572408789, 248340498564519689)  # primes, and so are 2q + 1, 4q + 3, 8q + 7, 16q + 15
SIGNS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "=": "eq", "!=": "ne"}
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
CALLS = {name: operator.methodcaller(name) for name in ("exp", "log", "atan", "sin", "cos", "erf")}
MACROS = {
    "sigmoid": "1/(1 + exp(-x))",
    "tanh": "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "cosh": "(exp(x) + exp(-x))/2",
    "sinh": "(exp(x) - exp(-x))/2",
    "softplus": "log(1 + exp(x))",
    "sqrt": "x^(1/2)",
    "Phi": "1/2 + erf(x/2^(1/2))/2",
    "phi": "exp(-x^2/2)/(2*pi)^(1/2)",
    "abs": "where(x > 0, x, -x)",
}


class Unknown(Exception):
    """Something that this program does not cover: no statement, and never a confirmation."""


# ---- the plain language, as nested tuples of numbers, variables, +, *, ^, relations and calls


@cache
def parse(text: str) -> Node:
    """Its grammar is Python's but for ^, = and the name lambda; nothing is evaluated."""
    python = re.sub(r"(?<![<>!])=", "==", text.replace("^", "**").replace("lambda", "lambda_"))
    try:
        return tree(ast.parse(python.strip(), mode="eval").body)
    except SyntaxError as error:
        raise Unknown(f"cannot read {text}") from error


def tree(node: ast.AST) -> Node:
    match node:
        case ast.Constant(value=int() | float() as number):
            return ("num", Fraction(repr(number)))
        case ast.Name(id=name):
            return ("pi",) if name == "pi" else ("size", name) if name in "Km" else ("at", name.removesuffix("_"), ())
        case ast.UnaryOp(op=ast.USub(), operand=one):
            return times(("num", Fraction(-1)), tree(one))
        case ast.BinOp(left=left, op=sign, right=right):
            return JOINED[type(sign)](tree(left), tree(right))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            symbol = {"NotEq": "!=", "Eq": "=", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">="}[type(sign).__name__]
            return (symbol, tree(left), tree(right))
        case ast.Subscript(value=ast.Name(id=name), slice=places):
            listed = places.elts if isinstance(places, ast.Tuple) else [places]
            return ("at", name, tuple(p.id if isinstance(p, ast.Name) else ast.literal_eval(p) for p in listed))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            found = [tree(a) for a in arguments]
            if name == "sum":
                return ("sum", found[0][1], found[1][1] if len(found) == 3 else "K", found[-1])
            if name == "kron":
                return ("kron", found[0][1], found[1][1])
            return put(parse(MACROS[name]), found[0]) if name in MACROS else (name, *found)
    raise Unknown(f"cannot read {ast.dump(node)}")


def times(one: Node, other: Node) -> Node:
    return ("num", one[1] * other[1]) if one[0] == other[0] == "num" else ("*", one, other)


def inverse(node: Node) -> Node:
    return ("num", 1 / node[1]) if node[0] == "num" and node[1] else ("^", node, ("num", Fraction(-1)))


def minus(one: Node, other: Node) -> Node:
    return ("+", one, times(("num", Fraction(-1)), other))


JOINED: dict[type, Callable[[Node, Node], Node]] = {
    ast.Add: lambda one, other: ("+", one, other),
    ast.Sub: minus,
    ast.Mult: times,
    ast.Div: lambda one, other: times(one, inverse(other)),
    ast.Pow: lambda one, other: ("^", one, other),
}


def put(node: Node, argument: Node) -> Node:
    return argument if node == ("at", "x", ()) else tuple(put(n, argument) if type(n) is tuple else n for n in node)


def parts(node: Node) -> Iterator[Node]:
    yield node
    yield from itertools.chain.from_iterable(parts(inner) for inner in node[1:] if isinstance(inner, tuple))


def names(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]\w*", text))


# ---- balls, and Taylor series of three balls; a nan is "undefined" or "the balls cannot tell"


def ball(number: Fraction | int) -> arb:
    return arb(fmpq(Fraction(number).numerator, Fraction(number).denominator))


def taylor(x: Any, n: int = 0) -> arb:
    return x[n] if isinstance(x, arb_series) else x if n == 0 else arb(0)


def common(one: Any, other: Any) -> Any:
    """What two values of the same thing say together: nan from the first Taylor coefficient on in which they differ."""
    pairs = [(taylor(one, n), taylor(other, n)) for n in range(3)]
    kept = [a for a, _ in itertools.takewhile(lambda pair: pair[0].overlaps(pair[1]), pairs)]
    return arb_series(kept + [arb("nan")] * (3 - len(kept)))


def holds(sign: str, gap: arb) -> bool | None:
    """Is gap ``sign`` 0? None where the ball cannot tell."""
    certain = [getattr(operator, SIGNS[s])(gap, 0) for s in (sign, OPPOSITE[sign])]
    return bool(certain[0]) if any(certain) else None


def raised(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, arb) and exponent.is_integer() and abs(exponent) < 99:
        found = reduce(operator.mul, [base] * abs(int(exponent.unique_fmpz())), arb(1))
        return 1 / found if exponent < 0 else found
    return (exponent * base.log()).exp()


BINARY: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "*": operator.mul, "^": raised}


def compiled(node: Node) -> Callable[[Env], Any]:
    """The value of ``node`` in an environment of balls, series and indices; nan or ValueError where it is undefined."""
    inner = [compiled(n) for n in node[1:] if isinstance(n, tuple) and n and isinstance(n[0], str) and node[0] != "at"]
    match node:
        case ("num", number):
            fixed = ball(number)
            return lambda e: fixed
        case ("pi",):
            return lambda e: arb.pi()
        case ("size", name):
            return lambda e: arb(e[name])
        case ("at", name, places):
            return lambda e: e[name][tuple(e.get(i, i) for i in places)]
        case ("sum", index, size, _):
            return lambda e: sum((inner[0]({**e, index: n}) for n in range(1, e[size] + 1)), arb(0))
        case ("kron", one, other):
            return lambda e: arb(int(e[one] == e[other]))
        case ("where", (sign, _, _), _, _) if sign in SIGNS:
            return lambda e: branch(sign, *inner, e)
        case (sign, left, right) if sign in SIGNS:
            return compiled(minus(left, right))
        case (sign, _, _) if sign in BINARY:
            return lambda e: BINARY[sign](inner[0](e), inner[1](e))
        case (name, _) if name in CALLS:
            return lambda e: CALLS[name](inner[0](e))
    raise Unknown(f"{node[0]} is not covered")


def branch(sign: str, gap: Callable[[Env], Any], yes: Callable[[Env], Any], no: Callable[[Env], Any], env: Env) -> Any:
    """The branch taken; where branches meet, the one on the env["side"] (+1 or -1) of the variable that moves."""
    found = gap(env)
    slope, said = taylor(found, 1) * env["side"], holds(sign, taylor(found))
    if taylor(found).overlaps(arb(0)) and (slope > 0 or slope < 0):
        said = holds(sign, slope)
    return common(yes(env), no(env)) if said is None else yes(env) if said else no(env)


@cache
def code(text: str) -> Callable[[Env], Any]:
    return compiled(parse(text))


def value(text: str, env: Env) -> Any:
    """Of a relation, left side minus right side."""
    try:
        return code(text)(env)
    except (ValueError, ZeroDivisionError):
        return arb("nan")


def relation(text: str, env: Env) -> bool | None:
    """Does it hold here for all values of its free indices? None where a ball cannot tell."""
    free = [i for i in env["indices"] if i in names(text)]
    choices = itertools.product(*(range(1, env[env["indices"][i]] + 1) for i in free))
    said = {holds(parse(text)[0], taylor(value(text, {**env, **dict(zip(free, c, strict=True))}))) for c in choices}
    return False if False in said else None if None in said else True


def fulfils(env: Env, hypotheses: tuple[str, ...]) -> bool:
    """Certainly; of an equation, for which a target was solved, only that nothing speaks against it."""
    return all(relation(t, env) or (parse(t)[0] == "=" and relation(t, env) is None) for t in hypotheses)


def same(one: arb, other: arb, sharp: arb = SHARP) -> bool:
    """Both defined and equal, as far as balls go that are narrow enough for that to mean something."""
    return bool(abs(one - other) < sharp * (1 + abs(one) + abs(other)))


class Tower:
    """The variables at random in fields of p, 2p + 1, ... elements; of functions, only laws are known."""

    def __init__(self, case: Case, start: int, equations: list[Node]) -> None:
        self.case, self.equations, self.memory = case, equations, dict[Any, int]()
        self.primes = [(start + 1) * 2**level - 1 for level in range(5)]

    def unknown(self, *key: Any) -> int:
        """A random square, the same for the same key; keys start with the level."""
        if key not in self.memory:
            self.memory[key] = pow(self.case.random.randrange(2, self.primes[key[0]]), 2, self.primes[key[0]])
        return self.memory[key]

    def opened(self, node: Node, env: Env) -> tuple[Node, Env]:
        """h by its definition, a branch for where (as the balls in ``env`` say), a number for a target that has one."""
        if node[0] == "at" and node[1] == "h" and not env["free"]:
            cell = tuple(env.get(i, i) for i in node[2])
            return self.opened(parse(self.case.statement["activation"]), {**env, **self.case.bound("h", cell)})
        if node[0] == "where":
            return self.opened(node[2] if holds(node[1][0], taylor(compiled(node[1])(env))) else node[3], env)
        fixed = [right for _, left, right in self.equations if node[0] == "at" and left[:2] == node[:2]]
        return (fixed or [node])[0], env

    def variable(self, name: str, cell: Cell, level: int, env: Env) -> int:
        """Squares are what is positive; the last target makes up for a sum that is given."""
        for _, left, right in self.equations:
            if name == "y" and cell == (env["K"],) and left[0] == "sum" and left[3][:2] == ("at", "y"):
                others = [self.unknown(level, name, (n,)) for n in range(1, env["K"])]
                return self.at(right, level, env) - sum(others)
        return self.unknown(level, name, cell) * (-1 if env[name][cell] < 0 else 1)

    def at(self, node: Node, level: int, env: Env) -> int:
        """The value of ``node`` in the field ``level``; ValueError where this choice of values has none."""
        if level < 0:
            raise Unknown("exp in exp in exp ...")
        p, (node, env) = self.primes[level], self.opened(node, env)
        inner = [self.at(n, level, env) for n in node[1:] if node[0] in ("+", "*", "exp", "log", "erf", "atan")]
        match node:
            case ("num", number):
                return int(number.numerator * pow(number.denominator, -1, p) % p)
            case ("at", name, places):
                return self.variable(name, tuple(env.get(i, i) for i in places), level, env) % p
            case ("pi",):
                return self.unknown(level, "pi")
            case ("size", name):
                return int(env[name])
            case ("sum", index, size, body):
                return sum(self.at(body, level, {**env, index: n}) for n in range(1, env[size] + 1)) % p
            case ("kron", one, other):
                return int(env[one] == env[other])
            case ("^", base, exponent):
                number, raised_to = self.at(base, level, env), self.opened(exponent, env)[0]
                if raised_to[0] == "num" and raised_to[1].denominator == 1:
                    return pow(number, int(raised_to[1]), p)
                if pow(number, p // 2, p) != 1:
                    raise ValueError("what is positive must be a square")
                return pow(number, self.at(exponent, level - 1, env), p)
            case ("+" | "*" as sign, _, _):
                return int(BINARY[sign](*inner) % p)
            case ("exp", one):
                found = pow(self.unknown(level, "e"), self.at(one, level - 1, env), p)
                self.memory[level, "log", min(found, p - found)] = inner[0]
                return found
            case ("log", _):  # of the absolute value, and of 1/x it is -log(x)
                x, flipped = (min(n, p - n) for n in (inner[0], pow(inner[0], -1, p)))
                sign, x = (1, x) if (level, "log", x) in self.memory or x < flipped else (-1, flipped)
                return sign * self.unknown(level, "log", x) * (x != 1) % p
            case ("erf" | "atan" as name, _):
                x = min(inner[0], p - inner[0])
                return self.unknown(level, name, x) * (0 if x == 0 else 1 if x == inner[0] else -1) % p
        raise Unknown(node[0])


class Case:
    """A certificate, and the points at which it is looked at; the random numbers are the same in every run."""

    def __init__(self, data: dict[str, Any]) -> None:
        if data["schema"] != "derive-certificate/2":
            raise Unknown(f"schema {data['schema']}")
        self.data, self.statement, self.verdict = data, data["statement"], data["verdict"]
        self.indices, families = data["symbols"]["indices"], data["symbols"]["families"]
        self.shapes = {s: () for s in data["symbols"]["scalars"] if s != "J"} | families
        places = (("z", "preactivation"), ("h", "output"), ("y", "target"))
        self.places, self.vector = {n: parse(self.statement[field])[2] for n, field in places}, bool(families)
        self.claim = "h{0} - y{0}".format(self.statement["preactivation"][1:])
        self.random, self.pools = random.Random(data["pair"]), dict[Any, list[Env]]()
        self.problems, self.count = list[str](), Counter[str]()
        self.small = {"z": itertools.cycle((0, 1, -1, 3, -3)), "y": itertools.cycle((1, 0, -1))}
        conditions = [node[1] for node in parts(parse(self.statement["cost"])) if node[:1] == ("where",)]
        self.borders = [compiled(c) for c in conditions if "'y'" in repr(c)]

    def bound(self, name: str, cell: Cell) -> Env:
        return dict(zip(self.places[name], cell, strict=True))

    def cell(self, name: str, env: Env) -> Cell:
        return tuple(env[i] for i in self.places[name])

    def draw(self, name: str, hypotheses: tuple[str, ...]) -> arb:
        """A random rational in the interval that the hypotheses leave to a name."""
        low, high = [], []
        for sign, left, right in map(parse, hypotheses):
            for one, other, side in (
                (left, right, low if sign[0] == ">" else high),
                (right, left, high if sign[0] == ">" else low),
            ):
                if one[:2] == ("at", name) and other[0] == "num" and sign[0] in "<>":
                    side.append(other[1])
        part = Fraction(self.random.randint(100, 900), 997)
        if low and high:
            return ball(max(low) + (min(high) - max(low)) * part)
        ends = [max(low) + 2 * part] if low else [min(high) - 2 * part] if high else [-3 * part, -part, part, 3 * part]
        return ball(self.random.choice(ends))

    def point(self, hypotheses: tuple[str, ...], size: int, free: bool = False, special: bool = False) -> Env:
        """A point, with h by its definition or free; ``special`` ones lie on borders and at small integers."""
        env: Env = {"K": size, "m": size, "indices": self.indices, "free": free, "special": special, "side": 1}
        env |= {i: self.random.randint(1, size) for i in self.indices}
        for name, shape in self.shapes.items():
            cells = itertools.product(*(range(1, env[n] + 1) for n in shape))
            env[name] = {cell: self.draw(name, hypotheses) for cell in cells}
        for name in ("z", "y") if special else ():
            env[name][self.cell(name, env)] = arb(next(self.small[name]))
        self.complete(env, hypotheses)
        if special and self.borders and self.random.random() < 0.7:
            self.solve(self.random.choice(self.borders), env, "y", self.cell("y", env))
        return env

    def complete(self, env: Env, hypotheses: tuple[str, ...] = ()) -> Env:
        """Puts h, and the targets that equations among the hypotheses fix."""
        if not env["free"]:
            cells = {c: {**env, **self.bound("h", c)} for c in env["h"] or env["z"]}
            env["h"] = {c: value(self.statement["activation"], inner) for c, inner in cells.items()}
        for text in [text for text in hypotheses if parse(text)[0] == "="]:
            others = [c for c in env["y"] if c != self.cell("y", env)]
            for cell in env["y"] if parse(text)[1][0] == "at" else [[*env["y"], *others][-1]]:
                self.solve(code(text), {**env, **self.bound("y", cell)}, "y", cell)
        return env

    def solve(self, gap: Callable[[Env], Any], env: Env, name: str, cell: Cell) -> None:
        """Moves one number to where ``gap``, linear in it, is 0."""
        zero, one = (taylor(gap({**env, name: {**env[name], cell: arb(n)}})) for n in (0, 1))
        root = zero / (zero - one)
        env[name][cell] = root if root.is_finite() else arb(1)

    def sided(self, text: str, env: Env) -> Any:
        """The Taylor series as z, or a free h, moves: what is common to both sides."""
        name, found = "h" if env["free"] else "z", []
        cell = self.cell(name, env)
        for side in (1, -1) if env["special"] else (1,):
            moved = {**env, "side": side, name: {**env[name], cell: arb_series([env[name][cell], arb(1)])}}
            found.append(value(text, self.complete(moved)))
        return common(found[0], found[-1])

    def truths(self, env: Env) -> dict[str, arb]:
        """What J and h are at this point, and their derivatives, from the definitions alone."""
        if "truths" not in env:
            cost, h = (self.sided(self.statement[name], env) for name in ("cost", "output"))
            env["truths"] = {"J": cost[0], "h": h[0], "dJ/dh" if env["free"] else "dJ/dz": cost[1]}
            env["truths"] |= {"dh/dz": h[1], "d2J/dz2": 2 * cost[2]}
        return dict(env["truths"])

    def points(self, hypotheses: tuple[str, ...], free: bool = False) -> list[Env]:
        """Points at which all hypotheses certainly hold, and about which nothing else is known."""
        key = (frozenset(hypotheses), free)
        for tries in (60, 3000) if key not in self.pools else ():
            found = self.pools.setdefault(key, [])
            for size, special in (
                itertools.product(range(1, 6) if self.vector else (1,), (False, True)) if not found else ()
            ):
                drawn = (self.point(hypotheses, size, free, special) for _ in range(tries))
                good = (env for env in drawn if fulfils(env, hypotheses))
                found += itertools.islice(good, 2 if self.vector else 5)
        self.demand(self.pools[key], f"no point where {', '.join(hypotheses)}")
        return self.pools[key]

    def demand(self, good: object, otherwise: str, env: Env | None = None) -> None:
        if not good:
            cells = {n: env[n] for n in ("K", *self.indices, *self.shapes)} if env else {}
            at = {n: [x.str(6) for x in v.values()] if isinstance(v, dict) else v for n, v in cells.items()}
            self.problems.append(f"{otherwise} at {at}" if env else otherwise)

    def agree(self, what: str, text: str, subject: str, points: list[Env]) -> None:
        for env in points:
            if env["special"] and subject in ("J", "h"):
                continue  # where branches meet, a ball cannot tell which one defines J
            self.count["values"] += 1
            truth, found = self.truths(env)[subject], taylor(value(text, env))
            found = taylor(self.sided(text, env)) if env["special"] and not found.is_finite() else found
            self.demand(same(found, truth), f"{what}: {subject} = {truth.str(9)}, not {found.str(9)}", env)

    def steps(self) -> None:
        subjects, values = dict[int, str](), {step["n"]: step["value"] for step in self.data["steps"]}
        for step in self.data["steps"]:
            n, rule, sources = step["n"], step["rule"], [subjects.get(n, "") for n in step["from"]]
            if sources not in RULES.get(rule, [[], ""])[0]:
                return self.demand(False, f"step {n}: {rule} from {sources}")
            subject = subjects[n] = RULES[rule][1] or sources[0]
            points = self.points(tuple(step["hypotheses"]), subject in ("J", "dJ/dh"))
            self.agree(f"step {n} ({rule})", step["value"], subject, points)
            if rule in ("rewrite", "unfold", "condition"):
                equations = [node for node in map(parse, step["hypotheses"]) if node[0] == "="]
                usual = [env for env in points if not env["special"] and env["K"] < 4]
                for env, start in zip(usual[-2:], TOWERS, strict=False):
                    self.count[self.exactly(values[step["from"][0]], step["value"], env, start, equations)] += 1
            for claim in [c for o in step["obligations"] for c in (o["claim"], *o["facts"])]:
                for env in points[:3]:
                    self.demand(relation(claim, env) is not False, f"step {n}: not {claim}", env)
        started = [values.get(1), values.get(2)] == [self.statement["cost"], self.statement["activation"]]
        self.demand(started, "the steps start from other definitions")

    def exactly(self, one: str, other: str, env: Env, start: int, equations: list[Node]) -> str:
        """Are both the same in the fields? If not, these may lack a law: it is counted, and left to the balls."""
        for _ in range(100):
            tower = Tower(self, start, equations)
            try:
                return "exact" if tower.at(parse(one), 4, env) == tower.at(parse(other), 4, env) else "balls only"
            except ValueError:
                continue
            except Unknown:
                break
        return "balls only"

    def judged(self) -> None:
        """The verdict: its values, kinds, kinks and points."""
        s, verdict, off = self.statement, self.verdict, tuple(self.verdict["exclusions"])
        domain = (*s["activation_domain"], *s["parameters"], *(t for t in s["targets"] if parse(t)[0] != "="))
        equations = tuple({t: 0 for t in (*s["targets"], *verdict["conditions"]) if parse(t)[0] == "="})
        for region in ({**verdict, "where": []}, *verdict["regions"]):
            where = domain + off + tuple(region["where"])
            self.agree("delta", region["delta"], "dJ/dz", self.points(where))
            fixed = any(parse(text)[0] == "=" for text in region["where"])
            self.kind(region["kind"], region["factor"], where if fixed else where + equations)
        if verdict["hessian"] is not None:
            self.agree(
                "hessian", verdict["hessian"], "d2J/dz2", self.points(domain + tuple(verdict["hessian_exclusions"]))
            )
        for env, text in itertools.product(self.points(domain), s["loss_domain"]):
            self.demand(relation(text, env), f"not certainly {text}", env)
        for kink in verdict["kinks"]:
            self.kink(kink, domain)
        for name, stated in self.data["points"].items():
            self.named(name, stated, domain)
        wanted = {"inside", "witness"} if verdict["conditions"] else {"inside"}
        self.demand(
            (wanted if verdict["answer"] == "yes" else {"witness"}) <= {*self.data["points"]}, "a point is missing"
        )
        self.demand((verdict["answer"] == "yes") == (verdict["kind"] == "cancels"), "answer and kind differ")

    def kind(self, kind: str | None, factor: str | None, hypotheses: tuple[str, ...]) -> None:
        """The factor, and what becomes of dJ/dz beside h = y where the hypotheses reach it."""
        if kind == "cancels" or factor is not None:
            apart = [e for e in self.points(hypotheses) if not taylor(value(self.claim, e)).overlaps(arb(0))]
            self.agree(f"{kind}", f"({factor or 1})*({self.claim})", "dJ/dz", apart)
        self.demand(kind != "multiple" or not names(factor or "z") & {"z", "h", "y"}, f"the factor {factor} varies")
        beside = [self.point(hypotheses, 3 if self.vector else 1) for _ in range(12 if kind else 0)]
        for env in beside:
            env |= self.bound("y", self.cell("z", env))
            env["y"][self.cell("y", env)] = env["h"][self.cell("z", env)] + self.random.choice((-1, 1)) * TINY
            self.complete(env, hypotheses)
        slopes = [abs(self.truths(env)["dJ/dz"]) for env in beside if fulfils(env, hypotheses)]
        good = any if kind == "other" else all
        self.demand(not slopes or good((x > TINY.sqrt()) == (kind == "other") for x in slopes), f"{kind}: beside h = y")

    def kink(self, kink: dict[str, Any], domain: tuple[str, ...]) -> None:
        """The stated limits of dJ/dz against dJ/dz close by, on either side of points of the border."""
        moved, seen = "y" if "y" in names(kink["at"]) else "z", 0
        for step in [TINY, -TINY] * 20 if kink["left"] is not None else ():
            env = self.point(domain, 1)
            self.solve(code(kink["at"]), env, moved, ())
            env[moved][()] += step
            self.complete(env)
            if all(relation(text, env) for text in domain):
                sides = [side for side in ("left", "right") if relation(kink[f"{side}_where"], env)]
                stated, seen = taylor(value(kink[sides[0]], env)) if len(sides) == 1 else arb("nan"), seen + 1
                self.demand(same(stated, self.truths(env)["dJ/dz"], TINY.sqrt()), f"kink {kink['at']}: {sides}", env)
        self.demand(seen or kink["left"] is None, f"kink at {kink['at']}: not reached")

    def read(self, point: dict[str, str]) -> Env:
        """A point as certificates write it."""
        env: Env = {n: int(point.get(n, point.get("j", 1))) for n in ("K", "m", *self.indices)}
        env |= {"indices": self.indices, "free": False, "special": True, "side": 1} | {n: {} for n in self.shapes}
        for text in sorted(point, key=lambda text: text[0] == "y"):  # a target may be given by h
            if text[0] == "y" and not env["h"]:
                self.complete(env)
            if text.partition("[")[0] in self.shapes:
                env[parse(text)[1]][parse(text)[2]] = taylor(value(point[text], env))
        return self.complete(env)

    def named(self, name: str, stated: dict[str, Any], domain: tuple[str, ...]) -> None:
        """The points of the file: in the domain, with the stated values, and showing what they are there to show."""
        point, yes, conditions = stated["point"], self.verdict["answer"] == "yes", self.verdict["conditions"]
        env = self.read(point)
        delta, claim = self.truths(env)["dJ/dz"], taylor(value(self.claim, env))
        for text, found in (("delta", delta), ("claim", claim)):
            right = not stated[text] or same(ball(Fraction(stated[text])), found, DIGITS)
            self.demand(right, f"{name}: {text} is {found.str(12)}, not {stated[text]}")
        shown = delta.is_finite() and bool(delta.overlaps(claim)) is (name == "inside")
        self.demand(shown or (name.startswith("border") and not stated["delta"]), f"{name}: {delta} against {claim}")
        breaks = yes and name == "witness"
        needed = (*domain, *(() if breaks else (*self.statement["targets"], *conditions)))
        self.demand(all(relation(t, env) is not False for t in needed), f"{name}: outside the domain")
        self.demand(not breaks or False in [relation(t, env) for t in conditions], f"{name}: breaks no condition")


KEPT = [[s] for s in ("dJ/dh", "dh/dz", "dJ/dz", "d2J/dz2")]
RULES: dict[str, Any] = {
    **dict.fromkeys(("rewrite", "unfold", "condition"), (KEPT, "")),
    **dict.fromkeys(("cases", "join"), ([s * 2 for s in KEPT], "")),
    "cost": ([[]], "J"),
    "output": ([[]], "h"),
    "differentiate-loss": ([[]], "dJ/dh"),
    "differentiate-activation": ([[]], "dh/dz"),
    "chain": ([["dJ/dh", "dh/dz"]], "dJ/dz"),
    "total": ([["dJ/dh", "dh/dz"]], "dJ/dz"),
    "second": ([["dJ/dz", "dh/dz"]], "d2J/dz2"),
}


def check(path: str) -> dict[str, Any]:
    """What is wrong with the certificate in this file, and how much of it was looked at."""
    ctx.prec, ctx.cap = 500, 3
    problems, count = list[str](), Counter[str]()
    try:
        case = Case(json.loads(Path(path).read_text()))
        problems, count = case.problems, case.count
        case.steps()
        case.judged()
    except (Unknown, OSError, LookupError, TypeError, ValueError) as error:
        problems.append(f"not covered: {type(error).__name__} {error}")
    return {"file": path, "problems": problems, **count}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", help="certificates, or folders of them")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("--processes", type=int, default=None, help="default: one a CPU")
    options = parser.parse_args()
    paths = [Path(path) for path in options.paths]
    files = [str(f) for path in paths for f in (sorted(path.rglob("*-*.json")) if path.is_dir() else [path])]
    with Pool(options.processes) as pool:
        found = pool.map(check, files, chunksize=4)
    total = Counter[str]()
    for result in found:
        total.update({name: result[name] for name in ("values", "exact", "balls only") if name in result})
    wrong = sum(bool(result["problems"]) for result in found)
    if options.json:
        print(json.dumps({"files": found, "wrong": wrong, **total}))
    for result in found if not options.json else ():
        print(f"{Path(result['file']).stem}: {result['problems'][0] if result['problems'] else 'agrees'}")
    if not options.json:
        print(f"{len(files) - wrong} of {len(files)} certificates agree; {dict(total)}")
    return 2 if not files else 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
