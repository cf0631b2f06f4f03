"""What a post's limits and a body's past mean for cases."""

from __future__ import annotations

import msgspec
import pytest

from gdbos.identity.account import open_account
from gdbos.identity.body import get_body, register_body
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.text import Text
from gdbos.unit import Unit

from .conftest import HEALTH, PASSWORD, PLACE, City


@pytest.mark.parametrize("matter", [PLACE, "enterprise.registration"])
def test_a_post_for_some_matters_sees_the_cases_of_those_only(city: City, matter: str) -> None:
    made = city.submitted()

    def limited(unit: Unit) -> None:
        account = open_account(unit, login="limited", password_hash=hashed(PASSWORD), name="L", kind="official")
        appoint(unit, account, body=HEALTH, role_id="window-clerk", matters=(matter,))

    city.site.unit(limited)
    sees = matter == PLACE
    assert city("limited", "GET", f"/{made}").status_code == (200 if sees else 404)
    assert city("limited", "POST", f"/{made}/accept").status_code == (200 if sees else 404)
    assert (made in city("limited", "GET", "").text) is sees


def test_an_ended_case_shows_the_name_its_body_bore_then(city: City) -> None:
    ended = city.accepted()
    city.done("head", "POST", f"/{ended}/reject", {"reason": "材料与实际不符"})
    before = city.done("anna", "GET", f"/{ended}")["body_name"]
    city.clock.set(2026, 2, 20)

    def renamed(unit: Unit) -> None:
        register_body(unit, msgspec.structs.replace(get_body(unit, HEALTH), name=Text("南宁市新名局", "Renamed")))

    city.site.unit(renamed)
    city.clock.set(2026, 2, 24)
    assert city.done("anna", "GET", f"/{ended}")["body_name"] == before
    assert city.done("anna", "GET", f"/{city.submitted()}")["body_name"]["zh"] == "南宁市新名局"
