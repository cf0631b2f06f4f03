"""One matter at four levels: each with its own differences, and locks that name their owner."""

from __future__ import annotations

from collections.abc import Callable

from gdbos import Standards
from gdbos_services.matters.level import levels
from gdbos_services.matters.matter import document

from .conftest import DAY

OPENING = "enterprise.registration"


def test_four_levels_show_the_same_matter_with_their_own_differences(loaded: Callable[[str], Standards]) -> None:
    seen = {level: document(loaded(level), OPENING, DAY) for level in ("ministry", "province", "city", "county")}
    assert len({(one.value.title, one.value.basic_code, one.value.basis, one.value.type) for one in seen.values()}) == 1
    assert {level: one.value.promise_days for level, one in seen.items()} == {
        "ministry": 3,
        "province": 1,
        "city": 0,
        "county": 0,
    }
    assert len({one.value.window for one in seen.values()}) == 3
    assert levels(seen["county"], loaded("county")).claimed_by == ("guangxi", "nanning", "qingxiu")


def test_a_change_says_which_level_made_what_of_what(loaded: Callable[[str], Standards]) -> None:
    standards = loaded("county")
    said = levels(document(standards, OPENING, DAY), standards)
    assert (said.brought_by, said.level) == ("national", "national")
    promises = [(one.pack, one.level, one.before, one.now) for one in said.changes if one.element == "promise_days"]
    assert promises == [("guangxi", "province", 3, 1), ("nanning", "city", 1, 0)]
    assert not any(one.element in ("source", "confidence") for one in said.changes)


def test_a_locked_element_names_whose_lock_it_is(loaded: Callable[[str], Standards]) -> None:
    standards = loaded("county")
    said = levels(document(standards, OPENING, DAY), standards)
    assert {one.element: one.pack for one in said.locks} == {
        **dict.fromkeys(("title", "basic_code", "basis", "type"), "national"),
        **dict.fromkeys(("materials", "flow", "form"), "guangxi"),
    }
    assert said.unlocked == ()
