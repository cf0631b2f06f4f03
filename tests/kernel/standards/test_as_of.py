"""Who speaks when: editions of packs begin and end, and what was answered for a day that is past never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdbos.errors import NotFound
from gdbos.standards import PackRefused, Standards, load
from gdbos.standards.basis import ceased
from gdbos.standards.span import ALWAYS, Days, Speaking, silent, speaking

FIRST = date(2026, 1, 1)
LEVELS = {"national": "national", "province": "province", "city": "city"}
ABOVE = {"national": [], "province": ["national"], "city": ["province"]}
IDS = ("a", "b", "c")


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


TABLES = {"elements": "element", "codes": "list", "deadlines": "deadline", "identifiers": "identifier"}
"""Each item stands in a pack four times, once as each kind."""


def write(folder: Path, pack: str, items: Mapping[str, Mapping[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    lines = [f'id = "{pack}"', 'version = "1"', f'level = "{LEVELS[pack]}"', f'title = {{zh = "{pack}"}}']
    lines += [f'publisher = {{zh = "{pack}"}}', f"extends = {ABOVE[pack]}"]
    (folder / "pack.toml").write_text("\n".join(lines))
    for kind, table in TABLES.items():
        told = []
        for id, said in items.items():
            if kind == "identifiers" and "title.zh" not in said:
                said = {key: value for key, value in said.items() if key != "form"}  # an upper pack's pattern stays
            told += [f"[[{table}]]", f'id = "{named(kind, id)}"', *(_line(kind, key, value) for key, value in said.items())]  # fmt: skip
        (folder / kind).mkdir()
        (folder / kind / "all.toml").write_text("\n".join(told))
    return folder


def named(kind: str, id: str) -> str:
    """The engine knows case numbers whether or not a pack speaks of them."""
    return "case-number" if (kind, id) == ("identifiers", "more") else id


def _line(kind: str, key: str, value: Any) -> str:
    if key != "form":
        return f"{key} = {_toml(value)}"
    size = int(str(value).removeprefix("an.."))
    codes = ", ".join(f'{{code = "{code}", title = {{zh = "{code}"}}}}' for code in range(size))
    return {
        "elements": f'form = "{value}"',
        "codes": f"code = [{codes}]",
        "deadlines": f"days = {size}",
        "identifiers": f"pattern = '[0-9]{{1,{size}}}'",
    }[kind]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else f'"{value}"'


def whole(form: int, since: date | None = None) -> dict[str, Any]:
    return {"title.zh": "名", "form": f"an..{form}"} | ({"from": since} if since else {})


# The days.


def at(folder: str, since: int | None, until: int | None = None) -> Speaking:
    return Speaking(Path(folder), Days(None if since is None else day(since), None if until is None else day(until)))


@pytest.mark.parametrize(
    ("published", "spoken"),
    [
        ([], []),
        ([at("1", 3)], [at("1", 3)]),
        ([at("1", 3), at("2", 5)], [at("1", 3, 5), at("2", 5)]),
        ([at("1", 3), at("2", 5, 8)], [at("1", 3, 5), at("2", 5, 8), at("1", 8)]),
        ([at("1", 9), at("2", 5)], [at("2", 5, 9), at("1", 9)]),
        ([at("1", 3), at("2", 3)], [at("2", 3)]),
        ([at("1", 3, 3)], []),
    ],
)
def test_of_two_editions_in_force_the_one_that_began_later_speaks(published, spoken):
    assert speaking(published) == spoken


def test_the_days_that_no_edition_covers_are_left_to_the_pack_in_the_folders():
    assert silent([]) == [ALWAYS]
    assert silent([at("1", 3, 5), at("2", 8)]) == [Days(None, day(3)), Days(day(5), day(8))]
    assert silent([at("1", None)]) == []


@given(
    st.lists(st.tuples(st.integers(0, 20), st.none() | st.integers(0, 25)), max_size=5),
    st.integers(0, 30),
)
def test_every_day_has_at_most_one_speaker_or_is_silent(spans, number):
    spoken = speaking([at(str(n), since, until) for n, (since, until) in enumerate(spans)])
    heard = [one for one in spoken if one.days.covers(day(number))]
    alone = [gap for gap in silent(spoken) if gap.covers(day(number))]
    assert len(heard) + len(alone) == 1
    assert bool(heard) == any(since <= number and (until is None or number < until) for since, until in spans)


# The past.


class Node:
    """Packs of three levels with the editions published so far, and what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.editions: list[tuple[str, Speaking]] = []
        self.base = folder / "base"
        write(self.base / "national", "national", {id: whole(9) for id in IDS})
        write(self.base / "province", "province", {"a": {"form": "an..8"}})
        write(self.base / "city", "city", {"b": {"title.en": "x"}, "own": whole(3)})
        self.now = self.load(self.editions)

    def load(self, editions: Sequence[tuple[str, Speaking]]) -> Standards:
        packs = {pack for pack, _ in editions}
        published = {pack: speaking([one for of, one in editions if of == pack]) for pack in packs}
        return load([self.base], {}, ["national", "province", "city"], published)

    def publish(self, pack: str, items: dict[str, dict[str, Any]], since: date) -> None:
        self.count += 1
        folder = write(self.folder / str(self.count) / pack, pack, items)
        self._take([*self.editions, (pack, Speaking(folder, Days(since, None)))])

    def withdraw(self, number: int, until: date) -> None:
        changed = [(p, Speaking(e.folder, Days(e.days.since, until)) if n == number and e.days.until is None else e) for n, (p, e) in enumerate(self.editions)]  # fmt: skip
        self._take(changed)

    def _take(self, editions: list[tuple[str, Speaking]]) -> None:
        """As a node does: what cannot be loaded is not published."""
        try:
            self.now = self.load(editions)
        except PackRefused:
            return
        self.editions = editions


def answers(standards: Standards, on: date) -> dict[tuple[str, str], Any]:
    asked = {(kind, id): _answer(standards, id, on, kind) for kind in TABLES for id in (*IDS, "own", "more")}
    return asked | {("scheme", id): _checked(standards, named("identifiers", id), on) for id in (*IDS, "own", "more")}


def _answer(standards: Standards, id: str, on: date, kind: str = "elements") -> Any:
    try:
        document = standards.document(kind, named(kind, id), on)
    except NotFound:
        return None
    return document.value, dict(document.locks)


def _checked(standards: Standards, scheme: str, on: date) -> Any:
    try:
        return [standards.identifier(scheme, on).valid(value, on) for value in ("123", "12345678", "AB-1")]
    except NotFound:
        return None


item = st.fixed_dictionaries(
    {"form": st.integers(1, 9).map(lambda n: f"an..{n}")},
    optional={
        "title.en": st.sampled_from(["p", "q"]),
        "locked": st.booleans(),
        "withdrawn": st.just(True),
        "from": st.integers(-5, 25).map(day),
        "until": st.integers(0, 30).map(day),
    },
)
acts = st.lists(
    st.tuples(
        st.sampled_from(["national", "province", "city"]),
        st.dictionaries(st.sampled_from((*IDS, "own", "more")), item, max_size=4),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts)
def test_what_was_answered_for_a_past_day_never_changes(tmp_path_factory, acts):
    node = Node(tmp_path_factory.mktemp("as-of"))
    for today, (pack, items, ahead, withdraws) in enumerate(acts, 1):
        told = {past: answers(node.now, day(past)) for past in range(-3, 2 * today)}
        if withdraws and node.editions:
            node.withdraw(today % len(node.editions), day(2 * today))
        else:
            complete = {id: {"title.zh": "名"} | said for id, said in items.items()}
            node.publish(pack, complete if pack == "national" else items, day(2 * today + ahead))
        assert {past: answers(node.now, day(past)) for past in told} == told


def test_an_edition_that_says_the_same_of_an_item_does_not_begin_it_anew(tmp_path):
    node = Node(tmp_path)
    node.publish("national", {id: whole(9 if id != "c" else 7) for id in IDS}, day(4))
    assert [one.since for one in node.now.versions("elements", "b")] == [None]
    assert [(one.since, one.value.form) for one in node.now.versions("elements", "c")] == [
        (None, "an..9"),
        (day(4), "an..7"),
    ]


def test_an_item_of_a_new_edition_never_reaches_back_before_it(tmp_path):
    node = Node(tmp_path)
    node.publish("national", {**{id: whole(9) for id in IDS}, "more": whole(2, date(1990, 1, 1))}, day(4))
    assert _answer(node.now, "more", day(3)) is None
    assert _answer(node.now, "more", day(4)) is not None


def test_an_edition_that_first_speaks_of_a_scheme_the_engine_knows_leaves_the_days_before_as_they_were(tmp_path):
    node = Node(tmp_path)
    assert node.now.identifier("case-number", day(3)).valid("AB-1", day(3))
    node.publish("national", {**{id: whole(9) for id in IDS}, "more": whole(9)}, day(4))
    assert node.now.identifier("case-number", day(3)).valid("AB-1", day(3))
    assert not node.now.identifier("case-number", day(4)).valid("AB-1", day(4))
    assert node.now.identifier("case-number", day(4)).valid("12", day(4))


# What is named must be there, and laws end.


def test_what_an_item_names_must_be_in_force_as_long_as_it_is(packs):
    codes = 'id = "sex"\ntitle = {zh = "性别"}\nuntil = 2026-06-01\n[[code]]\ncode = "1"\ntitle = {zh = "男"}\n'
    packs.write("national", {"codes/sex.toml": codes, "elements/x.toml": '[[element]]\nid = "x"\ntitle = {zh = "甲"}\nform = "n1"\ncodes = "sex"\n'})  # fmt: skip
    with pytest.raises(PackRefused) as refused:
        packs.load()
    (fault,) = refused.value.faults
    assert (fault.rule, fault.file, fault.line) == ("in-force", "national/elements/x.toml", 2)
    assert "codes/sex, which is not in force on 2026-06-01" in fault.detail
    path = packs.folder / "national" / "elements" / "x.toml"
    path.write_text(path.read_text() + "until = 2026-06-01\n")
    assert packs.load().element("x", date(2026, 5, 31)).codes == "sex"


def test_a_rule_that_outlives_its_law_is_told(packs):
    law = '[[basis]]\nid = "old-1"\ntitle = {zh = "旧条例 第一条"}\nuntil = 2026-06-01\n'
    rule = '[[deadline]]\nid = "d"\ntitle = {zh = "期"}\ndays = 3\nbasis = ["old-1"]\n'
    packs.write("national", {"deadlines/d.toml": rule}, head=law)
    (told,) = ceased(packs.load())
    assert (told.kind, told.id, told.basis, told.ended) == ("deadlines", "d", "old-1", date(2026, 6, 1))
    (packs.folder / "national" / "deadlines" / "d.toml").write_text(rule + "until = 2026-06-01\n")
    assert list(ceased(packs.load())) == []
