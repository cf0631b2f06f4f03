"""Operations described in WSDL: reached as described, wherever the description says the service is, and whatever it answers."""

from __future__ import annotations

import threading
import time

import pytest

from gdbos.bus.adapters.settings import settings_of
from gdbos.bus.adapters.soap import Soap, SoapSettings
from gdbos.errors import Invalid, Misconfigured, NotFound, Problem, ProviderFailed, ProviderTimeout

from .asking import CITIZEN, NAME, asking, client_for, run
from .soap_system import Hukou, Hukou12
from .worst import WorstServer

TABLE = {
    "base": "{hukou}",
    "operation": "query",
    "request": {"idNo": "citizen_id", "head.reason": {"constant": "政务服务"}},
    "response": {
        "name": "person.0.name",
        "birth_date": "person.0.born",
        "share": "person.0.share",
        "count": "person.0.count",
    },
    "success": {"path": "code", "equals": "00"},
    "not_found": {"path": "code", "equals": "01"},
    "refused": {"when": {"path": "fault.code", "equals": "REFUSED"}, "reason": "fault.reason"},
}


@pytest.fixture(params=[Hukou, Hukou12], ids=["1.1", "1.2"])
def hukou(request):
    yield from served(request.param)


@pytest.fixture
def hukou11():
    yield from served(Hukou)


def served(handler):
    server = WorstServer(handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def soap_settings(server, path="/hukou", **changes):
    table = {**TABLE, "path": path, **changes}
    return settings_of(SoapSettings, table, {"hukou": server.url}, service="the.service")


def ask_soap(server, number=CITIZEN, *, times=1, within=10.0, **changes):
    async def main():
        async with client_for(server.url) as client:
            way = Soap(client)
            for _ in range(times):
                answered = await way.ask(
                    soap_settings(server, **changes), asking({"citizen_id": number}, within=within)
                )
            return answered.value

    return run(main())


def test_a_person_comes_back_in_our_fields_and_the_description_is_read_once(hukou):
    assert ask_soap(hukou, times=2) == {"name": NAME, "birth_date": "1985-03-12", "share": 0.5, "count": 3}
    assert [path for path, _, _ in hukou.asked] == ["/hukou?wsdl", "/schema", "/hukou", "/hukou"]


def test_the_message_says_which_operation_call_and_deadline_it_is(hukou11):
    ask_soap(hukou11, within=3.0, auth={"kind": "header", "name": "X-Key", "secret": {"env": "PATH"}})
    _, headers, body = hukou11.asked[-1]
    assert headers["soapaction"] == '"urn:hukou#query"' and headers["x-call-id"] == "call-1"
    assert 0 < int(headers["x-gov-deadline"]) <= 3000 and headers["x-key"]
    assert "政务服务" in body.decode() and headers["content-type"] == "text/xml; charset=utf-8"
    assert "x-key" in hukou11.asked[0][1]


def test_nobody_of_that_number_is_not_found(hukou):
    with pytest.raises(NotFound):
        ask_soap(hukou, "0")


def test_a_fault_that_means_no_is_an_answer_and_another_is_the_providers_failure(hukou11):
    assert ask_soap(hukou11, "no") == {"outcome": "refused", "reason": "不予提供"}
    with pytest.raises(ProviderFailed) as caught:
        ask_soap(hukou11, "broken")
    assert caught.value.facts["error_code"] == "E500" and NAME not in caught.value.message()


def test_faults_leave_the_breaker_closed(hukou11):
    assert ask_soap(hukou11, "no", times=8)["outcome"] == "refused"


@pytest.mark.parametrize("number", ["</idNo><idNo>x", "<![CDATA[x]]>", "&e;", "a" * 40, '"><x/>'])
def test_no_value_is_ever_markup(hukou11, number):
    assert ask_soap(hukou11, number)["name"] == NAME
    assert hukou11.asked[-1][2].count(b"idNo>") <= 2


def test_a_value_xml_cannot_hold_is_the_callers_to_mend(hukou11):
    with pytest.raises(Invalid):
        ask_soap(hukou11, "a\x01b")


BAD = [
    "/soap-hang",
    "/soap-huge",
    "/soap-endless",
    "/soap-deep",
    "/soap-doctype",
    "/soap-doctype-16",
    "/soap-laughs",
    "/soap-lie",
    "/soap-another",
    "/soap-nothing",
    "/soap-garbage",
    "/soap-html",
    "/soap-parts",
    "/wsdl-hang",
    "/wsdl-html",
    "/wsdl-outside",
    "/wsdl-file",
    "/wsdl-without-end",
    "/wsdl-doctype",
    "/garbage",
    "/close",
    "/redirect",
]


@pytest.mark.parametrize("path", BAD)
def test_whatever_it_does_the_caller_gets_a_problem_in_time(hukou11, path):
    begin = time.monotonic()
    with pytest.raises(Problem) as caught:
        ask_soap(hukou11, path=path, within=1.5)
    assert time.monotonic() - begin < 3.0
    assert isinstance(caught.value, ProviderTimeout if "hang" in path else ProviderFailed)
    told = caught.value.message() + str(caught.value.facts)
    assert NAME not in told and CITIZEN not in told and "root:" not in told


@pytest.mark.parametrize("path", ["/wsdl-outside", "/wsdl-file"])
def test_a_document_elsewhere_is_not_fetched(hukou11, path):
    with pytest.raises(ProviderFailed, match="at another system"):
        ask_soap(hukou11, path=path)


@pytest.fixture
def another():
    """Another department's system, at a place of the same node."""
    yield from served(Hukou)


@pytest.mark.parametrize("describe", ["{url}/schema", "{same_host}/schema", "{userinfo}/schema"])
def test_a_lying_description_does_not_make_us_ask_another_place_of_the_node(hukou11, another, describe):
    port = another.url.rpartition(":")[2]
    forms = {"url": another.url, "same_host": f"http://localhost:{port}", "userinfo": f"http://x@127.0.0.1:{port}"}
    hukou11.elsewhere = describe.format(**forms)

    async def main():
        async with client_for(hukou11.url, another.url, forms["same_host"]) as client:
            await Soap(client).ask(soap_settings(hukou11, path="/wsdl-elsewhere"), asking({"citizen_id": CITIZEN}))

    with pytest.raises(ProviderFailed, match="at another system"):
        run(main())
    assert another.asked == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"operation": "drop"}, "operation"),
        ({"service": "Another"}, "operation"),
        ({"request": {"idNo": "citizen_id"}}, "does not fit"),
        ({"request": {"nothing": "citizen_id"}}, "does not fit"),
    ],
)
def test_a_mapping_that_does_not_fit_is_said_to_the_operators(hukou11, change, told):
    with pytest.raises(ProviderFailed, match=told):
        ask_soap(hukou11, **change)


@pytest.mark.parametrize(
    "change",
    [{"path": "hukou"}, {"wsdl": "http://elsewhere/x?wsdl"}, {"wsdl": "/../x"}, {"base": "ftp://h"}, {"opration": "x"}],
)
def test_settings_that_make_no_sense_are_refused_naming_the_key(hukou11, change):
    with pytest.raises(Misconfigured, match=r"the\.service.*\[settings"):
        soap_settings(hukou11, **change)
