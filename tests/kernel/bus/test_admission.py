"""Beyond what a worker takes callers are told at once when to come back; one cannot starve another; who must get in gets in."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.bus.admission import Admission
from gdbos.errors import TooMany, Unavailable
from gdbos.ledger.merkle import EMPTY_ROOT
from gdbos.ledger.note import Note, Signer, to_base64
from gdbos.ledger.witness import Submission
from gdbos.places import RESERVED, Places
from gdbos.testing import Site, deployment, plant_tester, serving
from gdbos.unit import KERNEL

HOG, OTHER = ("body", "hog"), ("body", "other")


def taken(admission: Admission, stack: ExitStack, consumer: tuple[str, str], most: int) -> int:
    """How many places ``consumer`` gets when it asks for ``most``."""
    got = 0
    for _ in range(most):
        try:
            stack.enter_context(admission.place(consumer))
        except (TooMany, Unavailable):
            break
        got += 1
    return got


def test_at_the_limit_nobody_comes_in_until_somebody_leaves() -> None:
    admission = Admission(2)
    with admission.place(("a", "a")), ExitStack() as second:
        second.enter_context(admission.place(("b", "b")))
        with pytest.raises(Unavailable), admission.place(("c", "c")):
            pass
        second.close()
        with admission.place(("c", "c")):
            assert admission.inside == 2
    assert admission.inside == 0


@given(st.integers(16, 512), st.integers(1, 12))
def test_a_place_that_a_greedy_one_leaves_goes_to_whoever_has_less(capacity: int, crowd: int) -> None:
    admission = Admission(capacity)
    with ExitStack() as stack, ExitStack() as leaving:
        leaving.enter_context(admission.place(HOG))
        taken(admission, stack, HOG, capacity * 2)
        for number in range(crowd):
            taken(admission, stack, ("body", f"hog-{number}"), capacity * 2)
        leaving.close()
        assert taken(admission, stack, HOG, 1) == 0
        assert taken(admission, stack, OTHER, 1) == 1


@given(st.integers(1, 512))
def test_who_is_alone_may_have_most_of_it_and_others_keep_the_rest(capacity: int) -> None:
    admission = Admission(capacity)
    with ExitStack() as stack:
        got = taken(admission, stack, HOG, capacity * 2)
        assert 3 * capacity // 4 <= got <= 3 * capacity // 4 + 1
    assert admission.inside == 0
    assert not admission._holding


@pytest.mark.parametrize("seed", range(5))
def test_equally_greedy_ones_end_up_with_nearly_equal_parts(seed: int) -> None:
    admission, dice = Admission(64), random.Random(seed)
    held: list[list[AbstractContextManager[None]]] = [[] for _ in range(4)]
    for _ in range(2000):  # each gives one back and asks for two
        who = dice.randrange(4)
        if held[who]:
            held[who].pop().__exit__(None, None, None)
        for _ in range(2):
            place = admission.place(("body", f"{who}"))
            with suppress(TooMany, Unavailable):
                place.__enter__()
                held[who].append(place)
    counts = [len(places) for places in held]
    assert max(counts) - min(counts) <= 4, counts
    assert sum(counts) == admission.inside > 48


@pytest.mark.parametrize("reason", [Unavailable, TooMany])
def test_one_is_told_when_to_come_back_and_not_all_the_same(reason: type[Exception]) -> None:
    admission, waits = Admission(40), set()
    with ExitStack() as stack:
        taken(admission, stack, HOG, 40)
        for number in range(40):
            if reason is Unavailable:
                taken(admission, stack, ("body", f"{number}"), 1)
        for _ in range(20):
            with pytest.raises(reason) as told, admission.place(HOG):
                pass
            facts = told.value.facts  # type: ignore[attr-defined]
            assert 20 <= facts["retry_after_ms"] <= 5000
            assert facts["retry_after_ms"] <= facts["retry_after"] * 1000
            waits.add(facts["retry_after_ms"])
    assert len(waits) > 3


def told_to_wait(admission: Admission) -> int:
    with pytest.raises(Unavailable) as told:
        admission.refuse_beyond_capacity()
    return told.value.facts["retry_after_ms"]  # type: ignore[no-any-return]


def test_a_crowd_is_told_to_come_back_one_after_another() -> None:
    admission = Admission(4)
    with ExitStack() as stack:
        for number in range(4):
            taken(admission, stack, ("body", f"{number}"), 1)
        waits = sorted(told_to_wait(admission) for _ in range(40))
        assert waits[-1] > 400 > 100 > waits[0], "the last of forty comes long after the first"
        assert max(later - earlier for earlier, later in pairwise(waits)) < 150
        assert max(told_to_wait(admission) for _ in range(2000)) <= 5000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("full")
    with serving(deployment(folder, permissions=["kernel.*"]), prepare=plant_tester) as found:
        yield found


def places_of(site: Site) -> Places:
    found: Places = site.client.app.asgi_handler.app.places  # type: ignore[attr-defined]
    return found


@pytest.fixture
def places(site: Site) -> Iterator[Places]:
    """The node with a place for every request taken."""
    found = places_of(site)
    found.taken += found.capacity
    yield found
    found.taken -= found.capacity


def test_a_full_node_refuses_in_words_within_milliseconds(site: Site, places: Places) -> None:
    times = []
    for _ in range(20):
        began = time.perf_counter()
        answered = site.client.get("/api/bus/services")
        times.append(time.perf_counter() - began)
        assert answered.status_code == 503
        assert answered.json()["type"] == "urn:gdbos:problem:unavailable"
        assert int(answered.headers["retry-after"]) >= 1
        assert int(answered.headers["retry-after-ms"]) >= 20
        assert answered.headers["x-content-type-options"] == "nosniff"
    assert sorted(times)[10] < 0.25, "no work is done for what is refused"
    assert places.taken == places.capacity


def test_health_and_log_in_get_in_even_then_but_not_without_end(site: Site, places: Places) -> None:
    for path in ("/health/live", "/health/ready", "/login"):
        assert site.client.get(path).status_code == 200
    assert site.sign_in()
    assert site.client.get("/portal/receipts").status_code == 503
    places.taken += RESERVED
    assert site.client.get("/health/live").status_code == 503
    places.taken -= RESERVED


# What anybody may have written.

WITNESS = "/witness/add-checkpoint"
HERE, ELSEWHERE = ("testclient", ""), ("192.0.2.1", "")


def written(site: Site) -> dict[str, int]:
    """What comes of one request each to addresses at which something is written for whoever comes."""
    nobody = {"login": "nobody", "password": "x" * 20}
    return {
        "log in": site.client.post("/api/identity/sessions", json=nobody).status_code,
        "page": site.client.post("/login", data=nobody).status_code,
        "token": site.client.post("/api/identity/tokens", data={}).status_code,
        "witness": site.client.post(WITNESS, content=b"?").status_code,
        "openid": site.client.get("/login/openid/none/return").status_code,
    }


def test_strangers_at_one_address_have_a_share_of_a_part_of_the_places(site: Site) -> None:
    strangers = places_of(site).strangers
    assert strangers.capacity <= places_of(site).capacity // 4
    assert not {429, 503} & set(written(site).values())
    with ExitStack() as stack:
        taken(strangers, stack, HERE, strangers.capacity)
        assert set(written(site).values()) == {429}
        told = site.client.post(WITNESS, content=b"?")
        assert int(told.headers["retry-after-ms"]) >= 20 and told.headers["x-content-type-options"] == "nosniff"
        for path in ("/login", "/health/ready", "/api/standards/packs"):
            assert site.client.get(path).status_code == 200, "what writes nothing is not counted"
    with ExitStack() as stack:
        taken(strangers, stack, ELSEWHERE, strangers.capacity)
        assert not {429, 503} & set(written(site).values()), "one address leaves room for others"
        while strangers.inside < strangers.capacity:
            taken(strangers, stack, (f"192.0.2.{strangers.inside}", ""), 1)
        assert set(written(site).values()) == {503}
    assert not {429, 503} & set(written(site).values())


def test_who_is_known_and_what_needs_a_permission_is_not_among_them(site: Site) -> None:
    known, strangers = site.sign_in(), places_of(site).strangers
    with ExitStack() as stack:
        taken(strangers, stack, HERE, strangers.capacity)
        assert site.client.post("/api/bus/grants", json={}, headers=known).status_code == 422
        assert site.client.post("/api/bus/grants", json={}).status_code == 401


EXCHANGE = {
    "gjgxjhpt_rid": "nobody@450100",
    "gjgxjhpt_sid": "s_1",
    "gjgxjhpt_rtime": "1700000000000",
    "gjgxjhpt_sign": "A" * 43 + "=",
}


def test_what_a_stranger_cannot_sign_does_not_wait_for_the_writer(site: Site) -> None:
    """Refused by reading alone: who follows no log here, or has no secret, makes nobody write."""
    gate = threading.Event()

    async def keep_busy() -> None:
        site.busy = asyncio.ensure_future(site.kernel.units.write(KERNEL, lambda unit: gate.wait(60)))  # type: ignore[attr-defined]

    site.call(keep_busy)
    try:
        text = f"log.example/1\n0\n{to_base64(EMPTY_ROOT)}\n"
        unknown = Submission(0, (), Note(text, (Signer("log.example/1", bytes(32)).sign(text),)))
        assert site.client.post(WITNESS, content=b"?").status_code == 400
        assert site.client.post(WITNESS, content=bytes(unknown)).status_code == 404
        assert site.client.post("/api/bus/exchange", json={}, headers=EXCHANGE).status_code == 401
        assert not gate.is_set()
    finally:
        gate.set()
