"""An old client of the national exchange gateway calls a node: the same guard, the same steps, the same evidence."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from nanning import ANNA, BEN, MARKET, MATTER, POPULATION, Nanning, nanning, neighbour

from gdbos.identity.exchange import ExchangeClient, admit_exchange_client
from gdbos_scenarios.departments.program import running

PATH, SECRET, SID = "/api/bus/exchange", "demo-app-secret", "s_4500000000000_0001"
TURN = count()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("exchange")
    with ExitStack() as stack:
        departments, scripted = stack.enter_context(running(folder / "departments")), stack.enter_context(neighbour())
        yield stack.enter_context(nanning(folder, f"sqlite:///{folder}/home/gdbos.db", departments, scripted))


class OldClient:
    """A program that knows only the gateway's four headers."""

    def __init__(self, city: Nanning, rid: str) -> None:
        self.city, self.rid = city, rid

    def headers(self, sid: str = SID, **more: str) -> dict[str, str]:
        now = str(time.time_ns() // 1_000_000 + next(TURN))
        sign = base64.b64encode(hmac.new(SECRET.encode(), (sid + self.rid + now).encode(), hashlib.sha256).digest())
        own = {"gjgxjhpt_rid": self.rid, "gjgxjhpt_sid": sid, "gjgxjhpt_rtime": now, "gjgxjhpt_sign": sign.decode()}
        return {"content-type": "application/json"} | own | more

    def call(self, value: Any, sid: str = SID, **more: str) -> Any:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.city.site.client.post(PATH, content=body, headers=self.headers(sid, **more))


def client(city: Nanning, *, granted: bool = True) -> OldClient:
    """A system of the market regulator that signs as it did before."""
    system = city.granted() if granted else city.system()
    rid = f"{MARKET}@{next(TURN)}"
    city.site.unit(admit_exchange_client, system.client_id, ExchangeClient(rid=rid, secret=SECRET))
    return OldClient(city, rid)


def problem(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["type"].removeprefix("urn:gdbos:problem:")


def test_it_is_answered_as_a_modern_system_is_and_the_subject_reads_who_looked(city: Nanning) -> None:
    case = city.case(citizen=ANNA)
    answered = client(city).call(
        {"citizen_id": ANNA}, **{"x-gov-matter": MATTER, "x-gov-case": case, "x-gov-purpose": "%E6%A0%B8%E9%AA%8C"}
    )
    assert answered.status_code == 200, answered.text
    assert answered.json()["service"] == POPULATION and answered.json()["value"]["name"] == "韦*例"
    assert answered.headers["gdbos-call"] == answered.json()["call"]
    receipt = next(one for one in city.receipts("anna") if one["case"] == case)
    assert (receipt["body"], receipt["purpose"]) == (MARKET, "核验")


def test_without_a_case_a_grant_or_a_known_number_it_is_refused(city: Nanning) -> None:
    old, case = client(city), city.case(citizen=ANNA)
    cited = {"x-gov-matter": MATTER, "x-gov-case": case}
    assert problem(old.call({"citizen_id": ANNA})) == (403, "no-basis")
    assert problem(old.call({"citizen_id": BEN}, **cited)) == (403, "no-basis")
    assert problem(client(city, granted=False).call({"citizen_id": ANNA}, **cited)) == (403, "no-grant")
    assert problem(old.call({"citizen_id": ANNA}, "s_4500000000000_0009", **cited)) == (404, "not-found")
    assert old.call({"citizen_id": ANNA}, POPULATION, **cited).status_code == 200


def test_a_wrong_signature_a_stale_time_and_a_replay_are_nobody(city: Nanning) -> None:
    old, case = client(city), city.case(citizen=ANNA)
    cited = {"x-gov-matter": MATTER, "x-gov-case": case}
    right, before = old.headers(**cited), city.tally()
    post, body = city.site.client.post, json.dumps({"citizen_id": ANNA})
    wrong = right | {"gjgxjhpt_sign": base64.b64encode(b"x" * 32).decode()}
    stale = right | {"gjgxjhpt_rtime": str(int(right["gjgxjhpt_rtime"]) - 600_000)}
    for headers in (wrong, stale, {**cited, "content-type": "application/json"}):
        assert problem(post(PATH, content=body, headers=headers)) == (401, "unauthenticated")
    assert city.tally() == before
    assert post(PATH, content=body, headers=right).status_code == 200
    assert problem(post(PATH, content=body, headers=right)) == (401, "unauthenticated")


def test_the_signature_says_who_is_calling_at_this_address_only(city: Nanning) -> None:
    old = client(city)
    for path in (f"/api/bus/calls/{POPULATION}", "/api/bus/grants"):
        answered = city.site.client.post(path, content=b"{}", headers=old.headers())
        assert problem(answered) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"{", {}, (400, "bad-request")),
        (b"[]", {}, (422, "invalid")),
        (b"\xff", {}, (400, "bad-request")),
        (b"{}", {"x-gov-case": "%FF"}, (400, "bad-request")),
        (b"{}", {"x-gov-case": "x" * 51}, (400, "bad-request")),
        (b"{}", {"x-gov-deadline": "soon"}, (400, "bad-request")),
        (b"{}", {"content-type": "text/xml"}, (415, "unsupported-media-type")),
        (b" " * 1_100_000, {}, (413, "too-large")),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    city: Nanning, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    cited = {"x-gov-matter": MATTER, "x-gov-case": city.case(citizen=ANNA)}
    assert problem(client(city).call(body, **(cited | headers))) == expected


def test_an_administrator_admits_and_dismisses_clients_over_http(city: Nanning) -> None:
    system, guard = city.granted(), city.site.sign_in("guard")
    path, rid = f"/api/identity/systems/{system.client_id}/exchange", f"{MARKET}@{next(TURN)}"
    admitted = city.site.client.put(path, json={"rid": rid, "secret": SECRET}, headers=guard)
    assert (admitted.status_code, admitted.json()) == (200, {"client_id": system.client_id, "rid": rid})
    assert problem(OldClient(city, rid).call({"citizen_id": ANNA})) == (403, "no-basis")
    assert city.site.client.delete(path, headers=guard).status_code == 204
    assert problem(OldClient(city, rid).call({"citizen_id": ANNA})) == (401, "unauthenticated")
    assert problem(
        city.site.client.put(path, json={"rid": rid, "secret": SECRET}, headers=city.site.sign_in("clerk"))
    ) == (403, "forbidden")
