"""Seconds that theory alone takes to refute each planted false claim, and to bound every set of the catalog: processor
time of one thread, nothing remembered from row to row, imports counted apart.

    python benchmarks/audit.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

BEGAN = time.process_time()
from aeverify.audit.ledger import Row, load_ledger  # noqa: E402
from aeverify.audit.possible import judge  # noqa: E402
from aeverify.claims import mse_floor  # noqa: E402, F401
from aeverify.manifolds import MANIFOLDS, manifold  # noqa: E402
from aeverify.widths import catalog  # noqa: E402

LEDGERS = Path(__file__).resolve().parents[1] / "properties" / "ledgers"
ROUNDS = 3


def seconds(row: Row) -> float:
    """Least of a few rounds, with the memory of widths emptied before each."""
    taken = []
    for _ in range(ROUNDS):
        for function in vars(catalog).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()
        began = time.process_time()
        judge(row)
        taken.append(time.process_time() - began)
    return min(taken)


def impossible(spec: str, m: int) -> Row:
    """A row that claims a worst error of a millionth of the size of the set."""
    tiny = 1e-6 * manifold(spec).truth.circumradius.lower
    statement = {"set": spec, "latent_dim": m, "quantity": "sup-error", "relation": "<=", "threshold": tiny}
    return Row.model_validate({"id": "x", "source": "x", "claim": "x", "statement": statement})


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"imports: {time.process_time() - BEGAN:.2f} s" + "\n")
    for row in load_ledger(LEDGERS / "planted_false.toml").rows:
        sys.stdout.write(f"{seconds(row):8.4f} s  {row.id}" + "\n")
    slowest = 0.0
    refuted = 0
    for entry in MANIFOLDS.values():
        for spec in entry.examples:
            for m in range(1, min(3, manifold(spec).ambient_dim) + 1):
                row = impossible(spec, m)
                found = judge(row)
                if found is not None and found.reason.code == "impossible":
                    refuted += 1
                    slowest = max(slowest, seconds(row))
    sys.stdout.write(f"{slowest:8.4f} s  slowest of {refuted} impossible claims on the sets of the catalog" + "\n")


if __name__ == "__main__":
    main()
