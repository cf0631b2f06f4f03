"""Gather, connect, use (聚通用): one data resource entered, mounted, asked for and shared, as its officials do it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from .people import CATALOGUER, CONSUMER, COUNTERSIGNER, Person, Refused

RESOURCES = "/api/governance/catalogue/resources"
MOUNTS = "/api/governance/catalogue/mounts"
REQUESTS = "/api/governance/sharing/requests"


def gather(http: httpx.Client, passwords: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Do it once; a city whose catalogue holds the resource already is left as it is.

    :raises Refused: a step that should work was refused.
    """
    first, second, consumer = (Person(http, login, passwords[login]) for login in (CATALOGUER, COUNTERSIGNER, CONSUMER))
    sample = tomllib.loads((Path(__file__).parent / "resource.toml").read_text("utf-8"))
    try:
        resource = first.post(RESOURCES, sample["resource"])["id"]
    except Refused as refusal:
        if " 409 " in str(refusal):
            return
        raise
    second.post(f"{RESOURCES}/{resource}/sign-off", {})
    mount = first.post(f"{RESOURCES}/{resource}/mounts", sample["mount"])["id"]
    second.post(f"{MOUNTS}/{mount}/confirm", {})
    probed: dict[str, Any] = first.post(f"{MOUNTS}/{mount}/probe", {})
    say(f"聚：登记并挂接一项数据资源（{probed['outcome']}）  ·  Gathered: one resource entered and mounted")
    request = consumer.post(REQUESTS, {"resource": resource, **sample["request"]})["id"]
    second.post(f"{REQUESTS}/{request}/approve", {"reason": "符合法定职责"})
    say("通、用：另一部门申请，数源部门批准，授权生效  ·  Connected and used: asked for, approved, granted")
