"""Elements brought over HTTP and by command, what they resemble, a steward's decision, and that it stays; on both databases."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from gdbos import sheet
from gdbos.cli import Context
from gdbos.kernel import Kernel
from gdbos.shipped import shipped
from gdbos.standards import check
from gdbos.stewardship.commands import import_elements as command
from gdbos.testing import Site, deployment, plant_tester, serving

HEAD = ("名称", "英文名称", "表示", "同义词")
BROUGHT = [
    HEAD,
    ("社会信用代码", "Credit code of the company", "an18", "企业信用代码"),
    ("门店面积", "Floor space of the shop", "n..8,2", ""),
    ("内部流水号", "Internal serial", "an..20", ""),
]
PAGES = "/console/standards/proposals"
API = "/api/standards/proposals"


BASE = """
[node]
id = "test"
title = { zh = "测试", en = "Test" }
division = "450100"
level = "city"
body = "11450100MADEM0011Y"

[standards]
packs = ["national", "guangxi", "nanning"]
"""


@pytest.fixture
def site(tmp_path: Path, database: str) -> Iterator[Site]:
    base = tmp_path / "base.toml"
    base.write_text(BASE, "utf-8")
    permissions = ["kernel.standards.steward", "kernel.standards.read"]
    made = deployment(tmp_path, database=database, extends=base, permissions=permissions)
    with serving(made, prepare=plant_tester) as site:
        yield site


def file_of(rows: Any = BROUGHT) -> dict[str, Any]:
    return {"file": ("departments.xlsx", sheet.workbook({"1": rows}))}


def by_name(page: dict[str, Any]) -> dict[str, Any]:
    return {one["value"]["title"]["zh"]: one for one in page["items"]}


def test_what_is_brought_is_compared_decided_once_and_written_out_as_a_pack(site: Site, tmp_path: Path) -> None:
    client, steward = site.client, site.sign_in()
    done = client.post(f"{API}/file", files=file_of(), data={"source": "old system"}, headers=steward).json()
    assert done == {"source": "old system", "proposed": 3, "known": 0, "resembling": 1}
    found = by_name(client.get(API, headers=steward).json())
    [likeliest, *_] = found["社会信用代码"]["near"]
    assert (likeliest["element"], "synonym" in likeliest["reasons"]) == ("uscc", True)
    assert found["门店面积"]["near"] == []

    ids = {name: one["id"] for name, one in found.items()}
    assert decided(site, steward, ids["社会信用代码"], "merge", into="nobody") == 404
    assert decided(site, steward, ids["社会信用代码"], "merge", into="uscc") == 200
    assert decided(site, steward, ids["社会信用代码"], "add") == 409
    assert decided(site, steward, ids["门店面积"], "add") == 200
    assert decided(site, steward, ids["内部流水号"], "refuse") == 200
    assert client.get(API, headers=steward).json()["items"] == []
    merged = client.get(f"{API}/{ids['社会信用代码']}", headers=steward).json()
    assert (merged["state"], merged["into"], merged["reason"]) == ("merged", "uscc", "as discussed")

    for act in ("standards.propose", "standards.merged", "standards.added", "standards.refused"):
        assert recorded(site, act)
    again = client.post(f"{API}/file", files=file_of(), data={"source": "old system"}, headers=steward).json()
    assert (again["proposed"], again["known"]) == (0, 3)

    written = client.get(f"{API}/accepted", headers=steward)
    assert written.headers["content-type"].startswith("application/toml")
    added, synonyms = tomllib.loads(written.text)["element"]
    assert (added["title"]["zh"], added["form"]) == ("门店面积", "n..8,2")
    assert synonyms["id"] == "uscc" and synonyms["synonyms"][-1] == "企业信用代码"
    assert faults_of(tmp_path, written.text) == []


def recorded(site: Site, act: str) -> bool:
    """Whether the ledger holds the act, sequenced or still pending."""

    def leaves(unit: Any) -> list[bytes]:
        return [
            bytes(row[0])
            for table in ("ledger_pending", "ledger_leaf")
            for row in unit.connection.exec_driver_sql(f"SELECT leaf FROM {table}")
        ]

    return any(act.encode() in one for one in site.unit(leaves))


def decided(site: Site, headers: dict[str, str], id: str, verb: str, **more: str) -> int:
    body = {"reason": "as discussed", **more}
    return int(site.client.post(f"{API}/{id}/{verb}", json=body, headers=headers).status_code)


def faults_of(folder: Path, elements: str) -> list[Any]:
    """What a pack with the accepted elements is found wrong with, laid over the shipped ones."""
    pack = folder / "mine" / "town"
    (pack / "elements").mkdir(parents=True)
    (pack / "elements" / "accepted.toml").write_text(elements, "utf-8")
    (pack / "pack.toml").write_text(
        'id = "town"\nversion = "1"\nlevel = "county"\ndivision = "450103"\nextends = ["nanning"]\n'
        'title = {zh = "镇"}\npublisher = {zh = "镇"}\n',
        "utf-8",
    )
    return check(pack, {}, [shipped("standards")])


def test_a_steward_decides_on_pages(site: Site) -> None:
    client, steward = site.client, site.sign_in()
    page = client.post(f"{PAGES}/file", files=file_of(), data={"source": ""}, headers=steward)
    assert "3" in page.text and "departments.xlsx" in page.text
    address = next(iter(re.findall(rf"{PAGES}/[0-9a-f-]{{36}}", page.text)))
    one = client.get(address, headers=steward).text
    assert "统一社会信用代码" in one and "merge:uscc" in one
    done = client.post(address, data={"decision": "merge:uscc", "reason": "同一事实"}, headers=steward).text
    assert "同一事实" in done and "merge:uscc" not in done
    twice = client.post(address, data={"decision": "add", "reason": "x"}, headers=steward | {"accept": "text/html"})
    assert twice.status_code == 409
    for of in ("merged", "added", "refused"):
        assert client.get(f"{PAGES}?of={of}", headers=steward).status_code == 200
    looked = client.post(f"{PAGES}/library", headers=steward)
    assert looked.status_code == 200
    library = [
        one
        for one in client.get(API, params={"limit": 200}, headers=steward).json()["items"]
        if one["source"] == "library"
    ]
    assert library and all(one["near"] for one in library)
    assert client.post(f"{API}/library", headers=steward).json()["proposed"] == 0


def test_only_a_steward_brings_and_decides(site: Site) -> None:
    assert site.client.get(API).status_code == 401
    assert site.client.post(f"{API}/file", files=file_of()).status_code == 401
    steward = site.sign_in()
    for files, status in (
        ({"file": ("x.xlsx", b"PK\x03\x04")}, 415),
        (file_of([HEAD]), 422),
        (file_of([HEAD, ("甲", "a", "xx", "")]), 422),
        ({"file": ("form.toml", b"x = 1")}, 422),
    ):
        assert site.client.post(f"{API}/file", files=files, headers=steward).status_code == status


def test_the_command_brings_a_database_and_shows_before_it_does(tmp_path: Path) -> None:
    old = create_engine(f"sqlite:///{tmp_path}/old.db")
    with old.begin() as connection:
        connection.execute(text("CREATE TABLE person (姓名 VARCHAR(20), born DATE)"))
    base = tmp_path / "base.toml"
    base.write_text(BASE, "utf-8")
    made = deployment(tmp_path, extends=base, permissions=["kernel.standards.steward"])
    Kernel(made).migrate()
    context, environ = Context(tmp_path / "deployment.toml"), {"OLD": f"sqlite:///{tmp_path}/old.db"}
    run = CliRunner(env=environ).invoke
    shown = run(command, ["--database", "OLD", "--dry-run"], obj=context)
    assert "person.born" in shown.output, shown.output
    done = run(command, ["--database", "OLD", "--source", "old", "--json"], obj=context)
    assert '"proposed":2' in done.output.replace(" ", ""), done.output
    assert run(command, [], obj=context).exit_code == 2
    assert run(command, ["--database", "NOWHERE"], obj=context).exit_code == 2
