# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Why is delta = h - y?
#
# Every course says that the error of the output layer is $\delta^{(L)} = h - y$. The chain rule says
# $\delta^{(L)} = \frac{\partial J}{\partial h} \cdot f'(z)$. Where did $f'(z)$ go?
#
# The answer depends on the loss *and* the activation. Here the prover derives it from the definitions, and a small
# kernel checks every step.

# %%
import derive
from derive import prover

proof = prover.prove("bce-sigmoid")
proof

# %% [markdown]
# The loss has $h(1 - h)$ below the line, and $f'(z) = h(1 - h)$ stands above it: they cancel. What the proof says is
# also there as data.

# %%
proof.answer, proof.kind, proof.delta, proof.conditions

# %% [markdown]
# ## With the squared error it does not cancel
#
# $\partial J/\partial h = h - y$ already, and nothing is left to meet $f'(z)$. The factor $h(1 - h)$ remains: where the
# output is confidently wrong, $h$ is near 0 or 1, and the gradient nearly vanishes.

# %%
squared = prover.prove("mse-sigmoid")
squared

# %%
squared.answer, squared.kind, squared.factor

# %% [markdown]
# A *no* comes with an exact point where the two differ; anyone can re-check it by hand.

# %%
squared.to_json()["witness"]

# %% [markdown]
# ## Softmax: any number of classes, and a condition that is usually left unsaid
#
# $K$ is a symbol here, not a number. The sum over $k$ is split and collapsed by the Kronecker delta, and
# $\sum_k y_k = 1$ is needed to finish.

# %%
softmax = prover.prove("cce-softmax")
softmax

# %%
softmax.conditions, softmax.delta

# %% [markdown]
# Without the condition the gradient is $h_j \sum_k y_k - y_j$, and this point shows that it matters:

# %%
softmax.to_json()["witness"]

# %% [markdown]
# ## The cost averaged over m examples
#
# The double sum of $J = \frac{1}{m} \sum_i \sum_k \ldots$ collapses to the one term that contains $z_j^{(i)}$; only the
# $\frac{1}{m}$ stays.

# %%
average = prover.prove("bce-sigmoid", average=True)
average

# %% [markdown]
# ## Other outputs
#
# The cross-entropy with every output that stays between 0 and 1. For which of them does it cancel? (`derive.pairs()`
# lists all pairs of the catalogue.)

# %%
for slug in (pair for pair in derive.pairs() if pair.startswith("bce-")):
    found = prover.prove(slug)
    print(f"{slug:14} {found.answer:4} {found.kind:9} dJ/dz = {found.delta}")

# %% [markdown]
# ## Pieces
#
# With a rectified linear unit the proof goes region by region, and the kink keeps both one-sided values.

# %%
prover.prove("mse-relu")

# %% [markdown]
# ## In SymPy
#
# A proof gives its result back as a SymPy expression, to go on with. (Here a numerical look at both gradients for a
# confidently wrong output: y = 1, h near 0.)

# %%
for name in ("bce-sigmoid", "mse-sigmoid"):
    delta = prover.prove(name).to_sympy()
    h, y = sorted(delta.free_symbols, key=str)
    print(name, [round(float(delta.subs({h: value, y: 1})), 5) for value in (0.5, 0.1, 0.01, 0.001)])
