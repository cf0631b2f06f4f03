"""What becomes of receipts: investigations seal them for a time, subjects take them away signed, corrections follow them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from click.testing import CliRunner
from department import Department
from nanning import (
    ANNA,
    BEN,
    HASH,
    MARKET,
    MATTER,
    POLICE,
    POPULATION,
    TAX,
    Nanning,
    nanning,
    neighbour,
)
from sqlalchemy import select, update

from gdbos.bus.outbox import outbox
from gdbos.bus.recall import bus_recall, remind
from gdbos.bus.seal import bus_seal
from gdbos.identity.account import open_account
from gdbos.identity.post import appoint
from gdbos.ledger.commands import ledger
from gdbos.testing import postgres_database
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import running


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("receipts")
    with ExitStack() as stack:
        postgres = request.param == "postgres"
        url = stack.enter_context(postgres_database()) if postgres else f"sqlite:///{folder}/home/gdbos.db"
        departments, scripted = stack.enter_context(running(folder / "departments")), stack.enter_context(neighbour())
        found = stack.enter_context(nanning(folder, url, departments, scripted))
        found.site.unit(staff)
        yield found


def staff(unit: Unit) -> None:
    posts = (
        ("head", MARKET, "body-manager"),
        ("deputy", MARKET, "body-manager"),
        ("taxhead", TAX, "body-manager"),
        ("taxdeputy", TAX, "body-manager"),
        ("audit", MARKET, "audit-administrator"),
        ("police", POLICE, "body-manager"),
    )
    for login, body, role in posts:
        account = open_account(unit, login=login, password_hash=HASH, name=login, kind="official")
        appoint(unit, account, body=body, role_id=role)


def post(city: Nanning, login: str, path: str, body: Any) -> Any:
    return city.site.client.post(path, json=body, headers=city.site.sign_in(login))


# Seals.


def order(city: Nanning, case: str, days: int = 30, login: str = "head") -> Any:
    until = city.site.kernel.units.around.today() + timedelta(days=days)
    wanted = {
        "case": case,
        "until": until.isoformat(),
        "legal_basis": "行政处罚法第五十四条",
        "reason": "under inquiry",
    }
    return post(city, login, "/api/bus/seals", wanted)


def confirm(city: Nanning, seal: str, login: str = "deputy") -> Any:
    return post(city, login, f"/api/bus/seals/{seal}/confirm", {})


def sealed(city: Nanning, case: str, days: int = 30) -> str:
    """An order that two officials of the register made; its id."""
    asked: str = order(city, case, days).json()["id"]
    assert confirm(city, asked).status_code == 200
    return asked


def test_a_sealed_receipt_waits_for_its_day_and_does_not_vanish(city: Nanning) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    before = city.look(system, case).json()["call"]
    sealed(city, case)
    hidden = city.look(system, case).json()["call"]
    elsewhere = city.look(system, city.case(citizen=ANNA)).json()["call"]
    seen = [one["call"] for one in city.receipts("anna")]
    assert (before in seen, hidden in seen, elsewhere in seen) == (True, False, True)
    today = city.site.kernel.units.around.today()
    city.site.unit(lambda unit: unit.execute(update(bus_seal).where(bus_seal.c.case == case).values(until=today)))
    assert hidden in [one["call"] for one in city.receipts("anna")]


def test_nobody_seals_alone_and_nothing_waits_until_a_second_official_of_the_body_confirms(city: Nanning) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    asked = order(city, case).json()
    assert (asked["confirmed_by"], asked["at"]) == ("", None)
    open_call = city.look(system, case).json()["call"]
    alone = confirm(city, asked["id"], "head")
    assert alone.status_code == 403 and alone.json()["type"] == "urn:gdbos:problem:forbidden"
    for stranger in ("taxdeputy", "police"):
        assert confirm(city, asked["id"], stranger).status_code == 404
    assert confirm(city, asked["id"], "audit").status_code == 403
    assert open_call in [one["call"] for one in city.receipts("anna")]
    confirmed = confirm(city, asked["id"]).json()
    assert confirmed["confirmed_by"] != confirmed["asked_by"] == asked["asked_by"] and confirmed["at"]
    assert confirm(city, asked["id"]).status_code == 409
    hidden = city.look(system, case).json()["call"]
    seen = [one["call"] for one in city.receipts("anna")]
    assert (open_call in seen, hidden in seen) == (True, False)


def test_a_seal_of_one_body_does_not_hide_what_another_looked_at(city: Nanning) -> None:
    case = city.case(citizen=ANNA)
    assert confirm(city, order(city, case, login="taxhead").json()["id"], "taxdeputy").status_code == 200
    call = city.look(city.granted(), case).json()["call"]
    assert call in [one["call"] for one in city.receipts("anna")]


def test_a_seal_ends_within_the_longest_time_and_cannot_be_strung_on(city: Nanning) -> None:
    case, longest = city.case(citizen=ANNA), city.site.kernel.settings.bus.longest_seal
    assert [order(city, case, days).status_code for days in (0, longest + 1)] == [422, 422]
    late = order(city, case, longest - 60).json()["id"]
    sealed(city, case, longest)
    ago = datetime.now(UTC) - timedelta(days=100)
    held = (bus_seal.c.case == case, bus_seal.c.at.is_not(None))
    city.site.unit(lambda unit: unit.execute(update(bus_seal).where(*held).values(at=ago)))
    assert [order(city, case, days).status_code for days in (longest - 50, longest - 110)] == [422, 201]
    assert confirm(city, late).status_code == 422


def test_auditors_list_every_order_and_others_only_their_own(city: Nanning) -> None:
    made = {order(city, city.case(citizen=BEN), login=login).json()["id"] for login in ("head", "taxhead")}

    def listed(login: str) -> set[str]:
        answered = city.site.client.get("/api/bus/seals?limit=100", headers=city.site.sign_in(login))
        return {one["id"] for one in answered.json()["seals"]} & made

    assert listed("audit") == made
    assert [len(listed(login)) for login in ("head", "taxhead")] == [1, 1]
    assert order(city, "CASE-1", login="audit").status_code == 403
    assert order(city, "CASE-1", login="clerk").status_code == 403


# Statements.


@pytest.fixture
def statement(city: Nanning, tmp_path: Path) -> Path:
    city.look(city.granted(), city.case(citizen=BEN), citizen=BEN)
    answered = city.site.client.get("/portal/receipts/statement", headers=city.site.sign_in("ben"))
    assert answered.headers["content-disposition"].startswith("attachment")
    (tmp_path / "mine.txt").write_bytes(answered.content)
    return tmp_path / "mine.txt"


def check(city: Nanning, file: Path) -> Any:
    key = city.site.kernel.book.signers["calls"].verifier.vkey
    return CliRunner().invoke(ledger, ["statement", str(file), "--vkey", key, "--json"])


def test_a_statement_is_checked_offline(city: Nanning, statement: Path) -> None:
    checked = check(city, statement)
    assert checked.exit_code == 0, checked.output
    stated = msgspec.json.decode(checked.output)
    assert [one["call"] for one in stated["entries"]] == [one["call"] for one in city.receipts("ben")]
    api = city.site.client.get("/api/bus/receipts/statement", headers=city.site.sign_in("ben"))
    assert api.text.splitlines()[4:-2] == statement.read_text("utf-8").splitlines()[4:-2]
    assert BEN not in statement.read_text("utf-8")


def test_a_person_takes_all_their_data_away_in_one_file_that_is_checked_offline(city: Nanning, tmp_path: Path) -> None:
    city.look(city.granted(), city.case(citizen=BEN), citizen=BEN)
    answered = city.site.client.get("/api/identity/me/data", headers=city.site.sign_in("ben"))
    assert answered.headers["content-disposition"].startswith("attachment")
    (tmp_path / "mine.txt").write_bytes(answered.content)
    checked = check(city, tmp_path / "mine.txt")
    assert checked.exit_code == 0, checked.output
    stated = msgspec.json.decode(checked.output)
    said = {one["service"]: one["value"] for one in stated["entries"]}
    assert said["kernel.identity.applicant"]["citizen_id"] == BEN
    assert said["kernel.bus.receipts"]["receipts"]
    assert ANNA not in answered.text, "and nobody else's"
    own = [one for one in city.receipts("ben") if one["service"] == "kernel.identity.applicant"]
    assert own == [], "reading one's own leaves no receipt"
    (tmp_path / "changed.txt").write_bytes(answered.content.replace(BEN.encode(), ANNA.encode()))
    assert check(city, tmp_path / "changed.txt").exit_code == 1
    assert city.site.client.get("/api/identity/me/data", headers=city.site.sign_in("clerk")).status_code == 403


def test_the_same_is_a_page_to_read_and_print(city: Nanning) -> None:
    city.look(city.granted(), city.case(citizen=BEN), citizen=BEN)
    for language, words in (
        ("zh-CN", ("本人身份信息", "身份号码", "谁看过我的数据")),
        ("en", ("Identity number", "Purpose")),
    ):
        headers = city.site.sign_in("ben") | {"accept-language": language, "accept": "text/html"}
        page = city.site.client.get("/account/data", headers=headers)
        assert page.status_code == 200, page.text
        assert BEN in page.text
        assert all(one in page.text for one in words), page.text
        assert ANNA not in page.text
        assert "data-print" in page.text
    assert city.site.client.get("/account/data", headers=city.site.sign_in("clerk")).status_code == 403


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda lines: [lines[0], *lines[1:4], *lines[5:]], 2),
        (lambda lines: [line.replace("purpose", "Purpose") for line in lines], 1),
        (lambda lines: [line.replace("node test", "node other") for line in lines], 1),
        (lambda lines: lines[:-1], 2),
        (lambda lines: ["gdbos.450100/test/calls/1", "0", *lines[2:]], 2),
    ],
)
def test_a_changed_statement_is_found_out(city: Nanning, statement: Path, change: Any, code: int) -> None:
    lines = statement.read_text("utf-8").splitlines()
    statement.write_text("\n".join(change(lines)) + "\n", "utf-8")
    assert check(city, statement).exit_code == code


# Recalls.


def recalled(city: Nanning, provider: Department, **more: Any) -> Any:
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    wanted = {"service": POPULATION, "kind": "person", "number": ANNA, "since": long_ago, "reason": "a clerk's mistake"}
    return provider.ask("ApiBusRecallsRecall", wanted | more)


def test_everyone_who_received_the_old_value_is_told_and_acknowledges(city: Nanning) -> None:
    market, tax, police = city.granted(), city.granted(body=TAX), city.system(POLICE)
    nameless = city.granted(fields=["sex"])
    case, taxcase = city.case(citizen=ANNA), city.case(citizen=ANNA, body=TAX)
    calls = [city.look(market, case).json()["call"], city.look(market, case).json()["call"]]
    city.look(tax, taxcase)
    city.look(nameless, case)
    bens = city.granted()
    city.look(bens, city.case(citizen=BEN), citizen=BEN)
    told = recalled(city, police, fields=["name"])
    assert told.status_code == 201, told.text
    tasks = {task["system"]: task for task in told.json()["tasks"]}
    assert {market.client_id, tax.client_id} <= set(tasks)
    assert not {nameless.client_id, bens.client_id} & set(tasks)
    mine = tasks[market.client_id]
    assert (mine["calls"], mine["cases"]) == ([], [])  # which cases rest on the value is the consumer's to know
    theirs = {task["id"]: task for task in market.ask("ApiBusRecallsTasks").json()["tasks"]}[mine["id"]]
    assert (theirs["calls"], theirs["cases"]) == (calls, [{"matter": MATTER, "case": case}])
    assert ANNA not in told.text
    events = city.site.unit(
        lambda unit: (
            unit.execute(
                select(outbox.c.body).where(outbox.c.type == "kernel.bus.value-recalled/1", outbox.c.key == taxcase)
            )
            .scalars()
            .all()
        )
    )
    assert len(events) == 1
    listed = [task["id"] for task in tax.ask("ApiBusRecallsTasks").json()["tasks"]]
    assert tasks[tax.client_id]["id"] in listed
    assert mine["id"] not in listed
    path, said = "ApiBusRecallsTaskIdAcknowledgeAcknowledge", {"action": "asked the register again"}
    assert tax.ask(path, said, task_id=mine["id"]).status_code == 404
    assert police.ask(path, said, task_id=mine["id"]).status_code == 404
    done = market.ask(path, said, task_id=mine["id"])
    assert (done.status_code, done.json()["action"]) == (200, said["action"])
    assert market.ask(path, said, task_id=mine["id"]).status_code == 409
    known = {task["id"]: task["acknowledged_at"] for task in police.ask("ApiBusRecallsTasks").json()["tasks"]}
    assert known[mine["id"]]
    assert known[tasks[tax.client_id]["id"]] is None


def test_a_sealed_inquiry_hears_of_a_recall_and_the_provider_nothing_of_it(city: Nanning) -> None:
    secret, case, police = city.granted(), city.case(citizen=ANNA), city.system(POLICE)
    sealed(city, case)
    city.look(secret, case)
    told = recalled(city, police)
    assert secret.client_id not in {task["system"] for task in told.json()["tasks"]}
    assert secret.client_id not in {task["system"] for task in police.ask("ApiBusRecallsTasks").json()["tasks"]}
    assert case in {one["case"] for task in secret.ask("ApiBusRecallsTasks").json()["tasks"] for one in task["cases"]}


def test_only_the_provider_recalls_and_only_what_was_given_out_since(city: Nanning) -> None:
    market = city.granted()
    city.look(market, city.case(citizen=ANNA))
    assert recalled(city, market).status_code == 403
    police, now = city.system(POLICE), datetime.now(UTC)
    assert recalled(city, police, since=now.isoformat()).json()["tasks"] == []
    assert recalled(city, police, since=(now + timedelta(hours=1)).isoformat()).status_code == 400
    assert recalled(city, police, number="not a number").json()["tasks"] == []


def test_what_a_service_gave_is_recalled_though_it_has_ended(city: Nanning) -> None:
    system, case, police = city.granted(), city.case(citizen=ANNA), city.system(POLICE)
    city.look(system, case)
    kernel = city.site.kernel
    kernel.directory.replace([one for one in kernel.directory.all() if one.code != POPULATION], [POPULATION])
    try:
        assert city.look(system, case).status_code == 410
        told = recalled(city, police)
        strangers = recalled(city, system)
    finally:
        city.site.call(kernel.refresh)
    assert told.status_code == 201, told.text
    assert system.client_id in {task["system"] for task in told.json()["tasks"]}
    assert strangers.status_code == 404, "it never gave anything under that code"


def test_a_recall_is_due_after_so_many_working_days_and_reminded_of_once(city: Nanning) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    city.look(system, case)
    tasks = recalled(city, city.system(POLICE)).json()["tasks"]
    task = next(one for one in tasks if one["system"] == system.client_id)
    around = city.site.kernel.units.around
    assert task["due"] == around.standards().calendar("450100").add(around.today(), 10).isoformat()

    def reminders() -> int:
        city.site.unit(remind)
        due = outbox.c.type == "kernel.bus.recall-due/1"
        bodies = city.site.unit(lambda unit: unit.execute(select(outbox.c.body).where(due)).scalars().all())
        return sum(task["id"].encode() in bytes(body) for body in bodies)

    assert reminders() == 0
    which = bus_recall.c.id == UUID(task["id"])
    past = around.today() - timedelta(days=1)
    city.site.unit(lambda unit: unit.execute(update(bus_recall).where(which).values(due=past)))
    assert (reminders(), reminders()) == (1, 1), "once"
    assert "overdue" in page(city, "head").text


# The console.


def page(city: Nanning, login: str, path: str = "", at: str = "/console/recalls", **form: Any) -> Any:
    headers = city.site.sign_in(login) | {"accept": "text/html", "accept-language": "en"}
    address = f"{at}{path}"
    if not form:
        return city.site.client.get(address, headers=headers)
    return city.site.client.post(address, data=form, headers=headers, follow_redirects=True)


def test_officials_recall_and_acknowledge_by_page(city: Nanning) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    city.look(system, case)
    form = {"service": POPULATION, "kind": "person", "number": ANNA, "fields": "name", "reason": "a typing mistake"}
    wrong = page(city, "police", **form)
    assert wrong.status_code == 422
    assert "since" in wrong.text
    assert ANNA not in wrong.text
    told = page(city, "police", **form, since="2020-01-01T00:00")
    assert told.status_code == 200
    assert "not acknowledged yet" in told.text
    seen = page(city, "head").text
    assert system.client_id in seen
    assert case in seen
    told = page(city, "police").text
    assert (system.client_id in told, case in told) == (True, False), "the provider hears who, not in which case"
    task = next(
        task["id"] for task in system.ask("ApiBusRecallsTasks").json()["tasks"] if task["system"] == system.client_id
    )
    done = page(city, "head", f"/{task}/acknowledge", action="looked again")
    assert "looked again" in done.text
    assert page(city, "head", f"/{task}/acknowledge", action="twice").status_code == 422
    assert page(city, "taxhead", f"/{task}/acknowledge", action="not mine").status_code == 422


def test_two_officials_seal_by_page_and_auditors_see_it(city: Nanning) -> None:
    case, at = city.case(citizen=ANNA), "/console/seals"
    form = {"case": case, "legal_basis": "行政处罚法第五十四条", "reason": "under inquiry"}
    wrong = page(city, "head", at=at, **form, until="2020-01-01")
    assert wrong.status_code == 422 and "under inquiry" in wrong.text
    until = city.site.kernel.units.around.today() + timedelta(days=30)
    assert "Another official of your body has to confirm it" in page(city, "head", at=at, **form, until=str(until)).text
    listed = city.site.client.get("/api/bus/seals", headers=city.site.sign_in("head")).json()["seals"]
    act = f"/{next(one['id'] for one in listed if one['case'] == case)}/confirm"
    assert act in page(city, "deputy", at=at).text and act not in page(city, "head", at=at).text
    assert page(city, "head", act, at, x="").status_code == 422
    assert act not in page(city, "deputy", act, at, x="").text
    seen = page(city, "audit", at=at).text
    assert case in seen and "Ask for the seal" not in seen
    assert case not in page(city, "taxhead", at=at).text
