"""Whatever a lower pack writes, a locked field keeps its value or the pack is refused."""

import json
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdbos.standards import PackRefused, load

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
        assert {fault.rule for fault in refused.faults} <= {"locked"}
        return
    if not before.locks:
        return
    for on in (date(2019, 1, 1), date(2022, 1, 1), date(2026, 1, 1)):
        after = standards.document("deadlines", "d", on)
        assert {path: read(after.value, path) for path in locked_values(before)} == locked_values(before)
        assert set(before.locks) <= set(after.locks)


@settings(max_examples=100)
@given(table=values, patch=patches)
def test_what_is_not_locked_a_lower_pack_may_always_change(tmp_path_factory, table, patch):
    packs = Packs(tmp_path_factory.mktemp("layers"))
    packs.write("p0", {"deadlines/d.toml": item(table)})
    packs.write("p1", {"deadlines/d.toml": item({**patch_table((*patch[:3], False, None))})}, "county", ["p0"])
    document = load([packs.folder], {}, []).document("deadlines", "d")
    for name in patch[1] - {"title", "extension", "suspends"}:
        assert getattr(document.value, name) == patch[0][name]
    assert {change.field.split(".")[0] for change in document.changes} == {
        name for name in patch[1] if patch[0][name] != table[name]
    }
