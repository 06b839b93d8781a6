"""Every shipped pair against automatic differentiation: JAX, on J as the second catalogue writes it, in float64.

Nothing is shared: the cost is that of ``written_out``, its gradient is JAX's, and terms are evaluated by ``Written``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import jax
import mpmath
import numpy
import pytest
from jax import numpy as jnp
from written_out import (
    ACTIVATIONS,
    INPUTS,
    LOSSES,
    OUTPUTS,
    REAL,
    UNIT,
    Matrix,
    Place,
    Written,
    cost,
    difference_slope,
    is_inside,
    outputs,
    place_of,
    written,
)

from derive.certificate import file_name, folder, load, shipped
from derive.term import Term

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")

SEEDS = range(5)
DIGITS = 30  # in which terms are evaluated
RELATIVE, NOISE = 1e-9, 1e-13  # of the value; of the sum of the parts that may have cancelled


# ---- J of many places at once: each z, y and parameter is an array with one number a place


class Batch(NamedTuple):
    """Places of one size; ``z`` has one array an example and class, which are equally many at each place."""

    pair: str
    places: Sequence[Place]

    def arrays(self, matrices: Sequence[Matrix]) -> tuple[tuple[Any, ...], ...]:
        rows, columns = range(len(matrices[0])), range(len(matrices[0][0]))
        return tuple(tuple(_array([found[n][k] for found in matrices]) for k in columns) for n in rows)

    @property
    def z(self) -> tuple[tuple[Any, ...], ...]:
        return self.arrays([place.z for place in self.places])

    def cost(self, z: Any) -> Any:
        """J, a number a place."""
        y = self.arrays([place.y for place in self.places])
        return cost(self.pair, z, y, jnp, self.parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        found = [place.parameters for place in self.places]
        return {name: _parameter([values[name] for values in found]) for name in found[0]}


def _array(values: Sequence[Any]) -> Any:
    return jnp.asarray(numpy.array([float(v) for v in values]))


def _parameter(values: Sequence[Any]) -> Any:
    return tuple(map(_array, zip(*values, strict=True))) if isinstance(values[0], tuple) else _array(values)
