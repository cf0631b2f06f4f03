"""Quality in-band: what is known against data, and how fresh they are, comes with the reply of the very service, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from .city import COMPANY, City

CATALOGUE = "/api/governance/catalogue"
QUALITY = "/api/governance/quality"
WRONG = {"values": [{"uscc": COMPANY, "established_on": "2099-01-01"}]}
SECRET = "登记日期与税务登记不一致"
OBJECTION = {"kind": "use", "field": "enterprise_name", "words": SECRET}


@pytest.fixture
def resource(city: City) -> str:
    """A resource on the register's service, for which the tax service's own system holds a grant and has a live case."""
    found = city.published()
    city.mounted(found)
    city.approved(city.asked(found))
    city.open_case()
    return found


def reply(city: City) -> dict[str, Any]:
    """What the tax service's system receives, once every handler has run."""
    city.site.settle()
    answered = city.look_up()
    assert answered.status_code == 200, answered.text
    assert SECRET not in answered.text
    found: dict[str, Any] = answered.json()
    return found


def known(city: City) -> list[tuple[str, str, int]]:
    return [(one["kind"], one["field"], one["count"]) for one in reply(city).get("known", [])]


def stored(city: City) -> bytes:
    """Every byte the database holds of objections."""
    rows = city.site.unit(lambda unit: unit.connection.exec_driver_sql("SELECT * FROM catalogue_objection").all())
    return b"".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for row in rows for v in row)


def test_a_ticket_is_told_until_it_is_closed(city: City, resource: str) -> None:
    assert known(city) == []
    ticket = city.done("shui", f"{QUALITY}/resources/{resource}/values", WRONG)["tickets"][0]
    assert known(city) == [("ticket", "established_on", 1)]
    city.done("yang", f"{QUALITY}/tickets/{ticket}/answer", {"verdict": "corrected", "words": "已更正"})
    assert known(city) == [("ticket", "established_on", 1)]
    city.done("shui", f"{QUALITY}/tickets/{ticket}/close")
    assert known(city) == []


def test_an_objection_is_told_until_it_is_closed_and_its_words_stay_with_the_two_departments(
    city: City, resource: str
) -> None:
    path = f"{CATALOGUE}/resources/{resource}/objections"
    one = city.done("shui", path, OBJECTION)["id"]
    assert known(city) == [("objection", "enterprise_name", 1)]
    assert SECRET.encode() not in stored(city)
    for reader in ("shui", "yang"):
        assert [found["words"] for found in city.get(reader, path).json()["objections"]] == [SECRET]
    assert city.get("kang", path).json() == {"objections": []}
    answer = {"verdict": "accepted", "words": "已核实"}
    assert city.post("kang", f"{CATALOGUE}/objections/{one}/answer", answer).status_code == 404
    assert city.post("shui", f"{CATALOGUE}/objections/{one}/answer", answer).status_code == 403
    city.done("yang", f"{CATALOGUE}/objections/{one}/answer", answer)
    assert city.post("yang", f"{CATALOGUE}/objections/{one}/answer", answer).status_code == 409
    assert city.post("yang", f"{CATALOGUE}/objections/{one}/close").status_code == 403
    assert known(city) == [("objection", "enterprise_name", 1)]
    city.done("shui", f"{CATALOGUE}/objections/{one}/close")
    assert known(city) == []
    assert city.post("shui", f"{CATALOGUE}/objections/{one}/close").status_code == 409
    (seen,) = city.get("shui", path).json()["objections"]
    assert (seen["state"], seen["verdict"], seen["answer"]) == ("closed", "accepted", "已核实")


def test_an_objection_is_to_another_bodys_published_data_and_a_field_they_have(city: City, resource: str) -> None:
    path = f"{CATALOGUE}/resources/{resource}/objections"
    assert city.post("yang", path, OBJECTION).status_code == 403
    assert city.post("clerk", path, OBJECTION).status_code == 403
    unknown = city.post("shui", path, OBJECTION | {"field": "no_such"})
    assert unknown.status_code == 422 and unknown.json()["violations"][0]["path"] == "$.field"
    draft = city.entered(code="102/0009")
    assert city.post("shui", f"{CATALOGUE}/resources/{draft}/objections", OBJECTION).status_code == 404
    assert known(city) == []


def test_what_was_said_before_the_mount_is_told_after_it(city: City) -> None:
    resource = city.published()
    city.done("shui", f"{CATALOGUE}/resources/{resource}/objections", OBJECTION | {"field": ""})
    city.mounted(resource)
    city.approved(city.asked(resource))
    city.open_case()
    assert known(city) == [("objection", "", 1)]


def test_the_update_cycle_signed_off_in_the_catalogue_comes_with_the_reply_while_the_resource_is_mounted(
    city: City,
) -> None:
    resource = city.published(update_cycle="4")
    mount = city.mounted(resource)
    city.approved(city.asked(resource))
    city.open_case()
    assert reply(city)["updates"] == "4"
    services = city.get("wu", "/api/bus/services").json()["services"]
    assert [one["updates"] for one in services if one["code"] == "gx.enterprise.register"] == ["4"]
    promised = city.site.kernel.standards.document("services", "gx.enterprise.register").value.updates
    city.done("lin", f"{CATALOGUE}/mounts/{mount}/end", {"reason": "改挂"})
    assert reply(city).get("updates", "") == promised != "4"


def test_objections_are_raised_answered_and_closed_on_the_page_of_the_resource(city: City, resource: str) -> None:
    page = f"/console/catalogue/{resource}"
    assert "对此资源提出异议" in city.page("shui", page) and "对此资源提出异议" not in city.page("yang", page)
    assert city.submit("shui", f"{page}/objections", OBJECTION).status_code == 303
    (one,) = city.get("shui", f"{CATALOGUE}/resources/{resource}/objections").json()["objections"]
    assert SECRET in city.page("yang", page) and SECRET not in city.page("kang", page)
    said = {"verdict": "rejected", "words": "以本局登记为准"}
    assert city.submit("yang", f"{page}/objections/{one['id']}/answer", said).status_code == 303
    assert "以本局登记为准" in city.page("shui", page)
    assert city.submit("shui", f"{page}/objections/{one['id']}/close", {}).status_code == 303
    assert known(city) == []
