# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Check your derivation
#
# You derived a gradient by hand. Is it right, and if not, *which line* is wrong, and why? A gradient checker answers
# with a number, computer algebra with a form of its own. `derive.check` reads your lines, as you would write them,
# and asks a small kernel about each.

# %%
import derive

derive.check("h - y", pair="bce-sigmoid")

# %% [markdown]
# A bare expression is a claim about $\partial J/\partial z$; an equation is one about its left side. The most common
# slip is to take the derivative by the output for the one by the pre-activation:

# %%
derive.check("dJ/dh = h - y", pair="bce-sigmoid")

# %% [markdown]
# LaTeX is read as well. With the squared error, the derivative of the activation does not cancel:

# %%
derive.check(r"\delta^{(L)} = \hat{y} - y", pair="mse-sigmoid")

# %% [markdown]
# ## A whole derivation
#
# Each line is judged twice: is it *true*, by the definitions of the loss and the activation, and does it *follow*
# from the lines before it? So a line that follows from a mistake is told apart from the mistake, and the lines after
# it are still judged.

# %%
derive.check(
    r"""
    dJ/dh = (h - y)/(h*(1 - h))
    dh/dz = h*(1 - h)
    dJ/dz = dJ/dh
          = h - y
    """,
    pair="bce-sigmoid",
)

# %% [markdown]
# The last line is right, by luck: it does not follow from the line before it.
#
# ## Softmax, and what is left unsaid
#
# $h_j - y_j$ needs $\sum_k y_k = 1$. The pair of the catalogue says so of its targets, and the answer names it. For a
# loss of your own nobody has said it:

# %%
derive.check("h_j - y_j", pair="cce-softmax")

# %%
derive.check("h_j - y_j", loss="-sum(k, y[k]*log(h[k]))", activation="softmax(z)")

# %% [markdown]
# Every output of softmax depends on every $z_j$. Who takes only the diagonal of the Jacobian gets this:

# %%
derive.check("2*(h_j - y_j)*h_j*(1 - h_j)", pair="sse-softmax")

# %% [markdown]
# ## Hidden layers
#
# In a network of three layers with biases, `--layer 2` or `layer=2` asks about the hidden layer. There $f'(z)$ never
# cancels:

# %%
derive.check(r"\delta^{(2)}_j = \sum_k \Theta^{(2)}_{kj} \delta^{(3)}_k", pair="bce-sigmoid", layer=2)

# %%
derive.check(
    "dJ/dTheta2_kj = 1/m*sum(i, m, (h_ik - y_ik)*a2_ij) + lambda/m*Theta2_kj",
    pair="bce-sigmoid",
    layer=3,
    average=True,
    l2=True,
)

# %% [markdown]
# ## From Python
#
# The judgement is data as well: which line, what should stand there, and an exact point at which the two differ.

# %%
found = derive.check("h*(1 - h)*(y - h)", pair="mse-sigmoid")
found.answer, found.slip, found.correction, found.wrong.witness
