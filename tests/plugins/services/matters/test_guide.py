"""What the portal shows of bundles, which it knows only as documents."""

from __future__ import annotations

from gdbos import Standards
from gdbos.standards import load
from gdbos_services.bundles.plan import KIND as BUNDLES
from gdbos_services.matters.guide import things

from .conftest import CHAINS, DAY, KINDS, ROOT


def test_a_bundle_is_offered_with_its_departments_where_the_kind_is_known(city: Standards) -> None:
    assert things(city, DAY) == ()
    with_bundles = load([ROOT / "standards"], {**KINDS, "bundles": BUNDLES}, CHAINS["city"])
    (opening,) = things(with_bundles, DAY)
    assert (opening.id, opening.departments) == ("enterprise-opening", 7)
