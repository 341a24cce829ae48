"""Writes docs/ledger.schema.json, the JSON Schema of a ledger: python docs/audit_schema.py"""

from __future__ import annotations

import json
from pathlib import Path

from aeverify.audit.ledger import schema

TARGET = Path(__file__).parent / "ledger.schema.json"


def render() -> str:
    """The text of the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
