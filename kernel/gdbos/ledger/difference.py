"""How a bundle of records differs from the hashes it was logged with, in words and positions."""

from __future__ import annotations

from collections import Counter
from typing import Final

from gdbos.ledger.report import Report

NAMED: Final = 20
"""Changed records named one by one in each bundle; beyond that the bundle is."""


def broken(
    report: Report, place: str, first: int, width: int, records: list[bytes], hashes: list[bytes] | None
) -> None:
    """A bundle that holds too few or too many records, or breaks off."""
    if hashes is None:
        report.tampered(place, f"holds {len(records)} records instead of {width}", first, first + width - 1)
        return
    same = next((at for at, pair in enumerate(zip(records, hashes, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(records), width) if same is None else same
    gap = width - len(records)
    if gap > 0 and records[at:] == hashes[at + gap :]:
        what = f"record {first + at} is" if gap == 1 else f"records {first + at} to {first + at + gap - 1} are"
        report.tampered(place, f"{what} missing", first + at, first + at + gap - 1)
    elif gap < 0 and records[at - gap :] == hashes[at:]:
        report.tampered(place, f"{-gap} records were put in before record {first + at}", first + at, first + at)
    else:
        report.tampered(
            place, f"cannot be read as it was written from record {first + at} on", first + at, first + width - 1
        )


def changed(
    report: Report, place: str, first: int, places: list[int], records: list[bytes], hashes: list[bytes]
) -> None:
    """A bundle of the right number of records, some of which are not those that were logged."""
    origin = {hashed: at for at, hashed in enumerate(hashes)}
    moved = Counter(records) == Counter(hashes)
    for at in places[:NAMED]:
        came = origin.get(records[at])
        detail = f"record {first + at} was changed"
        if came is not None:
            detail = f"record {first + came} stands in the place of record {first + at}"
        report.tampered(place, ("reordered: " if moved else "") + detail, first + at, first + at)
    if len(places) > NAMED:
        detail = f"and {len(places) - NAMED} more up to record {first + places[-1]}"
        report.tampered(place, detail, first + places[NAMED], first + places[-1])
