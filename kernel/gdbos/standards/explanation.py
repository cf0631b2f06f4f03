"""How a deadline was counted, in words that a clerk can read aloud."""

from __future__ import annotations

from datetime import date

from gdbos.text import Text

from .calendar import DAY, WEEKEND
from .deadline import Count, Deadline, Extension, Skipped, Unit, Walk

WEEKDAYS = (("星期一", "Monday"), ("星期二", "Tuesday"), ("星期三", "Wednesday"), ("星期四", "Thursday"), ("星期五", "Friday"), ("星期六", "Saturday"), ("星期日", "Sunday"))  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip
UNITS = {"working-days": ("个工作日", "working day"), "days": ("日", "calendar day")}


def spoken(day: date, *, weekday: bool = False) -> Text:
    """A date as it is read aloud in either language."""
    zh, en = WEEKDAYS[day.weekday()]
    return Text(
        f"{day.year}年{day.month}月{day.day}日" + (f"({zh})" if weekday else ""),
        (f"{en}, " if weekday else "") + f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    )


def explanation(count: Count, walk: Walk, skipped: tuple[Skipped, ...], caveats: tuple[Text, ...] = ()) -> Text:
    """The whole of it: what is allowed, from when, what was added, what was left out, when it ends, and what is not certain."""
    extended = (_extended(one, count.deadline) for one in count.extensions)
    ends = (_end(count, walk), _silence(count.deadline), *map(cautious, caveats))
    sentences = [_begin(count, walk.first), *extended, _left_out(skipped), *ends]
    told = [one for one in sentences if one.zh]
    return Text("".join(one.zh for one in told), " ".join(one.en for one in told))


def _begin(count: Count, first: date | None) -> Text:
    title, began = count.deadline.title, spoken(count.start, weekday=True)
    zh = f"“{title.zh}”期限" if title.zh else "期限"
    en = f"The time limit “{title.into('en')}”" if title.zh else "The time limit"
    if count.days == 0:
        return Text(f"{zh}为当场办理,起始日为{began.zh}。", f"{en} is on the spot; it starts on {began.en}.")
    same = count.deadline.starts == "same-day"
    counted = Text("当日计入", "that day counts") if same else Text("当日不计入", "that day is not counted")
    since = Text(f",从{spoken(first).zh}起算", f", so the first day is {spoken(first).en}") if first else Text("")
    days = length(count.days, count.deadline.unit)
    return Text(
        f"{zh}共{days.zh},起始日为{began.zh},{counted.zh}{since.zh}。",
        f"{en} is {days.en}, starting on {began.en}; {counted.en}{since.en}.",
    )


def length(number: int, unit: Unit) -> Text:
    """So many days, as they are counted."""
    zh, en = UNITS[unit]
    return Text(f"{number}{zh}", f"{number} {en}{'s' if number != 1 else ''}")


def _extended(one: Extension, deadline: Deadline) -> Text:
    rule = deadline.extension
    approver = rule.title if rule is not None and rule.title is not None else Text(one.approver)
    by = Text(f"经{approver.zh}批准", f" with the approval of {approver.into('en')}") if approver.zh else Text("经批准")
    why = Text(f",理由:{one.reason}", f" because: {one.reason}") if one.reason else Text("")
    return Text(
        f"其中{by.zh}延长{length(one.days, deadline.unit).zh}{why.zh}。",
        f"{one.days} of these days were added{by.en}{why.en}.",
    )


def _left_out(skipped: tuple[Skipped, ...]) -> Text:
    """Holidays and suspensions by name; ordinary weekends together, or nobody would listen to the end."""
    told = [_run(run) for run in _runs(skipped) if not _ordinary(run)]
    weekends = sum((one.until - one.since).days for run in _runs(skipped) if _ordinary(run) for one in run)
    if weekends:
        told.append(Text(f"周末{weekends}天", f"{weekends} weekend day{'s' if weekends != 1 else ''}"))
    if not told:
        return Text("")
    return Text(f"其间不计:{'、'.join(one.zh for one in told)}。", f"Not counted: {'; '.join(one.en for one in told)}.")


def _runs(skipped: tuple[Skipped, ...]) -> list[list[Skipped]]:
    """Neighbouring days off together, so that a weekend inside a holiday is told as part of it."""
    runs: list[list[Skipped]] = []
    for one in skipped:
        if runs and runs[-1][-1].until == one.since and runs[-1][-1].kind == one.kind == "off":
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _ordinary(run: list[Skipped]) -> bool:
    return all(one.title == WEEKEND for one in run)


def _run(run: list[Skipped]) -> Text:
    days = _range(run[0].since, run[-1].until)
    if run[0].kind == "suspended":
        why = run[0].title
        return Text(
            f"{days.zh}计时中止" + (f"({why.zh})" if why.zh else ""),
            f"the clock stood still{' for: ' + why.into('en') if why.zh else ''} ({days.en})",
        )
    titles = list(dict.fromkeys(one.title for one in run if one.title != WEEKEND))
    return Text(
        days.zh + "、".join(title.zh for title in titles),
        f"{', '.join(title.into('en') for title in titles)} ({days.en})",
    )


def _range(since: date, until: date) -> Text:
    first, last = spoken(since), spoken(until - DAY)
    return first if until - DAY == since else Text(f"{first.zh}至{last.zh}", f"{first.en} to {last.en}")


def _end(count: Count, walk: Walk) -> Text:
    if walk.open is not None:
        left, since = length(count.days - walk.counted, count.deadline.unit), spoken(walk.open.since)
        return Text(
            f"自{since.zh}起计时中止,恢复后还剩{left.zh},届满日待恢复后确定。",
            f"The clock has stood still since {since.en}; {left.en} will be left when it resumes.",
        )
    end = spoken(walk.last or count.start, weekday=True)
    return Text(f"届满日为{end.zh}。", f"It is due on {end.en}.")


SILENCE = {
    "accepted-from-receipt": Text("逾期未告知的,自收到申请材料之日起即为受理。", "After that, silence is acceptance from the day of receipt."),
    "accepted": Text("逾期未答复的,视为受理。", "After that, silence is acceptance."),
    "approved": Text("逾期未答复的,视为同意。", "After that, silence is consent."),
    "refused": Text("逾期未答复的,视为拒绝。", "After that, silence is refusal."),
}  # fmt: skip


def cautious(caveat: Text) -> Text:
    """A caveat as a sentence of its own."""
    return Text(f"请注意:{caveat.zh}", f"Note: {caveat.into('en')}")


def _silence(deadline: Deadline) -> Text:
    """What the law makes of silence once the day has passed."""
    return SILENCE.get(deadline.deemed, Text(""))
