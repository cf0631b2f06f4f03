"""Existing systems reached over HTTP: the demo city's own, as their documents describe them, and a server that does its worst."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import socketserver
import ssl
import threading
import time
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gdbos.actor import ANONYMOUS
from gdbos.bus.adapters import adapters_for
from gdbos.bus.adapters.breaker import COOLING, IN_A_ROW, Breaker, Budget
from gdbos.bus.adapters.client import HttpClient
from gdbos.bus.adapters.http import call, exchange_headers, settings_of
from gdbos.bus.adapters.mapping import Read, Sent, nested, to_ours, to_theirs
from gdbos.bus.adapters.target import Target, parse, system_resolver
from gdbos.bus.call import Call
from gdbos.bus.service import Service, offered
from gdbos.config import Bus
from gdbos.errors import Invalid, Misconfigured, NotFound, Problem, ProviderFailed, ProviderTimeout, Unavailable
from gdbos.ids import new_id
from gdbos.standards import load
from gdbos_scenarios.departments import program as program_module
from gdbos_scenarios.departments.program import running

SERVICES = Path(__file__).parents[3] / "standards" / "nanning" / "services"
LOOPBACK = ["127.0.0.0/8"]
NAME, CITIZEN, CODE = "韦示例", "450103198503129995", "91450103MADEM00112"
COMPANY = {
    "enterprise_name": "南宁演示有限公司",
    "uscc": CODE,
    "registered_address": "示范路1号",
    "legal_representative_name": NAME,
    "legal_representative_citizen_id": CITIZEN,
}


def run(main):
    return asyncio.run(main)


async def ask(client, settings, request=None, *, within=3.0, **more):
    deadline = asyncio.get_running_loop().time() + within
    extra = {"call_id": "call-1", "traceparent": None, **more}
    return await call(client, settings, request or {}, deadline=deadline, **extra)


@contextlib.asynccontextmanager
async def client_for(*urls, networks=LOOPBACK, resolve=system_resolver):
    client = HttpClient([Target(url, networks) for url in urls], resolve=resolve)
    try:
        yield client
    finally:
        await client.aclose()


# --- the departments of the demo city ---------------------------------------------------------------------------------


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
    return settings_of(document(code)["settings"], places, service=code)


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
        table = tomllib.loads(path.read_text("utf-8"))
        places = {"departments": "http://127.0.0.1:8100", "departments_keys": "var/keys"}
        assert settings_of(table["settings"], places, service=table["id"]).idempotent


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
    settings = settings_of(document("gx.population.person")["settings"], places, service="gx.population.person")

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
            return await adapter(service, {"citizen_id": CITIZEN}, call=asked, traceparent=None)
        finally:
            await adapter.aclose()

    assert run(main())["name"] == NAME


# --- a server that does its worst -------------------------------------------------------------------------------------

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body: bytes, head: bytes = JSON_HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Worst(socketserver.StreamRequestHandler):
    """Answers by the path asked for; remembers what it was asked."""

    def handle(self):
        with contextlib.suppress(OSError):
            while self.one():
                pass

    def one(self) -> bool:
        line = self.rfile.readline()
        if not line:
            return False
        headers = {}
        while (row := self.rfile.readline().strip()) and b":" in row:
            name, _, value = row.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        path = line.split()[1].decode()
        self.server.asked.append((path, headers, body))
        behave = getattr(self, path.strip("/").split("?")[0].replace("-", "_"), None)
        return bool(behave())

    def say(self, raw: bytes) -> bool:
        self.wfile.write(raw)
        return True

    def fine(self):
        return self.say(whole(b'{"ok": 1, "v": "x"}'))

    def hang(self):
        self.server.released.wait(20)

    def drip(self):
        self.say(JSON_HEAD + b"Content-Length: 100000\r\n\r\n")
        while not self.server.released.wait(0.03):
            self.say(b" ")

    def drip_head(self):
        self.say(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not self.server.released.wait(0.03):
            self.say(b"a")

    def endless(self):
        self.say(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while not self.server.released.is_set():
            self.say(b"10000\r\n" + b" " * 65536 + b"\r\n")

    def endless_head(self):
        self.say(b"HTTP/1.1 200 OK\r\n")
        while not self.server.released.is_set():
            self.say(b"X-A: " + b"a" * 4096 + b"\r\n")

    def cut(self):
        self.say(JSON_HEAD + b'Content-Length: 1000\r\n\r\n{"ok":')

    def close(self):
        return False

    def garbage(self):
        self.say(b"\x00\xff\xfe not http at all\r\n\r\n")

    def html(self):
        return self.say(whole(b"<html>", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"))

    def depth(self):
        return self.say(whole(b"[" * 200_000))

    def deep_object(self):
        return self.say(whole(b'{"a":' * 100_000 + b"1" + b"}" * 100_000))

    def packed(self):
        bomb = gzip.compress(b" " * 10_000_000)
        return self.say(whole(bomb, JSON_HEAD + b"Content-Encoding: gzip\r\n"))

    def lying_charset(self):
        return self.say(
            whole('{"v": "韦"}'.encode("gb18030"), b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n")
        )

    def surrogate(self):
        return self.say(whole(b'{"v": "\\ud800"}'))

    def not_a_number(self):
        return self.say(whole(b'{"v": NaN}'))

    def two_lengths(self):
        self.say(JSON_HEAD + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}")

    def redirect(self):
        return self.say(whole(b"", b"HTTP/1.1 307 Moved\r\nLocation: /fine\r\n"))

    def cookie(self):
        return self.say(whole(b'{"ok": 1}', JSON_HEAD + b"Set-Cookie: session=somebody\r\n"))

    def busy(self):
        return self.say(whole(b"", b"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\n"))

    def leak(self):
        return self.say(
            whole(f'{{"error": "{NAME} {CITIZEN}", "code": "{CITIZEN} 韦"}}'.encode(), b"HTTP/1.1 500 No\r\n")
        )

    def inner_leak(self):
        return self.say(whole(f'{{"ok": 0, "code": "{NAME} {CITIZEN}"}}'.encode()))

    def broken(self):
        return self.say(whole(b"", b"HTTP/1.1 500 No\r\n"))

    def once_away(self):
        away = [path for path, _, _ in self.server.asked].count("/once-away") < 2
        return self.say(whole(b"", b"HTTP/1.1 502 Bad Gateway\r\n")) if away else self.fine()

    def away(self):
        return self.say(whole(b"", b"HTTP/1.1 502 Bad Gateway\r\n"))


class WorstServer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address, block_on_close, request_queue_size = True, True, False, 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Worst)
        self.asked, self.released = [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass

    def count(self, path):
        return sum(asked == path for asked, _, _ in self.asked)


@pytest.fixture
def worst():
    server = WorstServer()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def settings(server, path, **more):
    table = {"base": server.url, "path": path, "success": {"path": "ok", "equals": 1}, "response": {"v": "v"}, **more}
    return settings_of(table, {}, service="test")


def ask_worst(server, path, *, within=0.6, times=1, **more):
    async def main():
        async with client_for(server.url) as client:
            for _ in range(times):
                answer = await ask(client, settings(server, path, **more), within=within)
            return answer

    return run(main())


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/hang", ProviderTimeout),
        ("/drip", ProviderTimeout),
        ("/drip-head", ProviderTimeout),
        ("/endless", ProviderFailed),
        ("/endless-head", ProviderFailed),
        ("/cut", ProviderFailed),
        ("/close", ProviderFailed),
        ("/garbage", ProviderFailed),
        ("/html", ProviderFailed),
        ("/depth", ProviderFailed),
        ("/deep-object", ProviderFailed),
        ("/packed", ProviderFailed),
        ("/lying-charset", ProviderFailed),
        ("/surrogate", ProviderFailed),
        ("/not-a-number", ProviderFailed),
        ("/two-lengths", ProviderFailed),
        ("/redirect", ProviderFailed),
        ("/busy", Unavailable),
        ("/leak", ProviderFailed),
        ("/inner-leak", ProviderFailed),
        ("/broken", ProviderFailed),
        ("/away", ProviderFailed),
    ],
)
@pytest.mark.parametrize("idempotent", [False, True])
def test_whatever_it_does_the_caller_gets_a_problem_in_time(worst, path, problem, idempotent):
    begin = time.monotonic()
    with pytest.raises(Problem) as caught:
        ask_worst(worst, path, idempotent=idempotent, within=0.6)
    assert time.monotonic() - begin < 1.2
    assert isinstance(caught.value, problem)
    told = caught.value.message() + str(caught.value.facts)
    assert NAME not in told and CITIZEN not in told


def test_the_agreed_charset_is_believed_and_not_the_header(worst):
    assert ask_worst(worst, "/lying-charset", charset="gb18030", success={"path": "v", "equals": "韦"}) == {"v": "韦"}


def test_a_redirect_is_not_followed(worst):
    with pytest.raises(ProviderFailed):
        ask_worst(worst, "/redirect")
    assert worst.count("/fine") == 0


def test_a_cookie_of_one_call_is_not_sent_with_the_next(worst):
    ask_worst(worst, "/cookie", times=2)
    assert worst.count("/cookie") == 2 and all("cookie" not in headers for _, headers, _ in worst.asked)


def test_it_says_how_long_the_provider_wants_to_be_left_alone(worst):
    with pytest.raises(Unavailable) as caught:
        ask_worst(worst, "/busy")
    assert caught.value.facts["retry_after"] == 7


def test_an_answer_one_byte_over_the_limit_is_refused(worst):
    size = len(b'{"ok": 1, "v": "x"}')
    assert ask_worst(worst, "/fine", max_bytes=size) == {"v": "x"}
    with pytest.raises(ProviderFailed):
        ask_worst(worst, "/fine", max_bytes=size - 1)


def test_only_what_is_safe_to_repeat_is_tried_again(worst):
    assert ask_worst(worst, "/once-away", idempotent=True) == {"v": "x"}
    assert worst.count("/once-away") == 2
    with pytest.raises(ProviderFailed):
        ask_worst(worst, "/away", idempotent=False)
    assert worst.count("/away") == 1


def test_at_most_three_attempts(worst):
    with pytest.raises(ProviderFailed):
        ask_worst(worst, "/away", idempotent=True, within=3)
    assert worst.count("/away") == 3


def test_retries_stay_within_their_budget():
    budget, retried = Budget(), 0
    for _ in range(1000):
        budget.earn()
        retried += budget.spend()
    assert retried <= 103


def test_a_dead_port_is_unavailable_and_five_in_a_row_leave_it_in_peace(worst):
    worst.shutdown()
    worst.server_close()

    async def main():
        async with client_for(worst.url) as client:
            asked = settings(worst, "/fine")
            for _ in range(IN_A_ROW):
                with pytest.raises(Unavailable, match="take connections"):
                    await ask(client, asked, service="s", provider="p")
            begin = time.monotonic()
            with pytest.raises(Unavailable, match="recover"):
                await ask(client, asked, service="s", provider="p")
            assert time.monotonic() - begin < 0.05
            with pytest.raises(Unavailable, match="take connections"):
                await ask(client, asked, service="s", provider="another")

    run(main())


def test_callers_without_patience_prove_nothing_against_a_provider(worst):
    async def main():
        async with client_for(worst.url) as client:
            for _ in range(IN_A_ROW * 2):
                with pytest.raises(ProviderTimeout):
                    await ask(client, settings(worst, "/hang"), within=0.02, service="s")
            assert await ask(client, settings(worst, "/fine"), service="s") == {"v": "x"}

    run(main())


def test_a_full_bulkhead_turns_callers_away_and_empties_again(worst):
    async def main():
        async with client_for(worst.url) as client:
            hanging = settings(worst, "/hang", concurrency=2)
            asked = [ask(client, hanging, within=0.5, service="s") for _ in range(20)]
            begin = time.monotonic()
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            assert time.monotonic() - begin < 1.2
            kinds = [type(outcome) for outcome in outcomes]
            assert kinds.count(ProviderTimeout) == 2 and kinds.count(Unavailable) == 18
            assert worst.count("/hang") == 2
            assert await ask(client, settings(worst, "/fine"), service="s") == {"v": "x"}

    run(main())


def test_fifty_cut_calls_leave_the_connections_usable(worst):
    async def main():
        async with client_for(worst.url) as client:
            slow = settings(worst, "/drip", concurrency=50)
            await asyncio.gather(*[ask(client, slow, within=0.3) for _ in range(50)], return_exceptions=True)
            fine = [ask(client, settings(worst, "/fine"), service=str(n)) for n in range(20)]
            assert await asyncio.gather(*fine) == [{"v": "x"}] * 20

    run(main())


def test_an_abandoned_call_ends_at_once_and_counts_for_nothing(worst):
    async def main():
        async with client_for(worst.url) as client:
            for _ in range(IN_A_ROW + 1):
                task = asyncio.create_task(ask(client, settings(worst, "/hang"), service="s"))
                await asyncio.sleep(0.03)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await ask(client, settings(worst, "/fine"), service="s") == {"v": "x"}

    run(main())


def test_a_call_whose_deadline_has_passed_is_not_sent(worst):
    async def main():
        async with client_for(worst.url) as client:
            with pytest.raises((ProviderTimeout, Unavailable)):
                await ask(client, settings(worst, "/fine"), within=-1)

    run(main())
    assert worst.count("/fine") == 0


def test_what_is_sent_says_which_call_and_case_it_is_and_holds_no_person_in_the_address(worst, caplog):
    caplog.set_level(logging.DEBUG)
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

    async def main():
        async with client_for(worst.url) as client:
            asked = settings(
                worst,
                "/fine",
                idempotency_header="X-Once",
                request={"a.GMSFHM": "citizen_id", "fixed": {"constant": 3}},
            )
            await ask(client, asked, {"citizen_id": CITIZEN}, traceparent=trace, business="案 2026-1")
            await ask(client, asked, {"citizen_id": CITIZEN}, traceparent="evil\r\nX-Evil: 1")

    run(main())
    (path, headers, body), (_, second, _) = worst.asked
    assert path == "/fine" and json.loads(body) == {"a": {"GMSFHM": CITIZEN}, "fixed": 3}
    assert headers["traceparent"] == trace and headers["x-call-id"] == "call-1" and headers["x-once"].isascii()
    assert 0 < int(headers["x-gov-deadline"]) <= 3000 and headers["accept-encoding"] == "identity"
    assert "traceparent" not in second and "x-evil" not in second and second["x-once"] == "call-1"
    assert not any(CITIZEN in record.getMessage() for record in caplog.records)


def test_forms_and_get_send_scalars_in_the_agreed_charset(worst):
    ask_worst(
        worst,
        "/fine",
        encoding="form",
        charset="gb18030",
        request={"dwmc": {"constant": "南宁"}, "a.b": {"constant": True}},
    )
    assert worst.asked[0][2] == b"dwmc=%C4%CF%C4%FE&a.b=true"
    ask_worst(worst, "/fine", method="GET", request={"q": {"constant": "a&b=c"}})
    assert worst.asked[1][0] == "/fine?q=a%26b%3Dc" and worst.asked[1][2] == b""


def test_proxy_variables_are_not_heeded(worst, monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert ask_worst(worst, "/fine") == {"v": "x"}


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://user@host/",
        "http://user:pw@host/",
        "http://host@evil/",
        "http://host\\@evil/",
        "http://host#@evil/",
        "http://host/?q=1",
        "http://host/../x",
        "http://host//x",
        "http://ho st/",
        "http://hos。t/",
        "http://ⓗost/",
        "http://host:0/",
        "http://host:99999/",
        "http://host:/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://host\r\nX: 1/",
        "ftp://host/",
        "file:///etc/passwd",
        "gopher://host/",
        "//host/",
        "host",
        "",
    ],
)
def test_an_address_that_is_not_plain_is_refused(url):
    with pytest.raises(Misconfigured):
        parse(url)


@pytest.mark.parametrize(
    "other", ["http://localhost:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://127.0.0.2:{port}"]
)
def test_only_registered_addresses_are_called(worst, other):
    port = worst.server_address[1]

    async def main():
        async with client_for(worst.url) as client:
            table = {"base": other.format(port=port), "path": "/fine"}
            with pytest.raises(ProviderFailed, match="not registered"):
                await ask(client, settings_of(table, {}, service="test"))

    run(main())
    assert worst.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        ["169.254.169.254"],
        ["10.0.0.1", "169.254.169.254"],
        ["::ffff:169.254.169.254"],
        ["::1"],
        ["fe80::1%lo"],
        ["0.0.0.0"],
        ["not an address"],
    ],
)
def test_a_name_that_points_outside_its_networks_is_not_followed(worst, answer):
    async def resolve(host, port):
        return answer

    async def main():
        url = f"http://inside.example:{worst.server_address[1]}"
        async with client_for(url, networks=["10.0.0.0/8"], resolve=resolve) as client:
            with pytest.raises(ProviderFailed, match="outside"):
                await ask(client, settings_of({"base": url, "path": "/fine"}, {}, service="test"))

    run(main())
    assert worst.asked == []


def test_the_address_looked_at_is_the_one_connected_to_and_the_host_keeps_its_name(worst):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    url = f"http://inside.example:{worst.server_address[1]}"

    async def resolve(host, port):
        return next(answers)

    async def main():
        async with client_for(url, resolve=resolve) as client:
            return await ask(client, settings_of({"base": url, "path": "/fine"}, {}, service="test"))

    run(main())
    assert worst.asked[0][1]["host"] == f"inside.example:{worst.server_address[1]}"


def test_a_mapped_address_is_seen_through():
    target = Target("http://host", LOOPBACK)
    assert target.holds("::ffff:127.0.0.1") and not target.holds("::ffff:10.0.0.1")


def test_a_host_with_a_dead_first_address_is_reached_at_its_second(worst):
    url = f"http://inside.example:{worst.server_address[1]}"

    async def resolve(host, port):
        return ["127.0.0.9", "127.0.0.1"]

    async def main():
        async with client_for(url, resolve=resolve) as client:
            return await ask(
                client, settings_of({"base": url, "path": "/fine", "response": {"v": "v"}}, {}, service="t")
            )

    assert run(main()) == {"v": "x"}
    assert worst.count("/fine") == 1


def test_a_name_nobody_knows_is_unavailable():
    async def resolve(host, port):
        return []

    async def main():
        async with client_for("http://inside.example", resolve=resolve) as client:
            with pytest.raises(Unavailable):
                await ask(client, settings_of({"base": "http://inside.example", "path": "/x"}, {}, service="t"))

    run(main())


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*encoding))
    return cert, private


@pytest.mark.parametrize(("shown", "trusted", "works"), [("a", "a", True), ("b", "b", False), ("a", "b", False)])
def test_the_certificate_must_name_the_host_and_come_from_its_authority(worst, tmp_path, shown, trusted, works):
    files = {name: certificate(tmp_path, f"{name}.example") for name in ("a", "b")}
    context, seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(*files[shown])
    context.sni_callback = lambda sock, name, ctx: seen.append(name)
    worst.socket = context.wrap_socket(worst.socket, server_side=True)
    url = f"https://a.example:{worst.server_address[1]}"

    async def resolve(host, port):
        return ["127.0.0.1"]

    async def main():
        client = HttpClient([Target(url, LOOPBACK, ca=str(files[trusted][0]))], resolve=resolve)
        try:
            return await ask(
                client, settings_of({"base": url, "path": "/fine", "response": {"v": "v"}}, {}, service="t")
            )
        finally:
            await client.aclose()

    if works:
        assert run(main()) == {"v": "x"} and seen == ["a.example"]
    else:
        with pytest.raises(Unavailable):
            run(main())
        assert worst.asked == []


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bse": "x"}, 'did you mean "base"'),
        ({"path": "no-slash"}, "begins with a slash"),
        ({"path": "/a/../b"}, "begins with a slash"),
        ({"path": "/a?b"}, "begins with a slash"),
        ({"timeout": 0}, "above zero"),
        ({"base": "{nowhere}"}, "[bus.places]"),
        ({"base": "http://user@host"}, "plain http"),
        ({"request": {"a": {"field": "x", "constant": 1}}}, "either"),
        ({"request": {"a": {}}}, "either"),
        ({"request": {"a": "x", "a.b": "y"}}, "both as a value and as a table"),
        ({"response": {"a": {"path": "x", "format": "stone"}}}, "no format"),
        ({"response": {"a": {"path": "x", "codes": {"1": "A", "2": "A"}}}}, "same counterpart"),
        ({"success": {"path": "x"}}, "needs `equals`"),
        ({"success": {}}, "needs a `path`"),
        ({"auth": {"kind": "header", "name": "k", "secret": "written here"}}, "auth.secret"),
    ],
)
def test_settings_that_make_no_sense_are_refused_naming_the_key(change, told):
    with pytest.raises(Misconfigured) as caught:
        settings_of({"base": "http://host", "path": "/x", **change}, {}, service="the.service")
    assert told in str(caught.value) and "the.service" in str(caught.value)


def test_the_exchange_signature_agrees_with_the_published_vector():
    headers = exchange_headers("demo-app-secret", "s_4500000000000_0001", "11450000007565194H@9", 1717200000000)
    assert headers["gjgxjhpt_sign"] == "L8EyuzH0hOoqrks7K9QS2XdPPZDriQM7socOFNhiegs="


# --- mapping ----------------------------------------------------------------------------------------------------------


def there_and_back(format, value, **more):
    theirs = to_theirs({"x": Sent(field="v", format=format, **more)}, {"v": value})
    return to_ours({"v": Read(path="x", format=format, **more)}, theirs)["v"]


@given(st.decimals(min_value=0, max_value=Decimal("99999999999.99"), places=2))
def test_yuan_and_fen_keep_every_fen(yuan):
    fen = to_theirs({"x": Sent(field="v", format="fen")}, {"v": str(yuan)})["x"]
    assert fen == int(yuan * 100)
    assert Decimal(str(there_and_back("fen", str(yuan)))) == yuan


@given(st.dates(min_value=date(1000, 1, 1)))
def test_dates_keep_their_day(day):
    for format in ("yyyyMMdd", "yyyy/MM/dd", "yyyy年MM月dd日", "yyyy-MM-dd HH:mm:ss"):
        assert there_and_back(format, day) == day.isoformat() == there_and_back(format, day.isoformat())


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))
def test_moments_keep_their_millisecond(moment):
    aware = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    assert abs(datetime.fromisoformat(there_and_back("epoch-ms", aware.isoformat())) - aware) < timedelta(
        milliseconds=2
    )


@given(st.integers(min_value=0, max_value=10**15))
def test_numbers_and_words_keep_their_value(number):
    assert there_and_back("text", number) == number
    assert there_and_back("wan", number) == pytest.approx(number)


@given(st.lists(st.sampled_from(["01", "02", "99"]), min_size=1))
def test_joined_lists_and_codes_keep_their_order(kinds):
    assert there_and_back("comma", kinds, codes={"01": "A", "02": "B", "99": "Z"}) == kinds


@given(st.booleans())
def test_flags_keep_their_truth(flag):
    assert there_and_back("flag", flag) is flag


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["a", "a.b", "a.0", "0.a.b"]),
    st.sampled_from(["", "fen", "wan", "text", "number", "comma", "flag", "epoch-ms", "yyyyMMdd"]),
    st.booleans(),
)
def test_whatever_stands_there_is_read_or_is_the_providers_failure(body, path, format, coded):
    codes = {"1": "A"} if coded else {}
    with contextlib.suppress(ProviderFailed):
        to_ours({"v": Read(path=path, format=format, codes=codes)}, body)


@pytest.mark.parametrize(
    "value", ["2026-02-30", "20260230", "2026022", "２０２６０２０１", "", " 20260201", 20260201.5, None, [], {}]
)
def test_a_date_not_written_as_agreed_is_the_providers_failure_or_absent(value):
    table = {"day": Read(path="d", format="yyyyMMdd")}
    if value in ("", None, []):
        assert to_ours(table, {"d": value}) in ({}, {"day": []})
    else:
        with pytest.raises(ProviderFailed, match="day"):
            to_ours(table, {"d": value})


@pytest.mark.parametrize("value", ["1E99999999", "-1E-99999999", "Infinity", "NaN", 10**4000, "9" * 5000, 1e300])
@pytest.mark.parametrize("format", ["fen", "wan", "text", "number", "epoch-ms", "yyyyMMdd"])
def test_a_number_without_end_is_the_providers_failure_at_once(format, value):
    begin = time.monotonic()
    table = {"v": Read(path="v", format=format)}
    with contextlib.suppress(ProviderFailed):
        assert len(str(to_ours(table, {"v": value})["v"])) < 6000
    assert time.monotonic() - begin < 0.5


def test_dotted_places_become_tables_within_tables():
    assert nested({"a.b.c": 1, "a.d": 2, "e": 3}) == {"a": {"b": {"c": 1}, "d": 2}, "e": 3}


# --- breaker ----------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def outcome(breaker, good):
    trial = breaker.admit()
    breaker.succeeded(trial) if good else breaker.failed(trial)


def test_half_of_twenty_calls_failing_opens_the_breaker_and_a_good_trial_closes_it():
    clock = Clock()
    breaker = Breaker(clock)
    for turn in range(19):
        outcome(breaker, turn % 2 == 0)
    assert breaker.state == "closed"
    outcome(breaker, False)
    assert breaker.state == "open"
    with pytest.raises(Unavailable):
        breaker.admit()
    clock.now += COOLING
    trial = breaker.admit()
    assert trial and breaker.state == "half-open"
    with pytest.raises(Unavailable):
        breaker.admit()
    breaker.succeeded(trial)
    assert breaker.state == "closed"


def test_a_bad_trial_opens_it_again_and_a_withdrawn_one_leaves_the_next_its_turn():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(IN_A_ROW):
        outcome(breaker, False)
    clock.now += COOLING
    breaker.withdrew(breaker.admit())
    breaker.failed(breaker.admit())
    assert breaker.state == "open"


def test_late_answers_of_calls_made_before_neither_close_nor_prolong():
    clock = Clock()
    breaker = Breaker(clock)
    early = [breaker.admit() for _ in range(3)]
    for _ in range(IN_A_ROW):
        outcome(breaker, False)
    breaker.succeeded(early[0])
    assert breaker.state == "open"
    clock.now += COOLING - 1
    breaker.failed(early[1])
    clock.now += 1
    assert breaker.state == "half-open"


def test_old_failures_are_forgotten():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(10):
        outcome(breaker, False), outcome(breaker, True)
        clock.now += 0.9
    clock.now += 11
    for _ in range(10):
        outcome(breaker, True)
        outcome(breaker, True)
        outcome(breaker, False)
    assert breaker.state == "closed"


@given(st.lists(st.tuples(st.booleans(), st.floats(min_value=0, max_value=20)), max_size=200))
def test_a_breaker_never_refuses_for_ever(history):
    clock = Clock()
    breaker = Breaker(clock)
    for good, pause in history:
        clock.now += pause
        with contextlib.suppress(Unavailable):
            outcome(breaker, good)
    clock.now += COOLING + 1
    outcome(breaker, True)
    assert breaker.state == "closed"
