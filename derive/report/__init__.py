"""Reports: what a person reads, printed from checked proofs only; each format is one module."""
