"""Checks certificates again by another method than the kernel's, numbers in place of normal forms; shares no code.

Each statement of a certificate is evaluated in balls of 500 bits (python-flint) at random and chosen points that fulfil
its hypotheses, and compared with the Taylor series of J and h as defined, sums written out for sizes 1 to 5. Rewritings
are also checked exactly in towers of prime fields (Gonnet 1984): exp(a) is g^a, a taken in the field of size (p - 1)/2;
log, erf and atan of new arguments are new unknowns. Agreement at random points is no proof, but an error would have to
hide from every one of them. Exit code 1 if one does not agree or is not covered, 2 for no files.
"""

from __future__ import annotations

import ast
import json
import operator
import random
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import cache, reduce
from itertools import cycle, islice, product
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from flint import arb, arb_series, ctx, fmpq

Env = dict[str, Any]  # values: balls, Taylor series of three balls, numbers in fields; a nan says nothing
TINY, SHARP, DIGITS = arb(2) ** -200, arb(2) ** -380, arb(10) ** -12  # wider than SHARP, a ball says nothing
NEAR, NAN, SCALAR, COUNTED = TINY.sqrt(), arb("nan"), (), ("values", "exact", "balls only")
TOWERS = (190877025572408789, 248340498564519689)  # primes, and so are 2q + 1, 4q + 3, 8q + 7, 16q + 15
LESS, MORE, SAME = (operator.lt, operator.ge), (operator.gt, operator.le), (operator.eq, operator.ne)
RELATIONS: dict[Any, Any] = {ast.Lt: LESS, ast.LtE: MORE[::-1], ast.Gt: MORE, ast.GtE: LESS[::-1]}
RELATIONS |= {ast.Eq: SAME, ast.NotEq: SAME[::-1]}  # and what holds where they do not
BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.Pow: "pow"}
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
RULES: Any = {"cost": ["J"], "output": ["h"], "differentiate-loss": ["dJ/dh"], "differentiate-activation": ["dh/dz"]}
RULES |= dict.fromkeys(("chain", "total"), ("dJ/dz", "dJ/dh", "dh/dz")) | {"second": ("d2J/dz2", "dJ/dz", "dh/dz")}
KEEPS = {"rewrite": 1, "unfold": 1, "condition": 1, "cases": 2, "join": 2}  # rules of so many steps about the same
ball = cache(lambda number: arb(fmpq(number.numerator, number.denominator)))


def taylor(x: Any, n: int = 0) -> arb:
    return x[n] if isinstance(x, arb_series) else arb(0) if n else getattr(x, "ball", x)


def same(one: arb, other: arb, sharp: arb = SHARP) -> bool:
    """Both defined and equal, as far as balls go that are narrow enough for that to mean something."""
    return bool(abs(one - other) < sharp * (1 + abs(one) + abs(other)))


def holds(sign: type[ast.AST], gap: arb) -> bool | None:
    yes, no = (test(gap, 0) for test in RELATIONS[sign])  # neither, where the ball cannot tell
    return bool(yes) if yes or no else None


class Tower(dict[Any, int]):
    """Fields of p, 2p + 1, ... elements, below p the last (exp in exp in ...); random squares in each, by keys."""

    def __init__(self, start: int, source: random.Random) -> None:
        self.random, self.primes = source, [(start + 1) * 2**level - 1 for level in range(5)]

    def __missing__(self, key: Any) -> int:
        return self.setdefault(key, pow(self.random.randrange(2, self.primes[key[0]]), 2, self.primes[key[0]]))

    def number(self, number: Fraction | int) -> Exact:
        return Exact(self, ball(number), lambda n, p: number.numerator * pow(number.denominator, -1, p))

    def variable(self, name: str, cell: Any, x: arb) -> Exact:  # squares are what is positive
        return Exact(self, x, lambda n, p: self[n, name, cell] * (-1 if x < 0 else 1))


def lifted(op: Callable[..., Any]) -> Callable[..., Exact]:
    return lambda *xs: Exact(xs[0].tower, op(*(x.ball for x in xs)), lambda n, p: op(*(x.at(n) for x in xs)))


class Exact:
    """A ball, and what stands for it in the fields, if anything does: of functions, only laws are known."""

    def __init__(self, tower: Tower, ball: arb, at: Callable[[int, int], int]) -> None:
        self.tower, self.ball = tower, ball
        self.at = cache(lambda n: at(n, tower.primes[n]) % tower.primes[n])

    __add__, __sub__, __mul__, __neg__ = map(lifted, (operator.add, operator.sub, operator.mul, operator.neg))

    def __getattr__(self, name: str) -> Callable[[], Exact]:  # exp, log, erf, atan
        return lambda: Exact(self.tower, getattr(self.ball, name)(), lambda n, p: self.law(name, n, p))

    def __truediv__(self, other: Exact) -> Exact:
        return Exact(self.tower, self.ball / other.ball, lambda n, p: self.at(n) * pow(other.at(n), -1, p))

    def __pow__(self, exponent: Exact) -> Exact:
        def at(n: int, p: int) -> int:
            if pow(self.at(n), p // 2, p) != 1:
                raise ValueError("what is positive must be a square")
            return pow(self.at(n), exponent.at(n - 1), p)

        return Exact(self.tower, self.ball**exponent.ball, at)

    def law(self, name: str, n: int, p: int) -> int:
        """log(exp(a)) = a, log(1/x) = -log(x), of absolute values; erf(-x) = -erf(x), and so atan."""
        x, tower = self.at(n), self.tower
        if name == "exp":
            found = pow(tower[n, "e"], self.at(n - 1), p)
            tower[n, "log", min(found, p - found)] = x
            return found
        pair = [min(a, p - a) for a in (x, pow(x, -1, p))] if name == "log" else [x, -x % p]
        kept = min(pair, key=lambda a: ((n, name, a) not in tower, a))
        return 0 if pair[0] == pair[1] else tower[n, name, kept] if kept == pair[0] else -tower[n, name, kept]


python = cache(lambda text: re.sub(r"(?<![<>!])=", "==", text.replace("^", "**").replace("lambda", "lambda_")).strip())
read = cache(lambda text: ast.parse(python(text), mode="eval").body)
code = cache(lambda text: compiled(read(text)))
sign = cache(lambda text: type(read(text).ops[0]))
names = cache(lambda text: set(re.findall(r"[A-Za-z]\w*", text)))


def compiled(node: Any) -> Callable[[Env], Any]:
    """The value of ``node``, of a relation left side minus right side, from those of the names; no Python is run."""
    fields = [getattr(node, field) for field in ("left", "right", "operand") if hasattr(node, field)]
    inner = [compiled(n) for n in (*fields, *getattr(node, "comparators", ()), *getattr(node, "args", ()))]
    match node:
        case ast.Constant(value=int() | float() as number):
            exact, fixed = Fraction(repr(number)), ball(Fraction(repr(number)))
            return lambda e: fixed if e["number"] is ball else e["number"](exact)
        case ast.Name(id=name):
            return lambda e: e["number"](e[name]) if name == "K" else e[name.removesuffix("_")][SCALAR]
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=i) | ast.Constant(value=i)):
            return lambda e: e[name][(e.get(i, i),)]
        case ast.UnaryOp(op=ast.USub()):
            return lambda e: -inner[0](e)
        case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=int() as whole)) if 0 < whole < 99:
            return lambda e: reduce(operator.mul, [inner[0](e)] * whole)
        case ast.BinOp(op=op) | ast.Compare(ops=[op]):
            join = getattr(operator, BINARY[type(op)] if isinstance(node, ast.BinOp) else "sub")
            return lambda e: join(inner[0](e), inner[1](e))
        case ast.Call(func=ast.Name(id="kron"), args=[ast.Name(id=i), ast.Name(id=j)]):
            return lambda e: e["number"](int(e[i] == e[j]))
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id=i), _]):
            return lambda e: reduce(operator.add, [inner[1]({**e, i: n}) for n in range(1, e["K"] + 1)])
        case ast.Call(func=ast.Name(id="where"), args=[ast.Compare(ops=[op]), _, _]):
            return lambda e: branch(holds(type(op), taylor(inner[0](e))), *inner[1:], e)
        case ast.Call(func=ast.Name(id="exp" | "log" | "atan" | "erf" as name), args=[_]):
            return lambda e: getattr(inner[0](e), name)()
        case ast.Call(func=ast.Name(id=name), args=[_]) if name in MACROS:
            return lambda e: code(MACROS[name])({**e, "x": {SCALAR: inner[0](e)}})
    raise ValueError(f"cannot read {ast.dump(node)}")


def branch(said: bool | None, yes: Callable[[Env], Any], no: Callable[[Env], Any], env: Env) -> Any:
    if said is not None:
        return yes(env) if said else no(env)
    pairs = [(taylor(yes(env), n), taylor(no(env), n)) for n in range(3)]  # what both have in common
    return arb_series([a if a.overlaps(b) else NAN for a, b in pairs])


def value(text: str, env: Env) -> Any:
    try:
        return code(text)(env)
    except (ValueError, ZeroDivisionError):
        return NAN


def relation(text: str, env: Env) -> bool | None:
    """Does it hold here for all values of its free indices? None where a ball cannot tell."""
    free = [i for i in "jk" if i in env and i in names(text)]
    choices = product(range(1, env["K"] + 1), repeat=len(free))
    said = {holds(sign(text), taylor(value(text, {**env, **dict(zip(free, c, strict=True))}))) for c in choices}
    return False if False in said else None if None in said else True


def fulfils(env: Env, hypotheses: tuple[str, ...]) -> bool:
    """Certainly; of an equation, for which a target was solved, only that nothing speaks against it."""
    return all(relation(t, env) or (sign(t) is ast.Eq and relation(t, env) is None) for t in hypotheses)


@cache
def allowed(name: str, hypotheses: tuple[str, ...]) -> list[int]:
    """The n for which what lies around n/13 fulfils the hypotheses about this name alone."""
    tests = [t for t in hypotheses if names(t) - {"k"} == {name} and sign(t) is not ast.Eq]
    places = {n: {"number": ball, name: dict.fromkeys((SCALAR, ("k",)), arb(n) / 13)} for n in range(-46, 48)}
    good = {n for n, env in places.items() if all(holds(sign(t), value(t, env)) for t in tests)}
    return [n for n in range(-45, 46) if {n - 1, n + 2} <= good]


class Case:
    """A certificate, and the points at which it is looked at; the random numbers are the same in every run."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data, self.statement, self.verdict = data, data["statement"], data["verdict"]
        self.indices, families = data["symbols"]["indices"], data["symbols"]["families"]
        if data["schema"] != "derive-certificate/2" or self.indices not in ({}, {"j": "K", "k": "K"}):
            raise ValueError("another schema, or other indices")
        self.vector, self.claim = bool(families), "h[j] - y[j]" if families else "h - y"
        self.shapes = {name: 0 for name in data["symbols"]["scalars"] if name != "J"} | dict.fromkeys(families, 1)
        self.random, self.small = random.Random(data["pair"]), {"z": cycle((0, 1, -1, 3, -3)), "y": cycle((1, 0, -1))}
        self.count, self.pools, self.problems = dict.fromkeys(COUNTED, 0), dict[Any, list[Env]](), list[str]()
        self.borders = [c for c in re.findall(r"where\(([^,]*),", self.statement["cost"]) if "y" in names(c)]

    def demand(self, good: object, otherwise: str, env: Env | None = None) -> None:
        if not good:
            self.problems.append(f"{otherwise} at {[(n, *env[n].values()) for n in self.shapes]}" if env else otherwise)

    def own(self, name: str, env: Env) -> Any:
        return (env["j" if name == "z" else "k"],) if self.vector else SCALAR

    def point(self, hypotheses: tuple[str, ...], size: int, free: bool = False, special: bool = False) -> Env:
        """A point, with h by its definition or free; ``special`` ones lie on borders and at small integers."""
        env: Env = {"K": size, "number": ball, "pi": {SCALAR: arb.pi()}, "free": free, "special": special}
        env |= {i: self.random.randint(1, size) for i in self.indices}
        for name, shape in self.shapes.items():
            wide = 13000 * (size if name == "y" and any(text.startswith("sum") for text in hypotheses) else 1)
            cells, near = [*product(range(1, size + 1), repeat=shape)], allowed(name, hypotheses)
            env[name] = {c: arb(1000 * self.random.choice(near) + self.random.randint(300, 700)) / wide for c in cells}
        for name in ("z", "y") if special else ():
            env[name][self.own(name, env)] = arb(next(self.small[name]))
        self.complete(env, hypotheses)
        if special and self.borders and self.random.random() < 0.7:
            self.solve(self.random.choice(self.borders), env, "y", self.own("y", env))
        return env

    def complete(self, env: Env, hypotheses: tuple[str, ...] = ()) -> Env:
        """Puts h, and the targets that equations among the hypotheses fix."""
        if not env["free"]:
            env["h"] = {c: value(self.statement["activation"], {**env, "k": sum(c)}) for c in env["h"] or env["z"]}
        for text in [text for text in hypotheses if sign(text) is ast.Eq]:
            others = [c for c in env["y"] if c != self.own("y", env)]
            for cell in [[*env["y"], *others][-1]] if text.startswith("sum") else env["y"]:
                self.solve(text, {**env, "k": sum(cell)}, "y", cell)
        return env

    def solve(self, text: str, env: Env, name: str, cell: Any) -> None:
        """Moves one number to where both sides, linear in it, are equal."""
        zero, one = (value(text, {**env, name: {**env[name], cell: env["number"](n)}}) for n in (0, 1))
        root = zero / (zero - one)
        env[name][cell] = root if taylor(root).is_finite() else arb(1)

    def points(self, hypotheses: tuple[str, ...], free: bool = False) -> list[Env]:
        """Points at which all hypotheses certainly hold, and about which nothing else is known."""
        key = (frozenset(hypotheses), free)
        if key not in self.pools:
            found = self.pools[key] = []
            for size, special in product((3, 1, 2, 4, 5) if self.vector else (1,), (False, True)):
                drawn = (self.point(hypotheses, size, free, special) for _ in range(60 if found else 3000))
                found += islice((e for e in drawn if fulfils(e, hypotheses)), 1 if self.vector else 3 + 2 * special)
        self.demand(self.pools[key], f"no point where {', '.join(hypotheses)}")
        return self.pools[key]

    def beside(self, border: str, hypotheses: tuple[str, ...], size: int) -> list[Env]:
        """Points a little off where both sides of ``border`` are equal, by y where it is about y."""
        name, found = "y" if "y" in names(border) else "z", [self.point(hypotheses, size) for _ in range(40)]
        for n, env in enumerate(found):
            env |= {"k": env["j"]} if self.vector else {}
            self.solve(border, env, name, self.own(name, env))
            env[name][self.own(name, env)] += (-1) ** n * TINY
            self.complete(env, hypotheses)
        return [env for env in found if fulfils(env, hypotheses)]

    def moved(self, text: str, env: Env) -> list[arb]:
        """The Taylor coefficients as z, or a free h, moves; at special points those on which both sides agree."""
        name, found = "h" if env["free"] else "z", []
        for off in (TINY, -TINY) if env["special"] else (0,):
            series = arb_series([env[name][self.own(name, env)] + off, 1])
            found.append(value(text, self.complete({**env, name: {**env[name], self.own(name, env): series}})))
        pairs = [[taylor(side, n) for side in found] for n in range(3)]
        return [side[0] if same(side[0], side[-1], NEAR) else NAN for side in pairs]

    def truths(self, env: Env) -> dict[str, arb]:
        """What J and h are at this point, and their derivatives, from the definitions alone."""
        if "truths" not in env:
            cost, h = (self.moved(self.statement[name], env) for name in ("cost", "output"))
            env["truths"] = {"J": cost[0], "h": h[0], "dJ/dh" if env["free"] else "dJ/dz": cost[1]}
            env["truths"] |= {"dh/dz": h[1], "d2J/dz2": 2 * cost[2]}
        return dict(env["truths"])

    def agree(self, what: str, text: str, subject: str, points: list[Env]) -> None:
        for env in [e for e in points if not e["special"] or subject not in ("J", "h")]:  # on a border, J may jump
            truth, found = self.truths(env)[subject], taylor(value(text, env))
            found = self.moved(text, env)[0] if env["special"] and not found.is_finite() else found
            agrees = same(found, truth, NEAR if env["special"] else SHARP)
            self.count["values"] += 1
            self.demand(agrees, f"{what}: {subject} = {truth.str(9)}, not {found.str(9)}", env)

    def exactly(self, one: str, other: str, env: Env, start: int, hypotheses: tuple[str, ...]) -> str:
        """Are both the same in the fields? If not, these may lack a law: it is counted, and left to the balls."""
        for tower in (Tower(start, self.random) for _ in range(100)):
            cells = {n: {c: tower.variable(n, c, x) for c, x in env[n].items()} for n in (*self.shapes, "pi")}
            with suppress(ValueError, AttributeError):
                inside = self.complete({**env, **cells, "number": tower.number}, hypotheses)
                return "exact" if code(one)(inside).at(4) == code(other)(inside).at(4) else "balls only"
        return "balls only"

    def steps(self) -> None:
        subjects, values = dict[int, str](), {step["n"]: step["value"] for step in self.data["steps"]}
        for step in self.data["steps"]:
            n, rule, hypotheses = step["n"], step["rule"], tuple(step["hypotheses"])
            sources = [subjects[n] for n in step["from"]]
            subject, *used = RULES.get(rule) or sources[:1] * (1 + KEEPS[rule])
            subjects[n], points = subject, self.points(hypotheses, subject in ("J", "dJ/dh"))
            self.demand(used == sources, f"step {n}: {rule} from {sources}")
            self.agree(f"step {n} ({rule})", step["value"], subject, points)
            usual = [env for env in points if not env["special"] and env["K"] < 4 and KEEPS.get(rule) == 1]
            for env, start in zip(usual[-2:], TOWERS, strict=False):
                self.count[self.exactly(values[step["from"][0]], step["value"], env, start, hypotheses)] += 1
            for env, o in product(points[:3], step["obligations"]):
                for claim in (o["claim"], *o["facts"]):
                    self.demand(relation(claim, env) is not False, f"step {n}: not {claim}", env)

    def judged(self) -> None:
        """The verdict: its values, kinds, kinks and points."""
        s, verdict, said = self.statement, self.verdict, self.verdict["answer"]
        domain = (*s["activation_domain"], *s["parameters"], *(t for t in s["targets"] if sign(t) is not ast.Eq))
        equations = tuple(dict.fromkeys(t for t in (*s["targets"], *verdict["conditions"]) if sign(t) is ast.Eq))
        for region in ({**verdict, "where": []}, *verdict["regions"]):
            kind, factor, where = region["kind"], region["factor"], (*domain, *verdict["exclusions"], *region["where"])
            self.agree("delta", region["delta"], "dJ/dz", self.points(where))
            where += () if any(sign(text) is ast.Eq for text in region["where"]) else equations
            if kind == "cancels" or factor is not None:
                apart = [e for e in self.points(where) if not taylor(value(self.claim, e)).overlaps(arb(0))]
                self.agree(f"{kind}", f"({factor or 1})*({self.claim})", "dJ/dz", apart)
            self.demand(kind != "multiple" or not names(factor or "z") & {"z", "h", "y"}, f"the factor {factor} varies")
            beside = self.beside(self.claim, where, 3 if self.vector else 1) if kind else []
            large = [bool(abs(self.truths(env)["dJ/dz"]) > NEAR) for env in beside]
            self.demand(not large or any(large) == (kind == "other"), f"{kind}: beside h = y")
        if verdict["hessian"] is not None:
            self.agree("hessian", verdict["hessian"], "d2J/dz2", self.points((*domain, *verdict["hessian_exclusions"])))
        for env, text in product(self.points(domain), s["loss_domain"]):
            self.demand(relation(text, env), f"not certainly {text}", env)
        for kink in [kink for kink in verdict["kinks"] if kink["left"] is not None]:
            points = self.beside(kink["at"], domain, 1)
            self.demand(points, f"kink at {kink['at']}: not reached")
            for env in points:
                sides = [side for side in ("left", "right") if relation(kink[f"{side}_where"], env)]
                stated = taylor(value(kink[sides[0]], env)) if len(sides) == 1 else NAN
                self.demand(same(stated, self.truths(env)["dJ/dz"], NEAR), f"kink {kink['at']}: {sides}", env)
        for name, stated in self.data["points"].items():
            self.named(name, stated, domain)
        wanted = {"inside" if said == "yes" else "witness", *(["witness"] if verdict["conditions"] else [])}
        is_whole = wanted <= {*self.data["points"]} and (said == "yes") == (verdict["kind"] == "cancels")
        self.demand(is_whole, "a point is missing, or answer and kind differ")

    def read(self, point: dict[str, str]) -> Env:
        """A point as certificates write it."""
        env = self.point((), int(point.get("K", 1)))
        env |= {i: int(point.get(i, point["j"])) for i in self.indices}
        for text in sorted(point, key=lambda text: text[0] == "y"):  # a target may be given by h
            name, *cell = re.findall(r"\w+", text)
            if name in self.shapes:
                self.complete(env)
                env[name][tuple(map(int, cell))] = taylor(value(point[text], env))
        self.demand(not {*self.shapes} - {"h"} - names(" ".join(point)), "a point leaves names out")
        return self.complete(env)

    def named(self, name: str, stated: dict[str, Any], domain: tuple[str, ...]) -> None:
        """The points of the file: in the domain, with the stated values, and showing what they are there to show."""
        env, conditions = self.read(stated["point"]), self.verdict["conditions"]
        delta, claim = self.truths(env)["dJ/dz"], taylor(value(self.claim, env))
        said = [(Fraction(stated[text]), x) for text, x in (("delta", delta), ("claim", claim)) if stated[text]]
        self.demand(all(same(ball(n), x, DIGITS) for n, x in said), f"{name}: {delta} and {claim}, not {stated}")
        shown = delta.is_finite() and bool(delta.overlaps(claim)) is (name == "inside")
        self.demand(shown or (name.startswith("border") and not stated["delta"]), f"{name}: {delta} against {claim}")
        breaks = self.verdict["answer"] == "yes" and name == "witness"
        needed = (*domain, *(() if breaks else (*self.statement["targets"], *conditions)))
        self.demand(all(relation(t, env) is not False for t in needed), f"{name}: outside the domain")
        self.demand(not breaks or False in [relation(t, env) for t in conditions], f"{name}: breaks no condition")


def check(path: str) -> dict[str, Any]:
    """What is wrong with the certificate in this file, and how much of it was looked at."""
    ctx.prec, ctx.cap = 500, 3
    try:
        case = Case(json.loads(Path(path).read_text()))
        case.steps()
        case.judged()
    except (OSError, LookupError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        return {"file": path, "problems": [f"not covered: {type(error).__name__} {error}"]}
    return {"file": path, "problems": case.problems, **case.count}


if __name__ == "__main__":
    files = [str(f) for p in map(Path, sys.argv[1:]) for f in (sorted(p.rglob("*-*.json")) if p.is_dir() else [p])]
    with Pool() as pool:
        results = pool.map(check, files, chunksize=4)
    wrong = [f"{Path(result['file']).stem}: {result['problems'][0]}" for result in results if result["problems"]]
    total = {name: sum(result.get(name, 0) for result in results) for name in COUNTED}
    print(*wrong, f"{len(files) - len(wrong)} of {len(files)} certificates agree; {total}", sep="\n")
    sys.exit(2 if not files else 1 if wrong else 0)
