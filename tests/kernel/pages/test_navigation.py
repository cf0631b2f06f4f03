"""The header offers what the visitor may open, and marks where they are."""

from __future__ import annotations

import pytest

from gdbos.pages.navigation import Navigation, NavigationEntry
from gdbos.plugin import PUBLIC, Permission

DECIDE = Permission("services.cases.decide", "Decide cases")
ENTRIES = [
    NavigationEntry(area="workbench", path="/workbench", title="Tasks", permission=DECIDE, order=1),
    NavigationEntry(area="portal", path="/portal/cases", title="My cases", permission=PUBLIC, order=2),
    NavigationEntry(area="portal", path="/portal", title="Home", permission=PUBLIC, order=1),
    NavigationEntry(area="portal", path="/portal/secret", title="Secret", permission=DECIDE, order=0),
]
NAVIGATION = Navigation(ENTRIES)


def anyone(permission: Permission) -> bool:
    return permission is PUBLIC


def official(permission: Permission) -> bool:
    return True


def test_an_area_shows_only_to_those_who_may_open_a_page_of_it_and_leads_to_the_first() -> None:
    assert [(link.title, link.path) for link in NAVIGATION.areas("/", anyone)] == [("Portal", "/portal")]
    areas = NAVIGATION.areas("/", official)
    assert [(link.title, link.path) for link in areas] == [("Portal", "/portal/secret"), ("Workbench", "/workbench")]


def test_people_begin_at_the_portal_and_officials_where_most_of_their_work_is() -> None:
    assert NAVIGATION.home(anyone) == "/portal"
    work = NavigationEntry(area="workbench", path="/workbench/cards", title="Cards", permission=DECIDE, order=3)
    assert Navigation([*ENTRIES, work]).home(official) == "/workbench"
    assert Navigation(ENTRIES).home(lambda permission: False) == ""


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/portal", "Home"),
        ("/portal/", "Home"),
        ("/portal/matters/42", "Home"),
        ("/portal/cases/42", "My cases"),
        ("/portal/casesandmore", "Home"),
    ],
)
def test_the_nearest_entry_is_current(path: str, current: str) -> None:
    assert [link.title for link in NAVIGATION.entries(path, anyone) if link.current] == [current]
    assert [link.title for link in NAVIGATION.entries(path, anyone)] == ["Home", "My cases"]
    assert [link.current for link in NAVIGATION.areas(path, anyone)] == [True]


def test_outside_every_area_nothing_is_current() -> None:
    assert NAVIGATION.entries("/elsewhere", official) == []
    assert not any(link.current for link in NAVIGATION.areas("/elsewhere", official))
    assert not any(link.current for link in NAVIGATION.areas("/", official))
