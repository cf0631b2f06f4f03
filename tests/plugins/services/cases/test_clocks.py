"""Time limits as the law counts them: corrections told once, silence, suspensions, drafts that lapse, warnings."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update

from gdbos_services.cases.limits import recount
from gdbos_services.cases.tables import case

from .conftest import ANSWERS, City, emitted

MISSING = {"items": ["premises-area", "test"], "explanation": "请补充场所面积和检测报告"}


def test_what_is_missing_is_told_once(city: City) -> None:
    made = city.submitted()
    city.done("examiner", "POST", f"/{made}/corrections", MISSING)
    assert city.done("anna", "GET", f"/{made}")["missing"] == MISSING["items"]
    city.clock.set(2026, 2, 10)
    city.done(
        "anna",
        "POST",
        f"/{made}/corrections/supply",
        {"answers": {"premises-area": 130}, "materials": [{"material": "test", "how": "1"}]},
    )
    again = city("examiner", "POST", f"/{made}/corrections", {"items": ["staff-count"]})
    assert again.status_code == 409
    assert "staff-count" in again.json()["detail"]
    city.done("examiner", "POST", f"/{made}/corrections", {"items": ["test"]})
    city.clock.set(2026, 2, 11)
    city.done("anna", "POST", f"/{made}/corrections/supply", {})
    city.clock.set(2026, 2, 12)
    city.done("clerk", "POST", f"/{made}/accept")
    clock = city.done("anna", "GET", f"/{made}")["clock"]
    assert clock["accepted_on"] == "2026-02-11", "accepted from the day it was complete"
    assert emitted(city, "correction-asked")[0]["items"] == MISSING["items"]


def test_nothing_unknown_can_be_asked_for(city: City) -> None:
    made = city.submitted()
    assert city("examiner", "POST", f"/{made}/corrections", {"items": ["shoe-size"]}).status_code == 422
    assert city("examiner", "POST", f"/{made}/corrections", {"items": []}).status_code == 422
    assert (
        city(
            "anna", "POST", f"/{city.draft()}/submit", {"answers": ANSWERS, "materials": [{"material": "no-such"}]}
        ).status_code
        == 422
    )


def test_a_notice_that_comes_too_late_accepts_from_the_receipt(city: City) -> None:
    """Law: 行政许可法 art. 32(4). Received on Monday 9 February 2026; the fifth working day is Saturday 14, a make-up day."""
    made = city.submitted()
    assert city.done("anna", "GET", f"/{made}")["clock"]["acceptance_due"] == "2026-02-14"
    city.site.kernel.delivery.routes.clear()  # the alarm does not ring in time
    city.clock.set(2026, 2, 24)
    done = city.done("examiner", "POST", f"/{made}/corrections", MISSING)
    assert done["state"] == "accepted"
    assert "too late" in done["note"] or "had passed" in done["note"]
    clock = city.done("anna", "GET", f"/{made}")["clock"]
    assert (clock["accepted_on"], clock["deemed"]) == ("2026-02-09", True)


def test_silence_accepts_when_the_days_have_passed(city: City) -> None:
    made = city.submitted()
    city.clock.set(2026, 2, 14, 23)
    city.settle()
    assert city.state(made) == "submitted"
    city.clock.set(2026, 2, 15, 1)
    city.settle()
    shown = city.done("anna", "GET", f"/{made}")
    assert (shown["state"], shown["clock"]["accepted_on"], shown["clock"]["deemed"]) == ("accepted", "2026-02-09", True)
    assert [one["limit"] for one in emitted(city, "case-limit-passed")][:1] == ["acceptance"]


def test_a_suspension_leaves_out_its_days_and_counts_the_make_up_saturday(city: City) -> None:
    """Accepted on Thursday 12 February 2026: Friday 13 and Saturday 14 (make-up) are worked, then the Spring Festival to the 23rd."""
    made = city.submitted()
    city.clock.set(2026, 2, 12)
    city.done("clerk", "POST", f"/{made}/accept")
    plain = city.done("clerk", "GET", f"/{made}")["clock"]["legal_due"]
    city.clock.set(2026, 2, 13)
    city.done("examiner", "POST", f"/{made}/suspend", {"procedure": "inspection", "explanation": "现场检验约需两周"})
    standing = city.done("clerk", "GET", f"/{made}")["clock"]
    assert (standing["legal_due"], standing["suspended"]) == (None, True)
    city.clock.set(2026, 2, 24)
    city.done("examiner", "POST", f"/{made}/resume")
    resumed = city.done("clerk", "GET", f"/{made}")["clock"]
    assert (plain, resumed["legal_due"]) == ("2026-03-18", "2026-03-20"), "Saturday 14 and Tuesday 24 were left out"
    assert resumed["used"] == 1
    refused = city("examiner", "POST", f"/{made}/suspend", {"procedure": "holiday", "explanation": "休假"})
    assert refused.status_code == 422


def test_what_a_clock_stood_still_for_is_told_in_words(city: City) -> None:
    made = city.accepted()
    city.done("examiner", "POST", f"/{made}/suspend", {"procedure": "hearing", "explanation": "听证约需一周"})
    city.clock.set(2026, 2, 12)
    city.done("examiner", "POST", f"/{made}/resume")
    assert "计时中止(听证)" in city.done("clerk", "GET", f"/{made}")["clock"]["why"]["zh"]


def test_a_limit_is_told_when_near_and_when_passed_unless_it_moved_meanwhile(city: City) -> None:
    made = city.accepted()
    city.settle()
    assert emitted(city, "case-near-limit") == []
    city.clock.set(2026, 2, 10, 1)
    city.settle()
    assert [(one["limit"], one["due"]) for one in emitted(city, "case-near-limit")] == [("promise", "2026-02-10")]
    city.clock.set(2026, 2, 11, 1)
    city.settle()
    assert [(one["limit"], one["due"]) for one in emitted(city, "case-limit-passed")] == [("promise", "2026-02-10")]
    city.done("head", "POST", f"/{made}/extend", {"days": 10, "reason": "案情复杂"})
    city.clock.set(2026, 3, 14, 1)  # the day after the limit that was extended
    city.settle()
    passed = [one for one in emitted(city, "case-limit-passed") if one["limit"] == "legal"]
    assert passed == [], "an alarm set before an extension is stale"
    city.clock.set(2026, 3, 28, 1)
    city.settle()
    assert [one["due"] for one in emitted(city, "case-limit-passed") if one["limit"] == "legal"] == ["2026-03-27"]


def test_nothing_rings_for_a_case_that_was_decided_in_time(city: City) -> None:
    made = city.accepted()
    city.done("head", "POST", f"/{made}/approve", {})
    city.settle()
    city.clock.set(2026, 4, 30)
    city.settle()
    assert emitted(city, "case-near-limit") == emitted(city, "case-limit-passed") == []


def test_a_draft_lapses_after_thirty_days_and_its_basis_with_it(city: City) -> None:
    made = city.draft()
    city.clock.set(2026, 3, 12)
    city.settle()
    assert city.state(made) == "void"
    assert emitted(city, "case-voided")[0]["why"] == "lapsed"


def test_beyond_the_published_calendar_there_is_no_guess(city: City) -> None:
    city.clock.set(2026, 12, 24)
    made = city.submitted()
    city.done("clerk", "POST", f"/{made}/accept")
    clock = city.done("anna", "GET", f"/{made}")["clock"]
    assert clock["legal_due"] is None
    assert clock["promise_due"] == "2026-12-25"
    assert clock["legal_days"] == 20


def test_a_limit_that_could_not_be_counted_is_counted_once_the_calendar_reaches_it(city: City) -> None:
    made = UUID(city.accepted())
    city.site.unit(lambda unit: unit.execute(update(case).where(case.c.id == made).values(legal_due=None)))
    city.site.unit(recount)
    assert city.done("anna", "GET", f"/{made}")["clock"]["legal_due"] == "2026-03-13"
    before = city.done("anna", "GET", f"/{made}")["version"]
    city.site.unit(recount)
    assert city.done("anna", "GET", f"/{made}")["version"] == before
