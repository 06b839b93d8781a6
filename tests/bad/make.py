#!/usr/bin/env python3
"""Certificates that must be refused, one a reason: a shipped one with one thing wrong; writes them beside itself.

The checksum is computed again, unless it is the point, so that it is never what refuses. Run it after
certificates have changed; ``test_certificate.py`` compares the files with what is made here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))

from derive import prover  # noqa: E402
from derive.certificate import _sealed, dumps, folder  # noqa: E402

Body = dict[str, Any]


class Case(NamedTuple):
    """``reason`` is a pattern that the message must contain; ``change`` edits the content, ``damage`` the text."""

    name: str
    base: str
    reason: str
    change: Callable[[Body], object]
    damage: Callable[[str], str] | None = None

    @property
    def text(self) -> str:
        body = content(self.base)
        self.change(body)
        text = _sealed(body)
        return self.damage(text) if self.damage else text

    @property
    def path(self) -> Path:
        return HERE / f"{self.name}.json"


@cache
def good(base: str) -> str:
    """A shipped certificate, or that of a pair averaged over examples, which is derived."""
    pair, _, average = base.partition(".")
    return (
        dumps(prover.prove(pair, average=True).checked) if average else (folder() / f"{pair}.json").read_text("ascii")
    )


def content(base: str) -> Body:
    """What a certificate says, without its checksum."""
    body: Body = json.loads(good(base))
    del body["checksum"]
    return body


CASES: list[Case] = []


def case(base: str, reason: str) -> Callable[[Callable[[Body], object]], Callable[[Body], object]]:
    """Declares the decorated change as a case of its name."""

    def declare(change: Callable[[Body], object]) -> Callable[[Body], object]:
        CASES.append(Case(change.__name__.replace("_", "-"), base, reason, change))
        return change

    return declare


def damaged(name: str, reason: str, damage: Callable[[str], str]) -> None:
    CASES.append(Case(name, "mse-sigmoid", reason, lambda body: None, damage))


def step(body: Body, reason: str) -> Body:
    """The step with this label."""
    found: Body = next(s for s in body["steps"] if s["reason"] == reason)
    return found


def number(body: Body) -> None:
    """The steps counted again; what they rest on is left alone."""
    for n, found in enumerate(body["steps"], 1):
        found["n"] = n


# ---- the file: damaged, cut, of another version, not in the one form that is written

CHECKSUM = "checksum does not fit"
FORM = "not in the form in which certificates are written"
damaged("flipped-byte", CHECKSUM, lambda text: text.replace('"delta": "-1/8"', '"delta": "-1/9"'))
damaged("truncated", "cut short", lambda text: text[: len(text) // 2])
damaged("truncated-by-its-newline", FORM, lambda text: text[:-1])
damaged("text-behind-the-end", "not JSON", lambda text: text + "{}\n")
damaged("duplicate-key", CHECKSUM, lambda text: text.replace('"points"', '"points": {},\n "points"'))
damaged("other-indentation", CHECKSUM, lambda text: json.dumps(json.loads(text), indent=2) + "\n")
damaged("raw-non-ascii", CHECKSUM, lambda text: text.replace('"simplify"', '"simplifié"'))
damaged(
    "checksum-missing",
    FORM,
    lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "checksum"}),
)
damaged("integer-too-long", "not JSON", lambda text: text.replace('"n": 7', f'"n": {"7" * 5000}'))
damaged("array-at-the-top", "JSON object is expected", lambda text: f"[{text}]")
damaged("json-nested-too-deep", "not JSON|nested", lambda text: text.replace('"mse-sigmoid"', "[" * 5000 + "]" * 5000))
damaged(
    "json-nested-deep",
    "checksum does not fit|nested",
    lambda text: text.replace('"mse-sigmoid"', "[" * 500 + "]" * 500),
)


@case("mse-sigmoid", r"schema 'derive-certificate/3' is not 'derive-certificate/2'")
def newer_schema(body: Body) -> None:
    body["schema"] = "derive-certificate/3"


@case("mse-sigmoid", r"schema 'derive-certificate/1' is not 'derive-certificate/2'")
def older_schema(body: Body) -> None:
    body["schema"] = "derive-certificate/1"


@case("mse-sigmoid", "schema null is not")
def no_schema(body: Body) -> None:
    del body["schema"]


# ---- fields: missing, extra, of the wrong type


@case("mse-sigmoid", "fields that differ: extra")
def extra_field(body: Body) -> None:
    body["extra"] = 1


@case("mse-sigmoid", "step 7, fields|step 7, extra")
def extra_field_in_a_step(body: Body) -> None:
    body["steps"][6]["extra"] = True


@case("mse-sigmoid", "statement: the file says")
def extra_field_in_the_statement(body: Body) -> None:
    body["statement"]["extra"] = []


@case("mse-sigmoid", "a field is missing .*'activation'")
def field_removed(body: Body) -> None:
    del body["statement"]["activation"]


@case("mse-sigmoid", "fields that differ: verdict")
def verdict_removed(body: Body) -> None:
    del body["verdict"]


@case("mse-sigmoid", "checksum: the file says|not in the form")
def keys_in_another_order(body: Body) -> None:
    body["statement"] = dict(reversed(body["statement"].items()))


@case("mse-sigmoid", "wrong shape")
def null_for_the_steps(body: Body) -> None:
    body["steps"] = None


@case("mse-sigmoid", "wrong shape")
def list_for_the_statement(body: Body) -> None:
    body["statement"] = list(body["statement"].values())


@case("mse-sigmoid", "wrong shape")
def list_for_a_value(body: Body) -> None:
    body["steps"][6]["value"] = [body["steps"][6]["value"]]


@case("mse-sigmoid", "wrong shape")
def number_for_a_term(body: Body) -> None:
    body["statement"]["activation"] = 1


@case("mse-sigmoid", "wrong shape")
def text_for_the_witness(body: Body) -> None:
    body["points"]["witness"] = "z = 0"


@case("mse-sigmoid", "step 7, from")
def text_for_a_source(body: Body) -> None:
    body["steps"][6]["from"] = ["6"]


@case("mse-sigmoid", "step 7, from")
def fraction_for_a_source(body: Body) -> None:
    body["steps"][6]["from"] = [6.5]


@case("mse-sigmoid", "NaN is no number of JSON")
def nan_for_a_source(body: Body) -> None:
    body["steps"][6]["from"] = [float("nan")]


@case("mse-sigmoid", "Infinity is no number of JSON")
def infinity_for_a_source(body: Body) -> None:
    body["steps"][6]["from"] = [float("inf")]


@case("mse-sigmoid", "pair: a name is")
def number_for_the_pair(body: Body) -> None:
    body["pair"] = 17


@case("mse-sigmoid", "pair: a name is")
def markup_for_the_pair(body: Body) -> None:
    body["pair"] = "<script>alert(1)</script>"


@case("mse-sigmoid", "about: plain words are expected")
def markup_for_a_source(body: Body) -> None:
    body["about"]["loss_source"] = "\\input{/etc/passwd}"


@case("mse-sigmoid", "about: plain words are expected")
def control_character_in_a_name(body: Body) -> None:
    body["about"]["activation"] = "sigmoid\x1b[31m"


@case("mse-sigmoid", "about: plain words are expected")
def number_for_a_name(body: Body) -> None:
    body["about"]["loss"] = 1


@case("mse-sigmoid", "wrong shape")
def extra_field_about_the_pair(body: Body) -> None:
    body["about"]["url"] = "example"


@case("mse-sigmoid", "average: the statement says otherwise")
def averaged_in_name_only(body: Body) -> None:
    body["average"] = True


@case("mse-sigmoid.average", "average: the statement says otherwise")
def not_averaged_in_name_only(body: Body) -> None:
    body["average"] = False


# ---- terms: not ASCII, too large, names unknown or taken


@case("mse-sigmoid", "unknown reason")
def unknown_reason(body: Body) -> None:
    body["steps"][6]["reason"] = "obviously"


@case("mse-sigmoid", "unknown reason")
def reason_in_cyrillic(body: Body) -> None:
    body["steps"][6]["reason"] = "сancel"


@case("mse-sigmoid", "U\\+0443")
def target_in_cyrillic(body: Body) -> None:
    body["statement"]["target"] = "у"


@case("mse-sigmoid", "no such rule: trust-me")
def unknown_rule(body: Body) -> None:
    body["steps"][6]["rule"] = "trust-me"


@case("mse-sigmoid", "unexpected character|unknown name '__import__'")
def code_for_a_value(body: Body) -> None:
    body["steps"][6]["value"] = "__import__('os')"


@case("mse-sigmoid", "exponent of a number is beyond")
def number_with_a_huge_exponent(body: Body) -> None:
    body["steps"][6]["value"] = "1e999999999"


@case("mse-sigmoid", "digits, which is the limit")
def number_with_too_many_digits(body: Body) -> None:
    body["points"]["witness"]["point"]["z"] = "1" + "0" * 2000


@case("mse-sigmoid", "step 7")
def tower_of_powers(body: Body) -> None:
    body["steps"][6]["value"] = "9^9^9^9"


@case("mse-sigmoid", "deep, which is the limit")
def term_nested_too_deep(body: Body) -> None:
    body["steps"][6]["value"] = "(" * 5000 + "h - y" + ")" * 5000


@case("mse-sigmoid", "step 7")
def power_too_large_to_expand(body: Body) -> None:
    body["steps"][6]["value"] = "(1 + h + y + z)^900"


@case("mse-sigmoid", "unknown name 'y'")
def name_undeclared(body: Body) -> None:
    body["symbols"]["scalars"].remove("y")


@case("mse-sigmoid", "the name exp has a meaning already")
def name_of_a_function_declared(body: Body) -> None:
    body["symbols"]["scalars"].append("exp")


# ---- the chain of steps


@case("mse-sigmoid", "does not end in dJ/dz")
def yes_without_steps(body: Body) -> None:
    body["steps"] = []
    body["verdict"] |= {"answer": "yes", "kind": "cancels", "delta": "h - y", "factor": None}


@case("bce-sigmoid", "does not end in dJ/dz")
def last_steps_missing(body: Body) -> None:
    del body["steps"][6:]


@case("bce-sigmoid", r"step 7 \(rewrite\): the normal forms of the two sides differ")
def step_missing(body: Body) -> None:
    """Without the chain rule h - y is left to rest on dh/dz."""
    del body["steps"][6]
    number(body)
    step(body, "cancel")["from"] = [6]


@case("bce-sigmoid", r"step 4, n: the file says 5")
def step_missing_and_not_renumbered(body: Body) -> None:
    del body["steps"][3]
    for later in body["steps"][3:]:
        later["from"] = [{3: 3, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7}[n] for n in later["from"]]
    body["steps"][5]["value"] = "(-y/h + (1 - y)/(1 - h))*(h*(1 - h))"


@case("bce-sigmoid", r"step 3 \(rewrite\): a step can rest on earlier steps only")
def steps_reordered(body: Body) -> None:
    """dJ/dh over one denominator before dJ/dh itself."""
    body["steps"][2:4] = body["steps"][3:1:-1]
    number(body)


@case("bce-sigmoid", r"step 7 \(chain\): a step can rest on earlier steps only")
def forward_reference(body: Body) -> None:
    body["steps"][6]["from"] = [8, 6]


@case("bce-sigmoid", r"step 8 \(rewrite\): a step can rest on earlier steps only")
def reference_to_itself(body: Body) -> None:
    body["steps"][7]["from"] = [8]


@case("bce-sigmoid", r"step 7 \(chain\): a step can rest on earlier steps only")
def reference_to_step_zero(body: Body) -> None:
    body["steps"][6]["from"] = [0, 6]


@case("bce-sigmoid", r"step 7 \(chain\): the chain rule needs dJ/dh and dh/dz")
def wrong_source(body: Body) -> None:
    body["steps"][6]["from"] = [4, 4]


@case("bce-sigmoid", r"step 7 \(chain\): the chain rule needs dJ/dh and dh/dz")
def sources_swapped(body: Body) -> None:
    body["steps"][6]["from"] = [6, 4]


@case("bce-sigmoid", r"step 7 \(chain\)")
def source_missing(body: Body) -> None:
    body["steps"][6]["from"] = [4]


@case("bce-sigmoid", r"step 8 \(rewrite\)")
def source_too_many(body: Body) -> None:
    body["steps"][7]["from"] = [7, 4]


@case("bce-sigmoid", r"step 8 \(rewrite\): only the value of a derivative is rewritten")
def definition_rewritten(body: Body) -> None:
    body["steps"][7]["from"] = [1]


# ---- the mathematics of a step


@case("bce-sigmoid", r"step 3 \(differentiate-loss\): this is not the derivative")
def wrong_sign_in_the_derivative(body: Body) -> None:
    step(body, "differentiate-loss")["value"] = "-y/h - (1 - y)/(1 - h)"


@case("bce-sigmoid", r"step 8 \(rewrite\): the normal forms of the two sides differ")
def wrong_sign(body: Body) -> None:
    step(body, "cancel")["value"] = "y - h"


@case("sse-sigmoid", r"step 3 \(differentiate-loss\): this is not the derivative")
def wrong_factor_in_the_derivative(body: Body) -> None:
    step(body, "differentiate-loss")["value"] = "h - y"


@case("mse-sigmoid", r"step 7 \(rewrite\): the normal forms of the two sides differ")
def wrong_factor(body: Body) -> None:
    step(body, "simplify")["value"] = "2*h*(1 - h)*(h - y)"


@case("mse-sigmoid", r"step 7 \(rewrite\): the normal forms of the two sides differ")
def factor_dropped(body: Body) -> None:
    step(body, "simplify")["value"] = "h - y"


@case("mse-sigmoid", r"step 7 \(rewrite\): the normal forms of the two sides differ")
def factor_wrong_by_very_little(body: Body) -> None:
    step(body, "simplify")["value"] = "(1 + 1e-60)*h*(1 - h)*(h - y)"


@case("mse-sigmoid", r"step 6 \(chain\): the rule proves another right side")
def chain_rule_without_the_activation(body: Body) -> None:
    step(body, "chain-rule")["value"] = "h - y"


@case("mse-sigmoid", r"step 5 \(rewrite\): the normal forms of the two sides differ")
def output_not_unfolded(body: Body) -> None:
    """dh/dz = h (1 - h) holds for h = 1/(1 + exp(-z)) only, so a rewriting valid for every h cannot say it."""
    step(body, "in-output")["rule"] = "rewrite"


@case("cce-softmax", "h and y have the same indices, and z as many others|taken already; rename it")
def index_captured(body: Body) -> None:
    """By z[k], the very index of h[k]: each dh_k/dz_k is true, and the chain rule would see the diagonal only."""
    body["statement"]["preactivation"] = "z[k]"
    step(body, "differentiate-activation")["value"] = "exp(z[k])/sum(l, exp(z[l])) - exp(z[k])^2/sum(l, exp(z[l]))^2"
    step(body, "in-output")["value"] = "h[k]*(1 - h[k])"
    step(body, "chain-rule")["value"] = "sum(k, (-y[k]/h[k])*(h[k]*(1 - h[k])))"


@case("cce-softmax", r"step 4 \(differentiate-activation\): this is not the derivative")
def jacobian_diagonal_only(body: Body) -> None:
    step(body, "differentiate-activation")["value"] = (
        "kron(k, j)*(exp(z[k])/sum(l, exp(z[l])) - exp(z[k])*exp(z[j])/sum(l, exp(z[l]))^2)"
    )


@case("cce-softmax", r"step 9 \(rewrite\): the normal forms of the two sides differ")
def delta_collapsed_to_one(body: Body) -> None:
    step(body, "collapse")["value"] = "-sum(k, y[k]) + h[j]*sum(k, y[k])"


@case("cce-softmax", r"step 9 \(rewrite\): the normal forms of the two sides differ")
def delta_collapsed_at_the_wrong_index(body: Body) -> None:
    step(body, "collapse")["value"] = "-y[k] + h[j]*sum(k, y[k])".replace("sum(k, y[k])", "sum(l, y[l])")


@case("cce-softmax.average", r"step 7 \(rewrite\): the normal forms of the two sides differ")
def examples_collapsed_to_all(body: Body) -> None:
    """A delta between examples read as 1: every example would add to the gradient of one."""
    found = step(body, "collapse-examples")
    found["value"] = found["value"].replace("i, k", "n, k").replace("i, j", "n, j").join(("sum(n, m, ", ")"))


# ---- conditions and hypotheses


@case("cce-softmax", r"step 12 \(rewrite\): the normal forms of the two sides differ")
def condition_dropped(body: Body) -> None:
    step(body, "condition").update(rule="rewrite", assuming=[])


@case("cce-softmax", r"step 12 \(condition\): a condition is an equation about targets")
def condition_assumes_nothing(body: Body) -> None:
    step(body, "condition")["assuming"] = []


@case("cce-softmax", r"step 12 \(condition\): a condition is an equation about targets")
def condition_about_the_output(body: Body) -> None:
    step(body, "condition")["assuming"] = ["sum(k, y[k]) = 1", "h[k] = y[k]"]


@case("cce-softmax", r"step 12 \(condition\): a condition is an equation about targets")
def condition_that_is_no_equation(body: Body) -> None:
    step(body, "condition")["assuming"] = ["sum(k, y[k]) >= 1"]


@case("cce-softmax", "a point is not certainly inside the domain")
def condition_that_no_target_meets(body: Body) -> None:
    body["statement"]["targets"][1] = "sum(k, y[k]) = 2"


@case("cce-softmax", "a point is missing, or one is given that nothing needs")
def condition_stronger_than_it_helps(body: Body) -> None:
    step(body, "condition")["assuming"] = ["sum(k, y[k]) = 2"]
    step(body, "condition")["value"] = "2*h[j] - y[j]"


@case("cce-softmax", r"dJ/dz is never stated without a condition|step 10, hypotheses")
def assumption_in_another_rule(body: Body) -> None:
    body["steps"][9].update(value="h[j] - y[j]", assuming=["sum(k, y[k]) = 1"])
    step(body, "second")["value"] = "h[j]*(1 - h[j])"


@case("mse-softmax", "a point is not certainly inside the domain")
def condition_without_need(body: Body) -> None:
    """The witness of a no is asked to meet what is assumed for it."""
    body["statement"]["targets"] = ["sum(k, y[k]) = 1"]
    last = body["steps"][9]
    body["steps"].append(
        last | {"n": 12, "rule": "condition", "from": [10], "assuming": ["sum(k, y[k]) = 1"], "reason": "condition"}
    )


@case("cce-softmax", "verdict: the file says .* the kernel finds")
def condition_unsaid(body: Body) -> None:
    body["verdict"]["conditions"] = []


@case("cce-softmax", "step 12, hypotheses")
def hypothesis_of_a_condition_unsaid(body: Body) -> None:
    step(body, "condition")["hypotheses"] = []


@case("bce-sigmoid", "step 3, hypotheses")
def hypothesis_removed(body: Body) -> None:
    step(body, "differentiate-loss")["hypotheses"].remove("h < 1")


@case("bce-sigmoid", "step 8, hypotheses")
def hypothesis_added(body: Body) -> None:
    step(body, "cancel")["hypotheses"].append("0 < y")


@case("cce-softmax", "step 6, obligations")
def obligation_removed(body: Body) -> None:
    step(body, "chain-rule")["obligations"] = []


@case("cce-softmax", "step 6, obligations")
def obligation_for_another_reason(body: Body) -> None:
    step(body, "chain-rule")["obligations"][0]["facts"] = ["K > 1"]


@case("bce-sigmoid", "step 1, hypotheses")
def domain_of_the_loss_unsaid(body: Body) -> None:
    """The steps hold all the same: what is missing from the statement becomes a hypothesis of their theorems."""
    body["statement"]["loss_domain"] = []


@case("poisson-exp", "a point is missing, or one is given that nothing needs")
def activation_that_leaves_the_domain(body: Body) -> None:
    """poisson-identity: every step holds for h > 0, but h = z is not positive; where it is, dJ/dz is not h - y."""
    body["statement"]["activation"] = step(body, "activation-definition")["value"] = "z"
    step(body, "differentiate-activation")["value"] = "1"
    step(body, "in-output")["value"] = "1"
    step(body, "chain-rule")["value"] = "(1 - y/h)*1"
    step(body, "cancel").update(value="(1/h)*(h - y)", reason="simplify")
    step(body, "second")["value"] = "y/h^2"


# ---- true steps under other definitions


@case("bce-sigmoid", r"step 2 \(output\): the rule proves another right side")
def activation_swapped(body: Body) -> None:
    body["statement"]["activation"] = "exp(z)/(2 + exp(z))"


@case("bce-sigmoid", r"step 5 \(differentiate-activation\): this is not the derivative")
def activation_swapped_everywhere(body: Body) -> None:
    body["statement"]["activation"] = step(body, "activation-definition")["value"] = "1/(1 + exp(-2*z))"


@case("bce-sigmoid", r"step 1 \(cost\): the rule proves another right side")
def loss_swapped(body: Body) -> None:
    body["statement"]["cost"] = "(h - y)^2/2"


@case("mse-identity", r"step 3 \(differentiate-loss\): this is not the derivative")
def loss_scaled_everywhere(body: Body) -> None:
    body["statement"]["cost"] = step(body, "loss-definition")["value"] = "(h - y)^2"


@case("mse-identity", r"step 5 \(chain\): J depends on z not only through h")
def loss_that_uses_the_preactivation(body: Body) -> None:
    body["statement"]["cost"] = step(body, "loss-definition")["value"] = "(h - y)^2/2 + z"


@case("mse-sigmoid", "names J, h, y or z where it has no place")
def activation_defined_by_itself(body: Body) -> None:
    body["statement"]["activation"] = step(body, "activation-definition")["value"] = "h + z - z"


@case("mse-sigmoid", "h, y and z are three different variables")
def target_swapped_with_the_output(body: Body) -> None:
    body["statement"]["target"] = "h"


# ---- the verdict


@case("mse-sigmoid", r'verdict: .*"answer": "yes".* the kernel finds .*"answer": "no"')
def answer_changed(body: Body) -> None:
    body["verdict"]["answer"] = "yes"


@case("bce-sigmoid", r'verdict: .*"answer": "no".* the kernel finds .*"answer": "yes"')
def yes_turned_into_no(body: Body) -> None:
    body["verdict"]["answer"] = "no"


@case("mse-sigmoid", r'verdict: .*"kind": "multiple".* the kernel finds .*"kind": "residual"')
def kind_changed(body: Body) -> None:
    body["verdict"]["kind"] = "multiple"


@case("sse-identity", r'verdict: .*"factor": "3".* the kernel finds .*"factor": "2"')
def factor_changed(body: Body) -> None:
    body["verdict"]["factor"] = "3"


@case("mse-sigmoid", r'verdict: .*"factor": null.* the kernel finds .*"factor": "h')
def factor_removed(body: Body) -> None:
    body["verdict"]["factor"] = None


@case("cce-softmax", r'verdict: .*"delta": "h\[j\] - y\[j\]".* the kernel finds .*"delta": "h\[j\]\*sum')
def delta_of_the_condition(body: Body) -> None:
    """delta is what holds without the condition."""
    body["verdict"]["delta"] = "h[j] - y[j]"


@case("bce-sigmoid", "a point is missing, or one is given that nothing needs")
def yes_that_stops_short(body: Body) -> None:
    """dJ/dz not simplified to h - y: not of the shape, and there is no point where it differs."""
    del body["steps"][7:]
    body["verdict"] |= {"answer": "no", "kind": "other"}


# ---- witnesses and border points


@case("mse-sigmoid", "a point is missing, or one is given that nothing needs")
def witness_removed(body: Body) -> None:
    del body["points"]["witness"]


@case("mse-sigmoid", "does not certainly separate")
def witness_where_both_agree(body: Body) -> None:
    """y = 1/2 = h at z = 0: both sides are 0."""
    body["points"]["witness"] = {"point": {"z": "0", "y": "1/2"}, "delta": "0", "claim": "0"}


@case("bce-sigmoid", "does not certainly separate")
def witness_against_a_truth(body: Body) -> None:
    del body["steps"][7:]
    body["verdict"] |= {"answer": "no", "kind": "other"}
    body["points"] = {
        "witness": {"point": {"z": "0", "y": "1"}, "delta": "-1/2", "claim": "-1/2"},
        "border": {"point": {"z": "0", "y": "h"}, "delta": "0", "claim": "0"},
    }


@case("mse-sigmoid", "h is defined (twice|once)")
def witness_that_gives_the_output(body: Body) -> None:
    """h is defined by z; a point that says it again could contradict the definition."""
    body["points"]["witness"]["point"]["h"] = "5"


@case("mse-sigmoid", "y has (an|no) exact value")
def witness_without_a_coordinate(body: Body) -> None:
    del body["points"]["witness"]["point"]["y"]


@case("mse-sigmoid", "witness: foo with 0 indices is not declared")
def witness_with_a_stray_coordinate(body: Body) -> None:
    body["points"]["witness"]["point"]["foo"] = "1"


@case("cce-softmax", "witness: z\\[3\\] is outside the sizes")
def witness_with_a_coordinate_beyond_its_size(body: Body) -> None:
    body["points"]["witness"]["point"]["z[3]"] = "1"


@case("bce-softmax", "a point is not certainly inside the domain")
def witness_outside_the_targets(body: Body) -> None:
    body["points"]["witness"]["point"] |= {"y[1]": "2"}


@case("bce-softmax", "not certainly inside the domain")
def witness_outside_the_sizes(body: Body) -> None:
    """One class, where softmax is 1 and the loss undefined; the statement is made for K > 1."""
    body["points"]["witness"] = {"point": {"K": "1", "j": "1", "z[1]": "0", "y[1]": "1"}, "delta": "0", "claim": "0"}


@case("cce-softmax", "does not certainly separate")
def witness_that_meets_the_condition(body: Body) -> None:
    body["points"]["witness"]["point"]["y[1]"] = "0"
    body["points"]["witness"] |= {"delta": "1/2", "claim": "1/2"}


@case("cce-softmax", "does not certainly separate|index")
def witness_with_an_index_beyond_its_size(body: Body) -> None:
    body["points"]["witness"]["point"]["j"] = "3"


@case("bce-softmax", "sizes of at most")
def witness_with_a_huge_size(body: Body) -> None:
    body["points"]["witness"]["point"]["K"] = "100000000"


@case("mse-sigmoid", "numbers printed at the point witness are not those of the point")
def witness_numbers_changed(body: Body) -> None:
    body["points"]["witness"]["delta"] = "-1/9"


@case("mse-exp", "numbers printed at the point witness are not those of the point")
def witness_digit_changed(body: Body) -> None:
    body["points"]["witness"]["delta"] = body["points"]["witness"]["delta"][:-1] + "9"


@case("mse-identity", "a point is missing, or one is given that nothing needs")
def witness_without_need(body: Body) -> None:
    body["points"]["witness"] = {"point": {"z": "0", "y": "1"}, "delta": "-1", "claim": "-1"}


@case("bce-sigmoid", "a point is missing, or one is given that nothing needs")
def inside_removed(body: Body) -> None:
    """Without a point of its domain a proof could be one about nothing."""
    del body["points"]["inside"]


@case("bce-sigmoid", "a point is not certainly inside the domain")
def inside_outside(body: Body) -> None:
    body["points"]["inside"] = {"point": {"z": "0", "y": "2"}, "delta": "-3/2", "claim": "-3/2"}


@case("bce-sigmoid", "a point is not certainly inside the domain")
def domain_empty(body: Body) -> None:
    """The steps hold, about no h at all."""
    body["statement"]["loss_domain"] = ["0 < h", "h < 1", "2 < h"]


@case("mse-sigmoid", "names J, h, y or z where it has no place")
def domain_that_says_what_is_to_be_proved(body: Body) -> None:
    """h (1 - h) = 1 holds for no z; under it mse-sigmoid would cancel."""
    body["statement"]["activation_domain"] = ["h*(1 - h) = 1"]
    step(body, "simplify").update(value="h - y", rule="unfold", hypotheses=["h*(1 - h) = 1"], reason="cancel")
    body["verdict"] |= {"answer": "yes", "kind": "cancels", "delta": "h - y", "factor": None}
    body["points"] = {"inside": {"point": {"z": "0", "y": "1"}, "delta": "-1/8", "claim": "-1/2"}}


@case("mse-softmax", r'verdict: .*"kind": "other".* the kernel finds .*"kind": null')
def border_removed(body: Body) -> None:
    del body["points"]["border"]


@case("mse-softmax", "a border point sets y to h")
def border_where_the_target_is_not_the_output(body: Body) -> None:
    body["points"]["border"]["point"] |= {"y[1]": "1", "y[2]": "0"}
    body["points"]["border"]["delta"] = "-1/4"


@case("mse-softmax", r'verdict: .*"kind": "other".* the kernel finds .*"kind": null')
def border_where_both_are_zero(body: Body) -> None:
    body["points"]["border"]["point"]["y[2]"] = "1/2"
    body["points"]["border"]["delta"] = "0"


@case("mse-sigmoid", "a border point sets y to h")
def border_without_need(body: Body) -> None:
    body["points"]["border"] = {"point": {"z": "0", "y": "1"}, "delta": "-1/8", "claim": "0"}


@case("mse-sigmoid", "a point is missing, or one is given that nothing needs")
def point_of_another_name(body: Body) -> None:
    body["points"]["elsewhere"] = body["points"]["witness"]


# ---- regions, kinks, second derivatives: relu has a kink where z = 0, huber has none where |h - y| = d


@case("mse-relu", r"step 4 \(differentiate-activation\): this is not the derivative")
def region_unsaid(body: Body) -> None:
    body["steps"][3]["assuming"] = []


@case("mse-relu", r"step 4 \(differentiate-activation\): this is not the derivative")
def region_mistaken(body: Body) -> None:
    body["steps"][3]["assuming"] = ["z < 0"]


@case("mse-relu", "does not declare|can never hold")
def region_mislabelled(body: Body) -> None:
    """What is proved for z > 0, once more, as a value for z < 0."""
    body["steps"].append(step(body, "simplify") | {"n": len(body["steps"]) + 1, "assuming": ["z < 0"], "from": [6]})


@case("mse-relu", "does not declare")
def region_smuggled_into_the_main_line(body: Body) -> None:
    body["steps"].append(step(body, "simplify") | {"n": len(body["steps"]) + 1, "assuming": [], "from": [6]})


@case("mse-relu", r"step 10 \(cases\): the value does not put the two cases together")
def cases_of_the_wrong_value(body: Body) -> None:
    step(body, "cases")["value"] = "where(z > 0, 0, 1)*(h - y)"


@case("mse-relu", "does not declare")
def cases_swapped(body: Body) -> None:
    step(body, "cases").update({"from": [9, 7], "value": "where(z > 0, 0, 1)*(h - y)"})


@case("mse-relu", "does not declare|normal forms")
def cases_of_one_side_twice(body: Body) -> None:
    step(body, "cases").update({"from": [7, 7], "value": "h - y"})


@case("mse-relu", r"step 10 \(cases\): a condition is|step 10 \(cases\)")
def cases_without_a_border(body: Body) -> None:
    step(body, "cases")["assuming"] = []


@case("mse-relu", r"step 10 \(join\)")
def kink_joined_away(body: Body) -> None:
    step(body, "cases").update(rule="join", hypotheses=[])
    body["verdict"] |= {"exclusions": [], "kinks": []}


@case("mse-relu", r'verdict: .*"exclusions": \[\]|verdict: ')
def kink_hidden(body: Body) -> None:
    body["verdict"] |= {"exclusions": [], "kinks": []}


@case("mse-relu", "step 10, hypotheses")
def kink_hidden_in_its_step(body: Body) -> None:
    step(body, "cases")["hypotheses"] = []


@case("mse-relu", "verdict: ")
def kink_with_another_value(body: Body) -> None:
    body["verdict"]["kinks"][0]["right"] = "0"


@case("mse-relu", "verdict: ")
def kink_with_its_sides_swapped(body: Body) -> None:
    kink = body["verdict"]["kinks"][0]
    kink["left"], kink["right"] = kink["right"], kink["left"]


@case("mse-relu", "verdict: ")
def region_of_another_kind(body: Body) -> None:
    body["verdict"]["regions"][1] |= {"kind": "cancels", "factor": None}


@case("mse-relu", "verdict: ")
def region_removed(body: Body) -> None:
    del body["verdict"]["regions"][1]


@case("mse-sigmoid", r"step 8 \(second\): this is not the total derivative")
def second_derivative_of_h_alone(body: Body) -> None:
    step(body, "second")["value"] = "h*(1 - h)*(1 - 2*h)"


@case("mse-sigmoid", r"verdict: ")
def second_derivative_of_another_function(body: Body) -> None:
    """That of h is a theorem, and none about J."""
    step(body, "second").update({"from": [5, 5], "value": "h*(1 - h)*(1 - 2*h)"})
    body["verdict"]["hessian"] = "h*(1 - h)*(1 - 2*h)"


@case("mse-sigmoid", "verdict: ")
def second_derivative_changed(body: Body) -> None:
    body["verdict"]["hessian"] = "h*(1 - h)"


@case("mse-relu", "verdict: ")
def second_derivative_said_everywhere(body: Body) -> None:
    body["verdict"]["hessian_exclusions"] = []


@case("huber-identity", r"step \d+ \((join|rewrite|chain|differentiate-loss|differentiate-activation)\)|verdict: ")
def pieces_that_do_not_meet(body: Body) -> None:
    """d (h - y) beyond d, without the -d^2/2: the loss jumps there, and its derivatives agree."""
    cost = body["statement"]["cost"].replace("d*(h - d/2 - y)", "d*(h - y)")
    assert cost != body["statement"]["cost"]
    body["statement"]["cost"] = step(body, "loss-definition")["value"] = cost


@case("huber-identity", "verdict: |hypotheses")
def join_made_cases(body: Body) -> None:
    for found in body["steps"]:
        found["rule"] = "cases" if found["rule"] == "join" else found["rule"]


@case("huber-identity", r"step \d+ \(\w+\)|does not declare|hypotheses")
def domain_of_a_parameter_unsaid(body: Body) -> None:
    body["statement"]["parameters"] = []


@case("huber-identity", "a point is not certainly inside the domain")
def parameter_outside_its_domain(body: Body) -> None:
    body["points"]["witness"]["point"]["d"] = "-1"


@case("hinge-tanh", "a target that is not allowed")
def target_that_is_no_label(body: Body) -> None:
    body["points"]["witness"]["point"]["y"] = "1/2"


@case("hinge-tanh", "verdict: |not allowed|wrong shape|hypotheses|does not declare|names|meet the conditions")
def labels_removed(body: Body) -> None:
    """y = 1 is no longer one of two cases but a condition, which the border points do not meet."""
    body["statement"]["cases"] = []


@case("cce-softmaxT", "a border point does not meet the conditions on the targets")
def border_beside_the_targets(body: Body) -> None:
    """y = (h[1], 1) does not add up to 1, and shows nothing about targets that do."""
    body["points"]["border"] = {
        "point": {**body["points"]["witness"]["point"], "y[1]": "h[j]", "y[2]": "1"},
        "delta": "0",
        "claim": "0",
    }


def main() -> None:
    for stale in set(HERE.glob("*.json")) - {found.path for found in CASES}:
        stale.unlink()
    for found in CASES:
        found.path.write_text(found.text, encoding="utf-8")
    print(f"{len(CASES)} certificates written")


if __name__ == "__main__":
    main()
