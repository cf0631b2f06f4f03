"""Whatever a system does, who asked it over HTTP gets an answer or a problem in time."""

from __future__ import annotations

import asyncio
import json
import logging
import time

import pytest

from gdbos.bus.adapters.auth import exchange_headers
from gdbos.bus.adapters.breaker import IN_A_ROW, Budget
from gdbos.errors import Misconfigured, Problem, ProviderFailed, ProviderTimeout, Unavailable

from .asking import CITIZEN, NAME, ask, client_for, http_settings, run
from .worst import ask_worst, settings


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
        http_settings({"base": "http://host", "path": "/x", **change})
    assert told in str(caught.value) and "the.service" in str(caught.value)


def test_the_exchange_signature_agrees_with_the_published_vector():
    headers = exchange_headers("demo-app-secret", "s_4500000000000_0001", "11450000007565194H@9", 1717200000000)
    assert headers["gjgxjhpt_sign"] == "L8EyuzH0hOoqrks7K9QS2XdPPZDriQM7socOFNhiegs="
