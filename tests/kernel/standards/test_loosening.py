"""A lower pack adds, narrows and translates; what would loosen a rule of an upper one names the rule, the line and the owner."""

from datetime import date

import pytest

from gdbos.shipped import shipped
from gdbos.standards import check

HEAD = """
id = "town"
version = "1"
level = "county"
division = "450103"
extends = ["nanning"]
title = { zh = "镇" }
publisher = { zh = "镇" }
"""


@pytest.fixture
def told(tmp_path):
    """The faults of a county under the shipped packs that says this."""

    def faults(file, said):
        path = tmp_path / "town" / file
        path.parent.mkdir(parents=True)
        (tmp_path / "town" / "pack.toml").write_text(HEAD)
        path.write_text(said)
        return check(tmp_path / "town", {}, [shipped("standards")], date(2026, 6, 1))

    return faults


DEADLINE = '[[deadline]]\nid = "{}"\n{}\n'
ELEMENT = '[[element]]\nid = "citizen-id"\n{}\n'


@pytest.mark.parametrize(
    ("file", "said", "key", "owner"),
    [
        ("deadlines/x.toml", DEADLINE.format("licence-decision", "days = 60"), "days", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-decision", "extension = {days = 100}"), "extension.days", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-decision", 'extension = {approver = "clerk"}'), "extension.approver", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-delivery", 'extension = {days = 5, approver = "clerk"}'), "extension", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-decision", 'suspends = ["hearing", "lunch"]'), "suspends", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-correction", 'deemed = ""'), "deemed", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-delivery", 'deemed = "refused"'), "deemed", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-decision", 'next = ""'), "next", "national"),
        ("deadlines/x.toml", DEADLINE.format("licence-decision", 'binds = "party"'), "binds", "national"),
        ("deadlines/x.toml", DEADLINE.format("promise.on-the-spot", "withdrawn = true"), "withdrawn", "nanning"),
        ("deadlines/x.toml", DEADLINE.format("review-mending", "days = 6"), "days", "nanning"),
        ("elements/x.toml", ELEMENT.format('personal = "none"'), "personal", "national"),
        ("elements/x.toml", ELEMENT.format('mask = "name"'), "mask", "national"),
        ("elements/x.toml", ELEMENT.format('scheme = ""'), "scheme", "national"),
        ("elements/x.toml", ELEMENT.format('form = "any..200"'), "form", "national"),
        ("masks/x.toml", '[[mask]]\nid = "id"\nkind = "none"\n', "kind", "national"),
        ("masks/x.toml", '[[mask]]\nid = "id"\nkeep_last = 8\n', "keep_last", "national"),
        ("codes/x.toml", 'id = "account-kind"\n[[code]]\ncode = "2"\nwithdrawn = true\n', "code[2]", "national"),
        ("records/x.toml", 'id = "up_pro_accept"\nfield = [{name = "project_no", required = false}]\n', "field[project_no].required", "national"),
        ("records/x.toml", 'id = "up_pro_accept"\nfield = [{name = "row_guid", withdrawn = true}]\n', "field[row_guid]", "national"),
        ("identifiers/x.toml", '[[identifier]]\nid = "case-number"\nwithdrawn = true\n', "withdrawn", "national"),
        ("calendars/x.toml", 'id = "cn"\n[[off]]\nfrom = 2026-07-01\nuntil = 2026-08-01\ntitle = {zh = "暑假"}\n', "off", "national"),
    ],
)  # fmt: skip
def test_what_loosens_an_upper_packs_rule_is_refused_naming_its_owner(told, file, said, key, owner):
    faults = told(file, said)
    assert [(one.rule, one.key, one.pack) for one in faults] == [("loosened", key, "town")], faults
    (fault,) = faults
    assert (fault.file, f"the pack '{owner}'" in fault.hint) == (f"town/{file}", True), fault
    assert fault.line
    assert 1 <= fault.line <= len(said.splitlines())


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("deadlines/x.toml", DEADLINE.format("licence-decision", 'days = 10\nsuspends = ["hearing"]\nextension = {days = 5}')),
        ("deadlines/x.toml", DEADLINE.format("licence-delivery", 'deemed = "approved"')),
        ("elements/x.toml", ELEMENT.format('mask = ""')),
        ("elements/x.toml", ELEMENT.format('mask = "id-strict"\ntitle = {en = "ID number"}\nsynonyms = ["身份证"]')),
        ("masks/x.toml", '[[mask]]\nid = "id"\nkeep_first = 2\nkeep_last = 2\n'),
        ("masks/x.toml", '[[mask]]\nid = "id"\nkind = "all"\n'),
        ("codes/x.toml", 'id = "bank"\n[[code]]\ncode = "102"\ntitle = {en = "ICBC"}\n[[code]]\ncode = "999"\ntitle = {zh = "镇银行"}\n'),
        ("records/x.toml", 'id = "up_pro_accept"\nfield = [{name = "town_note", element = "citizen-id"}]\n'),
        ("identifiers/x.toml", '[[identifier]]\nid = "case-number"\nmade_of = [{part = "division", digits = 6}, {part = "day", digits = 8}, {part = "department", digits = 2}, {part = "serial", digits = 7}]\n'),
        ("calendars/x.toml", 'id = "town"\nextends = "cn-gx"\ndivisions = ["450103"]\n[[off]]\nfrom = 2026-07-01\nuntil = 2026-07-02\ntitle = {zh = "节"}\n'),
    ],
)  # fmt: skip
def test_what_adds_narrows_or_translates_is_taken(told, file, said):
    assert told(file, said) == []


PARTY = '[[deadline]]\nid = "d"\ntitle = {zh = "补正"}\ndays = 10\nbinds = "party"\nextension = {days = 5, approver = "head"}\n'


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("days = 15", ""),
        ("extension = {days = 10}", ""),
        ('suspends = ["illness"]', ""),
        ("days = 9", "days"),
        ('unit = "days"', "unit"),
        ('starts = "same-day"', "starts"),
        ("extension = {days = 1}", "extension.days"),
    ],
)
def test_what_binds_the_party_may_be_lengthened_and_not_shortened(packs, said, key):
    packs.write("national", {"deadlines/d.toml": PARTY})
    below = packs.write("town", {"deadlines/d.toml": DEADLINE.format("d", said)}, "county", ["national"])
    assert [(one.rule, one.key) for one in check(below)] == ([("loosened", key)] if key else [])


@pytest.mark.parametrize(
    ("file", "said", "rule"),
    [
        ("calendars/x.toml", 'id = "bj"\nextends = "cn"\ndivisions = ["11"]\n', "division"),
        ("codes/x.toml", 'id = "gbt39046.satisfaction"\n[[code]]\ncode = "1"\ntitle = {zh = "非常不满意"}\n', "locked"),
        ("codes/x.toml", 'id = "gbt39046.satisfaction"\n[[code]]\ncode = "6"\ntitle = {zh = "无所谓"}\n', "locked"),
        ("identifiers/x.toml", "[[identifier]]\nid = \"uscc\"\npattern = '.*'\n", "locked"),
        ("deadlines/x.toml", DEADLINE.format("housing-fund-registration", "days = 60"), "locked"),
    ],
)
def test_a_calendar_of_another_place_and_what_national_standards_fix_are_refused(told, file, said, rule):
    (fault,) = told(file, said)
    assert (fault.rule, fault.file) == (rule, f"town/{file}")
    assert fault.line
    assert fault.hint


def test_a_stricter_rule_of_a_middle_level_binds_those_below_it(packs):
    packs.national()
    packs.write("province", {"deadlines/d.toml": DEADLINE.format("decision", "days = 10")}, "province", ["national"])
    below = packs.write("city", {"deadlines/d.toml": DEADLINE.format("decision", "days = 15")}, "city", ["province"])
    (fault,) = check(below)
    assert (fault.rule, fault.key, fault.line, fault.pack) == ("loosened", "days", 3, "city")
    assert "'province'" in fault.hint
