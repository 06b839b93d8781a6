"""What should stand in a wrong claim: a derivative in the form of a textbook; untrusted, imports judge, model, present.

A form is taken from the steps of the pair's proof, or put together as backpropagation does; it is given only where the
kernel proves it.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.derivation import COST
from derive.errors import KernelError
from derive.judge import proved
from derive.model import Model, Quantity
from derive.present import tidy
from derive.proof import Proof
from derive.term import Term, add, index, item, mul, power, reindex, replace, size, subterms, sum_over, var
from derive.verdict import spread

OUTPUT = ("z", "h", "y")


def correction(model: Model, proof: Proof | None, term: Term) -> Term | None:
    """The value of a stand-in, as briefly as it is known; None for any other term, or where nothing is proved."""
    quantity = model.quantity_of(term)
    if quantity is None:
        return None
    for form in _forms(model, proof, quantity):
        try:
            if not proved(model, term, form).conditions or quantity.subject == COST:
                return form
        except KernelError:
            continue
    try:
        return tidy(model.written_out(term))
    except KernelError:
        return None


def _forms(model: Model, proof: Proof | None, quantity: Quantity) -> Iterator[Term]:
    if proof is not None:
        yield from _of_steps(model, proof, quantity)
    if "a2" not in model.definitions:
        return
    if (quantity.subject.args[0], quantity.variable.args[0]) == ("a2", "z2"):
        yield from _slopes(proof, quantity)
    yield from _backward(model, proof, quantity)


def _of_steps(model: Model, proof: Proof, quantity: Quantity) -> Iterator[Term]:
    """The right sides of the proof's steps about the same derivative, the last first."""
    statement = proof.statement
    for step in reversed(proof.steps):
        if step.where and not (step.rule == "condition" and step.where[0] in model.conditions):
            continue
        if not isinstance(step.left, tuple) or (step.left[2:] or (1,)) != (quantity.order,):
            continue
        subject, variable = step.left[:2]
        if (subject.args[0], variable.args[0]) == (quantity.subject.args[0], quantity.variable.args[0]):
            own = (*subject.args[1:], *variable.args[1:])
            actual = (*quantity.subject.args[1:], *quantity.variable.args[1:])
            if len(own) == len(actual):
                found = reindex(step.right, dict(zip(own, actual, strict=True)))
                yield spread(found) if any(t.kind == "where" for t in subterms(found)) else found
            elif not statement.output.args[1:]:
                yield _at(step.right, quantity.variable.args[1:], model)


def _at(term: Term, place: tuple[Term, ...], model: Model) -> Term:
    """The term about numbers h, y and z as one about those of a unit; of a mean, its share."""
    found = replace(term, {var(name): item(name, *place) for name in OUTPUT})
    averaged = any(i.args[1] == "m" for i in place)
    return mul(power(size("m"), -1), found) if averaged else found


def _backward(model: Model, proof: Proof | None, quantity: Quantity) -> Iterator[Term]:
    """Of a hidden layer: the delta of the layer above through its weights, times f'; of weights: delta times input."""
    if quantity.subject != COST or quantity.order != 1:
        return
    name, place = quantity.variable.args[0], quantity.variable.args[1:]
    examples = tuple(i for i in place if i.args[1] == "m")
    k = index("k", "K") if index("k", "K") not in place else index("r", "K")
    if name in ("z2", "a2"):
        above = correction(model, proof, model.stand_in(COST, item("z", *examples, k)))
        slope = _slope(model, proof, item("z2", *place)) if name == "z2" else None
        if above is not None:
            back = sum_over(k, mul(above, item("Theta2", k, place[-1])))
            yield back if slope is None else mul(back, slope)
    elif name in ("Theta2", "Theta1", "b2", "b1"):
        of, below = ("z", "a2") if name.endswith("2") else ("z2", "a1")
        i = (index("i", "m"),) if any(s == "m" for s in model.names[0]["h"]) else ()
        delta = correction(model, proof, model.stand_in(COST, item(of, *i, place[0])))
        if delta is not None:
            factors = (delta, item(below, *i, place[1])) if len(place) > 1 else (delta,)
            gradient = sum_over(i[0], mul(*factors)) if i else mul(*factors)
            decays = "lambda" in model.names[1] and len(place) > 1
            shares = (power(size("m"), -1),) if i else ()
            yield add(gradient, mul(var("lambda"), *shares, quantity.variable)) if decays else gradient


def _slope(model: Model, proof: Proof | None, z: Term) -> Term | None:
    return correction(model, proof, model.stand_in(item("a2", *z.args[1:]), z))


def _slopes(proof: Proof | None, quantity: Quantity) -> Iterator[Term]:
    """f' of a hidden unit, as that of the output is written."""
    own = {var("h"): quantity.subject, var("z"): quantity.variable}
    if quantity.subject.args[1:] == quantity.variable.args[1:]:
        for step in reversed(proof.steps if proof else ()):
            if step.left == (var("h"), var("z")) and not step.where:
                yield replace(step.right, own)
