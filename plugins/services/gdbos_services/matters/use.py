"""How often matters are applied for, so that the portal shows first what most people come for."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, insert, select, update

from gdbos import Event, Unit, on
from gdbos_services.matters.matter import IN_USE, KIND_NAME, Matter
from gdbos_services.matters.tables import matter_use

YEAR = timedelta(days=365)


class CaseSubmitted(Event, tag="services.cases.case-submitted/1"):
    """An application was handed in: what matters reads of the event of cases."""

    case: str
    matter: str = ""


@on(CaseSubmitted)
def count_use(unit: Unit, event: CaseSubmitted) -> None:
    """Count one more application of the matter in this month."""
    month = _month(unit.today)
    row = (matter_use.c.matter == event.matter) & (matter_use.c.month == month)
    counted = unit.execute(update(matter_use).where(row).values(submitted=matter_use.c.submitted + 1))
    if counted.rowcount == 0:
        unit.execute(insert(matter_use).values(matter=event.matter, month=month, submitted=1))


def most_used(unit: Unit, limit: int) -> list[Matter]:
    """Matters in use, those most applied for within a year first; where nobody has applied yet, by id."""
    since = _month(unit.today - YEAR)
    rows = unit.execute(
        select(matter_use.c.matter, func.sum(matter_use.c.submitted).label("total"))
        .where(matter_use.c.month > since)
        .group_by(matter_use.c.matter)
    )
    counts = {row.matter: int(row.total) for row in rows}
    live = [one.value for one in unit.standards.documents(KIND_NAME, unit.today) if one.value.status == IN_USE]
    return sorted(live, key=lambda matter: (-counts.get(matter.id, 0), matter.id))[:limit]


def _month(day: date) -> str:
    return f"{day:%Y%m}"
