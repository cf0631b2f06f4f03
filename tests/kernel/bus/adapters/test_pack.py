"""A service document with a mistake stops the start, and says in which file at which key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gdbos.config import Deployment, Node, Settings, Standards
from gdbos.errors import Misconfigured
from gdbos.kernel import Kernel
from gdbos.text import Text

PACK = """
id = "test"
version = "1"
title = { zh = "测试", en = "Test" }
publisher = { zh = "测试", en = "Test" }
level = "city"
division = "450100"
from = 2000-01-01
"""
SERVICE = """
id = "test.fund.account"
title = { zh = "账户", en = "Account" }
provider = { role = "housing-fund" }
takes = "a"
gives = "b"
adapter = "sql"
effect = "EFFECT"
[settings]
database = "{register}"
table = "v_dwzh"
where = { column = "tyxydm", equals = "uscc" }
response = { fund_number = "dwzh" }
MORE
"""


def start(folder: Path, more: str = "", effect: str = "read") -> Kernel:
    pack = folder / "packs" / "test"
    (pack / "services").mkdir(parents=True, exist_ok=True)
    (pack / "pack.toml").write_text(PACK, "utf-8")
    (pack / "services" / "fund.toml").write_text(SERVICE.replace("MORE", more).replace("EFFECT", effect), "utf-8")
    settings = Settings(
        node=Node(id="n", title=Text("节点", "Node"), division="450100", level="city", home=str(folder / "home")),
        standards=Standards(packs=("test",), folders=(str(folder / "packs"),)),
    )
    return Kernel(Deployment(folder / "node.toml", settings, {}))


def test_a_right_one_needs_no_place_to_be_read(tmp_path):
    assert "test.fund.account" in start(tmp_path).standards.ids("services")


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("tble = 'x'", '[settings.tble] unknown key "tble"; did you mean "table"?'),
        ("timeout = 0", "`timeout`"),
        ("stale = 1e9", "`stale`"),
        ("max_rows = 'many'", "[settings.max_rows]"),
        ("schema = 'a b'", "letters, digits"),
    ],
)
def test_a_wrong_one_is_named_by_file_and_key(tmp_path, more, key):
    with pytest.raises(Misconfigured) as caught:
        start(tmp_path, more)
    assert "services/fund.toml" in str(caught.value) and key in str(caught.value)


def test_a_service_that_writes_keeps_no_answers(tmp_path):
    with pytest.raises(Misconfigured, match=r"services/fund\.toml.*\[settings\.stale\]"):
        start(tmp_path, "stale = 60", "write")
