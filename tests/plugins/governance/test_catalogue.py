"""The catalogue: four eyes, standards, mounts that are proved, a rate that can be reckoned again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gdbos import Unit, decide_grant, draft_grant, new_grant
from gdbos.actor import plugin_actor
from gdbos.testing import PluginContract
from gdbos_governance.catalogue import mount

from .city import COMPANY, MARKET, OPERATOR, REGISTER, RESOURCE, TAX, City

API = "/api/governance/catalogue"
BASE = Path(__file__).parents[3] / "config" / "base.toml"


class TestCatalogue(PluginContract):
    name = "governance.catalogue"
    extends = BASE


def rates(city: City) -> dict[str, Any]:
    found = city.get("wei", f"{API}/rates").json()
    return {name: found[name] for name in ("published", "due", "mounted", "rate")}


def test_a_draft_is_seen_by_its_own_body_alone_and_a_published_resource_by_all(city: City) -> None:
    resource = city.entered()
    assert city.get("zhu", f"{API}/resources/{resource}").json()["state"] == "draft"
    assert city.get("wu", f"{API}/resources/{resource}").status_code == 404
    city.done("zhu", f"{API}/resources/{resource}/sign-off")
    seen = city.get("wu", f"{API}/resources/{resource}").json()
    assert (seen["state"], seen["provider"]["zh"], seen["entered_by"]) == ("published", "南宁市市场监督管理局", "")
    assert seen["entry"]["items"][0] == {"field": "uscc", "element": "uscc", "type": "an18"}


def test_nobody_signs_off_what_they_entered_nor_what_another_body_entered(city: City) -> None:
    resource = city.entered()
    assert city.post("lin", f"{API}/resources/{resource}/sign-off").status_code == 403
    assert city.post("wu", f"{API}/resources/{resource}/sign-off").status_code == 404
    assert city.post("chief", f"{API}/resources/{resource}/sign-off").status_code == 200
    assert city.post("zhu", f"{API}/resources/{resource}/sign-off").status_code == 409


def test_an_official_without_the_role_is_refused(city: City) -> None:
    assert city.get("clerk", f"{API}/resources").status_code == 403
    assert city.post("yang", f"{API}/resources", RESOURCE).status_code == 403


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"class": "7"}, "$.class"),
        ({"update_cycle": "8"}, "$.update_cycle"),
        ({"sharing_condition": ""}, "$.sharing_condition"),
        ({"items": [{"field": "a", "element": "no-such-element"}]}, "$.items[0].element"),
        ({"items": [{"field": "a", "element": "uscc"}, {"field": "a", "element": "uscc"}]}, "$.items[1].field"),
        ({"items": []}, "$.items"),
        ({"name": {"zh": ""}}, "$.name.zh"),
        ({"sharing_way": ["99"]}, "$.sharing_way[0]"),
    ],
)
def test_what_the_standard_does_not_allow_is_named(city: City, changes: dict[str, Any], path: str) -> None:
    answer = city.post("lin", f"{API}/resources", {**RESOURCE, **changes})
    assert answer.status_code in (400, 422), answer.text
    assert path in [one["path"] for one in answer.json()["violations"]]


def test_one_code_stands_in_the_catalogue_once(city: City) -> None:
    city.published()
    assert city.post("zhu", f"{API}/resources", RESOURCE).status_code == 409
    other = city.entered("wu")
    assert city.post("wu", f"{API}/resources/{other}/sign-off").status_code == 403
    city.done(
        "lin",
        f"{API}/resources/{city.get('lin', f'{API}/own').json()['resources'][0]['id']}/withdraw",
        {"reason": "重编"},
    )
    assert city.post("zhu", f"{API}/resources", RESOURCE).status_code == 201


def test_a_mount_is_asked_confirmed_and_proved_by_a_recorded_call(city: City) -> None:
    resource = city.published()
    wanted = {"service": REGISTER, "samples": [{"uscc": COMPANY}]}
    one = city.done("lin", f"{API}/resources/{resource}/mounts", wanted)["id"]
    assert city.post("lin", f"{API}/mounts/{one}/confirm").status_code == 403
    assert city.post("wu", f"{API}/mounts/{one}/confirm").status_code == 404
    assert city.post("lin", f"{API}/mounts/{one}/probe").status_code == 409
    city.done("zhu", f"{API}/mounts/{one}/confirm")
    assert city.done("lin", f"{API}/mounts/{one}/probe")["outcome"] == "done"
    city.site.call(city.site.kernel.book.settle)
    log = city.site.unit(
        lambda unit: unit.connection.exec_driver_sql("SELECT service, outcome, body FROM bus_call").all()
    )
    assert tuple(log[-1]) == (REGISTER, "done", MARKET)
    assert city.get("wu", f"{API}/resources/{resource}").json()["mounted"]
    assert city.get("wu", f"{API}/resources/{resource}/mounts").json() == {"mounts": []}


def test_the_request_of_a_probe_is_kept_sealed(city: City) -> None:
    city.mounted(city.published())
    rows = city.site.unit(lambda unit: unit.connection.exec_driver_sql("SELECT * FROM catalogue_mount").all())
    assert COMPANY.encode() not in b"".join(bytes(v) for row in rows for v in row if isinstance(v, bytes | memoryview))


@pytest.mark.parametrize(
    ("service", "samples", "status", "path"),
    [
        (REGISTER, [{"uscc": "91450103MADEM00113"}], 422, "$.samples[0].uscc"),
        (REGISTER, [{"name": "x"}], 422, "$.samples[0].uscc"),
        ("gx.enterprise.name-check", [{"enterprise_name": "某某"}], 422, "$.service"),
    ],
)
def test_a_mount_that_does_not_fit_is_refused(
    city: City, service: str, samples: list[Any], status: int, path: str
) -> None:
    resource = city.published()
    answer = city.post("lin", f"{API}/resources/{resource}/mounts", {"service": service, "samples": samples})
    assert answer.status_code == status, answer.text
    assert path in [one["path"] for one in answer.json()["violations"]]


def test_a_resource_is_mounted_on_its_own_bodys_services_only(city: City) -> None:
    resource = city.published()
    for service, status in (("gx.population.person", 403), ("no.such.service", 404)):
        wanted = {"service": service, "samples": [{"citizen_id": "450103198503129995"}]}
        assert city.post("lin", f"{API}/resources/{resource}/mounts", wanted).status_code == status


def test_the_rate_counts_live_mounts_among_those_that_must_be_mounted(city: City) -> None:
    assert rates(city) == {"published": 0, "due": 0, "mounted": 0, "rate": None}
    first = city.published()
    city.published(code="102/0002")
    city.published(code="102/0003", sharing_attribute="3", sharing_condition="保守国家秘密法 第九条")
    city.mounted(first)
    assert rates(city) == {"published": 3, "due": 2, "mounted": 1, "rate": 0.5}
    city.done("lin", f"{API}/resources/{first}/withdraw", {"reason": "停止"})
    assert rates(city) == {"published": 2, "due": 1, "mounted": 0, "rate": 0.0}


def test_a_mount_nobody_has_probed_lately_is_none_and_the_job_probes_it_again(city: City) -> None:
    resource = city.published()
    city.mounted(resource)
    city.clock.forward(hours=25)
    city._tokens.clear()
    assert rates(city)["mounted"] == 0
    plugin = plugin_actor("governance.catalogue")
    assert city.site.unit(mount.watch, actor=plugin) == 1
    assert city.site.unit(mount.watch, actor=plugin) == 0
    city.site.settle()
    assert rates(city)["mounted"] == 1
    said = city.site.unit(lambda unit: unit.connection.exec_driver_sql("SELECT type FROM bus_outbox").scalars().all())
    assert [one.rpartition(".")[2] for one in said if "mounted" in one] == [
        "resource-mounted/1",
        "resource-unmounted/1",
        "resource-mounted/1",
    ]


def test_a_probe_that_fails_says_why_and_does_not_count(city: City) -> None:
    resource = city.published()
    one = city.mounted(resource)
    city.clock.forward(hours=25)
    city._tokens.clear()
    control(city, down=["enterprise"])
    try:
        found = city.done("lin", f"{API}/mounts/{one}/probe")
    finally:
        control(city, down=[])
    assert found["outcome"] in ("unavailable", "provider-failed")
    assert not found["live"]


def control(city: City, **switches: Any) -> None:
    assert httpx.post(f"{city.departments.url}/_control", json=switches, trust_env=False).status_code == 200


def test_the_rates_are_a_service_of_the_bus(city: City) -> None:
    city.mounted(city.published())
    code = "governance.catalogue.rates"

    def grant(unit: Unit) -> None:
        wanted = new_grant(body=TAX, system="tax.core", service=code, provider=OPERATOR, purpose="考核")
        draft_grant(unit, wanted)
        decide_grant(unit, wanted.id, approve=True, reason="考核")

    headers = {"authorization": f"Bearer {city.system_token()}"}
    asked = {"value": {"division": "450000"}, "purpose": "考核"}
    assert city.site.client.post(f"/api/bus/calls/{code}", json=asked, headers=headers).status_code == 403
    city.site.unit(grant)
    reply = city.site.client.post(f"/api/bus/calls/{code}", json=asked, headers=headers).json()
    assert (reply["value"]["rate"], reply["value"]["formula"]["zh"].partition(" ")[0]) == (1.0, "挂载率")
    elsewhere = {"value": {"division": "440000"}, "purpose": "考核"}
    reply = city.site.client.post(f"/api/bus/calls/{code}", json=elsewhere, headers=headers).json()
    assert reply["value"]["rate"] is None


def test_search_finds_by_name_abstract_and_items_and_ranks_names_first(city: City) -> None:
    inside = city.published(code="102/0002", name={"zh": "企业年报"}, abstract={"zh": "含市场主体的年度报告"})
    named = city.published()

    def found(q: str) -> list[str]:
        return [one["id"] for one in city.get("wu", f"{API}/resources", q=q).json()["resources"]]

    assert found("市场主体") == [named, inside]
    assert found("统一社会信用代码") == [named, inside]
    assert found("年报") == [inside]
    assert found("report") == [] or inside in found("report")
    assert found("不存在的词") == []
    assert found("年") == [inside]
    city.done("lin", f"{API}/resources/{inside}/withdraw", {"reason": "x"})
    assert found("年报") == []


def test_the_list_pages_by_key(city: City) -> None:
    ids = [city.published(code=f"102/{number}") for number in range(3)]
    first = city.get("wu", f"{API}/resources", limit=2).json()
    rest = city.get("wu", f"{API}/resources", limit=2, after=first["next"]).json()
    assert [one["id"] for one in [*first["resources"], *rest["resources"]]] == ids[::-1]
    assert rest["next"] is None
