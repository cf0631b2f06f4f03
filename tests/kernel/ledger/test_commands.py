"""The commands say what they found with their exit code: 0 sound, 1 tampered with, 2 not all there or wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete

from gdbos.config import Database, Deployment, Settings
from gdbos.config import Node as NodeSettings
from gdbos.ledger.commands import ledger
from gdbos.ledger.leaf import AUDIT, append, identity
from gdbos.ledger.tables import checkpoint, leaf
from gdbos.text import Text

from .conftest import NOW, Log, record


def run(*arguments: object, obj: object = None) -> Result:
    return CliRunner().invoke(ledger, [str(argument) for argument in arguments], obj=obj)


@pytest.fixture
def grown(log: Log) -> Log:
    return log.grow(30).grow(10)


class Node:
    """What the command line knows of a node."""

    def __init__(self, log: Log) -> None:
        home = log.home.parent
        settings = Settings(
            node=NodeSettings(id="n", title=Text(zh="市"), division="450100", level="city", home=str(home)),
            database=Database(url=f"sqlite:///{home}/node.sqlite"),
        )
        self.deployment = Deployment(home / "node.toml", settings, {})


def harm(log: Log) -> None:
    path = log.folder / "tile/entries/000.p/40"
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"n":17', b'"n":71', 1))


def test_a_sound_log_verifies_from_its_folder_its_ledger_and_its_home(grown: Log):
    for path in (grown.folder, grown.home, grown.home.parent):
        result = run("verify", path)
        assert result.exit_code == 0, result.output
        assert "audit: sound, 40 records" in result.output
    assert run("verify", obj=Node(grown)).exit_code == 0
    assert run("verify", grown.folder, "--vkey", grown.signer.verifier.vkey).exit_code == 0
    assert run("verify", grown.folder, "--policy", grown.folder / "policy").exit_code == 0


def test_tampering_is_said_with_its_place(grown: Log):
    harm(grown)
    result = run("verify", grown.home)
    assert result.exit_code == 1
    assert "tile/entries/000.p/40: record 17 was changed" in result.output
    (report,) = json.loads(run("verify", grown.home, "--json").stdout)
    assert report["code"] == 1
    assert report["faults"][0] == {
        "kind": "tampered",
        "place": "tile/entries/000.p/40",
        "detail": "record 17 was changed",
        "first": 17,
        "last": 17,
    }


def test_absence_and_wrong_input_exit_with_2(grown: Log, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    assert run("verify", tmp_path / "empty").exit_code == 2
    assert run("verify", tmp_path / "nowhere").exit_code == 2
    assert run("verify").exit_code == 2
    assert run("verify", grown.folder, "--policy", "no-such-file").exit_code == 2
    assert run("verify", grown.folder, "--vkey", "a+b+c").exit_code == 2
    (grown.folder / "tile/0/000.p/40").unlink()
    assert run("verify", grown.folder).exit_code == 2


def test_a_proof_is_written_and_checked(grown: Log, tmp_path: Path):
    file, call = tmp_path / "one.tlog-proof", identity(grown.records[33])
    assert run("prove", grown.home, call, "-o", file).exit_code == 0
    printed = run("prove", call, obj=Node(grown))
    assert printed.exit_code == 0
    assert printed.stdout == file.read_text()
    assert run("prove", grown.folder, 33).stdout == file.read_text()
    assert run("check", file, "--vkey", grown.signer.verifier.vkey).exit_code == 0
    assert run("check", file, obj=Node(grown)).exit_code == 0
    assert run("check", file).exit_code == 2, "a proof cannot vouch for its own key"
    file.write_text(file.read_text().replace("index 33", "index 32"))
    assert run("check", file, obj=Node(grown)).exit_code == 1


def test_what_cannot_be_proved_is_said(grown: Log):
    assert run("prove", grown.folder, 40).exit_code == 2
    assert run("prove", grown.folder, "01890a5d-ac96-774b-bcce-b302099a8057").exit_code == 2
    assert run("prove", grown.folder, "person").exit_code == 2
    harm(grown)
    assert run("prove", grown.folder, 17).exit_code == 1


def test_two_checkpoints_are_compared(grown: Log):
    kept = grown.folder / "checkpoints"
    assert run("consistency", kept / "30", grown.folder).exit_code == 0
    (kept / "30").write_text((kept / "30").read_text().replace("\n30\n", "\n31\n"))
    assert run("consistency", kept / "30", grown.folder).exit_code == 1


def test_status_of_a_node_that_never_ran_says_so(grown: Log):
    (grown.home.parent / "node.sqlite").unlink()
    result = run("status", obj=Node(grown))
    assert result.exit_code == 2
    assert "start the node once" in result.output


def test_status_shows_what_waits_and_what_falls_short(grown: Log):
    with grown.engine.begin() as connection:
        append(connection, AUDIT, [record(1), record(2)], at=NOW)
    found = {log["log"]: log for log in json.loads(run("status", "--json", obj=Node(grown)).stdout)}
    audit = found["audit"]
    assert (audit["size"], audit["pending"], audit["published"], audit["falls_short"]) == (40, 2, 40, None)
    assert found["calls"]["size"] == 0
    with grown.engine.begin() as connection:
        connection.execute(delete(leaf).where(leaf.c.position >= 30))
        connection.execute(delete(checkpoint).where(checkpoint.c.size > 30))
    result = run("status", obj=Node(grown))
    assert result.exit_code == 2
    assert "holds 30 records, and this node published 40" in result.output
