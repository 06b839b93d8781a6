# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Matching losses: build your own
#
# Cross-entropy with the logistic sigmoid gives $\partial J/\partial z = h - y$. Is that a lucky pair? No: *every*
# continuous activation of one variable has a loss that does it, and here is how to get it. What has to come out is
#
# $$\frac{\partial J}{\partial z} = h(z) - y, \qquad\text{so}\qquad J = \int h(z)\,dz - y z.$$
#
# SymPy searches for the integral; the kernel differentiates it again and believes nothing else.

# %%
import derive

logistic = derive.match("sigmoid")
logistic

# %% [markdown]
# In terms of $h$ it is the cross-entropy that everybody knows:

# %%
logistic.output_loss

# %% [markdown]
# Now for an output that no textbook has a loss for:

# %%
own = derive.match("z/sqrt(1 + z^2)")
own

# %% [markdown]
# It is a loss as good as any other: put it in, and it cancels.

# %%
proof = derive.prove(loss=own.loss, activation="z/sqrt(1 + z^2)")
proof.answer, proof.delta

# %% [markdown]
# Half the squared error on the same output keeps the factor $h'(z)$. Where the output is confidently wrong, that is all
# the difference between a network that learns and one that does not:

# %%
squared = derive.prove(loss="(h - y)^2/2", activation="z/sqrt(1 + z^2)")
squared.factor, squared.sign, squared.saturation

# %%
derive.plot("bce-sigmoid", "mse-sigmoid")

# %% [markdown]
# ## With a parameter
#
# A slope $a > 0$ stays a symbol. In terms of $h$, the loss is a cross-entropy for targets between $-1$ and $1$.

# %%
sloped = derive.match("tanh(a*z)", params=["a > 0"])
sloped

# %%
sloped.output_loss

# %% [markdown]
# ## Convex or not
#
# $J'' = h'(z)$, so the matching loss is convex if and only if the activation does not decrease. SiLU does decrease, and
# its matching loss has an exact point where the curvature is negative:

# %%
silu = derive.match("silu")
silu.convex, silu.witness

# %%
derive.prove(loss=silu.loss, activation="silu").plot("loss")

# %% [markdown]
# ## Vectors: symmetric, or none
#
# With several outputs, $\partial J/\partial z_j = h_j - y_j$ asks for a potential. Second derivatives of $J$ are equal
# in either order, so the Jacobian $\partial h_k/\partial z_j$ must be symmetric. That of softmax is:

# %%
derive.match("softmax")

# %% [markdown]
# That of log-softmax is not. There is *no* loss with this gradient, and the answer says where the Jacobian fails:

# %%
derive.match("logsoftmax")

# %% [markdown]
# ## The theorem behind it
#
# The same steps hold for any activation $F'$ with potential $F$. This is proved once, for an abstract function, and
# then for instances.

# %%
from derive.theorems import theorem

theorem("matching-loss")

# %% [markdown]
# ## A table to keep

# %%
names = (
    "identity",
    "tanh",
    "exp",
    "softplus",
    "probit",
    "cauchit",
    "softsign",
    "gelu",
    "inverse",
    "unitnorm",
    "normalize",
)
found = {name: derive.match(name) for name in names}
print("\n".join(f"{name:10} {'no loss' if match.exists is False else match.loss}" for name, match in found.items()))
