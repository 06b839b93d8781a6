"""Text to tokens: one table of tokens for the plain language, one for LaTeX; imports the language and errors only.

Both spellings end in the same kinds of token, with columns that point into the text. LaTeX is brought closer to the
plain language: ``z^{(2)}_j`` and ``z_j^{(2)}`` both become z, layer 2, [ j ]; ``\\partial J`` becomes dJ; a letter is a
name of its own; braces stay what they are, a group. Nothing nests here: that is the parser's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from derive.errors import SyntaxProblem
from derive.language import GREEK, MAX_LENGTH, RESERVED

Token = tuple[str, str, int]  # kind (a mark is its own kind), text, column
Declared = Callable[[str], bool]
ENDS = 5  # end tokens behind the last one, so that a rule may look ahead


def spelling_of(text: str) -> str:
    """The spelling "latex" where a text has a backslash, a brace or a dollar sign, else "plain", which has none."""
    return "latex" if any(mark in text for mark in "\\{}$") else "plain"


def tokens(text: str, spelling: str, declared: Declared) -> list[Token]:
    """The tokens of a text and a few ends; ``declared`` says of a word whether it is a name.

    Raises SyntaxProblem for a text that is empty or too long, and for what no token can be.
    """
    if len(text) > MAX_LENGTH:
        raise SyntaxProblem(f"the text has {len(text)} characters; the limit is {MAX_LENGTH}", MAX_LENGTH + 1)
    found = _Latex(text, declared).tokens() if spelling == "latex" else _plain(text)
    if not found:
        raise SyntaxProblem("the text is empty: write an expression", 1)
    return found + [("end", "", len(text) + 1)] * ENDS


def shown(word: str) -> str:
    """A word of a text for a message; words are of harmless characters."""
    return f"'{word if len(word) <= 40 else word[:37] + '...'}'" if word else "the end"


def unexpected(character: str, column: int) -> NoReturn:
    advice = {":": "; write = instead of :=", "$": "; leave out the dollar signs", "%": "; leave the comment out"}
    raise SyntaxProblem(f"unexpected character {_character(character)}{advice.get(character, '')}", column)


def _character(character: str) -> str:
    """A character for a message: itself where it is harmless, else its code point and name."""
    if character.isascii() and character.isprintable():
        return repr(character)
    import unicodedata

    name = {"Cc": "control character", "Cs": "lone surrogate"}.get(unicodedata.category(character))
    hint = "" if character.isascii() else " (ASCII only)"
    return f"U+{ord(character):04X} {name or unicodedata.name(character, 'unnamed')}{hint}"


# ---- the plain language

_TOKEN = re.compile(
    r"[ \t\r\n]+"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<primed>[A-Za-z_][A-Za-z0-9_]*'+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<mark>\*\*|<=|>=|==|!=|[-+*/^()\[\],|<>=])"
    r"|(?P<other>[^ \t\r\n])"
)


def _plain(text: str) -> list[Token]:
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, word, column = match.lastgroup, match.group(), match.start() + 1
        if kind == "mark" or word == "and":
            if word == "==":
                raise SyntaxProblem("write = instead of ==", column)
            found.append(("^" if word == "**" else word, word, column))
        elif kind == "other":
            unexpected(word, column)
        elif kind:
            found.append((kind, word, column))
    return found


# ---- LaTeX

_RAW = re.compile(
    r"(?:[ \t\r\n~]|\\[,;:!> \n]|\\(?:q?quad|displaystyle|textstyle|limits|nolimits)(?![A-Za-z]))+"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<mark>[-+*/^_(){}\[\]|,<>=&'])"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"|(?P<row>\\\\(?:\[[0-9.]{1,6}[a-z]{2}\])?)"
    r"|\\(?P<size>left|right|[bB]igg?[lrm]?)(?![A-Za-z]) ?"
    r"(?P<delimiter>\\[{}|]|\\[lr]?(?:vert|brack|brace)(?![A-Za-z])|[()\[\]|])"
    r"|\\(?P<edge>begin|end) ?\{(?P<environment>[A-Za-z*]{1,20})\}"
    r"|\\(?:math(?:rm|it|sf|bf|cal)|operatorname\*?|text(?:rm|it|bf)?|mbox|boldsymbol) ?"
    r"(?:\{(?P<word>[^{}\\]{0,40}(?:\\_[^{}\\]{0,40}){0,9})\}|(?P<letter>[A-Za-z])(?![A-Za-z]))"
    r"|\\math(?:bb|bf|ds) ?\{?1\}? ?_ ?\{ ?(?P<first>[A-Za-z]) ?= ?(?P<second>[A-Za-z]) ?\}"
    r"|\\(?P<command>[A-Za-z]+)"
    r"|\\(?P<escaped>[{}|])"
    r"|(?P<other>[^ \t\r\n])"
)
NAMES = {
    **{name: name for name in (*GREEK, "pi", "phi", "Phi", "log", "ln", "exp", "max", "min")},
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"var{name}": name for name in ("epsilon", "theta", "rho", "sigma")},
    **{"arctan": "atan", "ell": "l"},
}
MARKS = {
    **dict.fromkeys(("cdot", "times", "odot"), "cdot"),
    **{"ast": "*", "div": "/", "land": "and", "wedge": "and", "vert": "|", "mid": "|"},
    **dict.fromkeys(("le", "leq", "leqslant"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant"), ">="),
    **{"ne": "!=", "neq": "!=", "lt": "<", "gt": ">"},
    **{kind: kind for kind in ("lvert", "rvert", "lbrack", "rbrack", "lbrace", "rbrace")},
    **{"(": "(", ")": ")", "[": "lbrack", "]": "rbrack", "|": "|", r"\{": "lbrace", r"\}": "rbrace", r"\|": "|"},
}
WORDS = {
    **dict.fromkeys(("if", "for", "when"), "if"),
    **dict.fromkeys(("otherwise", "else"), "otherwise"),
    "and": "and",
}
REFUSED = {
    **dict.fromkeys(("approx", "simeq", "sim", "propto"), "only equations are checked: write =, or leave the line out"),
    **dict.fromkeys(("equiv", "triangleq", "coloneqq"), "write ="),
    **dict.fromkeys(
        ("Rightarrow", "implies", "iff", "Leftrightarrow", "to", "rightarrow"), "write one line an equation"
    ),
    "nabla": r"write \frac{\partial J}{\partial z_j}",
    "infty": "write a number",
    "prod": "products over an index cannot be read",
    "int": "integrals cannot be read",
    "lim": "limits cannot be read",
    "circ": r"write \odot or \cdot to multiply",
    **dict.fromkeys(("pm", "mp"), "write + or -"),
    **dict.fromkeys(("left", "right"), r"write a bracket behind it: \left( ... \right)"),
    **dict.fromkeys(("label", "tag", "nonumber", "notag"), "leave it out"),
}
_WRITTEN = {  # words of the language that are no LaTeX, and what is
    **{name: f"\\{name}" for name in ("log", "ln", "exp", "max", "min", "pi", "phi", "Phi", "sigma")},
    **{name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{"atan": r"\arctan", "sqrt": r"\sqrt{x}", "abs": r"\lvert x \rvert", "sum": r"\sum_{k=1}^{K}"},
    **{"kron": r"\delta_{kj}", "where": r"\begin{cases} ... \end{cases}", "and": r"\text{ and }"},
}
_IN_SUBSCRIPT = re.compile(r"_ ?\{[^{}]*$")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LAYER = re.compile(r"[A-Za-z0-9_]+(?:[-+,][A-Za-z0-9]+)*")


class _Latex:
    """One text; a method reads the raw tokens from ``at`` on and appends what they mean to ``found``."""

    def __init__(self, text: str, declared: Declared) -> None:
        self.declared = declared
        self.raw: list[Token] = []
        for match in _RAW.finditer(text):
            kind, word = match.lastgroup, match.group()
            if kind == "mark" or kind == "escaped":
                self.raw.append((MARKS.get(word, word), word, match.start() + 1))
            elif kind == "number" or kind == "row":
                self.raw.append((kind, word, match.start() + 1))
            elif kind == "command":
                self.raw.append((kind, word[1:], match.start() + 1))
            elif kind == "letters" and len(word) == 1:
                self.raw.append(("letter", word, match.start() + 1))
            elif kind:
                self._take(match, kind, word, match.start() + 1)
        self.raw += [("end", "", len(text) + 1)] * 4
        self.partner = self._partners()
        self.at = 0
        self.found: list[Token] = []

    def tokens(self) -> list[Token]:
        while self.raw[self.at][0] != "end":
            kind, word, column = self.raw[self.at]
            self.at += 1
            rule = _RULES.get(kind)
            if rule is None:
                self.found.append((kind, word, column))
            else:
                rule(self, word, column)
        return self.found

    # -- text to raw tokens: letters, names, commands and marks

    def _take(self, match: re.Match[str], kind: str, word: str, column: int) -> None:
        if kind == "letters":
            is_subscript = _IN_SUBSCRIPT.search(match.string, max(0, column - 40), column - 1)
            self._letters(word, column, is_name=not is_subscript)
        elif kind == "delimiter":
            self.raw.append((_directed(match["size"], match["delimiter"]), word, column))
        elif kind == "environment":
            self._edge(match["edge"], match["environment"], column)
        elif kind == "word" or kind == "letter":
            self._word(match[kind].strip().replace(r"\_", "_"), column)
        elif kind == "second":
            self.raw.append(("indicator", match["first"] + match["second"], column))
        elif word == "\\":
            raise SyntaxProblem("a backslash needs a command behind it", column)
        else:
            unexpected(word, column)

    def _letters(self, word: str, column: int, is_name: bool) -> None:
        """Letters are names of their own; a name of several letters in italics would be read as their product."""
        if is_name and len(word) > 1 and (word in RESERVED or self.declared(word)):
            greek = f"\\{word}" if word in GREEK else rf"\operatorname{{{word}}}" if word in RESERVED else ""
            hat = rf"\hat{{{word[0]}}}" if word[1:] == "hat" else rf"\mathrm{{{word}}}"
            advice = f"write {_WRITTEN.get(word) or greek or hat}"
            raise SyntaxProblem(f"{shown(word)} is a product of letters in LaTeX; {advice}", column)
        self.raw.extend(("letter", letter, column + n) for n, letter in enumerate(word))

    def _word(self, word: str, column: int) -> None:
        if word in WORDS:
            self.raw.append((WORDS[word], word, column))
        elif word == "d":
            self.raw.append(("command", "partial", column))
        elif _NAME.fullmatch(word):
            self.raw.append(("letter", {"ReLU": "relu", "sgn": "sign", "arctan": "atan"}.get(word, word), column))
        else:
            raise SyntaxProblem("words in a formula: only names, if, and, otherwise; leave the others out", column)

    def _edge(self, edge: str, environment: str, column: int) -> None:
        if environment not in ("cases", "dcases"):
            raise SyntaxProblem(f"the environment {environment} cannot be read in a formula; write its lines", column)
        self.raw.append(("cases" if edge == "begin" else "endcases", f"\\{edge}{{{environment}}}", column))

    def _partners(self) -> dict[int, int]:
        """Where the group that begins at a brace ends."""
        opened: list[int] = []
        found: dict[int, int] = {}
        for n, (kind, _, column) in enumerate(self.raw):
            if kind == "{":
                opened.append(n)
            elif kind == "}":
                if not opened:
                    raise SyntaxProblem("'}' closes no '{'", column)
                found[opened.pop()] = n
        if opened:
            raise SyntaxProblem("'{' is not closed", self.raw[opened[-1]][2])
        return found

    # -- raw tokens to tokens

    def _group(self) -> list[Token]:
        """The content of the group, or the one raw token, that is read next."""
        start = self.at
        if self.raw[start][0] == "{":
            self.at = self.partner[start] + 1
            return self.raw[start + 1 : self.at - 1]
        self.at += self.raw[start][0] != "end"
        return self.raw[start : self.at]

    def _peek(self) -> tuple[list[Token], str]:
        """The group behind the mark that comes next, and the kind of what follows it; nothing is read."""
        start = self.at
        self.at += 1
        end = self.partner.get(self.at, self.at)
        # a long exponent is not copied: it is none of those looked for
        content = self._group() if end - start < 12 else []
        self.at = start
        return content, self.raw[end + 1][0] if end + 1 < len(self.raw) else "end"

    def _name(self, name: str, column: int) -> None:
        """A name with its primes, its layer and its indices, in whatever order TeX had them."""
        primes, layer, indices, power = "", [], list[Token](), list[Token]()
        while (kind := self.raw[self.at][0]) in ("'", "_", "^"):
            mark = self.raw[self.at][2]
            if kind == "'":
                self.at += 1
                primes += "'"
                continue
            content, following = self._peek()
            if kind == "_":
                self.at += 1
                self._group()
                if name in ("h", "dh", "d2h") and [t[:2] for t in content] in (
                    [("command", "theta")],
                    [("command", "Theta")],
                ):
                    layer += self._inputs()
                elif len(content) == 1 and content[0][0] == "number" and not indices:
                    name += content[0][1]
                elif indices:
                    raise SyntaxProblem("two subscripts: write z_{jk}", mark)
                else:
                    indices = self._indices(content, mark)
            elif content and all(t[0] == "'" or t[:2] == ("command", "prime") for t in content):
                self.at += 1
                primes += "'" * len(self._group())
            elif found := _layer(content):
                if layer:
                    raise SyntaxProblem("two superscripts: leave one out", mark)
                self.at += 1
                self._group()
                layer = [("layer", found, mark)]
            elif following == "_" and not power:
                power = self._simple_power(content, mark)
            else:
                break
        self.found.append(("primed" if primes else "name", name + primes, column))
        self.found += [*layer, *indices, *power]

    def _inputs(self) -> list[Token]:
        r"""The (x) or (x^{(i)}) of h_\theta(x), which says nothing but the number i of the example."""
        opening, variable = self.raw[self.at : self.at + 2]
        if opening[0] != "(" or variable[:2] != ("letter", "x"):
            return []
        start, layer = self.at, list[Token]()
        self.at += 2
        if self.raw[self.at][0] == "^":
            content, _ = self._peek()
            layer = [("example", _layer(content), self.raw[self.at][2])]
            self.at += 1
            self._group()
        if self.raw[self.at][0] != ")" or (layer and not layer[0][1]):
            self.at = start
            return []
        self.at += 1
        return layer

    def _indices(self, content: list[Token], column: int) -> list[Token]:
        r"""The names of kj, k,j or \mathrm{k1},j as the tokens of [k, j]."""
        names = [(k, NAMES.get(w, "") if k == "command" else w, c) for k, w, c in content if k != ","]
        if not names or any(kind not in ("letter", "command") or not word for kind, word, _ in names):
            raise SyntaxProblem("a subscript is a name of indices: write z_j or z_{k,j}", column)
        row = [token for _, word, at in names for token in ((",", ",", at), ("name", word, at))]
        return [("[", "_", column), *row[1:], ("]", "_", column)]

    def _simple_power(self, content: list[Token], column: int) -> list[Token]:
        """The exponent of z^2_j, whose index comes first in the plain language."""
        if not content or any(kind not in ("number", "letter", "-") for kind, _, _ in content):
            raise SyntaxProblem("write the index before the exponent: z_j^{...}", column)
        self.at += 1
        inside = [("name" if kind == "letter" else kind, word, at) for kind, word, at in self._group()]
        return [("^", "^", column), ("{", "{", column), *inside, ("}", "}", column)]

    def _letter(self, letter: str, column: int) -> None:
        joined = self.raw[self.at][0] in ("letter", "command") and self.raw[self.at][2] == column + 1
        if letter == "d" and not self.declared("d") and (joined or self.raw[self.at][0] in ("^", "}", "/")):
            self._differential(letter, column)
        else:
            self._name(letter, column)

    def _differential(self, _: str, column: int) -> None:
        r"""\partial z_j as dz [ j ], and \partial^2 J as d2J."""
        order = ""
        if self.raw[self.at][0] == "^":
            content, _following = self._peek()
            if len(content) != 1 or content[0][0] != "number":
                raise SyntaxProblem(r"the order of a derivative is a number: write \partial^2", column)
            self.at += 1
            order = self._group()[0][1]
        name = self._base()
        if name:
            self._name(f"d{order}{name}", column)
        else:
            self.found.append(("name", f"d{order}", column))

    def _base(self) -> str:
        """The name that comes next, if one does."""
        kind, word, column = self.raw[self.at]
        self.at += 1
        if kind == "letter" or (kind == "command" and word in NAMES):
            return NAMES[word] if kind == "command" else word
        if kind == "command" and word in ("hat", "widehat"):
            return self._under_hat(column)
        self.at -= 1
        return ""

    def _under_hat(self, column: int) -> str:
        content = self._group()
        if len(content) != 1 or content[0][0] != "letter":
            raise SyntaxProblem(r"a hat is put on one letter: write \hat{y}_k", column)
        return f"{content[0][1]}hat"

    def _command(self, command: str, column: int) -> None:
        if command in NAMES:
            self._name(NAMES[command], column)
        elif command in MARKS:
            self.found.append((MARKS[command], f"\\{command}", column))
        elif command in _COMMANDS:
            _COMMANDS[command](self, command, column)
        elif command in REFUSED:
            raise SyntaxProblem(f"\\{command}: {REFUSED[command]}", column)
        else:
            raise SyntaxProblem(f"unknown command {shown(chr(92) + command)}", column)

    def _hat(self, _: str, column: int) -> None:
        self._name(self._under_hat(column), column)

    def _fraction(self, command: str, column: int) -> None:
        self.found.append(("frac", f"\\{command}", column))
        kind, digits, at = self.raw[self.at]
        if kind == "number" and len(digits) == 2 and digits.isdigit():  # \frac12
            self.at += 1
            self.found += [("number", digit, at + n) for n, digit in enumerate(digits)]

    def _root(self, _: str, column: int) -> None:
        opening, degree, closing = self.raw[self.at : self.at + 3]
        if opening[0] != "lbrack":
            self.found.append(("name", "sqrt", column))
        elif degree[0] == "number" and closing[0] == "rbrack":
            self.at += 3
            self.found.append(("root", degree[1], column))
        else:
            raise SyntaxProblem(r"a root is written \sqrt{x} or \sqrt[3]{x}", column)

    def _total(self, _: str, column: int) -> None:
        r"""\sum_{k=1}^{K}, \sum_k^K or \sum_k as the name and, if it is said, the size."""
        scripts: dict[str, list[Token]] = {}
        while (kind := self.raw[self.at][0]) in ("_", "^") and kind not in scripts:
            self.at += 1
            scripts[kind] = self._group()
        lower, upper = scripts.get("_", []), scripts.get("^", [])
        starts_at_one = [t[1] for t in lower[1:]] in ([], ["=", "1"])
        if not lower or not starts_at_one or len(upper) > 1 or any(t[0] != "letter" for t in (lower[0], *upper)):
            raise SyntaxProblem(r"a sum is written \sum_{k=1}^{K} or \sum_k", column)
        self.found += [("bigsum", r"\sum", column), ("name", lower[0][1], lower[0][2])]
        self.found += [("upper", name, at) for _, name, at in upper]

    def _raise(self, _: str, column: int) -> None:
        """A power; TeX raises a single token, which is refused where it looks like more."""
        self.found.append(("^", "^", column))
        kind, word = self.raw[self.at][:2]
        if kind in ("-", "+"):
            raise SyntaxProblem("TeX raises the sign only: write ^{-1}", column)
        is_name = kind == "letter" or (kind == "command" and word in NAMES)
        has_scripts = self.raw[self.at + 1][0] in ("_", "^", "'")
        if (kind == "number" and (len(word) > 1 or has_scripts)) or (is_name and has_scripts):
            raise SyntaxProblem("TeX raises the first character only: write ^{...}", column)

    def _lower(self, _: str, column: int) -> None:
        """A subscript behind a bracket."""
        self.found += self._indices(self._group(), column)

    def _open(self, brace: str, column: int) -> None:
        if self.raw[self.at][0] == "}":
            self.at += 1  # an empty group says nothing
        else:
            self.found.append((brace, brace, column))

    def _row(self, word: str, column: int) -> None:
        r"""The end of a row of cases; one before {} or a condition only breaks a line."""
        following, brace = self.raw[self.at : self.at + 2]
        if following[0] in ("if", "otherwise"):
            self.found.append(("&", word, column))
        elif following[0] != "{" or brace[0] != "}":
            self.found.append(("row", word, column))

    def _indicator(self, names: str, column: int) -> None:
        marks = ("name", "kron"), ("(", "("), ("name", names[0]), (",", ","), ("name", names[1]), (")", ")")
        self.found += [(mark, text, column) for mark, text in marks]


def _directed(size: str, delimiter: str) -> str:
    r"""The kind of a bracket; \left| opens and \right| closes."""
    kind = MARKS[delimiter] if delimiter in MARKS else MARKS[delimiter[1:]]
    if kind == "|" and (size in ("left", "right") or size[-1] in "lr"):
        return "lvert" if size == "left" or size[-1] == "l" else "rvert"
    return kind


def _layer(content: list[Token]) -> str:
    """What stands in (2) or [2] as the name of a layer or of examples, or nothing."""
    if len(content) < 3 or (content[0][0], content[-1][0]) not in (("(", ")"), ("lbrack", "rbrack")):
        return ""
    kinds = {kind for kind, _, _ in content[1:-1]}
    inside = ("," if kinds <= {"letter", "command"} else "").join(word for _, word, _ in content[1:-1])
    return inside if _LAYER.fullmatch(inside) else ""


Rule = Callable[[_Latex, str, int], None]
_RULES: dict[str, Rule] = {
    "letter": _Latex._letter,
    "command": _Latex._command,
    "^": _Latex._raise,
    "_": _Latex._lower,
    "{": _Latex._open,
    "row": _Latex._row,
    "indicator": _Latex._indicator,
}
_COMMANDS: dict[str, Rule] = {
    **dict.fromkeys(("frac", "tfrac", "dfrac", "cfrac"), _Latex._fraction),
    **dict.fromkeys(("hat", "widehat"), _Latex._hat),
    "sqrt": _Latex._root,
    "sum": _Latex._total,
    "partial": _Latex._differential,
}
