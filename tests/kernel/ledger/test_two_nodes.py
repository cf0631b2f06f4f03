"""Two real nodes over HTTP: one cosigns the other's log, and refuses every rewriting of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec
import pytest
from served import command, served

from gdbos.config import Deployment
from gdbos.errors import ReadOnly
from gdbos.identity.account import open_account
from gdbos.identity.body import find_body
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.kernel import Kernel
from gdbos.ledger.leaf import AUDIT, append
from gdbos.ledger.merkle import consistency_proof
from gdbos.ledger.names import address, log_signers
from gdbos.ledger.note import Note
from gdbos.ledger.policy import Policy
from gdbos.ledger.prove import nodes, prove
from gdbos.ledger.publication import COSIGNED, POLICY, note_in, publish, published
from gdbos.ledger.report import INCOMPLETE, SOUND
from gdbos.ledger.sequencer import sequence
from gdbos.ledger.verify import log_folders, verify
from gdbos.ledger.witness import Submission
from gdbos.storage.engine import engine_for
from gdbos.storage.metadata import kernel_metadata
from gdbos.testing import OPERATOR, PASSWORD, TESTER, Site, deployment, free_port, plant_tester, serving
from gdbos.unit import Unit
from gdbos.vault import KeyRing

from .conftest import NOW, record

BODY = {"uscc": "11450100MADEM0046H", "name": {"zh": "税务", "en": "Tax"}, "division": "450100", "level": "city"}


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
    county = deployment(places["county"], permissions=["kernel.*"], extra=f'{witnesses}key = "{city_key}"\n')
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


# A backup that is older than what the neighbour has seen.


class Kept:
    """A county's home as it was at two moments."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.home, self.folder = pair.county.settings.home, folder
        with serving(pair.county, prepare=administrators) as site:
            grown_by(site, pair, 3)
        shutil.copytree(self.home, folder / "older")
        self.held = published(pair.folder)
        with serving(pair.county) as site:
            grown_by(site, pair, 6)
        self.lost = cosigned_size(pair.folder)
        shutil.copytree(self.home, folder / "newer")

    def put_back(self, which: str, *, ledger: bool = True) -> None:
        """Restore a backup by hand: the database alone, or with the published ledger."""
        for name in ("gdbos.db", "gdbos.db-wal", "gdbos.db-shm"):
            (self.home / name).unlink(missing_ok=True)
            if (self.folder / which / name).exists():
                shutil.copy(self.folder / which / name, self.home / name)
        if ledger:
            shutil.rmtree(self.home / "ledger")
            shutil.copytree(self.folder / which / "ledger", self.home / "ledger")


def administrators(unit: Unit) -> None:
    if find_body(unit, OPERATOR) is None:
        plant_tester(unit)
        other = open_account(unit, login="second", password_hash=hashed(PASSWORD), name="Second", kind="official")
        appoint(unit, other, body=OPERATOR, role_id=TESTER)


@pytest.fixture(scope="module")
def kept(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(pair, tmp_path_factory.mktemp("kept"))


def only_reads(site: Site) -> dict[str, str]:
    """The node writes nothing, lets administrators in, and says on the console what is the matter; their headers."""
    with pytest.raises(ReadOnly, match="audit"):
        act(site)
    headers = site.sign_in()
    refused = site.client.post("/api/identity/bodies", json=BODY, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:gdbos:problem:read-only"), refused.text
    shown = site.client.get("/console/ledger", headers={**headers, "accept-language": "en"}).text
    assert "The ledger audit falls short" in shown
    assert "Propose a new epoch" in shown
    return headers


@pytest.mark.parametrize("ledger", [False, True])
def test_a_node_on_an_older_backup_only_reads(pair: Pair, kept: Kept, ledger: bool) -> None:
    """With its own files it knows by itself; with those of the backup the neighbour has to tell."""
    kept.put_back("older", ledger=ledger)
    with serving(pair.county) as site:
        only_reads(site)
        assert published(pair.folder) in (kept.held, published(kept.folder / "newer" / "ledger" / AUDIT))
    found = msgspec.json.decode(command(pair.county.path, "doctor", "--json").stdout)
    audit = next(one for one in found if one["name"] == "ledger audit")
    assert audit["state"] == "fail"
    assert f"{kept.lost}" in audit["what"]
    kept.put_back("newer", ledger=False)
    with serving(pair.county) as site:
        act(site)
    assert verify(pair.folder).code == SOUND


def test_two_administrators_begin_a_new_epoch_where_nothing_can_be_restored(pair: Pair, kept: Kept) -> None:
    kept.put_back("older")
    address = "/api/kernel/ledger/audit/epoch"
    with serving(pair.county) as site:
        first, second = only_reads(site), site.sign_in("second")
        reason = {"reason": "the disk with the newer backup burnt"}
        assert site.client.post(f"{address}/confirm", headers=first).status_code == 404
        assert site.client.post(address.replace("audit", "calls"), json=reason, headers=first).status_code == 409
        assert site.client.post(address, json=reason, headers=first).status_code == 201
        assert site.client.post(f"{address}/confirm", headers=first).status_code == 409, "it takes two"
        assert "the disk with the newer backup" in site.client.get("/console/ledger", headers=second).text
        begun = site.client.post(f"{address}/confirm", headers=second)
        assert begun.status_code == 200, begun.text
        act(site)
        site.call(site.kernel.book.catch_up)
    for log in log_folders(pair.county.settings.home):
        own = Policy(Policy.load(log / POLICY).logs)  # nobody follows the new epoch yet
        assert verify(log, own).code == SOUND
    assert {log.name for log in log_folders(pair.county.settings.home)} == {"audit", "audit-1", "calls"}
    leaf = msgspec.json.decode(prove(pair.folder, 0).record or b"")
    assert leaf["act"] == "ledger.epoch-begun"
    assert kept.held is not None
    lost = {name: leaf["facts"][name] for name in ("epoch", "lost_from", "lost_to", "seen_by")}
    assert lost == {"epoch": 2, "lost_from": kept.held.size, "lost_to": kept.lost - 1, "seen_by": "city"}
    assert leaf["reason"] == reason["reason"]
    with serving(pair.county) as site:
        act(site)
    keys = msgspec.json.decode(command(pair.county.path, "ledger", "keys", "--json").stdout, type=Keys)
    assert any("/audit/2+" in vkey for vkey in keys.logs), "what the neighbour has to follow from now on"


@pytest.mark.parametrize("url", ["http://city.example/witness", "http://10.20.30.40:8000/witness"])
def test_a_witness_that_somebody_on_the_line_could_answer_for_is_refused_at_the_start(
    pair: Pair, tmp_path: Path, url: str
) -> None:
    named = f'[ledger.witnesses.city]\nurl = "{url}"\nkey = "{pair.city_key}"\n'
    refused = command(deployment(tmp_path, extra=named).path, "serve")
    assert refused.returncode != 0
    assert f"Cannot run: [ledger.witnesses.city] url: {url} is not https" in refused.stderr


@pytest.mark.parametrize(
    "url", ["https://city.example/witness", "http://localhost:1/witness", "http://[::1]:1/witness"]
)
def test_one_by_https_or_on_this_machine_is_not(pair: Pair, tmp_path: Path, url: str) -> None:
    named = f'[ledger.witnesses.city]\nurl = "{url}"\nkey = "{pair.city_key}"\n'
    assert address("city", deployment(tmp_path, extra=named).settings.ledger.witnesses["city"]).startswith(url)
