"""Beyond what a worker takes callers are told at once when to come back; one cannot starve another; who must get in gets in."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.bus.admission import Admission
from gdbos.errors import TooMany, Unavailable
from gdbos.places import RESERVED, Places
from gdbos.testing import Site, deployment, plant_tester, serving

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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("full")
    with serving(deployment(folder, permissions=["kernel.*"]), prepare=plant_tester) as found:
        yield found


@pytest.fixture
def places(site: Site) -> Iterator[Places]:
    """The node with a place for every request taken."""
    found: Places = site.client.app.asgi_handler.places  # type: ignore[attr-defined]
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
