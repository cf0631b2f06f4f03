"""The review of an edition (审核): what is wrong with it, what it changes, whom it breaks; and the acts that rest on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from gdbos.bus.grant import live_grants
from gdbos.config import Standards as Settings
from gdbos.errors import Conflict, Invalid, NotFound, Violation
from gdbos.ledger.note import Verifier
from gdbos.unit import Run, Unit

from . import edition as act
from .basis import Ceased, ceased
from .calendar import DAY
from .chain import read
from .compatibility import Versions
from .consent import Consent, consent, consents
from .difference import Difference, differences
from .edition import Edition, Standing
from .example import unsound
from .fault import Fault
from .load import assemble
from .pack import head
from .parcel import NOTE, Files, signer_of, unzipped
from .radius import Affected, Consumers, affected
from .registry import Standards
from .shelf import Shelf, laid_out
from .span import ALWAYS, Days, Speaking

if TYPE_CHECKING:
    from gdbos.kernel import Kernel


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer has to know of an edition before it is published or withdrawn."""

    edition: Edition
    on: date
    """The day it would begin to speak, or fall silent."""
    faults: list[Fault]
    """Reasons for which it cannot be; empty where it can."""
    differences: list[Difference]
    affected: list[Affected]
    ceased: list[Ceased]
    """Rules of any pack that would rest on a law that has ended."""
    free_from: date
    """From this day on it may begin, or fall silent, without the consent of those this breaks."""

    @property
    def waiting(self) -> list[Affected]:
        """Consumers that have not agreed."""
        return [one for one in self.affected if one.consent is None]


class _Gathered(msgspec.Struct):
    edition: Edition
    files: Files
    rows: list[Standing]
    consents: list[Consent]
    consumers: Consumers
    today: date


async def draft(kernel: Kernel, run: Run, content: bytes, summary: str) -> Edition:
    """Keep the pack in the ZIP ``content`` as a draft.

    :raises Invalid: it is no pack, its ``pack.toml`` cannot be read, or another node's note over it does not hold.
    """
    files = unzipped(content)
    trusted = [*kernel.shelf.trusted(), *(Verifier.parse(one) for one in kernel.settings.standards.signers)]
    signer = signer_of(files, trusted)
    plain = {name: content for name, content in files.items() if name != NOTE}
    faults: list[Fault] = []
    with laid_out(plain, "draft") as folder:
        found = head(folder, faults)
    if found is None:
        raise Invalid(violations=[Violation(f"$.{one.key}", one.rule, _plain(str(one))) for one in faults])
    return await run(act.draft, plain, found.id, found.version, signer, summary)


def _plain(words: str) -> str:
    """Words that are no template."""
    return words.replace("{", "{{").replace("}", "}}")


async def review(kernel: Kernel, run: Run, id: UUID, on: date | None = None) -> Review:
    """Try an edition against everything that stands, as of the day it would begin. :raises NotFound: there is no such edition."""
    return (await _review(kernel, run, id, on))[1]


async def _review(kernel: Kernel, run: Run, id: UUID, on: date | None) -> tuple[_Gathered, Review]:
    gathered = await run.read(_gather, kernel, id)
    day = max(on or gathered.edition.since or gathered.today, gathered.today)
    withdrawing = _withdrawing(gathered.edition)
    trial = _without if withdrawing else _with
    old = kernel.standards
    faults, new = await asyncio.to_thread(trial, kernel.shelf, gathered, day)
    notice = timedelta(days=kernel.settings.standards.notice_days)
    made = Review(
        edition=gathered.edition,
        on=day,
        faults=[*faults, *_beside(old, new, gathered.edition, day, withdrawing)],
        differences=differences(old, new, day) if new else [],
        affected=_weighed(old, new, gathered, day) if new else [],
        ceased=list(ceased(new)) if new else [],
        free_from=gathered.today + notice,
    )
    return gathered, made


def _withdrawing(edition: Edition) -> bool:
    return edition.state in ("published", "withdrawn")


def _gather(unit: Unit, kernel: Kernel, id: UUID) -> _Gathered:
    edition = act.get(unit, id)
    return _Gathered(
        edition=edition,
        files=unzipped(act.parcel(unit.connection, id)),
        rows=act.standing(unit.connection),
        consents=consents(unit, id, "withdraw" if _withdrawing(edition) else "publish"),
        consumers=Consumers(
            grants=list(live_grants(unit.connection)),
            services=kernel.directory.all(),
            operator=kernel.settings.node.body,
        ),
        today=unit.today,
    )


def _with(shelf: Shelf, gathered: _Gathered, day: date) -> tuple[list[Fault], Standards | None]:
    """The standards with the draft; first alone for all days, so that its own examples may speak of any."""
    pack = gathered.edition.pack
    with laid_out(gathered.files, pack) as folder:
        alone = {**shelf.with_changes(gathered.rows), pack: [Speaking(folder, ALWAYS)]}
        sources, faults = read(shelf.folders, shelf.kinds, shelf.chain, alone)
        whole = assemble(sources, shelf.kinds, faults)
        if not faults:
            own = next(one for one in sources if one.folder == folder)
            faults += unsound(whole, own, day)
        if faults:
            return faults, None
        tried = shelf.tried(gathered.rows, (pack, Speaking(folder, Days(day, None))))
    return (tried, None) if isinstance(tried, list) else ([], tried)


def _without(shelf: Shelf, gathered: _Gathered, day: date) -> tuple[list[Fault], Standards | None]:
    """The standards without the edition from ``day`` on."""
    id = gathered.edition.id
    rows = [msgspec.structs.replace(one, until=day) if one.id == id else one for one in gathered.rows]
    tried = shelf.tried(rows)
    return (tried, None) if isinstance(tried, list) else ([], tried)


def _beside(old: Standards, new: Standards | None, edition: Edition, day: date, withdrawing: bool) -> Iterator[Fault]:
    """What only a comparison with what stands can show."""
    if withdrawing:
        return
    where = f"{edition.pack}/pack.toml"
    for pack in old.packs:
        if (pack.id, pack.version) == (edition.pack, edition.version) and pack.digest != edition.digest:
            detail = (
                f"version {edition.version} stands here already with other files; a published version never changes"
            )
            yield Fault(
                rule="version", detail=detail, file=where, pack=edition.pack, key="version", hint="raise the version"
            )
    if new is not None:
        yield from _past_days(old, new, edition.pack, day)


def _past_days(old: Standards, new: Standards, pack: str, day: date) -> Iterator[Fault]:
    """Deadlines of earlier days were counted with the calendar as it was."""
    named = [one.value.divisions or ("",) for standards in (old, new) for one in standards.documents("calendars")]
    for prefix in sorted({prefix for prefixes in named for prefix in prefixes}):
        changed = _changed_day(old, new, prefix, day)
        if changed is not None:
            detail = f"the day {changed}, which is before the edition begins, would change for division {prefix or '—'}, and with it deadlines that were counted"  # fmt: skip
            hint = f"leave the days before {day} as they are"
            yield Fault(rule="past-day", detail=detail, file=f"{pack}/calendars", pack=pack, key="off", hint=hint)


def _changed_day(old: Standards, new: Standards, division: str, day: date) -> date | None:
    try:
        before, after = old.calendar(division), new.calendar(division)
    except NotFound:
        return None  # there was none, so nothing was counted; or there is none, and whoever counts is told so
    days = (before.since + number * DAY for number in range((min(before.until, day) - before.since).days))
    return next(
        (one for one in days if not after.published(one) or after.is_working(one) != before.is_working(one)), None
    )


def _weighed(old: Standards, new: Standards, gathered: _Gathered, day: date) -> list[Affected]:
    given = {one.consumer: one for one in gathered.consents}
    found = affected(Versions(old, new, day), gathered.consumers, gathered.edition.pack)
    return [msgspec.structs.replace(one, consent=given.get(one.consumer)) for one in found]


# Acts that rest on a review.


async def publish(kernel: Kernel, run: Run, id: UUID, since: date | None, reason: str) -> Edition:
    """Publish a reviewed draft; every worker stands under it within a second.

    :raises Conflict: it has faults, or would break consumers that have neither agreed nor had notice; and as :func:`edition.publish`.
    """
    gathered, reviewed = await _review(kernel, run, id, since)
    if gathered.edition.state == "draft":
        refuse_unready(reviewed, kernel.settings.standards)
    made = await run(
        act.publish,
        id,
        since=since or gathered.today,
        reason=reason,
        signer=kernel.shelf.signer(),
        against=gathered.rows,
    )
    await kernel.draft_consumption()
    return made


def refuse_unready(reviewed: Review, settings: Settings) -> None:
    """:raises Conflict: the edition has faults, or breaks consumers too soon."""
    if reviewed.faults:
        raise Conflict("The edition has {count} faults, the first: {first}", count=len(reviewed.faults), first=str(reviewed.faults[0]))  # fmt: skip
    if reviewed.waiting and reviewed.on < reviewed.free_from:
        raise Conflict(
            "The edition would break {consumers}: each must agree, or it begins {days} days from now ({day}) or later.",
            consumers=_some([one.consumer for one in reviewed.waiting]),
            days=settings.notice_days,
            day=reviewed.free_from,
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" (+{len(names) - 5})" if len(names) > 5 else "")


async def withdraw(kernel: Kernel, run: Run, id: UUID, until: date | None, reason: str) -> Edition:
    """Withdraw a published edition from a day on; what stood before it speaks again.

    :raises Conflict: the node could not stand without it, or consumers would break that have neither agreed nor had notice;
        and as :func:`edition.withdraw`.
    """
    gathered, reviewed = await _review(kernel, run, id, until)
    if gathered.edition.state == "published":
        _refuse_needed(reviewed, kernel.settings.standards)
    return await run(act.withdraw, id, until=until or gathered.today, reason=reason, against=gathered.rows)


def _refuse_needed(reviewed: Review, settings: Settings) -> None:
    if reviewed.faults:
        raise Conflict("Without the edition other packs would not stand: {first}", first=str(reviewed.faults[0]))
    if reviewed.waiting and reviewed.on < reviewed.free_from:
        raise Conflict(
            "Without the edition {consumers} would break: each must agree, or it is withdrawn {days} days from now ({day})"
            " or later.",
            consumers=_some([one.consumer for one in reviewed.waiting]),
            days=settings.notice_days,
            day=reviewed.free_from,
        )


async def agree(kernel: Kernel, run: Run, id: UUID, consumer: str, reason: str) -> Consent:
    """Agree, for a consumer that would break, to a publication or a withdrawal.

    :raises NotFound: no such consumer would break; and as :func:`consent.consent`.
    """
    reviewed = await review(kernel, run, id)
    found = next((one for one in reviewed.affected if one.consumer == consumer), None)
    if found is None:
        raise NotFound("The edition breaks no consumer called {consumer}.", consumer=consumer)
    return await run(consent, id, consumer, found.body, reason)
