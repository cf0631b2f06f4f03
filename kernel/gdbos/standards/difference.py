"""What differs between two versions of the standards, or between two levels, in words that a clerk can read (差异)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from gdbos.text import Text

from .document import Change, Document
from .element import form
from .labels import KINDS, LABELS, Pair
from .layer import entry_key
from .registry import Standards

NONE = ("无", "none")
LONGEST = 80


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one item that stands otherwise."""

    kind: str
    id: str
    title: Text
    field: str
    """``form``, ``title.en``, ``code[1].until``; empty where the whole item came or went."""
    old: Any = None
    new: Any = None
    words: Text
    """The difference in one sentence, in both languages."""


class Told(Change, frozen=True):
    """A change of a lower pack, told in both languages."""

    words: Text


def differences(old: Standards, new: Standards, on: date) -> list[Difference]:
    """How ``new`` differs from ``old`` on a day, by kind and id."""
    found: list[Difference] = []
    for kind in sorted({*old.kinds, *new.kinds}):
        before, after = (_in_force(standards, kind, on) for standards in (old, new))
        for id in sorted({*before, *after}):
            found += _of_item(kind, id, before.get(id), after.get(id))
    return found


def told(kind: str, change: Change) -> Told:
    """What a lower pack changed of an item, with the sentence that says it."""
    said = list(_said(kind, change.field, change.old, change.new))
    words = Text("；".join(one.zh for one in said), "; ".join(one.en for one in said))
    return Told(change.field, change.pack, change.old, change.new, words)


def _in_force(standards: Standards, kind: str, on: date) -> dict[str, Document[Any]]:
    return {one.id: one for one in standards.documents(kind, on)} if kind in standards.kinds else {}


def _of_item(kind: str, id: str, old: Document[Any] | None, new: Document[Any] | None) -> Iterator[Difference]:
    if old is not None and new is not None and old.value == new.value and old.locks == new.locks:
        return
    shown = new or old
    assert shown is not None
    title = getattr(shown.value, "title", None) or Text(id, id)
    head = _head(kind, id, title)
    if old is None or new is None:
        words = ("新增", "added") if old is None else ("取消", "taken away")
        yield Difference(
            kind=kind, id=id, title=title, field="", words=Text(f"{head.zh}:{words[0]}", f"{head.en}: {words[1]}")
        )
        return
    for field, was, now in [*_fields(_plain(old), _plain(new), ""), *_locks(old, new)]:
        for said in _said(kind, field, was, now):
            words_of = Text(f"{head.zh}:{said.zh}", f"{head.en}: {said.en}")
            yield Difference(kind=kind, id=id, title=title, field=field, old=was, new=now, words=words_of)


def _head(kind: str, id: str, title: Text) -> Text:
    zh, en = KINDS.get(kind, (kind, kind))
    named = title.into("en")
    return Text(
        f"{zh} {id}" + (f"({title.zh})" if title.zh not in ("", id) else ""),
        f"{en} {id}" + (f" ({named})" if named not in ("", id) else ""),
    )


def _plain(document: Document[Any]) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(document.value, str_keys=True, builtin_types=(date,))
    return made


def _locks(old: Document[Any], new: Document[Any]) -> Iterator[tuple[str, Any, Any]]:
    if set(old.locks) != set(new.locks):
        yield "locked", sorted(old.locks) or None, sorted(new.locks) or None


def _fields(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    """Each field that stands otherwise, as far down as both sides are tables."""
    for key in dict.fromkeys([*old, *new]):
        if key in ("id", "locked"):
            continue
        was, now = old.get(key), new.get(key)
        yield from _values(was, now, f"{path}.{key}" if path else key)


def _values(was: Any, now: Any, field: str) -> Iterator[tuple[str, Any, Any]]:
    if was == now:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        yield from _fields(was, now, field)
    elif _tables(was or now) and _tables(was or []) and _tables(now or []):
        before, after = _by_key(was or []), _by_key(now or [])
        for key in dict.fromkeys([*before, *after]):
            yield from _entry(before.get(key), after.get(key), f"{field}[{key}]")
    else:
        yield field, was, now


def _entry(was: Any, now: Any, field: str) -> Iterator[tuple[str, Any, Any]]:
    if was is None or now is None:
        yield field, was, now
    else:
        yield from _fields(was, now, field)


def _tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, dict) for one in value)


def _by_key(entries: Any) -> dict[str, dict[str, Any]]:
    """The entries by what they are known by; rows of one code are told apart by the day they begin."""
    found: dict[str, dict[str, Any]] = {}
    for at, entry in enumerate(entries):
        key = entry_key(entry) or str(at)
        found[f"{key}@{entry.get('from', '')}" if key in found else key] = entry
    return found


# In words.


def _said(kind: str, field: str, was: Any, now: Any) -> Iterator[Text]:
    if kind == "elements" and field == "form":
        yield from _said_of_form(str(was), str(now))
        return
    zh, en = _place(field)
    yield _moved((zh, en), _spoken(was), _spoken(now))


def _moved(label: Pair, was: Pair, now: Pair) -> Text:
    return Text(f"{label[0]} {was[0]} → {now[0]}", f"{label[1]} {was[1]} → {now[1]}")


def _said_of_form(was: str, now: str) -> Iterator[Text]:
    """A representation's parts, which tell more than ``an..18`` and ``an..20`` do."""
    before, after = form(was), form(now)
    yielded = False
    if before.kind == after.kind:
        for name in ("shortest", "longest", "decimals"):
            a, b = (getattr(one, name) for one in (before, after))
            if a != b:
                yielded = True
                yield _moved(LABELS[name], (str(a), str(a)), (str(b), str(b)))
    if not yielded:
        yield _moved(LABELS["form"], (was, was), (now, now))


def _place(field: str) -> Pair:
    """``code[1].title.zh`` as “代码 1 的中文名称” and “Chinese name of code 1”."""
    last, *above = reversed(_steps(field))
    zh, en = _step(last, field)
    for step in above:
        if step.split("[")[0] == "title":
            continue
        outer = _step(step, "")
        zh, en = f"{outer[0]}的{zh}", f"{en} of {outer[1]}"
    return zh, en


def _steps(field: str) -> list[str]:
    """The steps of a path; a dot inside brackets belongs to the key there."""
    steps, depth = [""], 0
    for letter in field:
        depth += (letter == "[") - (letter == "]")
        if letter == "." and not depth:
            steps.append("")
        else:
            steps[-1] += letter
    return steps


def _step(step: str, whole: str) -> Pair:
    name, _, key = step.partition("[")
    if whole.endswith((".zh", ".en")) or whole in ("zh", "en"):
        name = f"title.{name}" if "title" in whole else name
    zh, en = LABELS.get(name, (name, name.replace("_", " ")))
    return (f"{zh} {key[:-1]}", f"{en} {key[:-1]}") if key else (zh, en)


def _spoken(value: Any) -> Pair:
    if value is None or value in ("", [], ()):
        return NONE
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    if isinstance(value, dict) and "zh" in value:
        return value["zh"], value.get("en") or value["zh"]
    if isinstance(value, dict):
        title = value.get("title")
        return _spoken(title) if isinstance(title, dict) else _cut(msgspec.json.encode(value, enc_hook=str).decode())
    if isinstance(value, list | tuple):
        pairs = [_spoken(one) for one in value]
        return _cut("、".join(zh for zh, _ in pairs))[0], _cut(", ".join(en for _, en in pairs))[1]
    return _cut(str(value))


def _cut(words: str) -> Pair:
    short = words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
    return short, short
