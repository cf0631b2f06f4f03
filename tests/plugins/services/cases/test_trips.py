"""How often an applicant had to appear, as the case counts it (到办事现场次数)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ANNA, BEN, HEALTH, PASSWORD, PLACE, Clock, city_of, emitted

MARRIAGE = {
    "citizen-id": ANNA,
    "person-name": "韦示例",
    "mobile": "13800000001",
    "spouse-citizen-id": BEN,
    "spouse-name": "黄样例",
}


def test_a_case_counts_the_trips_its_matter_demands(
    tmp_path: Path, database: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both must appear for a marriage, whatever they filled in at home; nobody for a hygiene licence."""
    monkeypatch.setenv("CASES_PASSWORD", PASSWORD)
    with city_of(tmp_path, database, clock, extra=f'civil-affairs = "{HEALTH}"') as city:
        marriage, licence = city.draft(matter="marriage.registration"), city.submitted()
        city.done("anna", "POST", f"/{marriage}/submit", {"answers": MARRIAGE})
        for one in (marriage, licence):
            city.done("clerk", "POST", f"/{one}/decline", {"reason": "材料与实际不符"})
        trips = {closed["matter"]: closed["trips"] for closed in emitted(city, "case-closed")}
        assert trips == {"marriage.registration": 1, PLACE: 0}
