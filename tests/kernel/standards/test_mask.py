"""Masks hide what they should, whatever the script, and never cut a character in half."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.standards import Mask, masked
from gdbos.standards.mask import WHOLLY, characters

ID = Mask(id="id", keep_first=6, keep_last=4)
NAME = Mask(id="name", kind="name")


@pytest.mark.parametrize(
    ("rule", "value", "shown"),
    [
        (ID, "11010519491231002X", "110105********002X"),
        (NAME, "张", "*"),
        (NAME, "张三", "张*"),
        (NAME, "欧阳娜娜", "欧**娜"),
        (NAME, "阿不都·买买提", "阿*****提"),
        (NAME, "葛\U000e0100三", "葛\U000e0100*"),
        (NAME, "José", "J**e\u0301"),
        (Mask(id="phone", keep_first=3, keep_last=4), "13800138000", "138****8000"),
        (Mask(id="phone", keep_first=3, keep_last=4), "1380013", "*******"),
        (Mask(id="bank", keep_last=4), "6222020000001234567", "***************4567"),
        (Mask(id="plate", kind="plate"), "桂A12345", "桂A***45"),
        (Mask(id="email", kind="email"), "zhangsan@example.cn", "z***@example.cn"),
        (Mask(id="email", kind="email"), "z@example.cn", "***@example.cn"),
        (Mask(id="email", kind="email"), "zhangsan", WHOLLY),
        (Mask(id="a", kind="address"), "广西壮族自治区南宁市青秀区民族大道1号", "广西壮族自治区南宁市青秀区****"),
        (
            Mask(id="a", kind="address", level="city"),
            "广西壮族自治区南宁市青秀区民族大道1号",
            "广西壮族自治区南宁市****",
        ),
        (Mask(id="a", kind="address", level="province"), "广西壮族自治区南宁市青秀区民族大道1号", "广西壮族自治区****"),
        (Mask(id="a", kind="address"), "北京市朝阳区建国门外大街1号超市", "北京市朝阳区****"),
        (Mask(id="a", kind="address"), "山东省济南市市中区经七路1号", "山东省济南市市中区****"),
        (Mask(id="a", kind="address"), "阳光小区5栋", WHOLLY),
        (Mask(id="a", kind="address"), "民族大道1号", WHOLLY),
        (Mask(id="x", kind="all"), "x", WHOLLY),
        (Mask(id="x", kind="none"), "x", "x"),
    ],
)
def test_default_rules(rule, value, shown):
    if value == "José":
        value = unicodedata.normalize("NFD", value)
    assert masked(rule, value) == shown


@given(st.text(min_size=1, max_size=40), st.integers(0, 10), st.integers(0, 10))
def test_a_kept_mask_shows_no_more_than_it_keeps(value, first, last):
    shown = masked(Mask(id="x", keep_first=first, keep_last=last, fill="■"), value)
    signs = characters(value)
    assert characters(shown)[:1] == (
        signs[:1] if first > 0 and first + last < len(signs) else ["■"]
    ) or value.startswith("■")
    assert shown.count("■") >= min(len(signs), max(len(signs) - first - last, 1))


@given(st.text(max_size=60))
def test_characters_lose_nothing(value):
    assert "".join(characters(value)) == value


@given(st.text(min_size=2, max_size=20))
def test_a_masked_name_never_equals_the_name(value):
    if set(value) != {"*"}:
        assert masked(NAME, value) != value or "*" in value


def test_an_element_is_masked_by_its_own_rule(standards):
    on = date(2026, 6, 1)
    assert standards.mask("citizen-id", "11010519491231002X", on) == "110105********002X"
    assert standards.mask("name", ["张三", "李四"], on) == ["张*", "李*"]
    assert standards.mask("sex", "1", on) == "1"
    assert standards.mask("citizen-id", None, on) is None


def test_a_personal_element_whose_mask_nobody_wrote_is_hidden_whole(standards):
    assert standards.mask("secret", "whatever", date(2026, 6, 1)) == WHOLLY
