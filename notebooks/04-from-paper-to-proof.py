# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A custom loss, from paper to proof
#
# You read about a loss and want to train with it. Is the gradient in the paper right? Is yours? Here is the
# *generalised cross-entropy* of Zhang and Sabuncu (NeurIPS 2018), which wrong labels mislead less than cross-entropy:
#
# $$J = \sum_k y_k\,\frac{1 - h_k^q}{q}, \qquad h = \operatorname{softmax}(z), \qquad 0 < q < 1.$$
#
# It goes to the cross-entropy as $q \to 0$, and is the mean absolute error, up to a factor, at $q = 1$.
#
# ## 1. State it
#
# Text, as you would write it; every name that is not h, y or z is declared.

# %%
import derive

gce = {"loss": "sum(k, y[k]*(1 - h[k]^q))/q", "activation": "softmax(z)", "params": ["0 < q < 1"]}
proof = derive.prove(**gce)
proof

# %% [markdown]
# Not $h - y$: no power of $h$ below the line cancels all of softmax's Jacobian. But we have the gradient now, for any
# number of classes, with no condition on the targets, and the diagonal of the Hessian as well.

# %%
proof.answer, proof.kind, proof.delta, proof.conditions

# %%
proof.hessian

# %% [markdown]
# ## 2. Check what the paper says
#
# The paper gives the gradient for one label as $h_y^q$ times that of the cross-entropy. For any targets that is a sum:

# %%
derive.check(r"\frac{\partial J}{\partial z_j} = \sum_k y_k h_k^q (h_j - \delta_{kj})", **gce)

# %% [markdown]
# ## 3. Check what you would have implemented
#
# It is tempting to weight the familiar $h_j - y_j$ with the *own* output of each class. That is not the gradient, and
# one exact point shows it:

# %%
wrong = derive.check("h_j^q*(h_j - y_j)", **gce)
wrong

# %% [markdown]
# ## 4. Look at it
#
# What makes it robust: a label far from what the network believes, which may be wrong, hardly pulls. The cross-entropy
# pulls at it with full strength.

# %%
derive.plot("cce-softmax", proof)

# %% [markdown]
# ## 5. Use it
#
# `to_sympy` gives the scalar case as an expression to go on with, here for two classes with the sigmoid, and SymPy
# turns it into a function of NumPy's or of your framework.

# %%
import sympy

binary = derive.prove(loss="y*(1 - h^q)/q + (1 - y)*(1 - (1 - h)^q)/q", activation="sigmoid", params=["0 < q < 1"])
gradient = binary.to_sympy()
gradient

# %%
h, q, y = sorted(gradient.free_symbols, key=str)
compiled = sympy.lambdify((h, y, q), gradient, "math")
[round(compiled(output, 1, 0.7), 6) for output in (0.01, 0.5, 0.99)]

# %% [markdown]
# The same numbers by finite differences of the loss itself, which shares nothing with the proof:

# %%
from math import exp, log


def cost(z: float, q: float = 0.7) -> float:
    return (1 - (1 / (1 + exp(-z))) ** q) / q


def slope(z: float, step: float = 1e-6) -> float:
    return (cost(z + step) - cost(z - step)) / (2 * step)


[round(slope(log(output / (1 - output))), 6) for output in (0.01, 0.5, 0.99)]

# %% [markdown]
# ## 6. Keep the proof
#
# A sheet to print or to put into an appendix (`.pdf`, `.tex`, `.html` or `.md`), and a certificate that anyone can
# re-check with `derive verify`.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

from derive.certificate import dumps, loads

with TemporaryDirectory() as folder:
    proof.save(f"{folder}/gce.pdf")
    print(Path(folder, "gce.pdf").read_bytes()[:5], "and a certificate of", len(dumps(proof.checked)), "bytes:")
    print(loads(dumps(proof.checked)).verdict.answer, "again, after every step was checked anew")
