"""The pages of bundles: what one does, guidance, the one form, a last look, and the progress of every department."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import PUBLIC, Bus, Invalid, NotFound, Page, Problem, Run, Standards, Violation
from gdbos_services.forms.filling import MORE, Filling, Source, answers_from, present
from gdbos_services.forms.form import Sheet
from gdbos_services.matters import matter

from . import bundle
from .fill import fill, refuse_names
from .form_view import FormView
from .one_form import one_form
from .permission import APPLY
from .plan import Plan, choose, find
from .record import ChildState, State, settled_in
from .reductions import Amounts, reductions
from .routes import form, mine, plan_now, plans_now, progress
from .upload import handed_in
from .view import BundleView

TONES = {
    ChildState.GRANTED: "good",
    ChildState.SUBMITTED: "active",
    ChildState.INCOMPLETE: "warn",
    ChildState.REFUSED: "bad",
    ChildState.VOID: "bad",
}
RUN_TONES = {State.FINISHED: "good", State.RUNNING: "active", State.VOID: "bad"}


class BundlePages(Controller):
    """``/portal/bundles``."""

    @get("/portal/bundles", permission=APPLY)
    async def mine(
        self, bus: NamedDependency[Bus], run: NamedDependency[Run], after: FromQuery[UUID | None] = None
    ) -> Page:
        """One's own bundles, and what can be got done at once."""
        found, offered = await mine(bus, after, 20), await run.read(plans_now)
        context = {"found": found, "plans": offered, "first": after is not None, "tones": RUN_TONES}
        return Page("services.bundles/mine.html", context)

    @get("/portal/bundles/{plan_id:str}", permission=PUBLIC)
    async def plan(
        self, plan_id: FromPath[str], run: NamedDependency[Run], standards: NamedDependency[Standards]
    ) -> Page:
        """What a bundle does, before and now, and the questions that come first."""
        return _plan_page(
            await run.read(plan_now, plan_id), standards, applies=run.actor.kind in ("anonymous", "person")
        )

    @post("/portal/bundles/{plan_id:str}", permission=APPLY)
    async def start(
        self,
        plan_id: FromPath[str],
        request: Request[Any, Any, Any],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
        standards: NamedDependency[Standards],
    ) -> Page | Redirect:
        """Begin with the answers to the guidance; what is missing is said on the same page."""
        plan = await run.read(plan_now, plan_id)
        posted = await request.form()
        guidance = {one.id: str(posted[one.id]) for one in plan.guidance if isinstance(posted.get(one.id), str)}
        try:
            done = await run(bundle.start, plan_id, guidance)
        except Invalid as wrong:
            return _plan_page(plan, standards, guidance, wrong.violations)
        await fill(done, run, bus, standards)
        return _to(f"/portal/bundles/runs/{done.id}/form")

    @get("/portal/bundles/runs/{bundle_id:uuid}/form", permission=APPLY)
    async def form(
        self,
        bundle_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        standards: NamedDependency[Standards],
        saved: FromQuery[bool] = False,
    ) -> Page | Redirect:
        """The one form: each element once, what government holds filled in with its source."""
        shown = await form(bus, bundle_id)
        if shown.state is not State.FILLING:
            return _to(f"/portal/bundles/runs/{bundle_id}")
        return _form_page(shown, standards, saved=saved)

    @post("/portal/bundles/runs/{bundle_id:uuid}/form", permission=APPLY)
    async def answer(
        self,
        bundle_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
        standards: NamedDependency[Standards],
    ) -> Page | Redirect:
        """Keep what was filled in; go on to the last look once nothing is wrong or missing."""
        posted = await request.form()
        before = await form(bus, bundle_id)
        answers = _answered(posted, sheet_of(before, standards), _settled(before, standards))
        done = await run(bundle.answer, bundle_id, answers)
        await fill(done, run, bus, standards)
        shown = await form(bus, bundle_id)
        if more := str(posted.get(MORE, "")):
            return _form_page(shown, standards, more=more)
        if posted.get("save"):
            return _to(f"/portal/bundles/runs/{bundle_id}/form?saved=true")
        wrong = await _form_faults(shown, run, bus, standards)
        if wrong:
            return _form_page(shown, standards, violations=wrong)
        return _to(f"/portal/bundles/runs/{bundle_id}/review")

    @get("/portal/bundles/runs/{bundle_id:uuid}/review", permission=APPLY)
    async def review(
        self, bundle_id: FromPath[UUID], bus: NamedDependency[Bus], standards: NamedDependency[Standards]
    ) -> Page | Redirect:
        """The last look: everything that was answered, the materials, and who receives what."""
        shown = await form(bus, bundle_id)
        if shown.state is not State.FILLING:
            return _to(f"/portal/bundles/runs/{bundle_id}")
        return _review_page(shown, standards)

    @post("/portal/bundles/runs/{bundle_id:uuid}/review", permission=APPLY, file=True)
    async def submit(
        self,
        bundle_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
        standards: NamedDependency[Standards],
    ) -> Page | Redirect:
        """Take the materials and hand everything in; what is wrong is said on the same page."""
        posted = await request.form()
        files = [(name, one) for name, one in posted.multi_items() if isinstance(one, UploadFile) and one.filename]
        try:
            await handed_in(bundle_id, files, run)
            if posted.get("keep"):
                return _to(f"/portal/bundles/runs/{bundle_id}/review")
            await refuse_names(bundle_id, {}, run, bus, standards)
            await run(bundle.submit, bundle_id, {}, ())
        except Problem as problem:
            if problem.status not in (409, 413, 415, 422):
                raise
            return _review_page(await form(bus, bundle_id), standards, problem)
        return _to(f"/portal/bundles/runs/{bundle_id}")

    @get("/portal/bundles/runs/{bundle_id:uuid}", permission=APPLY)
    async def progress(
        self, bundle_id: FromPath[UUID], bus: NamedDependency[Bus], standards: NamedDependency[Standards]
    ) -> Page | Redirect:
        """How every department gets on; at the end, what it took and what was issued."""
        shown = await progress(bus, bundle_id)
        if shown.state is State.FILLING:
            return _to(f"/portal/bundles/runs/{bundle_id}/form")
        context = {
            "run": shown,
            "tones": TONES,
            "run_tones": RUN_TONES,
            "licences": await _licences(bus, shown),
            "moving": shown.state is State.RUNNING,
        }
        return Page("services.bundles/run.html", context)


def sheet_of(shown: FormView, standards: Standards) -> Sheet:
    """The sheet that a form view shows."""
    return one_form(standards, choose(find(standards, shown.plan, shown.pinned_on), shown.guidance), shown.pinned_on)


def _settled(shown: FormView, standards: Standards) -> dict[str, str]:
    """What guidance has answered: nobody is asked it again, and other questions hang on it."""
    choice = choose(find(standards, shown.plan, shown.pinned_on), shown.guidance)
    return settled_in(sheet_of(shown, standards), choice)


def _answered(posted: FormMultiDict, sheet: Sheet, settled: Mapping[str, str]) -> dict[str, Any]:
    """Every question with its answer; one that was emptied is emptied."""
    return dict.fromkeys(sheet.questions, None) | answers_from(posted, sheet, settled)


async def _form_faults(shown: FormView, run: Run, bus: Bus, standards: Standards) -> list[Violation]:
    sheet = sheet_of(shown, standards)
    complete = sheet.normalise({**shown.answers, **_settled(shown, standards)})
    if wrong := sheet.check(complete, standards, shown.pinned_on):
        return wrong
    try:
        await refuse_names(shown.bundle, {}, run, bus, standards)
    except Invalid as refused:
        return refused.violations
    return []


def _filling(shown: FormView, standards: Standards, violations: list[Violation], more: str) -> Filling:
    sources = {
        element: Source(name=one.name, on=one.at, locked=one.authoritative) for element, one in shown.sources.items()
    }
    return present(
        sheet_of(shown, standards),
        standards,
        shown.pinned_on,
        answers={**shown.answers, **_settled(shown, standards)},
        violations=violations,
        sources=_by_row(sources, shown.answers),
        more=more,
        division=shown.division,
    )


def _by_row(sources: Mapping[str, Source], answers: Mapping[str, Any]) -> dict[str, Source]:
    """A column of a table that was filled in says so in each of its rows."""
    found = dict(sources)
    for element, source in sources.items():
        if isinstance(answers.get(element), list):
            found |= {f"{element}.{row}": source for row in range(len(answers[element]))}
    return found


def _form_page(
    shown: FormView,
    standards: Standards,
    *,
    violations: list[Violation] | None = None,
    more: str = "",
    saved: bool = False,
) -> Page:
    context = {
        "form": shown,
        "filling": _filling(shown, standards, violations or [], more),
        "saved": saved,
        "titles": {one: matter.find(standards, one, shown.pinned_on).title for one in shown.matters},
    }
    return Page("services.bundles/form.html", context, status=422 if violations else 200)


def _review_page(shown: FormView, standards: Standards, problem: Problem | None = None) -> Page:
    context = {
        "form": shown,
        "filling": _filling(shown, standards, [], ""),
        "titles": {one: matter.find(standards, one, shown.pinned_on).title for one in shown.matters},
        "problem": problem,
        "violations": problem.violations if isinstance(problem, Invalid) else [],
        "unverified": _unverified(shown, standards),
    }
    return Page("services.bundles/review.html", context, status=problem.status if problem else 200)


def _unverified(shown: FormView, standards: Standards) -> list[Any]:
    """Titles of what a register could have answered and somebody typed."""
    return [
        question.title
        for question in sheet_of(shown, standards).questions.values()
        if question.prefill and question.element in shown.answers and question.element not in shown.sources
    ]


def _plan_page(
    plan: Plan,
    standards: Standards,
    answers: Mapping[str, str] | None = None,
    wrong: list[Violation] | None = None,
    *,
    applies: bool = True,
) -> Page:
    on = None
    titles = [standards.document("matters", one, on).value for one in plan.matters]
    before, after = (
        Amounts(steps=one.steps, materials=one.materials, trips=one.trips, days=one.days)
        for one in (plan.before, plan.after)
    )
    context = {
        "plan": plan,
        "matters": titles,
        "reductions": reductions(before, after, plan.before.source),
        "answers": answers or {},
        "errors": {one.path.rpartition(".")[2]: one for one in wrong or []},
        "applies": applies,
    }
    return Page("services.bundles/plan.html", context, status=422 if wrong else 200)


async def _licences(bus: Bus, shown: BundleView) -> dict[str, Any]:
    """The licences that the cases of this bundle brought, by case; none where the node keeps no licences."""
    cases = [str(one.case) for one in shown.children if one.state is ChildState.GRANTED]
    if not cases:
        return {}
    try:
        reply = await bus.call("services.licences.mine", {"cases": cases, "limit": 100})
    except NotFound:
        return {}
    return {one["case"]: one for one in reply.value["licences"]}


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)


PAGES = [BundlePages]
