"""Whatever a lower pack writes, a locked field keeps its value or the pack is refused."""

import json
from datetime import date, timedelta
from functools import cache

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdbos.errors import Invalid
from gdbos.shipped import shipped
from gdbos.standards import PackRefused, load
from gdbos.standards.counting import due
from gdbos.standards.deadline import Extension
from gdbos.standards.mask import masked

from .conftest import Packs

FIELDS = ("days", "unit", "starts", "suspends", "title", "extension", "deemed")
values = st.fixed_dictionaries(
    {
        "days": st.integers(0, 60),
        "unit": st.sampled_from(["working-days", "days"]),
        "starts": st.sampled_from(["day-after", "same-day"]),
        "suspends": st.lists(st.sampled_from(["hearing", "test", "auction"]), max_size=2),
        "title": st.fixed_dictionaries({"zh": st.sampled_from("甲乙"), "en": st.sampled_from("AB")}),
        "extension": st.fixed_dictionaries(
            {"days": st.integers(1, 15), "approver": st.sampled_from(["head", "deputy"])}
        ),
        "deemed": st.sampled_from(["", "approved"]),
    }
)
locks = st.one_of(st.just(True), st.lists(st.sampled_from([*FIELDS, "title.zh", "extension.days"]), max_size=4))
patches = st.tuples(
    values,
    st.sets(st.sampled_from(FIELDS)),
    st.one_of(st.none(), st.booleans(), st.lists(st.sampled_from(FIELDS), max_size=2)),
    st.booleans(),
    st.sampled_from([None, date(2020, 1, 1), date(2025, 1, 1)]),
)


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def item(table):
    return "\n".join(["[[deadline]]", 'id = "d"', *(f"{key} = {toml(one)}" for key, one in table.items())])


def patch_table(patch):
    table, names, lock, withdrawn, since = patch
    kept = {name: table[name] for name in sorted(names)}
    kept |= {} if lock is None else {"locked": lock}
    kept |= {"withdrawn": True} if withdrawn else {}
    return kept | ({"from": since} if since else {})


def read(value, path):
    for name in path.split("."):
        value = getattr(value, name)
    return value


def locked_values(document):
    paths = FIELDS if "" in document.locks else document.locks
    return {path: read(document.value, path) for path in paths}


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(table=values, lock=locks, below=st.lists(patches, min_size=1, max_size=3))
def test_random_overlays_never_loosen_a_lock(tmp_path_factory, table, lock, below):
    packs = Packs(tmp_path_factory.mktemp("layers"))
    packs.write("p0", {"deadlines/d.toml": item({**table, "locked": lock})})
    before = load([packs.folder], {}, ["p0"]).document("deadlines", "d")
    for at, patch in enumerate(below, start=1):
        packs.write(f"p{at}", {"deadlines/d.toml": item(patch_table(patch))}, "county", [f"p{at - 1}"])
    try:
        standards = load([packs.folder], {}, [])
    except PackRefused as refused:
        assert {fault.rule for fault in refused.faults} <= {"locked", "loosened"}
        return
    if not before.locks:
        return
    for on in (date(2019, 1, 1), date(2022, 1, 1), date(2026, 1, 1)):
        after = standards.document("deadlines", "d", on)
        assert {path: read(after.value, path) for path in locked_values(before)} == locked_values(before)
        assert set(before.locks) <= set(after.locks)


# What is not locked is narrowed, never loosened: the judge here is what the standards answer, not what they say.

ON = date(2026, 6, 1)
word = st.sampled_from(["", "x"])
mask = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["keep", "name", "all", "none", "address"]),
        "keep_first": st.integers(0, 3),
        "keep_last": st.integers(0, 3),
        "level": st.sampled_from(["", "province", "city", "district"]),
    }
)
element = st.fixed_dictionaries(
    {
        "form": st.sampled_from(["an..3", "an..6", "n..3", "n6", "any..4", "a3", "n..3,1", "n..4,0"]),
        "codes": st.sampled_from(["", "few", "more", "other"]),
        "personal": st.sampled_from(["none", "personal", "sensitive"]),
        "grade": st.sampled_from(["general", "important", "core"]),
        "mask": st.sampled_from(["", "id", "strict"]),
        "scheme": st.sampled_from(["", "uscc", "case-number"]),
        "pattern": st.sampled_from(["", "[0-9]{1,3}", "[0-9]{1,4}"]),
    }
)
deadline = values.flatmap(lambda said: st.just(said | {"binds": "government"}))
field = st.fixed_dictionaries(
    {
        "element": st.sampled_from(["short", "long", "closed"]),
        "required": st.booleans(),
        "repeat": st.booleans(),
        "codes": st.sampled_from(["", "few", "more", "other"]),
    }
)
row = st.fixed_dictionaries({"title": st.sampled_from("甲乙").map(lambda zh: {"zh": zh}), "parent": word})
scheme = st.fixed_dictionaries({"pattern": st.sampled_from(["[0-9A-Z]{1,4}", "[0-9]{1,4}"]), "check": st.sampled_from(["", "mod-37-36"])})  # fmt: skip
ROW = '[[code]]\ncode = "{}"\ntitle = {{zh = "{}"}}\n'
AROUND = {
    "codes/few.toml": 'id = "few"\ntitle = {zh = "表"}\n' + ROW.format("1", "一"),
    "codes/more.toml": 'id = "more"\ntitle = {zh = "表"}\n' + ROW.format("1", "一") + ROW.format("2", "二"),
    "codes/other.toml": 'id = "other"\ntitle = {zh = "表"}\n' + ROW.format("1", "别的"),
    "masks/m.toml": '[[mask]]\nid = "id"\nkeep_first = 2\nkeep_last = 1\n[[mask]]\nid = "strict"\nkind = "all"\n',
    "elements/e.toml": "".join(
        f'[[element]]\nid = "{id}"\ntitle = {{zh = "元"}}\n{more}\n'
        for id, more in {
            "short": 'form = "an..2"',
            "long": 'form = "an..4"',
            "closed": 'form = "an..4"\ncodes = "few"',
        }.items()
    ),
}
VALUES = ["1", "2", "12", "123", "1234", "123456", "ABC", "abcdef", "甲乙", "91450103MA5KABCD8X", 1, 12, 1234, 1.5]
LONG = "广西壮族自治区南宁市青秀区民族大道1234567890号"


def two(tmp_path_factory, name, upper, lower):
    """The item as the nation says it, and with what a county lays over it; None where the county is refused."""
    packs = Packs(tmp_path_factory.mktemp("kinds"))
    packs.write("p0", AROUND | {f"{name}/own.toml": upper})
    packs.write("p1", {f"{name}/own.toml": lower}, "county", ["p0"])
    before = load([packs.folder], {}, ["p0"])
    try:
        return before, load([packs.folder], {}, [])
    except PackRefused as refused:
        assert {fault.rule for fault in refused.faults} <= {"loosened", "form", "pattern", "missing"}, refused.faults
        assert all("'p0'" in fault.hint for fault in refused.faults if fault.rule == "loosened")
        return before, None


def table(name, said, /, **more):
    return "\n".join([f"[[{name}]]", *(f"{key} = {toml(one)}" for key, one in {**said, **more}.items())])


def part(kind):
    """An item of the kind, and some of its fields said anew."""
    return st.tuples(kind, kind, st.sets(st.integers(0, 9))).map(
        lambda drawn: (drawn[0], {key: one for at, (key, one) in enumerate(drawn[1].items()) if at in drawn[2]})
    )


few = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@few
@given(part(mask), part(element))
def test_no_overlay_shows_or_admits_more_of_a_value(tmp_path_factory, masks, elements):
    before, after = two(tmp_path_factory, "masks", table("mask", masks[0], id="m"), table("mask", masks[1], id="m"))
    if after is not None:
        seen = [masked(one.document("masks", "m").value, LONG) for one in (before, after)]
        assert sum(sign != "*" for sign in seen[1]) <= sum(sign != "*" for sign in seen[0])
    try:
        before, after = two(tmp_path_factory, "elements", table("element", elements[0], id="v", title={"zh": "值"}), table("element", elements[1], id="v"))  # fmt: skip
    except PackRefused:
        return
    if after is not None:
        assert {one for one in VALUES if not after.check("v", one, ON)} <= {one for one in VALUES if not before.check("v", one, ON)}  # fmt: skip
        seen = [str(one.mask("v", LONG)) for one in (before, after)]
        assert sum(sign != "*" for sign in seen[1]) <= sum(sign != "*" for sign in seen[0])


@cache
def working_days():
    return load([shipped("standards")], {}, ["national"]).calendar()


@few
@given(part(deadline), st.sampled_from(["government", "party"]), st.integers(0, 300))
def test_no_overlay_gives_government_more_time_or_the_party_less(tmp_path_factory, said, binds, number):
    upper, lower = said[0] | {"binds": binds}, {key: one for key, one in said[1].items() if key != "binds"}
    before, after = two(tmp_path_factory, "deadlines", table("deadline", upper, id="d"), table("deadline", lower, id="d"))  # fmt: skip
    if after is None:
        return
    start, working = date(2025, 1, 1) + timedelta(number), working_days()
    ends = []
    for one in (before, after):
        rule = one.deadline("d")
        longest = [Extension(days=rule.extension.days, approver=rule.extension.approver)] if rule.extension else []
        ends.append(due(start, rule, working, (), longest).due)
    assert ends[1] <= ends[0] if binds == "government" else ends[1] >= ends[0]


@few
@given(part(field), part(row), part(scheme), st.booleans())
def test_no_overlay_asks_for_less_means_something_else_or_admits_more(tmp_path_factory, fields, rows, schemes, gone):
    head = 'id = "r"\ntitle = {zh = "集"}\n'
    lower = fields[1] | ({"withdrawn": True} if gone else {})
    before, after = two(tmp_path_factory, "records", head + table("field", fields[0], name="f"), 'id = "r"\n' + table("field", lower, name="f"))  # fmt: skip
    if after is not None:
        given_ = [{}, *({"f": one} for text in ("1", "2", "12", "1234") for one in (text, [text]))]
        assert [one for one in given_ if admits(after, one) and not admits(before, one)] == []
    head = 'id = "l"\n' + 'title = {zh = "表"}\n' + ROW.format("x", "上")
    before, after = two(tmp_path_factory, "codes", head + table("code", rows[0], code="1"), 'id = "l"\n' + table("code", rows[1] | ({"withdrawn": True} if gone else {}), code="1"))  # fmt: skip
    if after is not None:
        assert list(before.codes("l", ON)) == list(after.codes("l", ON))
    before, after = two(tmp_path_factory, "identifiers", table("identifier", schemes[0], id="i", title={"zh": "码"}), table("identifier", schemes[1], id="i"))  # fmt: skip
    if after is not None:
        texts = [one for one in VALUES if isinstance(one, str)]
        assert {one for one in texts if after.identifier("i").valid(one, ON)} <= {one for one in texts if before.identifier("i").valid(one, ON)}  # fmt: skip


def admits(standards, said):
    record = standards.record("r", ON)
    try:
        return not record.check(record.convert(said))
    except Invalid:
        return False


@settings(max_examples=100)
@given(upper=values, patch=patches)
def test_what_is_neither_locked_nor_looser_a_lower_pack_may_change(tmp_path_factory, upper, patch):
    """Shorter, with fewer reasons to wait, in other words."""
    said = {"days": min(upper["days"], patch[0]["days"]), "unit": "days", "starts": "same-day", "suspends": [], "title": patch[0]["title"]}  # fmt: skip
    packs = Packs(tmp_path_factory.mktemp("layers"))
    packs.write("p0", {"deadlines/d.toml": item(upper)})
    packs.write("p1", {"deadlines/d.toml": item(said)}, "county", ["p0"])
    document = load([packs.folder], {}, []).document("deadlines", "d")
    for name in ("days", "unit", "starts", "suspends"):
        assert msgspec.to_builtins(getattr(document.value, name)) == said[name] or list(getattr(document.value, name)) == said[name]  # fmt: skip
    assert {change.field.split(".")[0] for change in document.changes} == {name for name in said if said[name] != upper[name]}  # fmt: skip
