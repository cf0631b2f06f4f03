"""A subject is erased by two officials: their key is gone on every worker, the ledger stays sound, receipts stay."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from nanning import ANNA, BEN, HASH, MARKET, MATTER, POPULATION, Nanning, nanning, neighbour

from gdbos.identity.account import open_account
from gdbos.identity.post import appoint
from gdbos.ledger.commands import ledger
from gdbos.subjects import person_key
from gdbos.testing import Site, postgres_database, serving
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import running


def staff(unit: Unit) -> None:
    for login, role in (
        ("first", "security-administrator"),
        ("second", "security-administrator"),
        ("audit", "audit-administrator"),
    ):
        account = open_account(unit, login=login, password_hash=HASH, name=login, kind="official")
        appoint(unit, account, body=MARKET, role_id=role)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("erasure")
    with ExitStack() as stack:
        url = stack.enter_context(postgres_database())
        departments, scripted = stack.enter_context(running(folder / "departments")), stack.enter_context(neighbour())
        found = stack.enter_context(nanning(folder, url, departments, scripted))
        found.site.unit(staff)
        yield found


@pytest.fixture(scope="module")
def other(city: Nanning) -> Iterator[Site]:
    """Another worker of the same node."""
    with serving(city.site.kernel.deployment, watched=False) as worker:
        yield worker


def post(site: Site, login: str, path: str, body: Any) -> httpx.Response:
    answered: httpx.Response = site.client.post(f"/api/ledger/erasures{path}", json=body, headers=site.sign_in(login))
    return answered


def order(number: str) -> dict[str, str]:
    return {"kind": "person", "number": number, "legal_basis": "个人信息保护法第四十七条", "reason": "on request"}


def command(*arguments: object) -> int:
    return CliRunner().invoke(ledger, [str(one) for one in arguments]).exit_code


def looked(site: Site, token: str, case: str, citizen: str) -> int:
    question = {"value": {"citizen_id": citizen}, "matter": MATTER, "case": case, "purpose": "check"}
    headers = {"authorization": f"Bearer {token}"}
    return site.client.post(f"/api/bus/calls/{POPULATION}", json=question, headers=headers).status_code


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it does not come to be"
        time.sleep(0.1)


def outcomes(city: Nanning, system: Any) -> list[str]:
    return [one["outcome"] for one in city.log(system)]


def test_nobody_passes_the_bus_once_erased_on_any_worker_and_every_proof_still_holds(
    city: Nanning, other: Site, tmp_path: Path
) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    call, token = city.look(system, case).json()["call"], system.token
    until(lambda: looked(other, token, case, ANNA) == 200)  # it looks twice a second for new grants
    assert person_key(other.kernel.vault, ANNA) in other.kernel.subject_keys._known
    receipts = city.receipts("anna")
    home, proof = city.site.kernel.settings.home, tmp_path / "before.tlog-proof"
    city.site.call(city.site.kernel.book.catch_up)
    assert command("prove", home, call, "--out", proof) == 0

    asked = post(city.site, "first", "", order(ANNA))
    assert asked.status_code == 409, "a case of hers is open"
    city.close(case)
    asked = post(city.site, "first", "", order(ANNA))
    assert asked.status_code == 201, asked.text
    at = f"/{asked.json()['id']}/confirm"
    assert post(city.site, "first", "", order(ANNA)).status_code == 409
    assert post(city.site, "first", at, {}).status_code == 403, "nobody erases alone"
    assert post(city.site, "audit", at, {}).status_code == 403
    assert post(city.site, "second", at, {}).status_code == 200
    assert post(city.site, "second", at, {}).status_code == 409
    until(lambda: other.kernel.subject_keys.is_erased(person_key(other.kernel.vault, ANNA)))

    case, asked_before = city.case(citizen=ANNA), city.tally()
    for site in (city.site, other):
        assert looked(site, token, case, ANNA) == 410
        assert person_key(site.kernel.vault, ANNA) not in site.kernel.subject_keys._known
    assert city.tally() == asked_before, "the provider was not even asked"
    assert outcomes(city, system)[:2] == ["gone", "gone"], "and the refusal is on record"
    assert looked(other, token, city.case(citizen=BEN), BEN) == 200

    city.site.call(city.site.kernel.book.catch_up)
    key = city.site.kernel.book.signers["calls"].verifier.vkey
    assert command("verify", home) == 0
    assert command("check", proof, "--vkey", key) == 0
    assert command("prove", home, call, "--out", tmp_path / "after.tlog-proof") == 0
    assert city.receipts("anna") == receipts
    listed = city.site.client.get("/api/ledger/erasures", headers=city.site.sign_in("audit"))
    assert listed.json()["erasures"][0]["confirmed_by"] and ANNA not in listed.text


def test_two_officials_erase_by_page_and_auditors_see_it(city: Nanning) -> None:
    def page(login: str, path: str = "", **form: str) -> httpx.Response:
        headers = city.site.sign_in(login) | {"accept": "text/html", "accept-language": "en"}
        at = f"/console/erasures{path}"
        if not form:
            return city.site.client.get(at, headers=headers)
        return city.site.client.post(at, data=form, headers=headers, follow_redirects=True)

    form = order("450103197001019996")
    wrong = page("first", **{**form, "legal_basis": ""})
    assert wrong.status_code == 422 and "on request" in wrong.text and form["number"] not in wrong.text
    assert "Another official has to confirm it" in page("first", **form).text
    newest = city.site.client.get("/api/ledger/erasures", headers=city.site.sign_in("first")).json()["erasures"][0]
    act = f"/{newest['id']}/confirm"
    assert act in page("second").text and act not in page("first").text
    assert page("first", act, x="").status_code == 422
    assert act not in page("second", act, x="").text
    seen = page("audit").text
    assert "on request" in seen and "Ask for the erasure" not in seen
