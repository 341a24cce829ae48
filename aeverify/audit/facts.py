"""Claims on the set itself and on the topology of its codes, decided by what is known of the set.

**Injective codes.** If E is injective and continuous on the compact set K, it is a homeomorphism onto E(K); its inverse
extends to a continuous D (Tietze), so that w_m(K) = 0. Hence a positive lower bound of w_m(K) leaves no injective
continuous encoder. If codes lie in a closed connected manifold N of the same dimension as the closed connected K, an
injective E: K -> N is onto (its image is compact, and open by invariance of domain), so that K and N are homeomorphic
and have the same Betti numbers over every field.

**Homology of codes.** E(K) is a compact subset of R^m, so that its Cech cohomology vanishes in degree m and above
(Alexander duality), over every field: no feature of that degree is one of the codes. E(K) has at most as many
components as K.
"""

from __future__ import annotations

from aeverify import widths
from aeverify.audit.findings import AuditReason, Figure, Finding, lies
from aeverify.audit.ledger import Row, Statement
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.verdict import Outcome, decide
from aeverify.manifolds import Manifold, manifold

ALEXANDER = Citation(
    "A. Hatcher, Algebraic Topology, 2002",
    "Theorem 3.44 (Alexander duality)",
    "the Cech cohomology of a compact subset of R^m vanishes in degree m and above",
)
BROUWER = Citation(
    "A. Hatcher, Algebraic Topology, 2002",
    "Theorem 2B.3 (invariance of domain)",
    "an injective continuous map between manifolds of one dimension is open",
)


def judge_facts(row: Row, s: Statement) -> Finding:
    """A claim on a Betti number or on the width of a set, against what is known of it."""
    k = manifold(s.set)
    if s.quantity == "width":
        assert s.latent_dim is not None
        found = widths.bounds(k, s.latent_dim)
        extra = f" The reach alone gives {found.details['reach']:.6g}." if found.details["reach"] else ""
        command = f"aeverify width '{k}' --latent-dim {s.latent_dim} --explain"
        proof = found.details["lower"]["proof"]
    else:
        found, extra, command, proof = _betti(k, s), _other_fields(k, s), f"aeverify list manifolds # {k}", ""
    below, above = found.lower - row.tolerance, found.upper + row.tolerance
    known = Interval(below, above)
    if s.relation in ("==", "about"):
        inside = s.threshold in known
        sure = found.interval.width <= 2 * max(row.tolerance, 1e-12 * abs(s.threshold))
        outcome = Outcome.FAIL if not inside else Outcome.PASS if sure else Outcome.INCONCLUSIVE
    else:
        outcome = decide(s.core_relation, found.interval, Interval.exactly(s.threshold))
    reason = {
        Outcome.PASS: AuditReason.SUPPORTED,
        Outcome.FAIL: AuditReason.REFUTED,
        Outcome.INCONCLUSIVE: AuditReason.UNDECIDED,
    }[outcome]
    text = f"{_name(s)} of {k} {lies(found.interval)}; the claim: {s.relation} {s.threshold:.12g}.{extra}"
    return Finding(
        reason, text, (found,), {"known": found.interval, "claimed": s.threshold}, (), (), proof, "", (command,)
    )


def judge_codes(row: Row, s: Statement) -> Finding | None:
    """A claim that codes are a homeomorphic copy of the set, or that they have some homology."""
    if s.functions == "any":
        return None
    return _injective(row, s) if s.quantity == "injective-codes" else _latent_betti(s)


def _injective(row: Row, s: Statement) -> Finding | None:
    assert s.latent_dim is not None
    k, m = manifold(s.set), s.latent_dim
    wanted = _asks_for(s)
    if wanted is None:
        return None
    obstacle = _no_room(k, s) or _positive_width(k, m)
    command = (f"aeverify width '{k}' --latent-dim {m} --explain",)
    if obstacle is not None:
        evidence, text = obstacle
        reason = AuditReason.IMPOSSIBLE if wanted else AuditReason.FORCED
        proof = str(evidence.details["proof"])
        return Finding(reason, text, (evidence,), _codes(0.0, s), proof=proof, commands=command)
    if row.training is not None or row.model is not None:
        return None
    if s.quantifier == "all" and wanted:
        constant = Evidence("injective_codes", Interval.exactly(0.0), Rigor.EXACT, "The constant encoder.")
        return Finding(
            AuditReason.REFUTED, "Not every encoder: the constant one is not injective.", (constant,), _codes(0.0, s)
        )
    if s.quantifier == "some" and not wanted:
        constant = Evidence("injective_codes", Interval.exactly(0.0), Rigor.EXACT, "The constant encoder.")
        text = "The constant encoder is never injective, on any set."
        return Finding(AuditReason.FORCED, text, (constant,), _codes(0.0, s))
    embeds = k.truth.embedding_dim
    into_itself = s.latent_set is not None and manifold(s.latent_set) == k and k.ambient_dim == m
    has_room = (embeds is not None and embeds <= m and not s.latent_set) or into_itself
    if has_room and (s.quantifier, wanted) in (("some", True), ("all", False)):
        how = "the identity" if into_itself else f"K is homeomorphic to a subset of R^{embeds}"
        evidence = Evidence("injective_codes", Interval.exactly(1.0), Rigor.EXACT, f"An injective encoder: {how}.")
        return Finding(
            AuditReason.SUPPORTED if wanted else AuditReason.REFUTED,
            f"Some continuous encoder is injective: {how}.",
            (evidence,),
            _codes(1.0, s),
        )
    return None


def _asks_for(s: Statement) -> bool | None:
    """Whether the claim is that codes are injective (True), that they are not (False), or no such thing (None)."""
    yes = {"==": 1.0, "about": 1.0, ">=": 1.0}.get(s.relation) == s.threshold or (s.relation, s.threshold) == (">", 0.0)
    no = {"==": 0.0, "about": 0.0, "<=": 0.0}.get(s.relation) == s.threshold or (s.relation, s.threshold) == ("<", 1.0)
    return True if yes else False if no else None


def _positive_width(k: Manifold, m: int) -> tuple[Evidence, str] | None:
    bound = widths.closed_lower_bound(k, m)
    if bound.lower <= 0:
        bound = widths.best_lower(k, m)
    if bound.lower <= 0:
        return None
    return bound, (
        f"w_{m}({k}) >= {bound.lower:.6g} ({bound.details['name']}), and an injective continuous encoder would make "
        "it 0: every continuous encoder gives one code to different points."
    )


def _no_room(k: Manifold, s: Statement) -> tuple[Evidence, str] | None:
    """Why no injective map goes from K into the closed manifold that the codes are said to lie in."""
    if s.latent_set is None:
        return None
    n = manifold(s.latent_set)
    a, b = k.truth, n.truth
    if not (a.closed and b.closed and a.components == b.components == 1 and a.dimension >= b.dimension):
        return None
    if a.dimension == b.dimension and all(tuple(a.betti[f]) == tuple(b.betti[f]) for f in a.betti if f in b.betti):
        return None
    if a.dimension > b.dimension:
        why = f"K has dimension {a.dimension} and the space of codes {b.dimension}; invariance of domain excludes it"
    else:
        numbers = "; ".join(
            f"over {f}: {', '.join(map(str, a.betti[f]))} and {', '.join(map(str, b.betti[f]))}"
            for f in a.betti
            if f in b.betti and tuple(a.betti[f]) != tuple(b.betti[f])
        )
        why = f"an injective E would be a homeomorphism of K with {n}, and their Betti numbers differ ({numbers})"
    evidence = Evidence(
        "injective_codes",
        Interval.exactly(0.0),
        Rigor.EXACT,
        f"No continuous encoder of {k} into {n} is injective: {why}.",
        citations=(BROUWER,),
        details={
            "name": "invariance of domain",
            "proof": "The image of an injective continuous map between closed manifolds of one dimension is compact "
            "and open, so it is all of the connected target, and the map is a homeomorphism.",
        },
    )
    return evidence, f"No continuous encoder of {k} into {n} is injective: {why}."


def _latent_betti(s: Statement) -> Finding | None:
    """Limits of the Betti number of E(K) for every continuous encoder, against the claim."""
    assert s.latent_dim is not None and s.degree is not None
    k = manifold(s.set)
    if s.degree >= s.latent_dim:
        limits = Interval.exactly(0.0)
        why = f"codes are a compact subset of R^{s.latent_dim}, which has no cohomology in degree {s.degree}"
    elif s.degree == 0:
        limits = Interval(1.0, float(k.truth.components))
        why = f"the continuous image of {k.truth.components} component{'s' * (k.truth.components > 1)} has no more"
    else:
        return None
    evidence = Evidence(
        "latent_betti",
        limits,
        Rigor.EXACT,
        f"For every continuous encoder: {why}.",
        citations=(ALEXANDER,) if s.degree else (),
        details={"name": "Alexander duality" if s.degree else "components", "proof": why},
    )
    relation = "==" if s.relation == "about" else s.relation
    outcome = decide(s.model_copy(update={"relation": relation}).core_relation, limits, Interval.exactly(s.threshold))
    if outcome is Outcome.INCONCLUSIVE:
        return None
    reason = AuditReason.FORCED if outcome is Outcome.PASS else AuditReason.IMPOSSIBLE
    text = f"{_name(s)} {lies(limits)} for every continuous encoder ({why}); the claim: {s.relation} {s.threshold:g}."
    return Finding(reason, text, (evidence,), {"possible": limits, "claimed": s.threshold}, proof=why)


def _betti(k: Manifold, s: Statement) -> Evidence:
    assert s.degree is not None and s.field is not None
    numbers = k.truth.betti[s.field]
    value = float(numbers[s.degree]) if s.degree < len(numbers) else 0.0
    cited = k.truth.sources.get("betti")
    return Evidence(
        "betti_number",
        Interval.exactly(value),
        Rigor.EXACT,
        f"Known of {k} in degree {s.degree} over {s.field}.",
        citations=(cited,) if cited is not None else (),
        details={"name": "truth of the set"},
    )


def _other_fields(k: Manifold, s: Statement) -> str:
    """Over which fields the claim would hold, where it does over some."""
    assert s.degree is not None
    values = {f: (n[s.degree] if s.degree < len(n) else 0) for f, n in k.truth.betti.items()}
    if len(set(values.values())) == 1:
        return ""
    return f" By field: {', '.join(f'{v} over {f}' for f, v in values.items())}."


def _name(s: Statement) -> str:
    if s.quantity == "width":
        return f"The width w_{s.latent_dim}"
    whose = "of the codes " if s.quantity == "latent-betti" else ""
    return f"The Betti number {whose}in degree {s.degree} over {s.field}"


def _codes(value: float, s: Statement) -> dict[str, Figure]:
    return {"injective codes": value, "claimed": s.threshold}
