"""Roles are layered like everything else: a province or city adds roles and narrows those above it, and widens none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gdbos.identity.role import KINDS, Role
from gdbos.shipped import shipped
from gdbos.standards import PackRefused, Standards, load

HEAD = """
id = "{id}"
version = "1"
title = {{ zh = "测试", en = "Test" }}
publisher = {{ zh = "测试", en = "Test" }}
level = "{level}"
division = "{division}"
extends = ["{above}"]
"""
LEVELS = {"gx": ("province", "450000", "national"), "nn": ("city", "450100", "gx")}


def laid(folder: Path, **documents: str) -> Standards:
    """The shipped roles with what a province and a city write below them."""
    (folder / "national" / "roles").mkdir(parents=True)
    (folder / "national" / "pack.toml").write_text(
        HEAD.format(id="national", level="national", division="000000", above="").replace('extends = [""]', ""), "utf-8"
    )
    for role in (shipped("standards") / "national" / "roles").glob("*.toml"):
        (folder / "national" / "roles" / role.name).write_bytes(role.read_bytes())
    for id, (level, division, above) in LEVELS.items():
        (folder / id / "roles").mkdir(parents=True)
        head = HEAD.format(id=id, level=level, division=division, above=above)
        (folder / id / "pack.toml").write_text(head, "utf-8")
        (folder / id / "roles" / "own.toml").write_text(documents.get(id, ""), "utf-8")
    return load([folder], {kind.name: kind for kind in KINDS}, ["nn"])


def role(standards: Standards, id: str) -> Role:
    found: Role = standards.document("roles", id).value
    return found


OWN = """
[[document]]
id = "grid-worker"
title = { zh = "网格员", en = "Grid worker" }
permissions = ["services.cases.read"]
excludes = ["approver"]
"""
NARROWER = """
[[document]]
id = "approver"
permissions = ["services.cases.read", "services.cases.decide"]
excludes = ["examiner"]
"""


def test_a_province_adds_a_role_and_a_city_narrows_one(tmp_path: Path) -> None:
    standards = laid(tmp_path, gx=OWN, nn=NARROWER)
    assert role(standards, "grid-worker").permissions == ("services.cases.read",)
    narrowed = role(standards, "approver")
    assert narrowed.permissions == ("services.cases.read", "services.cases.decide")
    assert (narrowed.excludes, narrowed.title.en) == (("examiner",), "Approver")


def test_a_city_narrows_what_its_province_has_added(tmp_path: Path) -> None:
    below = '[[document]]\nid = "grid-worker"\npermissions = []\n'
    assert role(laid(tmp_path, gx=OWN, nn=below), "grid-worker").permissions == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ('id = "approver"\npermissions = ["services.cases.read", "kernel.identity.*"]', "more than the upper pack"),
        ('id = "security-administrator"\npermissions = ["kernel.*"]', "more than the upper pack"),
        ('id = "window-clerk"\nscope = "node"', "reaches further"),
        ('id = "audit-administrator"\nexcludes = []', "must stay"),
        ('id = "audit-administrator"\nadministration = ""', "may not change it"),
        ('id = "examiner"\ngiven_to = "person"', "may not change it"),
        ('id = "grid-worker"\npermissions = ["services.cases.decide"]', "more than the upper pack"),
    ],
)
def test_nobody_hands_out_more_under_an_upper_roles_name(tmp_path: Path, change: str, words: str) -> None:
    with pytest.raises(PackRefused) as refused:
        laid(tmp_path, gx=OWN, nn=f"[[document]]\n{change}\n")
    [fault] = refused.value.faults
    assert (fault.pack, fault.rule, words in fault.detail) == ("nn", "loosened", True)
    assert fault.file.endswith("own.toml")
    assert fault.line
