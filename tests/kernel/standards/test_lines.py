"""Many records as lines: the same records, and the same flaws, as each line read by itself."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbos.errors import BadRequest, Invalid
from gdbos.shipped import shipped
from gdbos.standards import load, rows_commands
from gdbos.standards.commands import standards
from gdbos.standards.lines import read_lines

ON = date(2026, 11, 23)
ROW = {
    "behaviour_id": "B1",
    "directory_code": "00000000000001",
    "list_code": "L1",
    "behaviour_name": "对食品经营者的监督检查",
    "organ": "南宁市市场监督管理局",
    "organ_code": "11450000007565194H",
    "party": "南宁示例商贸有限公司",
    "party_code": "91450103MADEM00112",
    "area": "450103",
    "form": "1",
    "mode": "1",
    "result": "1",
    "time": "2026-11-20T09:30:00+08:00",
    "officer": ["韦示例", "覃示例"],
    "officer_card": ["GX0001", "GX0002"],
    "reported_at": "2026-11-21T09:30:00+08:00",
    "reported_by": "南宁市市场监督管理局",
    "row_guid": "1",
    "cd_batch": "2026112100001",
    "cd_operation": "I",
    "cd_time": "2026-11-21T09:31:00+08:00",
    "data_source": "p01",
}
SPOILT = {
    "organ_code": "11450000007565194X",
    "area": "459999",
    "form": "8",
    "officer": ["\0"],
    "officer_card": ["示例"],
    "party": "\0",
    "row_guid": "a b",
    "cd_batch": "202611210000１",
    "cd_operation": "1",
    "data_source": "x",
    "time": "yesterday",
    "behaviour_id": "",
    "directory_code": None,
    "behaviour_no": " ",
}


@pytest.fixture(scope="module")
def behaviour():
    return load([shipped("standards")], {}, ["national"]).record("supervision.behaviour", ON)


def document(*rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def flaws(act):
    with pytest.raises(Invalid) as invalid:
        act()
    return {(one.path, one.rule) for one in invalid.value.violations}


def test_right_lines_are_the_records_they_are_alone(behaviour):
    rows = [ROW | {"row_guid": str(number)} for number in range(300)]
    assert read_lines(behaviour, document(*rows)) == [behaviour.read(document(row)) for row in rows]
    assert read_lines(behaviour, b"") == []


@given(st.lists(st.sampled_from([None, *SPOILT]), min_size=1, max_size=6))
@settings(max_examples=100)
def test_every_flaw_is_named_with_its_line(behaviour, spoilt):
    rows = [ROW | ({name: SPOILT[name]} if name else {}) for name in spoilt]
    expected = set()
    for number, row in enumerate(rows, 1):
        if row != ROW:
            alone = flaws(lambda row=row: behaviour.read(document(row)))
            expected |= {(path.replace("$", f"$[{number}]", 1), rule) for path, rule in alone}
    if expected:
        assert flaws(lambda: read_lines(behaviour, document(*rows))) == expected
    else:
        assert len(read_lines(behaviour, document(*rows))) == len(rows)


def test_empty_lines_are_passed_over_and_count(behaviour):
    assert len(read_lines(behaviour, document(ROW) + b"\r\n\n" + document(ROW) + b"\n")) == 2
    wrong = b"\n\n" + document(ROW | {"form": "8"})
    assert flaws(lambda: read_lines(behaviour, wrong)) == {("$[3].form", "code")}


@pytest.mark.parametrize("broken", [b"{", b"no", b"{} {}", b"\xff", document(ROW, ROW).replace(b"\n", b" ")])
def test_a_line_that_is_no_json_is_named(behaviour, broken):
    with pytest.raises(BadRequest) as refused:
        read_lines(behaviour, document(ROW) + b"\n" + broken)
    assert refused.value.facts["number"] == 2


class Asked:
    """What a command asks its context for."""

    @staticmethod
    def standards():
        return load([shipped("standards")], {}, ["national"])


def test_a_file_is_looked_at_before_it_is_handed_over(tmp_path, monkeypatch):
    asked = Asked()
    monkeypatch.setattr(rows_commands, "PORTION", 2)
    file = tmp_path / "rows.ndjson"
    file.write_text("\n".join(json.dumps(one) for one in (ROW, ROW, ROW, ROW | {"form": "8"})), "utf-8")
    wrong = CliRunner().invoke(standards, ["rows", "supervision.behaviour", str(file), "--on", f"{ON}"], obj=asked)
    assert wrong.exit_code == 1, wrong.output
    assert "$[4].form: " in wrong.output and f"{file}: 1 flaw(s)" in wrong.output
    file.write_text(json.dumps(ROW) + "\n", "utf-8")
    right = CliRunner().invoke(standards, ["rows", "supervision.behaviour", str(file), "--json"], obj=asked)
    assert (right.exit_code, right.output) == (0, "")
