"""One enterprise opened, step by step, as its applicant and the officials would do it by hand."""

from __future__ import annotations

import secrets
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from .document import sample
from .people import APPLICANT, AUDITOR, GUARD, OFFICIALS, Person, Refused

BUNDLE = "enterprise-opening"
BY_OFFICIAL = ("enterprise.registration", "enterprise.bank-account")
"""Matters that no rule decides: their officials do. The others are left to an official only when the rule cannot decide."""
PATIENCE = 90.0
"""Seconds until the demonstration gives up on departments that have not answered."""
Say = Callable[[str], None]


class Opened(msgspec.Struct, kw_only=True):
    """What the demonstration has seen."""

    since: datetime
    seconds: float
    form: dict[str, Any]
    bundle: dict[str, Any]
    licences: list[dict[str, Any]]
    represents: list[str]
    """The enterprises for which the applicant may act from now on, by law."""
    receipts: int
    calls: int
    problems: list[str]


def open_enterprise(http: httpx.Client, passwords: Mapping[str, str], say: Say) -> Opened:
    """Carry out one opening. :raises Refused: a step that should work was refused."""
    since, started = datetime.now(UTC), time.monotonic()
    people = {login: Person(http, login, passwords[login]) for login in (APPLICANT, GUARD, AUDITOR, *OFFICIALS)}
    approve_grants(people[GUARD], say)
    applicant = people[APPLICANT]
    bundle_id = begin(applicant, say)
    form = fill_in(applicant, bundle_id, say)
    applicant.post(f"/api/services/bundles/{bundle_id}/submit", {"materials": bring(applicant, form, say)})
    say("交表：一张表，一次提交  ·  Handed in: one form, once")
    problems: list[str] = []
    bundle = see_through(applicant, people, bundle_id, say, problems)
    return Opened(
        since=since,
        seconds=round(time.monotonic() - started, 2),
        form=form,
        bundle=bundle,
        licences=_licences(applicant, bundle),
        represents=[one["name"] for one in applicant.get("/api/identity/me")["principals"] if one["by_law"]],
        receipts=_since(applicant.pages("/api/bus/receipts", "receipts"), since),
        calls=_since(people[AUDITOR].pages("/api/bus/calls", "calls"), since),
        problems=problems,
    )


def approve_grants(guard: Person, say: Say) -> None:
    """The security administrator reads what the departments' pages need of the bus, and approves it by name."""
    drafts = [grant["id"] for grant in guard.pages("/api/bus/grants", "grants") if grant["state"] == "draft"]
    for at in range(0, len(drafts), 500):
        chosen = {"grants": drafts[at : at + 500], "approve": True, "reason": "演示城市开通：各部门办理本职事项所需"}
        guard.post("/api/bus/grants/decisions", chosen)
    if drafts:
        say(f"授权：批准 {len(drafts)} 项服务使用申请  ·  {len(drafts)} grants approved by a named official")


def begin(applicant: Person, say: Say) -> str:
    """Answer the few questions that decide which departments are concerned."""
    answers: dict[str, str] = dict(_sample()["guidance"])
    plan = next(p for p in applicant.get("/api/services/bundles/plans")["bundles"] if p["bundle"] == BUNDLE)
    for question in plan["guidance"]:
        answers.setdefault(question["id"], next(o["value"] for o in question["options"] if o["value"]))
    begun = applicant.post("/api/services/bundles", {"bundle": BUNDLE, "guidance": answers})
    say("选择企业开办，回答引导问题  ·  Enterprise opening chosen, guidance answered")
    return str(begun["id"])


def fill_in(applicant: Person, bundle_id: str, say: Say) -> dict[str, Any]:
    """Type the numbers; let the registers answer; type the rest."""
    path = f"/api/services/bundles/{bundle_id}"
    first, rest = _sample()["first"], _sample()["rest"]
    name = "".join(secrets.choice("安邦昌达恒宏嘉锦康利隆铭荣瑞盛泰祥欣信旭裕悦") for _ in range(4))
    first["enterprise-name"] = first["enterprise-name"].format(name=name)
    asked = set(questions(applicant.get(f"{path}/form")))
    applicant.put(f"{path}/answers", {"answers": {e: v for e, v in first.items() if e in asked}})
    form: dict[str, Any] = applicant.get(f"{path}/form")
    filled = len(form["sources"])
    open_ = {
        element: rest[element] for element in questions(form) if element in rest and element not in form["sources"]
    }
    applicant.put(f"{path}/answers", {"answers": open_})
    say(
        f"一张表：{len(asked)} 项，其中 {filled} 项由政府已有数据填好  ·  {filled} of {len(asked)} fields filled in from registers"
    )
    for zh, en in {(failure["title"]["zh"], failure["title"]["en"]) for failure in form["failures"]}:
        say(f"  {zh}暂时不可用，由申请人填写  ·  {en} is down: typed by hand")
    shown: dict[str, Any] = applicant.get(f"{path}/form")
    return shown


def questions(form: Mapping[str, Any]) -> Iterator[str]:
    """The elements that the form asks, as its answers stand."""
    return (q["element"] for section in form["sections"] for q in section["questions"] if q["asked"])


def bring(applicant: Person, form: Mapping[str, Any], say: Say) -> list[dict[str, Any]]:
    """Upload the materials that no department holds yet."""
    brought = []
    for wanted in form["materials"]:
        kept = applicant.upload(f"{wanted['material']}.pdf", sample(wanted["title"]["zh"]), "application/pdf")
        brought.append({"matter": wanted["matter"], "material": wanted["material"], "file": kept["id"]})
        say(f"上传材料：{wanted['title']['zh']}  ·  Uploaded: {wanted['title']['en']}")
    return brought


def see_through(
    applicant: Person, people: Mapping[str, Person], bundle_id: str, say: Say, problems: list[str]
) -> dict[str, Any]:
    """Let the officials work until every department has answered or patience ends."""
    until, told = time.monotonic() + PATIENCE, set[str]()
    while True:
        bundle: dict[str, Any] = applicant.get(f"/api/services/bundles/{bundle_id}")
        for child in bundle["children"]:
            line = f"  {child['matter_title']['zh']} {child['number'] or ''}：{child['state_title']['zh']}"
            if line not in told and child["state"] in ("granted", "refused", "void"):
                told.add(line)
                say(f"{line}  ·  {child['matter_title']['en']}: {child['state_title']['en']}")
        if bundle["state"] == "finished" or time.monotonic() > until:
            return bundle
        for login in OFFICIALS:
            _work(people[login], problems)
        time.sleep(0.2)


def _work(official: Person, problems: list[str]) -> None:
    for task in official.get("/api/services/cases", state="submitted")["cases"]:
        if task["state"] != "submitted" or (task["matter"] not in BY_OFFICIAL and not task["left_by_rule"]):
            continue
        try:
            official.post(f"/api/services/cases/{task['case']}/accept", {})
            official.post(f"/api/services/cases/{task['case']}/approve", {"reason": "材料齐全，符合法定形式"})
        except Refused as refusal:
            problems.append(str(refusal))


def _licences(applicant: Person, bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    cases = {child["case"] for child in bundle["children"]}
    until = time.monotonic() + 10
    granted = sum(child["state"] == "granted" and bool(child["licence"]) for child in bundle["children"])
    while True:
        found = [one for one in applicant.pages("/api/services/licences", "licences") if one["case"] in cases]
        if len(found) >= granted or time.monotonic() > until:
            return found
        time.sleep(0.2)


def _since(entries: Iterator[Any], since: datetime) -> int:
    """How many of the newest entries are not older than the demonstration."""
    count = 0
    for entry in entries:
        if datetime.fromisoformat(entry["at"]) < since:
            break
        count += 1
    return count


def _sample() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "answers.toml").read_text("utf-8"))
