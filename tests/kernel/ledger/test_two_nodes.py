"""Two real nodes over HTTP: one cosigns the other's log, and refuses every rewriting of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec
import pytest
from served import command, served

from gdbos.config import Deployment
from gdbos.kernel import Kernel
from gdbos.ledger.leaf import AUDIT, append
from gdbos.ledger.merkle import consistency_proof
from gdbos.ledger.names import log_signers
from gdbos.ledger.note import Note
from gdbos.ledger.policy import Policy
from gdbos.ledger.prove import nodes
from gdbos.ledger.publication import COSIGNED, note_in, publish, published
from gdbos.ledger.report import INCOMPLETE, SOUND
from gdbos.ledger.sequencer import sequence
from gdbos.ledger.verify import verify
from gdbos.ledger.witness import Submission
from gdbos.storage.engine import engine_for
from gdbos.storage.metadata import kernel_metadata
from gdbos.testing import Site, deployment, free_port, serving
from gdbos.vault import KeyRing

from .conftest import NOW, record


class Keys(msgspec.Struct):
    """What ``gdbos ledger keys --json`` prints."""

    logs: list[str]
    witness: str


class Pair:
    """A county whose logs a city witnesses."""

    def __init__(self, county: Deployment, keys: Keys, city: str, city_key: str) -> None:
        self.county, self.keys, self.city, self.city_key = county, keys, city, city_key
        self.folder = county.settings.home / "ledger" / AUDIT

    @property
    def policy(self) -> str:
        """What an auditor of the county's audit log trusts."""
        logs = "".join(f"log {vkey}\n" for vkey in self.keys.logs if f"/{AUDIT}/" in vkey)
        return f"{logs}witness city {self.city_key}\nquorum city\n"


def keys_of(made: Deployment) -> Keys:
    kernel = Kernel(made)
    kernel.migrate()
    kernel.ring()
    ran = command(made.path, "ledger", "keys", "--json")
    assert ran.returncode == 0, ran.stderr
    return msgspec.json.decode(ran.stdout, type=Keys)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    places, port = {name: tmp_path_factory.mktemp(name) for name in ("city", "county")}, free_port()
    city_key = keys_of(deployment(places["city"])).witness
    witnesses = f'[ledger]\ninterval = 0.1\n[ledger.witnesses.city]\nurl = "http://127.0.0.1:{port}/witness"\n'
    county = deployment(places["county"], extra=f'{witnesses}key = "{city_key}"\n')
    keys = keys_of(county)
    city = deployment(places["city"], extra=f"[witness]\nlogs = {msgspec.json.encode(keys.logs).decode()}\n")
    with ExitStack() as stack:
        node = stack.enter_context(served(city.path, port))
        yield Pair(county, keys, f"{node.url}/witness/add-checkpoint", city_key)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "it does not come to be"
        time.sleep(0.05)


def act(site: Site) -> None:
    site.unit(lambda unit: unit.record("test.done"))


def cosigned_size(folder: Path) -> int:
    note = note_in(folder, COSIGNED)
    return int(note.text.split("\n")[1]) if note else 0


def grown_by(site: Site, pair: Pair, count: int) -> None:
    """Do something, and wait until the city has cosigned it."""
    before = cosigned_size(pair.folder)
    for _ in range(count):
        act(site)
    until(lambda: cosigned_size(pair.folder) >= before + count)


def test_a_neighbour_vouches_for_the_log_and_its_proofs(pair: Pair, tmp_path: Path) -> None:
    with serving(pair.county) as site:
        grown_by(site, pair, 5)
    trust = tmp_path / "policy"
    trust.write_text(pair.policy)
    report = verify(pair.folder, trust)
    assert (report.code, report.witnesses) == (SOUND, ["city"]), report.faults
    proof = command(pair.county.path, "ledger", "prove", str(pair.folder), "3", "-o", str(tmp_path / "p.tlog-proof"))
    assert proof.returncode == 0, proof.stderr
    checked = command(pair.county.path, "ledger", "check", str(tmp_path / "p.tlog-proof"), "--policy", str(trust))
    assert checked.returncode == 0, checked.stdout
    (pair.folder / COSIGNED).rename(tmp_path / "kept")
    assert verify(pair.folder, trust).code == INCOMPLETE, "a log nobody vouches for any more is not all there"
    (tmp_path / "kept").rename(pair.folder / COSIGNED)
    doctor = command(pair.county.path, "doctor", "--json")
    found = {one["name"]: one for one in msgspec.json.decode(doctor.stdout)}
    assert found["witnesses audit"]["state"] == "ok"


def test_history_rewritten_with_the_log_key_in_hand_is_not_cosigned(pair: Pair, tmp_path: Path) -> None:
    with serving(pair.county) as site:
        grown_by(site, pair, 1)
    seen = published(pair.folder)
    assert seen is not None
    engine = engine_for(f"sqlite:///{tmp_path}/forged.db")
    signer = log_signers(pair.county.settings, KeyRing.open(pair.county.settings.home / "keys"))[AUDIT]
    forged = tmp_path / "forged"
    kernel_metadata.create_all(engine)
    with engine.begin() as connection:
        append(connection, AUDIT, [record(at) for at in range(seen.size + 20)], at=NOW)
        sequence(connection, AUDIT, signer, now=NOW)
        publish(connection, forged, Policy((signer.verifier,)))
    engine.dispose()
    note = Note.parse((forged / AUDIT / "checkpoint").read_bytes())
    new = published(forged / AUDIT)
    assert new is not None and verify(forged / AUDIT, Policy((signer.verifier,))).code == SOUND, (
        "it looks well by itself"
    )
    statuses = []
    for old in (0, 1, seen.size, new.size):
        path = consistency_proof(old, new.size, nodes(forged / AUDIT, new.size))
        statuses.append(httpx.post(pair.city, content=bytes(Submission(old, tuple(path), note)), trust_env=False))
    assert [one.status_code for one in statuses] == [409, 409, 422, 409]
    assert statuses[0].text == f"{seen.size}\n"
    assert statuses[0].headers["content-type"] == "text/x.tlog.size"


def test_strangers_and_nonsense_are_refused(pair: Pair) -> None:
    assert httpx.post(pair.city, content=b"old 0\n", trust_env=False).status_code == 400
    note = Note.parse((pair.folder / "checkpoint").read_bytes())
    strange = Note(note.text.replace("gdbos.", "other."), note.signatures)
    assert httpx.post(pair.city, content=bytes(Submission(0, (), strange)), trust_env=False).status_code == 404
    unsigned = Note(note.text, tuple(msgspec.structs.replace(one, key_id=b"1234") for one in note.signatures))
    assert httpx.post(pair.city, content=bytes(Submission(0, (), unsigned)), trust_env=False).status_code == 403
    assert httpx.get(pair.city, trust_env=False).status_code == 405
