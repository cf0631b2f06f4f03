"""Code lists as of a day, their hierarchy, and crosswalks that refuse what has no counterpart."""

from datetime import date

import pytest

from gdbos.errors import NotFound
from gdbos.standards import NoCounterpart

ON = date(2026, 6, 1)


def test_a_list_holds_the_codes_in_force_on_its_day(standards):
    assert "9" in standards.codes("sex", date(2023, 12, 31))
    assert "9" not in standards.codes("sex", date(2024, 1, 1))
    assert [code.code for code in standards.codes("sex", ON)] == ["1", "2"]
    assert 1 not in standards.codes("sex", ON)


def test_a_code_has_a_title_in_either_language(standards):
    sexes = standards.codes("sex", ON)
    assert (sexes.title("1"), sexes.title("1", "en")) == ("男", "Male")
    with pytest.raises(NotFound):
        sexes.title("9")


def test_a_hierarchy_is_walked_up_and_down(standards):
    divisions = standards.codes("division", ON)
    assert [code.code for code in divisions.ancestors("450103")] == ["450100", "450000"]
    assert [code.code for code in divisions.children("450000")] == ["450100"]
    assert [code.code for code in divisions.children()] == ["110000", "440000", "450000"]
    assert divisions.under("450103", "450000") and not divisions.under("450103", "110000")


def test_an_abolished_division_is_there_in_its_time_only_and_names_its_successor(standards):
    assert standards.codes("division", date(1990, 1, 1))["440524"].successor == "440582"
    assert "440524" not in standards.codes("division", ON)
    assert [code.code for code in standards.codes("division", date(1990, 1, 1)).children("440000")] == ["440524"]


@pytest.fixture
def walked(packs):
    rows = "".join(f'[[code]]\ncode = "{code}"\ntitle = {{zh = "{code}"}}\n' for code in ("10", "20", "99"))
    other = "".join(f'[[code]]\ncode = "{code}"\ntitle = {{zh = "{code}"}}\n' for code in ("0", "1"))
    packs.national(
        codes__source=f'id = "source"\ntitle = {{zh = "来源"}}\n{rows}[[crosswalk]]\nto = "local"\nmap = {{"10" = "0", "20" = "1"}}\n',
        codes__local=f'id = "local"\ntitle = {{zh = "地方"}}\n{other}',
        codes__walks='[[crosswalk]]\nlist = "local"\nto = "sex"\nmap = {"0" = "1", "1" = "1"}\n',
    )
    return packs.load()


def test_a_crosswalk_translates_and_refuses_what_has_no_counterpart(walked):
    assert walked.crosswalk("source", "local").translate("20") == "1"
    with pytest.raises(NoCounterpart):
        walked.crosswalk("source", "local").translate("99")


def test_the_way_back_is_taken_only_where_it_is_one(walked):
    assert walked.crosswalk("local", "source").translate("0") == "10"
    assert walked.crosswalk("local", "sex").losses() == {"1": ("0", "1")}
    with pytest.raises(NoCounterpart):
        walked.crosswalk("sex", "local").translate("1")
