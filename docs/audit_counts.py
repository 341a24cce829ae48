"""Write how the claims of all ledgers come out into the README: `python docs/audit_counts.py`.

The table counts what the ledgers expect of the full budget. `make audit` fails where something else comes out.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from aeverify.audit.findings import AuditReason
from aeverify.audit.ledger import Ledger, load_ledger

ROOT = Path(__file__).parents[1]
LEDGERS = ROOT / "properties" / "ledgers"
MARK, END = "<!-- audit -->", "<!-- /audit -->"


def ledgers() -> list[Ledger]:
    """All ledgers: those of the five sources first."""
    own = ("k", "v", "s", "t", "c")
    names = [*own, *sorted(p.stem for p in LEDGERS.glob("*.toml") if p.stem not in own)]
    return [load_ledger(LEDGERS / f"{name}.toml") for name in names]


def table() -> str:
    """One line a ledger, and their sum."""
    counts = [(ledger, Counter(str(row.expected) for row in ledger.rows)) for ledger in ledgers()]
    total: Counter[str] = sum((found for _, found in counts), Counter())
    reasons = [r for r in AuditReason if total[r.code]]
    head = ["ledger", "claims", *(f"{r.code} ({r.outcome})" for r in reasons)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for title, found in [*((f"{ledger.title} (`{ledger.name}`)", c) for ledger, c in counts), ("all", total)]:
        cells = [title, str(sum(found.values())), *(str(found[r.code] or "") for r in reasons)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Replace what stands between the marks."""
    file = ROOT / "README.md"
    before, _, rest = file.read_text(encoding="utf-8").partition(MARK)
    after = rest.partition(END)[2]
    file.write_text(f"{before}{MARK}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
