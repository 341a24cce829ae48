"""Audit: printed claims as rows of a ledger, each with a verdict, the reason for it and the evidence."""
