"""Old clients of the national exchange gateway: known by a signature that counts once, in time, and at one address only."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gdbos.errors import Conflict, NotFound, Unauthenticated
from gdbos.identity.exchange import (
    WINDOW,
    ExchangeClient,
    admit_exchange_client,
    dismiss_exchange_client,
    exchange,
    read_signed,
)
from gdbos.identity.system import System, register_system, replace_keys

from .conftest import MARKET, City

VECTOR = {
    "key": "demo-app-secret",
    "sid": "s_4500000000000_0001",
    "rid": "11450000007565194H@9",
    "rtime": "1717200000000",
    "sign": "L8EyuzH0hOoqrks7K9QS2XdPPZDriQM7socOFNhiegs=",
}
"""Domain dossier §4.6, recomputed there."""
HEADERS = {f"gjgxjhpt_{name}": VECTOR[name] for name in ("rid", "sid", "rtime", "sign")}
THEN = datetime.fromtimestamp(1717200000, UTC)


def signed(rtime: int, *, sid=VECTOR["sid"], rid=VECTOR["rid"], key=VECTOR["key"], said=None):
    """What an old client sends, signed by code of its own."""
    mac = hmac.new(key.encode(), (said or f"{sid}{rid}{rtime}").encode(), hashlib.sha256)
    sign = base64.b64encode(mac.digest()).decode()
    return {"gjgxjhpt_rid": rid, "gjgxjhpt_sid": sid, "gjgxjhpt_rtime": str(rtime), "gjgxjhpt_sign": sign}


def known(city: City, headers):
    return asyncio.run(city.identity.by_exchange(read_signed(headers)))


@pytest.fixture
def old(city: City, clock):
    """The city at the moment of the vector, with its client admitted."""
    clock.now = THEN
    city.do(register_system, System(client_id="old.client", body=MARKET, name="Old client", keys=()))
    city.do(admit_exchange_client, "old.client", ExchangeClient(rid=VECTOR["rid"], secret=VECTOR["key"]))
    return city


def test_the_published_vector_says_which_system_calls(old: City):
    actor = known(old, HEADERS)
    assert (actor.kind, actor.id, actor.body) == ("system", "old.client", MARKET)
    assert actor.permissions == {"kernel.bus.call"}


def test_a_signature_counts_once(old: City):
    known(old, HEADERS)
    with pytest.raises(Unauthenticated):
        known(old, HEADERS)


def test_a_signature_counts_once_however_many_workers_see_it(old: City):
    async def both():
        asked = (old.identity.by_exchange(read_signed(HEADERS)) for _ in range(5))
        return await asyncio.gather(*asked, return_exceptions=True)

    outcomes = asyncio.run(both())
    assert sum(isinstance(one, Unauthenticated) for one in outcomes) == 4


@pytest.mark.parametrize("late", [WINDOW, -WINDOW])
def test_a_signature_counts_for_five_minutes(old: City, clock, late: timedelta):
    clock.now = THEN + late + (timedelta(seconds=1) if late > timedelta() else timedelta(seconds=-1))
    with pytest.raises(Unauthenticated):
        known(old, HEADERS)
    clock.now = THEN + late
    assert known(old, HEADERS).id == "old.client"


MILLISECONDS = 1717200000000


WRONG = [
    {**HEADERS, "gjgxjhpt_sid": "s_4500000000000_0002"},
    {**HEADERS, "gjgxjhpt_rtime": "1717200000001"},
    {**HEADERS, "gjgxjhpt_rid": "another"},
    {**HEADERS, "gjgxjhpt_sign": HEADERS["gjgxjhpt_sign"].replace("L8", "L9")},
    {**HEADERS, "gjgxjhpt_sign": ""},
    {**HEADERS, "gjgxjhpt_sign": HEADERS["gjgxjhpt_sign"] + "\n"},
    {**HEADERS, "gjgxjhpt_rtime": "１７１７２０００００００００"},
    {name: value for name, value in HEADERS.items() if name != "gjgxjhpt_rtime"},
    {},
    signed(MILLISECONDS, key="another-secret"),
    signed(MILLISECONDS, key="nobody knows", rid="nobody@1"),
    signed(MILLISECONDS, said=f"{VECTOR['rid']}{VECTOR['sid']}{MILLISECONDS}"),
    signed(MILLISECONDS, said="x"),
]


def test_whatever_is_not_its_own_signature_is_refused(old: City):
    for headers in WRONG:
        with pytest.raises(Unauthenticated):
            known(old, headers)
    assert known(old, HEADERS).id == "old.client"


def test_parts_cannot_be_moved_between_number_and_requester(old: City):
    with pytest.raises(Unauthenticated):
        known(old, {**HEADERS, "gjgxjhpt_sid": VECTOR["sid"] + "1", "gjgxjhpt_rid": VECTOR["rid"][1:]})


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text(max_size=60)))
def test_no_header_makes_more_of_it_than_a_refusal(headers):
    with contextlib.suppress(Unauthenticated):
        assert read_signed(headers)


def test_a_dismissed_switched_off_or_unknown_client_is_nobody(old: City):
    old.do(replace_keys, "old.client", (), active=False)
    with pytest.raises(Unauthenticated):
        known(old, HEADERS)
    old.do(replace_keys, "old.client", (), active=True)
    old.do(dismiss_exchange_client, "old.client")
    with pytest.raises(Unauthenticated):
        known(old, signed(MILLISECONDS + 1))
    with pytest.raises(NotFound):
        old.do(dismiss_exchange_client, "old.client")
    with pytest.raises(NotFound):
        old.do(admit_exchange_client, "nobody", ExchangeClient(rid="x@1", secret="a-long-secret"))


def test_a_new_secret_ends_the_old_one_and_a_number_has_one_system(old: City):
    old.do(admit_exchange_client, "old.client", ExchangeClient(rid=VECTOR["rid"], secret="another-secret"))
    with pytest.raises(Unauthenticated):
        known(old, HEADERS)
    assert known(old, signed(MILLISECONDS, key="another-secret")).id == "old.client"
    old.do(register_system, System(client_id="second.client", body=MARKET, name="Second", keys=()))
    with pytest.raises(Conflict):
        old.do(admit_exchange_client, "second.client", ExchangeClient(rid=VECTOR["rid"], secret="a-long-secret"))


def test_the_secret_lies_sealed(old: City):
    stored = old.do(lambda unit: unit.connection.execute(select(exchange.c.secret)).scalar_one())
    assert VECTOR["key"].encode() not in stored


@pytest.mark.parametrize(
    "entry",
    [
        {"rid": "x", "secret": "short"},
        {"rid": "a b c", "secret": "x" * 20},
        {"rid": "abc", "secret": "with blank here"},
    ],
)
def test_what_cannot_stand_in_a_header_or_is_short_is_refused(entry):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(entry), type=ExchangeClient)
