"""Terms: what can be built, what cannot, binding without capture, and that nothing changes afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from strategies import terms

from derive import term as module
from derive.syntax import plain
from derive.term import (
    MAX_DEPTH,
    MAX_NODES,
    ONE,
    ZERO,
    Term,
    add,
    call,
    div,
    index,
    item,
    kept,
    kron,
    mul,
    neg,
    num,
    open_sum,
    power,
    reindex,
    rel,
    rename,
    replace,
    size,
    sub,
    subterms,
    sum_over,
    var,
    where,
)

k, j, l, n = index("k"), index("j"), index("l"), index("n", "m")  # noqa: E741
z = var("z")


def zs(i: Term) -> Term:
    return item("z", i)


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("num", (1,)), ("num", (0.5,)), ("num", ("1",)), ("num", ()), ("var", (1,)), ("var", ()), ("var", ("z", "y")),
        ("item", ("z",)), ("item", ("z", z)), ("index", ("k",)), ("index", (1, "K")), ("bound", ("0", "K")),
        ("bound", (-1, "K")), ("bound", (True, "K")), ("add", (z, 1)), ("add", (z, k)), ("mul", (z, rel("<", z, z))),
        ("pow", (z,)), ("pow", (z, z, z)), ("call", (z,)), ("sum", (z,)), ("sum", ("K",)), ("sum", ("K", z, z)),
        ("kron", (k,)), ("kron", (k, n)), ("kron", (z, z)), ("rel", ("~", z, z)), ("rel", ("<", z)),
        ("rel", ("<", z, k)),
        ("where", (z, z, z)), ("where", (rel("=", z, z), z, z)), ("where", (rel("!=", z, z), z, z)),
        ("where", (rel("<", z, z), rel("<", z, z), z)), ("where", (rel("<", z, z), z, rel("<", z, z))),
        ("nothing", ()), ("nothing", (z,)),
    ],
    ids=str,
)  # fmt: skip
def test_ill_formed_terms_are_refused(kind: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError):
        Term(kind, args)


def test_limits() -> None:
    tower = z
    for _ in range(MAX_DEPTH - 1):
        tower = call("exp", tower)
    with pytest.raises(ValueError, match="deeper"):
        call("exp", tower)
    doubled = z
    with pytest.raises(ValueError, match=f"{MAX_NODES} nodes"):
        for _ in range(MAX_DEPTH - 1):
            doubled = add(doubled, doubled)


def test_terms_are_immutable() -> None:
    for name in ("args", "kind", "hint", "indices", "new"):
        with pytest.raises(AttributeError):
            setattr(z, name, ())
        with pytest.raises(AttributeError):
            delattr(z, name)


@given(terms())
def test_a_copy_is_equal_and_has_the_same_hash(term: Term) -> None:
    copy = Term(term.kind, term.args, "q")
    assert copy == term and hash(copy) == hash(term)
    assert term != add(term, ONE) and term != "z"


@given(terms())
def test_what_is_kept_is_what_a_walk_finds(term: Term) -> None:
    walk = list(subterms(term))
    assert term.indices == tuple(dict.fromkeys(t for t in walk if t.kind == "index"))
    assert term.names == {t.args[0] for t in walk if t.kind in ("var", "item")}
    assert term.nodes == len(walk)
    assert term.loose == 0


def test_numbers_are_exact() -> None:
    assert num(1, 2) == num(fmpq(2, 4)) != num(1)
    assert neg(num(2)) == num(-2) and neg(z) == mul(num(-1), z)
    assert div(ONE, z) == power(z, -1) and div(z, z) == mul(z, power(z, -1))
    assert add() == ZERO and mul() == ONE and add(z) == z == mul(z)
    assert sub(z, num(1)) == add(z, num(-1))


def test_equality_is_up_to_the_name_of_the_bound_index() -> None:
    assert sum_over(k, zs(k)) == sum_over(l, zs(l))
    assert rename(sum_over(k, zs(k)), "q") == sum_over(k, zs(k))
    assert sum_over(k, mul(zs(k), zs(j))) != sum_over(k, mul(zs(k), zs(l)))
    assert sum_over(k, zs(j)) != sum_over(j, zs(j))
    assert sum_over(k, ONE) != sum_over(n, ONE)


def test_a_sum_binds_its_own_index_only() -> None:
    inner = sum_over(l, mul(zs(l), zs(k)))
    total = sum_over(k, mul(zs(k), inner))
    assert total.indices == () and inner.indices == (k,)
    assert open_sum(total, j) == mul(zs(j), sum_over(l, mul(zs(l), zs(j))))
    assert open_sum(inner, k) == mul(zs(k), zs(k))  # the free k stays, the bound one becomes it: no rename is needed


def test_reindexing_does_not_capture() -> None:
    total = sum_over(k, mul(zs(k), zs(j)))
    assert reindex(total, {j: k}) == sum_over(l, mul(zs(l), zs(k)))
    assert reindex(total, {k: j}) == total
    assert reindex(mul(zs(k), zs(j)), {k: j, j: k}) == mul(zs(j), zs(k))


def test_an_index_over_another_size_is_refused() -> None:
    with pytest.raises(ValueError):
        open_sum(sum_over(k, zs(k)), n)
    with pytest.raises(ValueError):
        open_sum(Term("sum", ("m", item("z", Term("bound", (0, "K"))))), n)
    with pytest.raises(ValueError):
        sum_over(z, z)


@given(terms(), st.sampled_from(["y", "z"]))
def test_replacing_a_variable_by_itself_changes_nothing(term: Term, name: str) -> None:
    assert replace(term, {var(name): var(name)}) == term


def test_replace_is_simultaneous() -> None:
    y = var("y")
    assert replace(add(z, y), {z: y, y: z}) == add(y, z)
    assert replace(where(rel("<", z, ZERO), z, y), {z: size("K")}) == where(rel("<", size("K"), ZERO), size("K"), y)
    assert replace(kron(k, j), {z: y}) == kron(k, j)


# ---- what is kept --------------------------------------------------------------------------------


def test_a_term_that_is_made_again_is_the_same_object() -> None:
    pairs = [(add(var("z"), num(1, 2)), add(var("z"), num(1, 2))) for _ in range(3)]
    assert any(one is other for one, other in pairs)  # unless all is forgotten just then
    assert num(2) is not num(1, 2) and call("exp", z) is not call("log", z) and size("z") is not z


def test_sums_that_differ_in_the_name_of_their_index_are_equal_and_stay_apart() -> None:
    by_k, by_j = (mul(zs(l), sum_over(i, zs(i))) for i in (k, j))
    assert by_k == by_j and by_k is not by_j
    for _ in range(2):  # the second time from memory
        shown = [plain(reindex(t, {l: index("i")})) for t in (by_k, by_j)]
        assert shown == ["z[i]*sum(k, z[k])", "z[i]*sum(j, z[j])"]


def test_open_and_closed_sums_keep_the_names_inside() -> None:
    inner = [sum_over(i, item("w", l, i)) for i in (k, j)]
    for _ in range(2):
        outer = [sum_over(l, t) for t in inner]
        assert [t.args[1].hint for t in outer] == [open_sum(t, l).hint for t in outer] == ["k", "j"]


def test_forgetting_changes_no_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    before = power(add(z, var("y")), 2)
    monkeypatch.setattr(module, "MAX_KNOWN", 1)
    var("nobody has made this one before")
    after = power(add(var("z"), var("y")), 2)
    assert len(module._KNOWN) == 1 and after is not before and after == before and hash(after) == hash(before)


def test_a_wide_term_is_not_kept() -> None:
    wide = [add(*(num(n) for n in range(100))) for _ in range(2)]
    assert wide[0] == wide[1] and wide[0] is not wide[1]


def test_what_is_kept_of_a_function_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Term] = []

    @kept
    def twice(term: Term) -> Term:
        calls.append(term)
        return add(term, term)

    assert twice(z) is twice(z) and len(calls) == 1
    monkeypatch.setattr(module, "MAX_KEPT", 2)
    assert [twice(t) for t in (ONE, ZERO, z)] == [add(t, t) for t in (ONE, ZERO, z)]
    assert calls == [z, ONE, ZERO, z]


def test_a_second_term_does_not_displace_the_first() -> None:
    calls: list[Term] = []

    @kept
    def noted(term: Term) -> Term:
        calls.append(term)
        return term

    assert [noted(t) for t in (z, ONE, z, ONE)] == [z, ONE, z, ONE] and calls == [z, ONE]


# ---- what mutation testing found -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "heads", "part", "least", "most"),
    [
        ("num", (fmpq(1, 2),), z, 0, 0),
        ("size", ("K",), z, 0, 0),
        ("item", ("z",), k, 1, 8),
        ("call", ("f",), z, 0, 8),
        ("where", (rel("<", z, ONE),), z, 2, 2),
        ("rest", (sum_over(k, zs(k)),), k, 1, 1),
        ("pow", (), z, 2, 2),
        ("sum", ("K",), z, 1, 1),
        ("kron", (), k, 2, 2),
        ("rel", ("<",), z, 2, 2),
        ("bound", (0, "K"), z, 0, 0),
        ("index", ("k", "K"), z, 0, 0),
        ("var", ("z",), z, 0, 0),
        ("add", (), z, 0, 40),
        ("mul", (), z, 0, 40),
    ],
)
def test_how_much_a_term_holds(kind: str, heads: tuple[Any, ...], part: Term, least: int, most: int) -> None:
    for count in (least, most):
        assert Term(kind, (*heads, *(part,) * count)).args == (*heads, *(part,) * count)
    for count in (least - 1, *([most + 1] if kind not in ("add", "mul") else [])):
        if count >= 0:
            with pytest.raises(ValueError, match="no term has the shape"):
                Term(kind, (*heads, *(part,) * count))
    tower = z
    for _ in range(MAX_DEPTH - 1):
        tower = call("exp", tower)
    assert tower.depth == MAX_DEPTH == 100


def test_a_sum_less_one_of_its_terms_is_a_number() -> None:
    rest = Term("rest", (sum_over(k, zs(k)), j))
    assert add(rest, ONE).args == (rest, ONE) and add(rest, ONE).indices == (j,)


def test_truth_is_no_number_even_where_the_number_is_known() -> None:
    assert Term("bound", (1, "K")) != Term("bound", (0, "K"))
    for truth in (True, False):
        with pytest.raises(ValueError, match="no term has the shape"):
            Term("bound", (truth, "K"))
