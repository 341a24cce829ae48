"""Commands that tell what is known: bounds on widths, the registries, what a claim says."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from aeverify.cli.app import command_line, format_option, print_json, print_text, wrapped

if TYPE_CHECKING:
    from aeverify.core import Evidence

_COORDINATES = 6
_REGISTRIES = {
    "claims": ("aeverify.claims", "CLAIMS"),
    "data-claims": ("aeverify.claims.data", "DATA_CLAIMS"),
    "manifolds": ("aeverify.manifolds", "MANIFOLDS"),
    "recipes": ("aeverify.autoencoders.recipes", "RECIPES"),
    "oracles": ("aeverify.autoencoders.oracles", "ORACLES"),
    "kinds": ("aeverify.autoencoders.kinds", "KINDS"),
}
KINDS = tuple(_REGISTRIES)


@command_line.command()
@click.argument("manifold_spec", metavar="MANIFOLD")
@click.option("--latent-dim", "-m", type=int, required=True, help="Dimension of the code.")
@click.option(
    "--explain",
    is_flag=True,
    help="Run every method, also those that cannot improve the bounds, and give all proofs and witnesses.",
)
@format_option
def width(manifold_spec: str, latent_dim: int, explain: bool, form: str) -> None:
    """Bounds on the best worst-case error that ANY autoencoder can have on MANIFOLD.

    The width w_m(K) is the infimum of sup |D(E(x)) - x| over x in K, over all continuous encoders E and decoders D
    with an m-dimensional code. MANIFOLD is a specification such as two_circles or ellipse:a=3,b=2.
    """
    from aeverify import widths
    from aeverify.manifolds import manifold
    from aeverify.reporting.wording import interval_text

    subject = manifold(manifold_spec)
    best = widths.bounds(subject, latent_dim, every=explain)
    lower = widths.lower_bounds(subject, latent_dim, every=explain)
    upper = widths.upper_bounds(subject, latent_dim, every=explain)
    if form == "json":
        print_json(
            {
                "schema": "aeverify-width/1",
                "manifold": str(subject),
                "latent_dim": latent_dim,
                "interval": best.interval.to_dict(),
                "rigor": str(best.rigor),
                "width": best.to_dict(),
                "lower_bounds": [e.to_dict() for e in lower],
                "upper_bounds": [e.to_dict() for e in upper],
            }
        )
        return
    exact = " exactly" if best.interval.is_exact else ""
    lines = [f"w_{latent_dim}({subject}) = {interval_text(best.interval)}{exact}   ({best.rigor})", ""]
    lines += _bounds("The worst error of every continuous autoencoder lies in", lower, explain)
    lines += _bounds("The least worst error that some continuous autoencoder comes near lies in", upper, explain)
    print_text("\n".join(lines).rstrip())


def _bounds(heading: str, bounds: Iterable[Evidence], explain: bool) -> list[str]:
    """Lines that list bounds, best first; proof and witness of the best one, or of all."""
    from aeverify.reporting.wording import interval_text

    lines = [heading]
    for i, bound in enumerate(bounds):
        lines.append(f"  {interval_text(bound.interval):<16}{bound.details['name']} ({bound.rigor})")
        if i == 0 or explain:
            parts = [
                bound.method,
                f"Proof. {bound.details['proof']}",
                *_witness_text(bound),
                *(f"Assumed: {a}." for a in bound.assumptions),
                *(f"Source: {c}." for c in bound.citations),
            ]
            lines += [line for part in parts for line in wrapped(part, " " * 18)]
    return [*lines, ""]


def _witness_text(bound: Evidence) -> list[str]:
    """One paragraph with the points that show a bound; none where it has no witness."""
    if bound.witness is None:
        return []
    shown = []
    for p in bound.witness.points:
        # What is 0 up to rounding is shown as 0.
        size = max(map(abs, p.point), default=0.0)
        seen = [0.0 if abs(v) < 1e-12 * size else v for v in p.point[:_COORDINATES]]
        at = ", ".join(f"{v:.6g}" for v in seen) + (", ..." if len(p.point) > _COORDINATES else "")
        where = ", ".join(f"{v:.6g}" for v in p.parameters)
        shown.append(f"({at}) at parameter{'s' if len(p.parameters) > 1 else ''} {where} of chart {p.component}")
    return [f"Witness: {bound.witness.note}: {'; '.join(shown)}."]


@command_line.command("list")
@click.argument("kind", type=click.Choice(KINDS))
@format_option
def list_entries(kind: str, form: str) -> None:
    """List the known claims about manifolds or data, manifolds, recipes, oracles or model kinds."""
    entries = [_entry(kind, name, thing) for name, thing in _registry(kind).items()]
    if form == "json":
        print_json({"schema": "aeverify-list/1", "kind": kind, "entries": entries})
        return
    widest = max((len(e["name"]) for e in entries), default=0)
    lines: list[str] = []
    for entry in entries:
        lines += wrapped(entry["summary"], " " * (widest + 2), first=f"{entry['name']:<{widest}}  ")
        lines += [
            line
            for name, about in entry["parameters"].items()
            for line in wrapped(_parameter(name, about), " " * (widest + 8), first=" " * (widest + 4))
        ]
    print_text("\n".join(lines))


@command_line.command()
@click.argument("claim_id", metavar="CLAIM")
@format_option
def explain(claim_id: str, form: str) -> None:
    """Say what CLAIM states, where it is proved, and what its parameters mean."""
    check = _found(claim_id)
    claim, parameters = check.claim, check.parameters()
    if form == "json":
        print_json({"schema": "aeverify-claim/1", **claim.to_dict(), "parameters": _plain(parameters)})
        return
    lines = [f"{claim.id}: {claim.title}", "", *wrapped(claim.statement, ""), ""]
    facts = {
        "kind": str(claim.kind),
        "decided by": f"{claim.quantity} {claim.relation} threshold",
        "restarts": f"{claim.quantifier} restart of a run must satisfy it",
        "source": f"{claim.citation}. {claim.citation.statement}".strip(),
    }
    for name, fact in facts.items():
        lines += wrapped(fact, " " * 12, first=f"{name + ':':<12}")
    if parameters:
        lines += ["", "parameters:"]
    for name, about in parameters.items():
        lines += wrapped(_parameter(name, about), " " * 6, first="  ")
    print_text("\n".join(lines))


def _found(claim_id: str) -> Any:
    """The check of a claim about manifolds or about data."""
    from aeverify.claims import claim
    from aeverify.claims.data import data_claim
    from aeverify.errors import UnknownNameError, UsageError

    try:
        return claim(claim_id)
    except UnknownNameError as error:
        try:
            return data_claim(claim_id)
        except UsageError:
            raise error from None


def _registry(kind: str) -> Mapping[str, Any]:
    module, name = _REGISTRIES[kind]
    found: Mapping[str, Any] = getattr(importlib.import_module(module), name)
    return found


def _entry(kind: str, name: str, thing: Any) -> dict[str, Any]:
    """One row of a list: name, one sentence, parameters with their defaults and meanings."""
    if kind in ("claims", "data-claims"):
        return {"name": name, "summary": thing.claim.title, "parameters": _plain(thing.parameters())}
    if kind == "manifolds":
        parameters = {p.name: {"default": p.default, "meaning": p.meaning} for p in thing.parameters}
        return {"name": name, "summary": thing.summary, "parameters": parameters, "examples": list(thing.examples)}
    return {"name": name, "summary": thing.summary, "parameters": _plain(thing.parameters)}


def _plain(value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _parameter(name: str, about: Any) -> str:
    if not isinstance(about, dict):
        return f"{name}: {about}"
    default = f" (default {about['default']})" if about.get("default") is not None else ""
    return f"{name}: {about.get('meaning', '')}{default}"
