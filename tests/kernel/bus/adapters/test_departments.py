"""The demo city's existing systems, reached as their documents describe them."""

from __future__ import annotations

import time
import tomllib
from datetime import date
from pathlib import Path

import httpx
import msgspec
import pytest

from gdbos.actor import ANONYMOUS
from gdbos.bus.adapters import KINDS, adapters_for, faults
from gdbos.bus.adapters.lines import Lines
from gdbos.bus.adapters.settings import settings_of
from gdbos.bus.adapters.sql import Sql, SqlSettings
from gdbos.bus.call import Call
from gdbos.bus.service import Service, offered
from gdbos.config import Bus
from gdbos.errors import Invalid, NotFound, ProviderFailed, ProviderTimeout, Unavailable
from gdbos.ids import new_id
from gdbos.standards import load
from gdbos_scenarios.departments import program as program_module
from gdbos_scenarios.departments.program import running

from .asking import CITIZEN, CODE, NAME, ask, asking, client_for, http_settings, run

SERVICES = Path(__file__).parents[4] / "standards" / "nanning" / "services"
COMPANY = {
    "enterprise_name": "南宁演示有限公司",
    "uscc": CODE,
    "registered_address": "示范路1号",
    "legal_representative_name": NAME,
    "legal_representative_citizen_id": CITIZEN,
}


@pytest.fixture(scope="module")
def departments(tmp_path_factory):
    with running(tmp_path_factory.mktemp("departments"), "--slow", "tax=0.05") as program:
        yield program


def control(program, **switches):
    answer = httpx.post(f"{program.url}/_control", json=switches, trust_env=False)
    assert answer.status_code == 200


@pytest.fixture(autouse=True)
def repaired(request):
    yield
    if "departments" in request.fixturenames:
        control(request.getfixturevalue("departments"), down=[], refuse=[], slow={"tax": 0.05})


def document(code):
    found = [tomllib.loads(path.read_text("utf-8")) for path in sorted(SERVICES.glob("*.toml"))]
    return next(one for one in found if one["id"] == code)


def settings_for(program, code):
    places = {"departments": program.url, "departments_keys": str(program.keys)}
    return http_settings(document(code)["settings"], places, service=code)


def ask_department(program, code, request, **more):
    async def main():
        async with client_for(program.url) as client:
            return await ask(client, settings_for(program, code), request, service=code, **more)

    return run(main())


HANDLED = {
    "nanning.registration.handle": (
        {
            "enterprise_type": "1130",
            "registered_capital": 500_000,
            "registered_division": "450103",
            "business_scope": "软件开发",
        },
        {"uscc", "registration_number", "established_on"},
    ),
    "nanning.seal.handle": ({"seal_kind": ["01", "02"]}, {"seal_number", "handled_on"}),
    "nanning.tax.handle": (
        {"invoice_kind": ["81", "82"], "invoice_monthly_count": 25},
        {"taxpayer_serial", "tax_authority", "handled_on"},
    ),
    "nanning.social-insurance.handle": ({"insured_staff_count": 5}, {"social_insurance_number", "handled_on"}),
    "nanning.medical-insurance.handle": ({"insured_staff_count": 5}, {"medical_insurance_number", "handled_at"}),
    "nanning.housing-fund.handle": (
        {
            "fund_start_month": "202612",
            "fund_staff_count": 5,
            "payroll_monthly_total": 30000.5,
            "fund_unit_rate": 5,
            "fund_person_rate": 7,
        },
        {"fund_number", "fund_monthly_sum", "handled_on"},
    ),
    "nanning.bank.handle": ({"bank_code": "901"}, {"account_booking_number", "bank_name", "booking_valid_until"}),
}


def handle(program, code, number, **changes):
    request = {**COMPANY, "case_number": number, **HANDLED[code][0], **changes}
    if code == "nanning.registration.handle":
        request["enterprise_name"] = f"南宁{number}有限公司"
    return ask_department(program, code, request)


def test_every_service_document_is_read_strictly():
    for path in SERVICES.glob("*.toml"):
        made = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Service)
        assert list(faults(made, None)) == [] and made.adapter in KINDS, path.name


def test_the_housing_fund_is_looked_up_in_the_view_it_lets_its_neighbours_read(departments, standards):
    place = f"sqlite:///{departments.keys.parent}/housing-fund.sqlite"
    settings = settings_of(
        SqlSettings, document("nanning.housing-fund.account")["settings"], {"housing_fund_db": place}, service="it"
    )
    opened = handle(departments, "nanning.housing-fund.handle", "VIEWED")

    async def main():
        way = Sql({place: Path(place.removeprefix("sqlite:///"))}, Lines())
        try:
            return (await way.ask(settings, asking({"uscc": CODE}))).value
        finally:
            await way.aclose()

    found = run(main())
    assert found == {name: opened[name] for name in ("fund_number", "fund_monthly_sum", "handled_on")}
    gives = standards.record("nanning.housing-fund.account", date(2026, 11, 23))
    assert gives.check(gives.convert(found)) == []


def test_a_person_comes_back_in_our_fields(departments):
    assert ask_department(departments, "gx.population.person", {"citizen_id": CITIZEN}) == {
        "citizen_id": CITIZEN,
        "name": NAME,
        "sex": "1",
        "birth_date": "1985-03-12",
        "address": "广西壮族自治区南宁市青秀区示范路1号",
    }


def test_nobody_of_that_number_is_not_found_and_names_nobody(departments):
    with pytest.raises(NotFound) as caught:
        ask_department(departments, "gx.population.person", {"citizen_id": "11010519491231002X"})
    assert "11010519491231002X" not in caught.value.message() + str(caught.value.facts)


def test_the_name_check_translates_their_letters(departments):
    assert ask_department(departments, "gx.enterprise.name-check", {"enterprise_name": "南宁新名有限公司"}) == {
        "usable": "1"
    }
    answer = ask_department(departments, "gx.enterprise.name-check", {"enterprise_name": "中国演示有限公司"})
    assert answer["usable"] == "0" and "禁用" in answer["reason"]


def test_the_register_answers_in_yuan_and_dates(departments):
    found = ask_department(departments, "gx.enterprise.register", {"uscc": CODE})
    assert (found["registered_capital"], found["established_on"]) == (500_000, "2024-05-06")


@pytest.mark.parametrize("code", HANDLED)
def test_every_department_handles_and_answers_in_our_fields(departments, code):
    answer = handle(departments, code, f"CASE-{code}")
    assert answer["outcome"] == "handled" and answer.keys() == {"outcome"} | HANDLED[code][1]
    assert handle(departments, code, f"CASE-{code}") == answer


@pytest.fixture(scope="module")
def standards():
    return load([SERVICES.parents[1]], {"services": Service}, ["national", "guangxi", "nanning"])


def governed(program, standards, code, request):
    """Ask as the bus does: request and reply each against its standard."""
    service, on = standards.document("services", code).value, date(2026, 11, 23)
    takes, gives = standards.record(service.takes, on), standards.record(service.gives, on)
    asked = takes.convert(request)
    answer = gives.convert(ask_department(program, code, msgspec.to_builtins(asked)))
    assert takes.check(asked) == [] and gives.check(answer) == []
    return answer


@pytest.mark.parametrize("code", HANDLED)
def test_every_department_answers_to_the_standard_its_service_names(departments, standards, code):
    takes = standards.record(standards.document("services", code).value.takes, date(2026, 11, 23)).names
    request = {"case_number": f"STD-{code}", **COMPANY, **HANDLED[code][0]}
    request["enterprise_name"] = f"南宁标准{code.split('.')[1]}有限公司"
    assert request.keys() >= set(takes)
    answer = governed(departments, standards, code, {name: request[name] for name in takes})
    assert answer.outcome == "handled" and all(getattr(answer, name) is not None for name in HANDLED[code][1])
    control(departments, refuse=[document(code)["system"]])
    request |= {"case_number": f"STD-NO-{code}", "enterprise_name": f"南宁另一{code.split('.')[1]}有限公司"}
    assert governed(departments, standards, code, {name: request[name] for name in takes}).outcome == "refused"


def test_the_name_check_answers_to_its_standard(departments, standards):
    asked = {"enterprise_name": "南宁标准有限公司"}
    assert governed(departments, standards, "gx.enterprise.name-check", asked).usable == "1"


@pytest.mark.parametrize("code", [CODE, "91450103MADEM002XR"])
def test_every_seeded_enterprise_meets_the_standard(departments, standards, code):
    assert governed(departments, standards, "gx.enterprise.register", {"uscc": code}).uscc == code


def test_every_seeded_person_meets_the_standard(departments, standards):
    people = Path(program_module.__file__).with_name("people.csv").read_text("utf-8").splitlines()[1:]
    for row in people:
        number, name, _ = row.split(",")
        assert governed(departments, standards, "gx.population.person", {"citizen_id": number}).name == name


def test_a_bank_that_the_gateway_does_not_serve_is_refused_in_its_words(departments):
    refused = handle(departments, "nanning.bank.handle", "ELSEWHERE", bank_code="102")
    assert refused["outcome"] == "refused" and "银行" in refused["reason"]


def test_fen_become_yuan_and_comma_lists_become_lists(departments):
    assert handle(departments, "nanning.housing-fund.handle", "FEN")["fund_monthly_sum"] == 3600.06
    assert len(handle(departments, "nanning.seal.handle", "SEALS")["seal_number"]) == 2


def test_characters_beyond_gbk_reach_the_gb18030_system(departments):
    assert (
        handle(departments, "nanning.seal.handle", "RARE", enterprise_name="南宁𬍛演示有限公司")["outcome"] == "handled"
    )


@pytest.mark.parametrize("code", HANDLED)
def test_a_refusal_is_an_answer_with_the_departments_reason(departments, code):
    system = document(code)["system"]
    control(departments, refuse=[system])
    assert handle(departments, code, f"NO-{code}") == {"outcome": "refused", "reason": "演示开关:本部门本次不予办理"}


def test_an_error_hidden_in_a_200_is_the_providers_failure_with_its_code_only(departments):
    with pytest.raises(ProviderFailed) as caught:
        handle(departments, "nanning.social-insurance.handle", "BAD", enterprise_name=" ")
    assert caught.value.facts["error_code"] == "500" and "aab" not in caught.value.message()


def test_a_dead_department_is_unavailable_and_says_when_to_come_back(departments):
    control(departments, down=["population"])
    with pytest.raises(Unavailable) as caught:
        ask_department(departments, "gx.population.person", {"citizen_id": CITIZEN})
    assert caught.value.facts["retry_after"] >= 1


def test_a_slow_department_is_cut_at_the_callers_deadline(departments):
    control(departments, slow={"tax": 5})
    begin = time.monotonic()
    with pytest.raises(ProviderTimeout):
        ask_department(
            departments,
            "nanning.tax.handle",
            {**COMPANY, "case_number": "SLOW"},
            within=0.4,
        )
    assert time.monotonic() - begin < 1.0


def test_a_code_without_counterpart_is_the_callers_to_mend_and_is_not_repeated_back(departments):
    with pytest.raises(Invalid) as caught:
        handle(departments, "nanning.bank.handle", "BANK", bank_code="999")
    assert [violation.path for violation in caught.value.violations] == ["$.bank_code"]
    assert "999" not in caught.value.message()


def test_a_wrong_key_is_the_providers_failure(departments, tmp_path):
    (tmp_path / "population").write_text("wrong")
    places = {"departments": departments.url, "departments_keys": str(tmp_path)}
    settings = http_settings(document("gx.population.person")["settings"], places, service="gx.population.person")

    async def main():
        async with client_for(departments.url) as client:
            await ask(client, settings, {"citizen_id": CITIZEN})

    with pytest.raises(ProviderFailed):
        run(main())
    (tmp_path / "population").unlink()
    with pytest.raises(Unavailable):
        run(main())


def test_the_bus_configuration_registers_the_places(departments):
    places = {"departments": departments.url, "departments_keys": str(departments.keys)}
    service = offered(msgspec.convert(document("gx.population.person"), Service), lambda role: "114501000DEM00011C")
    asked = Call(
        id=new_id(),
        actor=ANONYMOUS,
        body="",
        system="",
        service=service.code,
        value={},
        matter="",
        case="",
        purpose="",
        business="",
    )

    async def main():
        adapter = adapters_for(Bus(places=places))["http"]
        try:
            return (await adapter(service, {"citizen_id": CITIZEN}, call=asked, traceparent=None)).value
        finally:
            await adapter.aclose()

    assert run(main())["name"] == NAME
