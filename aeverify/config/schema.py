"""The published JSON Schema of a claims file.

`python -m aeverify.config.schema docs/claims.schema.json` writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from aeverify.config.tables import ClaimsFile


def claims_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a claims file, for editors; a date is a string in it, as in JSON."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ClaimsFile.model_json_schema()}


def write_json_schema(path: str) -> None:
    """Write `claims_json_schema()` to a file, deterministic to the byte."""
    Path(path).write_text(json.dumps(claims_json_schema(), indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_json_schema(sys.argv[1])
