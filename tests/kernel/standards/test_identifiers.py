"""Identifiers: published vectors pass, and every single mistyped character is caught."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.errors import Conflict
from gdbos.standards import PackRefused

from .conftest import Packs

ON = date(2026, 6, 1)
USCCS = ["11100000000013338W", "11100000MB03271699", "11100000MB0341032Y", "11450000007565194H", "11370800MB28559184",
         "11430000006122244L", "11330105002500287C", "11220000013544541J", "91350100M000100Y43", "91450103MADEM00112",
         "91450103MADEM002XR", "92450103MADEM0038N", "114501000DEM00011C", "52450000MJDEM0014C"]  # fmt: skip
LICENCES = ["1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
            "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
            "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
            "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
            "1.2.156.3005.2.11450000007565194H001.11450000007565194H.2026000001.001.7"]  # fmt: skip
VALID = [
    *(("citizen-id", value) for value in ("11010519491231002X", "440524188001010014")),
    *(("uscc", value) for value in USCCS),
    *(("licence-id", value) for value in LICENCES),
    *(("org-code", value) for value in ("007565194", "MB2855918", "00756519-4")),
    ("division", "450103"),
    ("matter-basic", "000115015005"),
    ("matter-implementation", "11450000007565194H2000115015005"),
    ("handling-item", "11450000007565194H200011501500504"),
    ("real-estate-unit", "450103001002GB00012F00010023"),
    ("real-estate-unit", "450103001002GB00012W00000000"),
    ("case-number", "450103-20260601-0001"),
]
INVALID = [
    ("citizen-id", "", "length"),
    ("citizen-id", "110105194912310021", "check-digit"),
    ("citizen-id", "11010519491231002x", "characters"),
    ("citizen-id", "１１０１０５１９４９１２３１００２Ｘ", "characters"),
    ("citizen-id", "110105 19491231002X", "length"),
    ("citizen-id", "11010519491231002X\n", "length"),
    ("citizen-id", "110105194902310021", "birth-date"),
    ("citizen-id", "110105209901010010", "birth-date"),
    ("citizen-id", "999999194912310023", "division"),
    ("uscc", "11450000007565194I", "characters"),
    ("uscc", "11450000007565194J", "check-digit"),
    ("uscc", "1145000000756519-4", "characters"),
    (
        "licence-id",
        "1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M",
        "check-digit",
    ),
    ("licence-id", LICENCES[0].lower(), "characters"),
    ("org-code", "007565195", "check-digit"),
    ("division", "440524", "not-in-force"),
    ("division", "450199", "division"),
    ("matter-basic", "000115000005", "main-item"),
    ("matter-basic", "990115015005", "division"),
    ("matter-implementation", "11450000007565194H9000115015005", "level"),
    ("handling-item", "11450000007565194H2000115015005XX", "characters"),
    ("handling-item", "11450000007565194J200011501500504", "check-digit"),
    ("real-estate-unit", "450103001002GB00012F0001002", "length"),
    ("real-estate-unit", "450103001002XB00012F00010023", "characters"),
    ("real-estate-unit", "450103001002GB00012W00010023", "fixture"),
    ("case-number", "编号", "characters"),
]


@pytest.mark.parametrize(("scheme", "value"), VALID)
def test_a_published_vector_is_valid(standards, scheme, value):
    if scheme == "matter-implementation":
        value = "11450000007565194H2000115015005"
    verdict = standards.identifier(scheme).check(value, ON)
    assert (verdict.valid, verdict.reason) == (True, "")
    assert verdict.parts


@pytest.mark.parametrize(("scheme", "value", "reason"), INVALID)
def test_a_wrong_value_is_refused_for_its_reason(standards, scheme, value, reason):
    if reason in ("birth-date", "division") and scheme == "citizen-id":
        value = value[:17] + check_digit(value)
    verdict = standards.identifier(scheme).check(value, ON)
    assert (verdict.valid, verdict.reason) == (False, reason)
    assert verdict.detail and verdict.parts == {}
    assert len(value) < 6 or value not in verdict.detail


def check_digit(value):
    """GB 11643's own weights, not the library's way of reckoning."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(value, weights, strict=False)) % 11]


def test_parts_name_the_division_as_it_was_called_then(standards):
    old = standards.identifier("citizen-id").check("440524188001010014", ON)
    assert old.parts["division_name"] == "潮阳县"
    assert (old.parts["birth_date"], old.parts["sex"]) == ("1880-01-01", "male")
    county = standards.identifier("division").check("450103", ON).parts
    assert (county["province_name"], county["city_name"], county["division_name"]) == (
        "广西壮族自治区",
        "南宁市",
        "青秀区",
    )


def test_a_citizen_born_after_a_division_ended_cannot_bear_its_code(standards):
    after = "44052420000101001"
    assert standards.identifier("citizen-id").check(after + check_digit(after), ON).reason == "division"
    before = "44052419930408001"
    assert standards.identifier("citizen-id").check(before + check_digit(before), ON).valid


def test_a_citizen_born_in_the_future_of_the_day_asked_about_is_refused(standards):
    assert standards.identifier("citizen-id").check("11010519491231002X", date(1949, 12, 30)).reason == "birth-date"


@given(st.data())
def test_every_single_mistyped_digit_of_a_citizen_id_is_caught(standards, data):
    value = "11010519491231002X"
    at = data.draw(st.integers(0, 16))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != value[at]]))
    assert not standards.identifier("citizen-id").valid(value[:at] + other + value[at + 1 :], ON)


@given(st.data())
def test_every_single_mistyped_character_of_a_uscc_is_caught(standards, data):
    value = data.draw(st.sampled_from(USCCS))
    at = data.draw(st.integers(0, 17))
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY" if at not in range(2, 8) else "0123456789"
    other = data.draw(st.sampled_from([letter for letter in letters if letter != value[at]]))
    assert not standards.identifier("uscc").valid(value[:at] + other + value[at + 1 :], ON)


def test_rural_collectives_uscc_begins_with_a_letter(standards):
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    bare = "N2450103MF0000001"
    total = sum(letters.index(letter) * pow(3, at, 31) for at, letter in enumerate(bare))
    assert standards.identifier("uscc").check(bare + letters[(31 - total) % 31], ON).valid


def test_a_pack_prescribes_its_own_scheme_by_pattern_and_check_character(packs):
    rule = "[[identifier]]\nid = 'case-number'\ntitle = {zh = '办件编号'}\ncheck = 'mod-37-36'\n"
    packs.national(
        identifiers__i=rule
        + "pattern = '(?P<division>[0-9]{6})(?P<day>[0-9]{8})(?P<serial>[0-9]{6})(?P<check>[0-9A-Z])'\n"
    )
    identifier = packs.load().identifier("case-number")
    good = [
        letter
        for letter in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        if identifier.valid("45010320260601000001" + letter, ON)
    ]
    assert len(good) == 1
    assert identifier.check("45010320260601000001" + good[0], ON).parts["serial"] == "000001"
    assert identifier.check("4501032026060100001", ON).reason == "pattern"


NUMBERED = """
[[identifier]]
id = 'case-number'
title = {zh = '办件编号'}
made_of = [{part = 'division', digits = 6}, {part = 'day', digits = 8}, {part = 'serial', digits = 3}]
check = 'mod-37-36'
"""


@given(day=st.dates(), serial=st.integers(1, 999))
def test_what_a_rule_mints_it_also_takes_apart(numbered, day, serial):
    parts = {"division": "450103", "day": day.isoformat().replace("-", "")}
    number = numbered.mint(parts | {"department": "23"}, lambda prefix: serial)
    assert number.startswith("450103" + parts["day"]) and len(number) == 18
    found = numbered.check(number, ON).parts
    assert (found["day"], int(found["serial"]), found["division_name"]) == (day.isoformat(), serial, "青秀区")
    other = "1" if number[16] == "0" else "0"
    assert numbered.check(number[:16] + other + number[17:], ON).reason == "check-digit"


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    packs = Packs(tmp_path_factory.mktemp("numbered"))
    packs.national(identifiers__i=NUMBERED)
    return packs.load().identifier("case-number")


def test_no_number_is_made_longer_than_the_rule_gives_it(numbered, standards):
    parts = {"division": "450103", "day": "20260213"}
    with pytest.raises(Conflict):
        numbered.mint(parts, lambda prefix: 1000)
    with pytest.raises(Conflict):
        standards.identifier("case-number").mint(parts, lambda prefix: 1)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("digits = 3}]", "digits = 3}, {part = 'department', digits = 2}]"),
        ("part = 'division', digits = 6", "part = 'division', digits = 4"),
        ("part = 'division', digits = 6", "part = 'day', digits = 8"),
        ("digits = 3}]", "digits = 3}]\npattern = '[0-9]+'"),
    ],
)
def test_a_rule_by_which_numbers_could_not_be_told_apart_is_refused(packs, written, instead):
    packs.national(identifiers__i=NUMBERED.replace(written, instead))
    with pytest.raises(PackRefused):
        packs.load()


@given(st.sampled_from(["citizen-id", "uscc", "org-code", "division", "matter-basic", "matter-implementation", "handling-item",
                        "licence-id", "real-estate-unit", "case-number"]), st.text(max_size=60))  # fmt: skip
def test_no_text_whatever_makes_a_check_fail_otherwise_than_by_verdict(standards, scheme, value):
    verdict = standards.identifier(scheme).check(value, ON)
    assert verdict.valid == (verdict.reason == "")
