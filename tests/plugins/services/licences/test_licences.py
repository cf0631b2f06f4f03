"""Licences as their holders, bodies and anybody else meet them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from gdbos import Conflict, Unit
from gdbos.files.pdf import fault_of_pdf
from gdbos_services.licences.identifier import identifier
from gdbos_services.licences.licence import change_state, get_licence
from gdbos_services.licences.tables import licence, licence_register

from .conftest import BEN, COMPANY, FACE, MARKET, TAX


def test_a_licence_has_a_valid_identifier_a_document_and_an_event(city: Any) -> None:
    made = city.issue()
    standards, today = city.site.kernel.standards, city.clock.now.date()
    assert standards.identifier("licence-id", today).valid(made.identifier, today)
    assert made.identifier.split(".")[5:] == [
        "11100000MB0341032Y001",
        MARKET,
        made.serial,
        "001",
        made.identifier[-1],
    ]
    assert made.file is not None
    shown = city.done("anna", "GET", f"/api/services/licences/{made.id}")
    assert shown["file"] == str(made.file)


def test_the_face_holds_what_its_type_prints_and_nothing_else(city: Any) -> None:
    shown = city.done("anna", "GET", city.path(city.issue().id))
    assert shown["face"]["registered-capital"] == 1000000
    assert shown["face"]["registration-authority"] == "南宁市市场监督管理局"
    assert shown["face"]["licence-issued-on"] == "2026-11-23"
    assert "staff-count" not in shown["face"]


def test_a_holder_and_who_applied_see_a_licence_and_nobody_else_does(city: Any) -> None:
    made = city.issue(subject=city.person(BEN))
    path = city.path(made.id)
    assert city.ask("anna", "GET", path).status_code == 404
    assert city.ask("ben", "GET", path).status_code == 200
    city.act_for_company("anna")
    assert city.ask("anna", "GET", path).status_code == 200
    assert [one["id"] for one in city.done("anna", "GET", "/api/services/licences")["licences"]] == [str(made.id)]
    for address in (path, f"{path}/document", f"/portal/licences/{made.id}"):
        assert city.ask("", "GET", address).status_code == 401
        assert city.ask("taxman", "GET", address).status_code in (403, 404)


def test_officials_see_a_licence_of_their_body_only_in_a_live_case_about_its_holder(city: Any) -> None:
    made = city.issue()
    path = f"{city.path(made.id)}?matter=enterprise.tax&case=other-case"
    assert city.ask("market", "GET", path).status_code == 403
    city.open_basis(made.holder, MARKET, "other-case", "enterprise.tax")
    assert city.done("market", "GET", path)["face"]["legal-representative-name"] == "韦示例"
    city.act_for_company("anna")
    receipts = city.done("anna", "GET", "/api/bus/receipts")["receipts"]
    assert [(one["body"], one["case"]) for one in receipts if one["service"] == "services.licences.licence"] == [
        (MARKET, "other-case")
    ]
    city.close_bases("other-case")
    assert city.ask("market", "GET", path).status_code == 403


def test_a_copy_says_what_it_is_for_and_every_copy_is_another_call(city: Any) -> None:
    made = city.issue()
    copies = [
        city.ask("anna", "GET", f"{city.path(made.id)}/document", params={"purpose": purpose})
        for purpose in ("办理开户", "投标")
    ]
    for copy in copies:
        assert copy.status_code == 200
        assert copy.headers["content-type"] == "application/pdf"
        assert "attachment" in copy.headers["content-disposition"]
        assert fault_of_pdf(copy.content) == ""
    assert copies[0].content != copies[1].content
    assert copies[0].headers["gdbos-call"] != copies[1].headers["gdbos-call"]
    too_long = city.ask("anna", "GET", f"{city.path(made.id)}/document", params={"purpose": "长" * 61})
    assert too_long.status_code in (400, 422)


def test_anybody_verifies_a_licence_and_sees_nothing_unmasked(city: Any) -> None:
    made = city.issue(face=FACE | {"legal-representative-name": "韦示例"})
    found = city.verify(made.identifier)
    assert found.status_code == 200
    said = found.json()
    assert (said["valid"], said["state"]) == (True, "01")
    words = {line["element"]: line["words"]["zh"] for line in said["face"]}
    assert words["uscc"] == COMPANY
    assert words["legal-representative-name"] == "韦*例"
    assert "韦示例" not in found.text
    assert city.verify(f" {made.identifier.lower()} ").status_code == 200
    assert city.verify(made.identifier.removeprefix("1.2.156.3005.2.")).status_code == 200


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda one: one[:-1] + ("A" if one[-1] != "A" else "B"), "check-digit"),
        (lambda one: "nonsense", "characters"),
        (lambda one: one.replace("1.2.156.3005.2", "1.2.156.3005.3"), "characters"),
    ],
)
def test_what_is_wrong_with_an_identifier_is_explained(city: Any, change: Any, rule: str) -> None:
    refused = city.verify(change(city.issue().identifier))
    assert refused.status_code == 422
    (violation,) = refused.json()["violations"]
    assert (violation["path"], violation["rule"]) == ("$.identifier", rule)
    assert violation["detail"]


def test_the_sample_that_circulates_with_a_wrong_check_character_is_refused(city: Any) -> None:
    right = identifier("11100000000013338W011", "11430000006122244L", "20230000403", 1)
    assert right.endswith(".001.U")
    assert city.verify(right).status_code == 404
    assert city.verify(right[:-1] + "M").status_code == 422


def test_a_suspended_licence_is_given_back_and_a_revoked_one_is_not(city: Any) -> None:
    made = city.issue()
    change = f"{city.path(made.id)}/state"
    assert city.ask("taxman", "POST", change, {"state": "02", "reason": "not ours"}).status_code == 404
    assert city.ask("anna", "POST", change, {"state": "02", "reason": "not hers"}).status_code == 403
    city.done("market", "POST", change, {"state": "02", "reason": "复查"})
    assert city.verify(made.identifier).json()["valid"] is False
    city.done("market", "POST", change, {"state": "01", "reason": "复查通过"})
    assert city.verify(made.identifier).json()["valid"] is True
    city.done("market", "POST", change, {"state": "07", "reason": "处罚"})
    assert city.ask("market", "POST", change, {"state": "01", "reason": "?"}).status_code == 409
    assert city.ask("anna", "GET", f"{city.path(made.id)}/document").status_code == 410


def test_the_next_version_follows_the_last_and_ends_it(city: Any) -> None:
    first = city.issue()
    second = city.issue(follows=first.id, case="another-case")
    assert (second.serial, second.version, second.follows) == (first.serial, 2, first.id)
    assert city.verify(first.identifier).json()["state"] == "05"
    assert city.verify(second.identifier).json()["state"] == "01"
    with pytest.raises(Conflict):
        city.issue(follows=first.id, case="a-third-case")


def test_a_licence_expires_after_its_last_day(city: Any) -> None:
    made = city.issue(licence_type="food-business-licence")
    assert made.valid_until is not None
    last = made.valid_until
    city.clock.now = datetime(last.year, last.month, last.day, 10, tzinfo=UTC)
    assert city.verify(made.identifier).json()["state"] == "01"
    city.clock.now = datetime(last.year, last.month, last.day, 20, tzinfo=UTC)
    assert city.verify(made.identifier).json()["state"] == "05"


def test_two_officials_who_end_a_licence_at_once_do_not_both_succeed(city: Any) -> None:
    made = city.issue()
    city.site.unit(change_state, made.id, "04", "one")
    with pytest.raises(Conflict):
        city.site.unit(change_state, made.id, "07", "two")
    assert city.site.unit(get_licence, made.id).state == "04"


def test_nothing_personal_lies_open_in_the_database(city: Any) -> None:
    city.issue()

    def read(unit: Unit) -> bytes:
        rows = [*unit.execute(unit.rows(licence)), *unit.execute(select(licence_register))]
        return repr([tuple(row) for row in rows]).encode()

    stored = city.site.unit(read)
    for word in ("韦示例", "韦*例", "南宁示例有限公司", "示范路"):
        assert word.encode() not in stored
        assert word not in stored.decode()


def test_what_is_not_there_is_not_found(city: Any) -> None:
    assert city.ask("anna", "GET", city.path(uuid4())).status_code == 404
    assert city.ask("market", "POST", f"{city.path(uuid4())}/state", {"state": "02", "reason": "x"}).status_code == 404
    assert city.ask("", "GET", "/verify/AAAAAAAAAAAAAAAAAAAAAA").status_code == 404


def test_lists_page_by_key(city: Any) -> None:
    made = [city.issue(case=f"case-{n}").id for n in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        found = city.done("anna", "GET", f"/api/services/licences?limit=2{after}")
        seen += [one["id"] for one in found["licences"]]
        if not found["next"]:
            break
        after = f"&after={found['next']}"
    assert [UUID(one) for one in seen] == made[::-1]


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_the_pages_show_and_explain(city: Any, locale: str) -> None:
    made = city.issue()
    accepts = {"accept": "text/html", "accept-language": locale}
    for path in ("/portal/licences", f"/portal/licences/{made.id}"):
        shown = city.ask("anna", "GET", path, headers=accepts)
        assert shown.status_code == 200
        assert "南宁示例有限公司" in shown.text
    copy = city.ask("anna", "POST", f"/portal/licences/{made.id}/document", headers=accepts, data={"purpose": "开户"})
    assert copy.headers["content-type"] == "application/pdf"
    assert city.ask("", "GET", "/verify", headers=accepts).status_code == 200
    checked = city.ask("", "POST", "/verify", headers=accepts, data={"identifier": made.identifier})
    assert checked.status_code == 200
    assert "韦*例" in checked.text
    assert "韦示例" not in checked.text
    scanned = city.ask("", "GET", f"/verify/{made.token}", headers=accepts)
    assert made.identifier in scanned.text
    wrong = city.ask("", "POST", "/verify", headers=accepts, data={"identifier": made.identifier[:-1] + "?"})
    assert wrong.status_code == 422
    assert TAX not in wrong.text
