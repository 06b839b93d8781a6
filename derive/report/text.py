"""A proof as text for a terminal, in Unicode or ASCII; imports layout, explain, and the checked proof's types only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from textwrap import wrap

from derive.proof import Proof, ProofStep
from derive.report import explain
from derive.report.layout import EXAMPLES, GREEK, OPERAND, POWER, PRODUCT, Box, Marks, Printer, Scope
from derive.report.lines import Token, lines, nested, unbroken
from derive.report.words import Cases, Chain, Decimal, Infinity, Piece, Row, Shown, Slope, Words, joined
from derive.term import Term

UNICODE = Marks(
    Token(" + ", 3, 0),
    Token(" − ", 3, 0),
    Token("−", 1),
    Token(" · ", 3, 0),
    {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "=": "=", "!=": "≠"},
)
ASCII = Marks(
    Token(" + ", 3, 0),
    Token(" - ", 3, 0),
    Token("-", 1),
    Token(" * ", 3, 0),
    {op: op for op in UNICODE.relations},
)
LETTERS = dict(
    zip(GREEK, [*"αβγδεζηθικλμνξρστυχψωΓΔΘΛΞΣΥΨΩ"], strict=True),
)
FUNCTIONS = {"sigmoid": "σ", "phi": "φ", "Phi": "Φ", "pi": "π"}
RAISED = str.maketrans("0123456789ijklmnprstuvwabcdefgo", "⁰¹²³⁴⁵⁶⁷⁸⁹ⁱʲᵏˡᵐⁿᵖʳˢᵗᵘᵛʷᵃᵇᶜᵈᵉᶠᵍᵒ")
BOLD, DIM, GREEN, YELLOW, RESET = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
COMMA = (Token(",", 1), Token(" ", 1, 0))
SPACE = "\x00"  # stands for a space inside a formula, where a line of prose is not broken


class _Notation(Printer):
    """Terms on a line: h(1 − h)/(1 + exp(−z))², or the same in ASCII."""

    def __init__(self, whole: Term, unicode: bool) -> None:
        super().__init__(whole)
        self.unicode = unicode
        self.marks = UNICODE if unicode else ASCII

    def name(self, name: str) -> Token:
        plain = re.sub(r"[^A-Za-z0-9_]", "", name) or "x"
        return _token(LETTERS.get(plain, plain) if self.unicode else plain)

    def element(self, name: str, classes: Sequence[Token], examples: Sequence[Token]) -> Box:
        text = self.name(name).text + (f"_{_run(classes)}" if classes else "")
        if examples and self.unicode:
            text += f"⁽{_run(examples).translate(RAISED)}⁾"
        elif examples:
            text += f"^({_run(examples)})"
        return Box((_token(text),))

    def delta(self, i: Token, j: Token) -> Box:
        return Box((_token(("δ_" if self.unicode else "delta_") + _run((i, j))),))

    def fraction(self, above: Box | None, below: Box) -> Box:
        over = self.signed(above) if above else Box((_token("1"),))
        if over.strength < PRODUCT or over.greedy or over.fraction:
            over = self.brackets(over)
        under = self.signed(below)
        if under.strength < POWER and not (under.strength == PRODUCT and under.greedy and _is_sum(under)):
            under = self.brackets(under)
        tokens = (*nested(over.tokens), _token("/"), *nested(under.tokens))
        return Box(tokens, PRODUCT, fraction=True, greedy=under.greedy)

    def raised(self, base: Term, exponent: Term, scope: Scope) -> Box:
        below = self.at(base, OPERAND, scope)
        if base.kind == "item" and any(i.args[1] == EXAMPLES for i in base.args[1:]):
            below = self.brackets(below)
        if self.unicode and exponent.kind == "num" and exponent.args[0] >= 0 and exponent.args[0].q == 1:
            return Box((*below.tokens, _token(str(exponent.args[0]).translate(RAISED))), POWER)
        above = self.at(exponent, OPERAND, scope)
        return Box((*below.tokens, _token("^"), *nested(above.tokens)), POWER)

    def summation(self, name: Token, over: Token) -> Token:
        return _token(f"{'Σ' if self.unicode else 'sum'}_{name.text} ")

    def summand(self, box: Box) -> Box:
        if self.marks.times.text not in {t.text for t in box.tokens if t.level == 0}:
            return box
        return Box((_token("["), *nested(box.tokens), _token("]")))

    def joint(self, left: Box, right: Box, apart: bool) -> Token:
        start, end = right.tokens[0].text, left.tokens[-1].text
        if apart or left.fraction or right.fraction or start[0].isdigit() or end == "}":
            return self.marks.times
        if not self.unicode:
            return Token("*", 1, 2)
        close = start[0] == "(" or (end.isdigit() and len(start) == 1)
        return _token("") if close else Token(" ", 1, 2)

    def brackets(self, box: Box) -> Box:
        return Box((_token("("), *nested(self.signed(box).tokens), _token(")")))

    def applied(self, name: str, arguments: Sequence[Term], scope: Scope) -> Box:
        inside = [self.signed(self.box(t, scope)) for t in arguments]
        if name == "abs":
            return Box((_token("|"), *nested(inside[0].tokens), _token("|")))
        stem = name.rstrip("'")
        shown = FUNCTIONS.get(stem, LETTERS.get(stem, stem)) + name[len(stem) :] if self.unicode else name
        commas = [t for n, b in enumerate(inside) for t in ((_token(", "),) * (n > 0) + nested(b.tokens))]
        return Box((_token(shown), _token("("), *commas, _token(")")) if arguments else (_token(shown),))

    def cases(self, rows: Sequence[tuple[Box, Box]], otherwise: Box) -> Box:
        found = [_token("{")]
        for inside, condition in rows:
            found += [*nested(inside.tokens), Token(" if ", 4, 1), *nested(condition.tokens), *COMMA]
        return Box((*found, _token("else "), *nested(otherwise.tokens), _token("}")))


def _is_sum(box: Box) -> bool:
    return box.tokens[0].text.startswith(("Σ", "sum_"))


def _token(text: str) -> Token:
    return Token(text, len(text))


def _run(names: Sequence[Token]) -> str:
    """Names as one subscript: kj, or k1,j where letters alone would be misread."""
    return ("" if all(t.width == 1 for t in names) else ",").join(t.text for t in names)


def formula(term: Term, unicode: bool = True) -> str:
    """A term or relation on one line."""
    return unbroken(_tokens(term, unicode))[0]


def _tokens(term: Term, unicode: bool) -> tuple[Token, ...]:
    printer = _Notation(term, unicode)
    return printer.signed(printer.box(term)).tokens


def slope(found: Slope, unicode: bool = True) -> str:
    """∂J/∂z or ∂²J/∂z², or dJ/dz and d^2J/dz^2; ∂(h²)/∂z of an expression."""
    d = "∂" if unicode else "d"
    above, below = (formula(t, unicode) for t in found[:2])
    above = above if found[0].kind in ("var", "item") else f"({above})"
    if len(found) == 2:
        return f"{d}{above}/{d}{below}"
    raised = str(found[2]).translate(RAISED) if unicode else f"^{found[2]}"
    below = f"({below})" if below.endswith((")", "⁾")) else below
    return f"{d}{raised}{above}/{d}{below}{raised}"


# ---- the report --------------------------------------------------------------------------------------


def text(proof: Proof, width: int = 80, unicode: bool = True, colour: bool = False) -> str:
    """The proof in lines of at most ``width`` characters where its formulas allow it; ANSI colours on request."""
    page = _Page(width, unicode, colour)
    page.title(": ".join(explain.title(proof)))
    page.definitions(proof)
    for n, step in enumerate(proof.steps[2:], 2):
        if n > 2 and _chapter(step) != _chapter(proof.steps[n - 1]):
            page.rows.append("")
        page.step(step)
    page.result(proof)
    page.notes(explain.notes(proof))
    return "\n".join(page.rows) + "\n"


def _chapter(step: ProofStep) -> tuple[bool, bool]:
    """First derivatives, the second one, and single targets are set apart from each other."""
    return isinstance(step.left, tuple) and len(step.left) == 3, step.reason == "target"


class _Page:
    """Rows of a report as they are written."""

    def __init__(self, width: int, unicode: bool, colour: bool) -> None:
        self.width, self.unicode, self.colour = max(width, 30), unicode, colour
        self.rows: list[str] = []

    def paint(self, style: str, words: str) -> str:
        return f"{style}{words}{RESET}" if self.colour else words

    def say(self, pieces: Iterable[Piece]) -> str:
        """Words and formulas as one line of prose."""
        return "".join(self._piece(p) for p in pieces)

    def _piece(self, piece: Piece) -> str:
        if isinstance(piece, str):
            return piece
        if isinstance(piece, Decimal):
            return piece.digits.replace("-", (UNICODE if self.unicode else ASCII).sign.text)
        if isinstance(piece, Infinity):
            return "-" * piece.is_negative + ("∞" if self.unicode else "infinity")
        if isinstance(piece, Chain):
            end = (f" {self._sign(piece.rest)} ", piece.rest.args[2]) if piece.rest else ()
            return self._kept(self.say((piece.first, *end)))
        assert not isinstance(piece, Shown | Cases)  # they stand by themselves
        return self._kept(self._left(piece))

    def _kept(self, shown: str) -> str:
        """A formula that no line of prose breaks, unless it is long."""
        return shown.replace(" ", SPACE) if len(shown) < self.width // 2 else shown.replace(SPACE, " ")

    def _left(self, term: Term | Slope) -> str:
        return formula(term, self.unicode) if isinstance(term, Term) else slope(term, self.unicode)

    def _sign(self, relation: Term) -> str:
        return (UNICODE if self.unicode else ASCII).relations[relation.args[0]]

    def prose(self, pieces: Iterable[Piece], label: str = "", indent: str = "", style: str = "") -> None:
        hanging = " " * len(label) + indent
        found = wrap(self.say(pieces), self.width - len(hanging), break_on_hyphens=False, break_long_words=False)
        for n, row in enumerate(found):
            shown = row.replace(SPACE, " ")
            self.rows.append((label + indent if n == 0 else hanging) + (self.paint(style, shown) if style else shown))

    def equation(self, left: Term | Slope, right: Term, indent: int = 6) -> None:
        """left = right, continued under the right side; where that is too narrow, below the left side."""
        head = " " * indent + self._left(left) + " ="
        beside = self.broken(right, len(head) + 1)
        if max(map(len, beside)) <= self.width:
            self.rows += [head + beside[0][len(head) :], *beside[1:]]
        else:
            self.rows += [head, *self.broken(right, indent + 4)]

    def broken(self, term: Term, indent: int) -> list[str]:
        """The term from column ``indent`` on, and further in where an inner operator is broken."""
        room, found = self.width - indent, []
        for n, row in enumerate(lines(_tokens(term, self.unicode), room, room - 4)):
            deeper = 2 * min(row[0].level or 0, 2) if n else 0
            words = "".join(t.text for t in row)
            found.append(" " * (indent + deeper) + (words.lstrip() if n else words))
        return found

    def title(self, words: str) -> None:
        rows = wrap(re.sub(r"[^ -~]", "?", words), self.width)
        rule = ("─" if self.unicode else "-") * max(map(len, rows))
        self.rows += [*(self.paint(BOLD, row) for row in rows), rule, ""]

    def definitions(self, proof: Proof) -> None:
        for step in proof.steps[:2]:
            self.step(step)
        for label, pieces in explain.setting(proof):
            self.prose(pieces, f"    {label}: ")
        self.rows.append("")

    def step(self, step: ProofStep) -> None:
        self.prose(explain.reason(step), f"{step.n:>3}. ", style=DIM)
        self.equation(step.left, step.right)

    def result(self, proof: Proof) -> None:
        """What dJ/dz is, in a box."""
        inner = _Page(self.width - 6, self.unicode, False)
        inner.equation(proof.conclusion.left, proof.conclusion.right, 0)
        inside = inner.rows
        wide = max(map(len, inside))
        side, dash, corners = ("│", "─", "┌┐└┘") if self.unicode else ("|", "-", "++++")
        bars = [corners[n] + dash * (wide + 2) + corners[n + 1] for n in (0, 2)]
        style = GREEN if proof.answer == "yes" else YELLOW
        framed = [bars[0], *(f"{side} {row:<{wide}} {side}" for row in inside), bars[1]]
        self.rows += ["", *("  " + self.paint(style, row) for row in framed)]

    def notes(self, notes: Iterable[Row]) -> None:
        self.rows.append("")
        for label, pieces in notes:
            self.note(f"  {label + ':':<11}", pieces)

    def note(self, label: str, pieces: Words) -> None:
        """A label, and beside it words and equations that are set by themselves."""
        start, words = len(self.rows), list[Piece]()
        for piece in (*pieces, None):
            if isinstance(piece, Shown | Cases) or piece is None:
                self.prose(words, " " * len(label))
                words = []
            else:
                words.append(piece)
            if isinstance(piece, Shown):
                self.equation(piece.left, piece.right, len(label))
            if isinstance(piece, Cases):
                for value, where in piece.rows:
                    self.case(piece.left, value, where, len(label))
        self.rows[start] = label + self.rows[start][len(label) :]

    def case(self, left: Slope, value: Term, where: Sequence[Term], indent: int) -> None:
        """left = value where the relations hold, on two lines if need be."""
        start = len(self.rows)
        self.equation(left, value, indent)
        words = f"where {self.say(joined(where))}".replace(SPACE, " ")
        if start + 1 == len(self.rows) and len(self.rows[-1]) + 1 + len(words) <= self.width:
            self.rows[-1] += f" {words}"
        else:
            self.prose((words,), " " * (indent + 4))
