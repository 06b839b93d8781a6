"""Every error that a user can cause; imports nothing.

Each message is one plain line: what is wrong, where, and what to write instead.
"""

from __future__ import annotations


class DeriveError(Exception):
    """Bad input; the base of every error that this package raises on purpose."""


class SyntaxProblem(DeriveError):
    """Text that is not an expression; ``column`` counts characters from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column


class UnknownName(DeriveError):
    """A pair, loss, activation or symbol that nobody declared."""


class KernelError(DeriveError):
    """The kernel refuses: the rule does not apply, or a law or a limit is missing.

    A refusal is no statement about truth: whoever catches it answers "undecided".
    """


class CertificateError(DeriveError):
    """A certificate that is malformed, of another schema, or does not hold."""


PACKAGES = {"flint": "python-flint"}  # modules whose package has another name


def missing(problem: ModuleNotFoundError) -> DeriveError:
    """The error that says what to install."""
    package = PACKAGES.get(problem.name or "", problem.name)
    return DeriveError(f"the Python package {package} is missing; install it: python -m pip install {package}")


# what a rule, given terms or data of a wrong shape, may run into: it ends as a refusal
REFUSALS = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError)
