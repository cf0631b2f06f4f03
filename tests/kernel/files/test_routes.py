"""Files over HTTP: handed in as a form, fetched as a download, and never a 500."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gdbos.config import Files
from gdbos.files.file import NewFile, keep
from gdbos.files.routes import disposition
from gdbos.kernel import Kernel

from .conftest import ANNA, CASE, MARKET, MATTER, Client, Scanner
from .samples import document, picture

Play = Callable[..., None]
PNG = ("虚构 证件.png", picture(), "image/png")
CITED = {"case": CASE, "matter": MATTER, "body": MARKET}


def test_a_file_is_handed_in_and_fetched_again(play: Play):
    async def scene(_: Kernel, client: Client) -> None:
        made = await client.post("anna", files={"file": PNG}, data=CITED)
        assert made.status_code == 201, made.text
        kept = made.json()
        assert kept == {
            "id": kept["id"],
            "purpose": "attachment",
            "media_type": "image/png",
            "size": len(PNG[1]),
            "state": "clean",
            "reason": "",
        }
        for who in ("anna", "clerk"):
            got = await client.get(who, f"/api/files/{kept['id']}")
            assert got.content == PNG[1]
            assert got.headers["content-type"].startswith("image/png")
            assert got.headers["content-disposition"].startswith("attachment; ")
            assert "filename*=UTF-8''%E8%99%9A%E6%9E%84%20" in got.headers["content-disposition"]
            assert got.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in got.headers["content-security-policy"]
        for who in ("ben", "taxman", "steward"):
            refused = await client.get(who, f"/api/files/{kept['id']}")
            assert (refused.status_code, "anna" in refused.text) == (404, False)

    play(scene)


def test_an_official_issues_a_document_in_a_live_case(play: Play):
    async def scene(_: Kernel, client: Client) -> None:
        sent = {"file": ("执照.pdf", document(), "application/pdf")}
        cited = {"case": CASE, "matter": MATTER, "purpose": "issued"}
        made = await client.post("clerk", files=sent, data=cited)
        assert made.status_code == 201, made.text
        assert (await client.get("anna", f"/api/files/{made.json()['id']}")).content == sent["file"][1]
        assert (await client.post("taxman", files=sent, data=cited)).status_code == 404
        assert (await client.post("anna", files=sent, data=CITED | cited)).status_code == 403

    play(scene)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"files": {"file": ("a.png", b"<html>", "image/png")}}, 415),
        ({"files": {"file": ("a.svg", b"<svg/>", "image/svg+xml")}}, 415),
        ({"files": {"file": ("a.pdf", picture(), "image/png")}}, 422),
        ({"files": {"file": ("a.png", b"", "image/png")}}, 422),
        ({"files": {"file": ("a" * 201 + ".png", picture(), "image/png")}}, 422),
        ({"files": {"other": PNG}}, 422),
        ({"files": [("file", PNG), ("file", PNG)]}, 422),
        ({"files": {"file": PNG}, "data": {"purpose": "decoration"}}, 422),
        ({"files": {"file": PNG}, "data": {"unknown": "1"}}, 422),
        ({"files": {"file": PNG}, "data": {"case": "9" * 51}}, 422),
        ({"files": {"file": PNG}, "data": {"case": CASE}}, 422),
        ({"files": {"file": PNG}, "data": {"case": ["1", "2"]}}, 422),
        ({"files": {"file": PNG}, "data": CITED | {"case": "none"}}, 404),
        ({"files": {"file": PNG}, "data": CITED | {"case": "1\x00"}}, 400),
        ({"files": {"file": PNG, "case": ("a.png", b"1", "image/png")}}, 422),
        ({"json": {"file": "1"}}, 415),
        ({"content": b"", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"content": b"nonsense", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400),
        (
            {
                "content": b'--x\r\nContent-Disposition: form-data; name="case"\r\n'
                b"Content-Type: text/plain; charset=klingon\r\n\r\n1\r\n--x--\r\n",
                "headers": {"content-type": "multipart/form-data; boundary=x"},
            },
            400,
        ),
    ],
)
def test_bad_input_is_told_so(play: Play, sent: dict[str, Any], status: int):
    async def scene(kernel: Kernel, client: Client) -> None:
        answered = await client.post("anna", **sent)
        assert answered.status_code == status, answered.text
        assert answered.headers["content-type"].startswith("application/problem+json")
        assert list(kernel.files.kept()) == []

    play(scene)


def test_what_is_too_large_is_not_read_to_its_end(play: Play):
    async def scene(kernel: Kernel, client: Client) -> None:
        sent = 0

        async def endless() -> Any:
            nonlocal sent
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
            while sent < 50_000_000:
                sent += 65_536
                yield bytes(65_536)

        headers = {"content-type": "multipart/form-data; boundary=x"}
        answered = await client.post("anna", content=endless(), headers=headers)
        assert answered.status_code == 413, answered.text
        assert sent < 1_000_000
        over = await client.post("anna", files={"file": ("a.png", bytes(2_001), "image/png")})
        assert over.status_code == 413
        assert list(kernel.files.kept()) == []

    play(scene, files=Files(max_bytes=2_000))


def test_scanners_decide_and_a_broken_one_keeps_the_quarantine(play: Play, scanner: Scanner):
    async def scene(kernel: Kernel, client: Client) -> None:
        def broken(content: bytes, media_type: str) -> str | None:
            raise OSError("scanner is away")

        scanner.answer = lambda content, media_type: "EICAR in 虚构 证件.png"
        bad = (await client.post("anna", files={"file": PNG}, data=CITED)).json()
        assert bad["state"] == "refused"
        assert "EICAR" not in bad["reason"]
        assert (await client.get("anna", f"/api/files/{bad['id']}")).status_code == 410

        scanner.answer = broken
        waiting = (await client.post("anna", files={"file": PNG}, data=CITED)).json()
        assert waiting["state"] == "quarantined"
        assert await kernel.scanning.round() == 0
        assert (await client.get("anna", f"/api/files/{waiting['id']}")).status_code == 409

        scanner.answer = lambda content, media_type: None
        assert await kernel.scanning.round() == 1
        assert (await client.get("anna", f"/api/files/{waiting['id']}")).status_code == 200

    play(scene, scanner=scanner)


def test_a_quarantined_file_whose_content_is_gone_does_not_hold_up_the_others(play: Play, scanner: Scanner):
    async def scene(kernel: Kernel, client: Client) -> None:
        def broken(content: bytes, media_type: str) -> str | None:
            raise OSError("scanner is away")

        scanner.answer = broken
        lost = (await client.post("anna", files={"file": PNG})).json()
        (digest,) = [digest for digest, _ in kernel.files.kept()]
        kernel.files.remove(digest)
        scanner.answer = lambda content, media_type: None
        assert await kernel.scanning.round() == 1
        assert (await client.get("anna", f"/api/files/{lost['id']}")).status_code == 410

    play(scene, scanner=scanner)


def test_two_that_decide_about_one_file_agree(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        new = NewFile(name="a.png", media_type="image/png", subject="person:anna")
        kept = await kernel.units.write(ANNA, keep, new, picture())
        decided = await asyncio.gather(*(kernel.scanning.decide(kept, picture()) for _ in range(4)))
        assert {one.state for one in decided} == {"clean"}

    play(scene)


def test_many_at_once_are_all_kept(play: Play):
    async def scene(kernel: Kernel, client: Client) -> None:
        sent = [("file", (f"{n}.png", picture(size=(10 + n, 10)), "image/png")) for n in range(20)]
        answers = await asyncio.gather(*(client.post("anna", files=[one]) for one in sent))
        assert {answer.status_code for answer in answers} == {201}
        assert len(list(kernel.files.kept())) == 20

    play(scene)


@pytest.mark.parametrize("name", ['a".pdf', "a\r\nset-cookie: x=1.pdf", "虚构.pdf", "a%22;.pdf"])
def test_no_name_breaks_out_of_the_header(name: str):
    header = disposition(name, "application/pdf")
    assert header.isascii()
    assert header.startswith("attachment; filename=\"file.pdf\"; filename*=UTF-8''")
    assert not set('\r\n";') & set(header.partition("''")[2])
