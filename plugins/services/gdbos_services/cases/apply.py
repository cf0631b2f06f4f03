"""The pages on which one applies: begin, fill in one form, hand in the materials; and mend what was found missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import (
    N_,
    Actor,
    Bus,
    Invalid,
    NewFile,
    Page,
    Problem,
    Run,
    Settings,
    Standards,
    TooLarge,
    Unit,
    Violation,
    keep,
)
from gdbos_services.forms.filling import MORE, Source, answers_from, present
from gdbos_services.forms.form import Sheet, sheet
from gdbos_services.matters.matter import Matter, find

from . import case
from .case import Filled, Handed
from .lists import MineList
from .permission import APPLY
from .prefill import Failed, Place, Prefilled, authoritative, prefill
from .routes import look
from .state import State
from .view import CaseView

MATERIAL = "material."
"""Names of the form's file fields begin so, then comes the material's id."""
NAME_SIZE = 200
OPEN = (State.DRAFT, State.CORRECTION)
SAID_HERE = (409, 413, 415, 422)
"""Problems that the form itself tells; any other is a page of its own."""


class ApplyPages(Controller):
    """``/portal/apply`` and ``/portal/cases/{case_id}/form``."""

    @get("/portal/apply/{matter_id:str}", permission=APPLY)
    async def before(
        self,
        matter_id: FromPath[str],
        bus: NamedDependency[Bus],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
    ) -> Page:
        """What one is about to apply for, for whom, and drafts begun earlier."""
        matter = await run.read(_matter, matter_id)
        reply = await bus.call("services.cases.mine", {"limit": 100})
        drafts = [
            one
            for one in msgspec.convert(reply.value, MineList).cases
            if one.matter == matter_id and one.state is State.DRAFT and not one.bundle
        ]
        represents = actor.represents if actor.acts_for else ""
        context = {"matter": matter, "drafts": drafts, "represents": represents, "trust": actor.trust}
        return Page("services.cases/apply.html", context)

    @post("/portal/apply/{matter_id:str}", permission=APPLY)
    async def begin(self, matter_id: FromPath[str], run: NamedDependency[Run]) -> Redirect:
        """Open a draft and go to its form."""
        done = await run(case.draft_own, matter_id)
        return _to(f"/portal/cases/{done.id}/form")

    @get("/portal/cases/{case_id:uuid}/form", permission=APPLY)
    async def form(
        self,
        case_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        run: NamedDependency[Run],
        standards: NamedDependency[Standards],
        saved: FromQuery[bool] = False,
    ) -> Page | Redirect:
        """The form: what government holds is filled in with its source; what has to be mended is named."""
        shown = await look(case_id, bus, run)
        if shown.state not in OPEN:
            return _to(f"/portal/cases/{case_id}")
        found = await _fill(shown, bus, run, standards)
        if found.filled:
            shown = await look(case_id, bus, run)
        return _page(shown, standards, found, saved=saved)

    @post("/portal/cases/{case_id:uuid}/form", permission=APPLY, file=True)
    async def fill_in(
        self,
        case_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        run: NamedDependency[Run],
        standards: NamedDependency[Standards],
    ) -> Page | Redirect:
        """Keep what was filled in; hand it in when that button was pressed; what is wrong is said on the same page."""
        shown = await look(case_id, bus, run)
        posted = await request.form()
        more = str(posted.get(MORE, ""))
        try:
            await _keep(shown, posted, run, standards)
            if posted.get("do") == "submit" and not more:
                await _submit(shown, _typed(posted, shown, standards), run)
                return _to(f"/portal/cases/{case_id}")
        except Problem as problem:
            if problem.status not in SAID_HERE:
                raise
            return _page(
                await look(case_id, bus, run),
                standards,
                NOTHING,
                problem=problem,
                typed=_typed(posted, shown, standards),
            )
        if posted.get("do") == "save" and not more:
            return _to(f"/portal/cases/{case_id}/form?saved=true")
        found = await _fill(await look(case_id, bus, run), bus, run, standards)
        typed = _typed(posted, shown, standards) if shown.state is State.CORRECTION else None
        return _page(await look(case_id, bus, run), standards, found, more=more, typed=typed)


NOTHING = Prefilled(filled={}, failures=())


def form_of(shown: CaseView, standards: Standards) -> Sheet:
    """The form of a case as of the day it is pinned to."""
    return sheet(standards, [shown.matter], shown.pinned_on)


async def _fill(shown: CaseView, bus: Bus, run: Run, standards: Standards) -> Prefilled:
    """Look up what is not filled in yet, and keep it in the draft."""
    if shown.state is not State.DRAFT:
        return NOTHING
    place = Place(matter=shown.matter, case=str(shown.case), body=shown.body)
    found = await prefill(
        bus,
        form_of(shown, standards),
        standards,
        shown.pinned_on,
        place=place,
        answers=shown.answers,
        have=shown.sources,
    )
    locked = authoritative(form_of(shown, standards), standards, shown.pinned_on, found.filled)
    fresh = {element: one for element, one in found.filled.items() if element not in shown.answers or element in locked}
    if fresh:
        await run(_keep_filled, shown.case, fresh)
    return msgspec.structs.replace(found, filled=fresh)


def _keep_filled(unit: Unit, case_id: UUID, filled: dict[str, Filled]) -> None:
    case.answer(unit, case_id, {}, filled)


async def _keep(shown: CaseView, posted: FormMultiDict, run: Run, standards: Standards) -> None:
    """Keep the answers and files of a posted form. :raises Problem: a file is refused, or the case takes none now."""
    answers = _typed(posted, shown, standards)
    files = [(name, one) for name, one in posted.multi_items() if isinstance(one, UploadFile) and one.filename]
    if shown.state is State.DRAFT:
        await run(case.answer, shown.case, answers)
    for name, sent in files:
        await run(_take, shown.case, name.removeprefix(MATERIAL), _name(sent), _type(sent), await sent.read())
    paper = [str(one) for one in posted.getall("paper", []) if isinstance(one, str)]
    if paper:
        await run(case.hand_in, shown.case, [Handed(material=one[:80], how="1") for one in paper])


async def _submit(shown: CaseView, answers: dict[str, Any], run: Run) -> None:
    if shown.state is State.DRAFT:
        await run(case.submit, shown.case)
    else:
        await run(case.supply_correction, shown.case, answers)


def _typed(posted: FormMultiDict, shown: CaseView, standards: Standards) -> dict[str, Any]:
    """Every question with its answer; one that was emptied is emptied."""
    form = form_of(shown, standards)
    return dict.fromkeys(form.questions, None) | answers_from(posted, form)


def _take(unit: Unit, case_id: UUID, material: str, name: str, media_type: str, content: bytes) -> None:
    """Keep one file, and put it with the case."""
    most = unit.config(Settings).files.max_bytes
    if len(content) > most:
        raise TooLarge("The file has more than {most} bytes, which is what is taken here.", most=most)
    one = case.get(unit, case_id)
    kept = keep(unit, NewFile(name=name, media_type=media_type, subject=one.subject, matter=one.matter), content)
    case.hand_in(unit, case_id, [Handed(material=material, file=kept.id)])


def _type(sent: UploadFile) -> str:
    return sent.content_type.partition(";")[0].strip().lower()


def _name(sent: UploadFile) -> str:
    """The name without the folders that some programs send along. :raises Invalid: nothing printable is left."""
    name = sent.filename.replace("\\", "/").rpartition("/")[2].strip()
    if not name or len(name) > NAME_SIZE or not name.isprintable():
        detail = N_("The file's name must have 1 to {most} printable characters.")
        facts = {"most": NAME_SIZE}
        raise Invalid(detail, violations=[Violation("$.file", "name", detail, facts=facts)], **facts)
    return name


def _page(
    shown: CaseView,
    standards: Standards,
    found: Prefilled,
    *,
    problem: Problem | None = None,
    typed: dict[str, Any] | None = None,
    more: str = "",
    saved: bool = False,
) -> Page:
    violations: Sequence[Violation] = problem.violations if isinstance(problem, Invalid) else ()
    matter = find(standards, shown.matter, shown.pinned_on)
    locked = authoritative(form_of(shown, standards), standards, shown.pinned_on, shown.sources)
    sources = {
        element: Source(name=one.name, on=one.at, locked=element in locked) for element, one in shown.sources.items()
    }
    kept = {element: value for element, value in (typed or shown.answers).items() if value is not None}
    filling = present(
        form_of(shown, standards),
        standards,
        shown.pinned_on,
        answers=kept,
        violations=[one for one in violations if not one.path.startswith("$.materials.")],
        sources=sources,
        more=more,
        division=shown.division,
    )
    context = {
        "case": shown,
        "matter": matter,
        "filling": filling,
        "materials": _materials(matter, shown),
        "material_errors": {
            one.path.removeprefix("$.materials."): one for one in violations if one.path.startswith("$.materials.")
        },
        "missing": _missing(shown, matter, standards),
        "failures": [(one, _questions(one, shown, standards)) for one in found.failures],
        "problem": problem if problem is not None and not violations else None,
        "saved": saved,
    }
    return Page("services.cases/form.html", context, status=problem.status if problem else 200)


def _materials(matter: Matter, shown: CaseView) -> list[dict[str, Any]]:
    """What the applicant brings, and whether it is there."""
    there = {one.material: one for one in shown.materials}
    return [{"material": one, "there": there.get(one.id)} for one in matter.asked]


def _missing(shown: CaseView, matter: Matter, standards: Standards) -> list[Any]:
    """Titles of what the applicant was told is missing."""
    questions = form_of(shown, standards).questions
    titles = {one.id: one.title for one in matter.materials} | {key: one.title for key, one in questions.items()}
    return [titles[one] for one in shown.missing if one in titles]


def _questions(failed: Failed, shown: CaseView, standards: Standards) -> list[Any]:
    questions = form_of(shown, standards).questions
    return [questions[one].title for one in failed.elements if one in questions]


def _matter(unit: Unit, matter_id: str) -> Matter:
    return find(unit.standards, matter_id, unit.today)


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
