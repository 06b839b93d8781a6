"""The job ``derive match``: reads what is asked, and has it answered; SymPy is imported only then.

Helmbold, Kivinen, Warmuth, NIPS 8 (1995): J = int h dz - y z is, up to c(y), the only loss with dJ/dz = h - y, and is
convex in z iff h does not decrease. Kivinen, Warmuth (2001): for a vector there is one iff dh_k/dz_j = dh_j/dz_k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derive.errors import REFUSALS, DeriveError, KernelError
from derive.matched import OWN, Match, Problem
from derive.request import declared, given, half
from derive.syntax import plain
from derive.term import item, replace, subterms, var


def match(activation: Any, params: Sequence[str] = (), assume: Sequence[str] = (), timeout: float = 10.0) -> Match:
    """The loss J with dJ/dz = h - y for an activation h(z), or the proof that there is none.

    activation: a slug of the catalogue, text in the plain language (``z`` elementwise, ``z[k]`` for a vector), or a
    SymPy expression; params: "w", "w>0", "0<t<1" or "w[k]>0" for each other name; assume: relations on z, such as
    "z<0"; timeout: seconds for SymPy's guesses. What is not decided is None, with a reason. Raises DeriveError for bad
    input.
    """
    problem = _problem(activation, params, assume)
    from derive.potentials import Scalar, Vector

    try:
        return (Vector if problem.is_vector else Scalar)(problem, timeout).solve()
    except (KernelError, *REFUSALS) as obstacle:
        return Match(plain(problem.body), name=problem.name, reason=f"undecided: {obstacle}")


def _problem(activation: Any, params: Sequence[str], assume: Sequence[str]) -> Problem:
    names = declared(params)
    found = half(activation, "activation", names)
    said = given(params, assume, {**names, **found.names}, found.is_vector)
    if any(r.names & {"h", "y"} for r in said):
        raise DeriveError("an assumption is about z and the parameters; h follows from z, and y may be anything")
    relations = tuple(dict.fromkeys((*found.domain, *found.parameters, *said)))
    return _coordinatewise(Problem(found.term, relations, found.name))


def _coordinatewise(problem: Problem) -> Problem:
    """A vector whose h[k] uses z[k] alone is the scalar h(z), coordinate by coordinate, and so are its parameters."""
    if not problem.is_vector:
        return problem
    families = {t.args[0] for t in subterms(problem.body) if t.kind == "item"}
    own = {item(name, OWN): var(name) for name in families}
    body, *relations = (replace(t, own) for t in (problem.body, *problem.assumptions))
    is_single = not any(t.kind in ("item", "sum", "size", "kron") for r in (body, *relations) for t in subterms(r))
    said = "The k-th output uses the k-th input alone: this is the activation, and J the loss, of one coordinate."
    if is_single:
        return Problem(body, tuple(relations), problem.name, said)
    return problem._replace(body=replace(problem.body, {var("z"): item("z", OWN)}))
