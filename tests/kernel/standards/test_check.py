"""A pack's own examples must pass and must not, or the pack is not sound."""

import pytest

from gdbos.standards import check

RIGHT = """
[[valid]]
kind = "identifier"
id = "citizen-id"
value = "11010519491231002X"
[[invalid]]
kind = "identifier"
id = "citizen-id"
value = "110105194912310021"
rule = "check-digit"
[[valid]]
kind = "record"
id = "person"
value = {citizen_id = "11010519491231002X", name = "张三", born = "1949-12-31"}
[[invalid]]
kind = "record"
id = "person"
value = '{"citizen_id": "11010519491231002X"}'
rule = "required"
[[valid]]
kind = "code"
id = "sex"
value = "9"
on = 2023-01-01
[[invalid]]
kind = "code"
id = "sex"
value = "9"
on = 2024-01-01
[[valid]]
kind = "deadline"
days = 5
start = 2026-02-13
due = 2026-02-27
[[valid]]
kind = "deadline"
id = "decision"
start = 2026-01-30
division = "450103"
suspensions = [{from = 2026-02-02, until = 2026-02-03, reason = "hearing"}]
due = 2026-03-06
[[invalid]]
kind = "deadline"
days = 5
start = 2026-12-30
rule = "not-published"
"""


def test_examples_that_do_what_they_say_leave_a_pack_sound(packs):
    assert check(packs.national(examples__x=RIGHT)) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ('[[valid]]\nkind = "identifier"\nid = "uscc"\nvalue = "1"', "must pass, and breaks: length"),
        ('[[invalid]]\nkind = "identifier"\nid = "uscc"\nvalue = "11450000007565194H"', "must not pass, and does"),
        (
            '[[invalid]]\nkind = "identifier"\nid = "uscc"\nvalue = "1"\nrule = "check-digit"',
            "must break 'check-digit'",
        ),
        ('[[valid]]\nkind = "deadline"\ndays = 5\nstart = 2026-02-13\ndue = 2026-02-26', "breaks: due"),
        ('[[valid]]\nkind = "record"\nid = "nobody"\nvalue = {}', "breaks: not-found"),
        ('[[valid]]\nkind = "identifer"', "Invalid enum value"),
        ("[[valid]]\nkind = 'code'\nid = 'sex'\nvalu = '1'", "unknown"),
        ("[[good]]\nkind = 'code'", "no such table here"),
    ],
)
def test_an_example_that_does_not_do_what_it_says_is_a_fault(packs, wrong, says):
    found = check(packs.national(examples__x=wrong))
    assert any(says in fault.detail for fault in found), found


def test_a_pack_is_checked_together_with_those_it_extends(packs):
    packs.national()
    overlay = packs.write(
        "guangxi", {"deadlines/d.toml": '[[deadline]]\nid = "decision"\ndays = 15\n'}, "province", ["national"]
    )
    packs.write("broken", {"elements/x.toml": "["})
    assert check(overlay) == []
    assert check(overlay, beneath=[packs.folder / "national"]) == []
    assert [fault.rule for fault in check(overlay, beneath=[])] == ["reference", "missing"]


def test_a_folder_that_is_no_pack_is_said(packs):
    assert [fault.rule for fault in check(packs.folder)] == ["missing"]
