"""What an opening took: the figures, each with where it comes from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from gdbos import Text

from .opening import Opened


class ChildCase(msgspec.Struct, frozen=True, kw_only=True):
    """One department's case."""

    number: str
    matter: str
    department: str
    state: str
    result: str
    """Identifier of the e-licence, or why there is none."""


class Reduced(msgspec.Struct, frozen=True, kw_only=True):
    """One of the four reductions."""

    measure: str
    before: float
    after: float
    formula: str
    source: Text
    """Where "before" comes from: the statute or the published figure that the pack cites."""


class LedgerChecked(msgspec.Struct, frozen=True):
    """The node's ledger, checked from its files alone."""

    size: int
    verified: bool


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One enterprise opened."""

    departments: int
    matters: int
    fields_asked: int
    fields_prefilled: int
    fields_asked_more_than_once: int
    materials_uploaded: int
    trips: int
    working_days: int
    child_cases: list[ChildCase]
    represents: list[str]
    """Names of the enterprises for which the applicant may now act, as legal representative."""
    bus_calls: int
    receipts: int
    reductions: list[Reduced]
    unverified: list[str]
    """Elements that were typed because the register that holds them did not answer."""
    problems: list[str]
    ledger: LedgerChecked
    seconds: float


def summarise(opened: Opened, ledger: Path, config: Path) -> Summary:
    """The figures of ``opened``; the ledger under ``ledger`` is verified by a program of its own."""
    bundle, licences = opened.bundle, {one["case"]: one["identifier"] for one in opened.licences}
    counts = bundle["counts"] or {}
    return Summary(
        departments=len({child["body"] for child in bundle["children"]}),
        matters=len(bundle["children"]),
        fields_asked=counts.get("fields_asked", 0),
        fields_prefilled=counts.get("fields_prefilled", 0),
        fields_asked_more_than_once=counts.get("fields_asked_more_than_once", 0),
        materials_uploaded=counts.get("materials", 0),
        trips=counts.get("trips", 0),
        working_days=counts.get("working_days", 0),
        child_cases=[_child(child, licences) for child in bundle["children"]],
        represents=opened.represents,
        bus_calls=opened.calls,
        receipts=opened.receipts,
        reductions=[
            Reduced(
                measure=r["measure"],
                before=r["before"],
                after=r["now"],
                formula=r["formula"],
                source=r["source"],
            )
            for r in bundle["reductions"]
        ],
        unverified=_unverified(opened.form),
        problems=opened.problems,
        ledger=verify(ledger, config),
        seconds=opened.seconds,
    )


def _child(child: dict[str, Any], licences: dict[str, str]) -> ChildCase:
    return ChildCase(
        number=child["number"],
        matter=child["matter"],
        department=child["body_name"]["zh"],
        state=child["state"],
        result=licences.get(child["case"]) or str(child["reason"]),
    )


def _unverified(form: dict[str, Any]) -> list[str]:
    return sorted({element for failure in form["failures"] for element in failure["elements"]})


def verify(folder: Path, config: Path) -> LedgerChecked:
    """Ask the ledger's own command, which needs no server and no database."""
    command = [sys.executable, "-m", "gdbos", "--config", str(config), "ledger", "verify", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  (our own command)
    report = msgspec.json.decode(done.stdout) if done.stdout else {}
    return LedgerChecked(_size(report), done.returncode == 0)


def _size(report: Any) -> int:
    logs = report if isinstance(report, list) else report.get("logs", [])
    return sum(int(log.get("size", 0)) for log in logs)


def told(summary: Summary, say: Callable[[str], None]) -> None:
    """The summary in words."""
    say("")
    say(
        f"办成了：{summary.departments} 个部门，{summary.matters} 件事，{summary.seconds} 秒  ·  Done: {summary.departments} departments"
    )
    for case in summary.child_cases:
        say(f"  {case.department}  {case.number}  {case.state}  {case.result}")
    for one in summary.reductions:
        say(f"  {one.measure}: {one.before:g} → {one.after:g}   {one.formula}")
    ledger = "核验通过 verified" if summary.ledger.verified else "核验未通过 NOT verified"
    say(f"  总线调用 {summary.bus_calls} 次，回执 {summary.receipts} 份，账本 {summary.ledger.size} 条，{ledger}")
    for problem in summary.problems:
        say(f"  ! {problem}")
