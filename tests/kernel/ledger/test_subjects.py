"""A subject has one key, durable before it is used, and gone for good once it is destroyed."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from gdbos.errors import Gone, Misconfigured
from gdbos.ids import new_id
from gdbos.ledger.leaf import AUDIT, Act, append, commitment, encode, identity, record_key
from gdbos.ledger.policy import Policy
from gdbos.ledger.prove import prove
from gdbos.ledger.subjects import STORE, SubjectKeys, apply_erasures
from gdbos.ledger.tables import erased
from gdbos.ledger.verify import verify

from .conftest import NOW, Log


@pytest.fixture
def keys(tmp_path: Path) -> SubjectKeys:
    return SubjectKeys.open(tmp_path / "keys")


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_a_subject_keeps_its_key(keys: SubjectKeys):
    one = keys.key_for("person:1")
    assert len(one) == 32
    assert keys.key_for("person:1") == one != keys.key_for("person:2")
    assert SubjectKeys(keys.path).key_for("person:1") == one, "it was durable before it was given out"


def test_threads_and_processes_agree_on_every_key(keys: SubjectKeys):
    other = SubjectKeys(keys.path)
    subjects = [f"person:{number}" for number in range(60)]
    with ThreadPoolExecutor(8) as threads:
        stores = [keys, other] * 4
        found = list(threads.map(lambda store: [store.key_for(subject) for subject in subjects], stores))
    assert all(one == found[0] for one in found)
    assert len(set(found[0])) == len(subjects)


def test_many_new_subjects_cost_one_transaction(keys: SubjectKeys):
    commits: list[str] = []
    keys._store.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    made = keys.keys_for(f"person:{number}" for number in range(1_500))
    assert len(made) == 1_500
    assert commits == ["COMMIT"]
    keys.keys_for(made)
    SubjectKeys(keys.path).keys_for(made)
    assert commits == ["COMMIT"], "reading what is there writes nothing"


def test_an_erased_key_is_nowhere_in_the_files(keys: SubjectKeys):
    made = keys.keys_for(f"person:{number}" for number in range(300))
    assert made["person:7"] in on_disk(keys.path.parent)
    keys.erase("person:7", "person:8")
    left = on_disk(keys.path.parent)
    assert made["person:7"] not in left
    assert made["person:8"] not in left
    assert made["person:9"] in left
    keys.close()
    assert made["person:7"] not in on_disk(keys.path.parent)


def test_an_erased_subject_gets_no_new_key(keys: SubjectKeys):
    other = SubjectKeys(keys.path)
    keys.key_for("person:1")
    keys.erase("person:1")
    keys.erase("person:1")
    for store in (keys, other, SubjectKeys(keys.path)):
        with pytest.raises(Gone) as refused:
            store.keys_for(["person:1", "person:2"])
        assert "person:1" not in str(refused.value)
    assert keys.is_erased("person:1")
    assert not keys.is_erased("person:2")


def test_a_restored_store_is_erased_again(keys: SubjectKeys, sqlite: Engine, tmp_path: Path):
    secret = keys.key_for("person:1")
    keys.close()
    backup = shutil.copytree(tmp_path / "keys", tmp_path / "backup")
    order = {"legal_basis": "the law", "reason": "on request", "asked_by": "a", "asked_at": NOW}
    done, waiting = order | {"confirmed_by": "b", "at": NOW}, order | {"confirmed_by": "", "at": None}
    with sqlite.begin() as connection:
        connection.execute(insert(erased), {"id": new_id(), "subject": "person:1", **done})
        connection.execute(insert(erased), {"id": new_id(), "subject": "person:2", **waiting})
    restored = SubjectKeys(backup / STORE)
    assert restored.key_for("person:1") == secret
    with sqlite.connect() as connection:
        assert apply_erasures(connection, restored) == 1
    assert secret not in on_disk(backup)
    with pytest.raises(Gone):
        restored.key_for("person:1")
    assert restored.key_for("person:2"), "nobody has confirmed that one"


def test_a_store_that_others_may_read_is_refused(keys: SubjectKeys):
    assert keys.path.stat().st_mode & 0o777 == 0o600
    keys.key_for("person:1")
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys.path.parent.iterdir())
    keys.path.chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        SubjectKeys.open(keys.path.parent)


def test_erasure_leaves_every_proof_valid(keys: SubjectKeys, log: Log):
    log.grow(20)
    act = Act(id=identity(log.records[0]) or pytest.fail("has an id"), at=NOW, act="test.about-a-subject")
    secret = record_key(keys.key_for("person:1"), act.id)
    promised = commitment(secret, "subject", b"fictional 450102")
    about = encode(Act(id=act.id, at=NOW, act=act.act, before_commitment=promised))
    with log.engine.begin() as connection:
        append(connection, AUDIT, [about], at=NOW)
    log.grow(5)
    policy = Policy.of(log.signer.verifier.vkey)
    before = prove(log.folder, 20)
    keys.erase("person:1")
    assert prove(log.folder, 20).checked(policy)
    assert before.checked(policy)
    assert verify(log.folder, policy).code == 0
    with pytest.raises(Gone):
        keys.key_for("person:1")
