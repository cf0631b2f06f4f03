"""Effects and leaves are the same in number and content, whoever writes at once, on both databases."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Column, Engine, MetaData, Table, Text, delete, func, insert, select, update

from gdbos.crypto import STANDARD
from gdbos.ids import new_id
from gdbos.ledger import verify_consistency
from gdbos.ledger.leaf import AUDIT, CALLS, append, identity
from gdbos.ledger.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash, verify_inclusion
from gdbos.ledger.note import Checkpoint, Note, Signer
from gdbos.ledger.sequencer import Diverged, latest, node_in, positions, sequence, size_of, waiting
from gdbos.ledger.tables import checkpoint, leaf, node, pending

from .conftest import NOW, PROVE, record

effect = Table("effect", MetaData(), Column("id", Text, primary_key=True))
CALLS_SIGNER = Signer("gdbos.450100/calls/1", STANDARD.new_private())


def put(engine: Engine, *leaves: bytes, log: str = AUDIT) -> None:
    with engine.begin() as connection:
        append(connection, log, leaves, at=NOW)


def move(engine: Engine, signer: Signer, limit: int = 2_000, log: str = AUDIT) -> int:
    with engine.begin() as connection:
        return sequence(connection, log, signer, limit, now=NOW)


def stored(engine: Engine, log: str = AUDIT) -> list[bytes]:
    with engine.connect() as connection:
        query = select(leaf.c.leaf).where(leaf.c.log == log).order_by(leaf.c.position)
        return list(connection.execute(query).scalars())


def test_concurrent_writers_leave_one_leaf_for_each_effect(engine: Engine, signer: Signer):
    effect.metadata.create_all(engine)
    writers, each = 6, 100 if PROVE else 25
    done = threading.Event()

    def write(seed: int) -> int:
        dice, kept = random.Random(seed), 0
        for _ in range(each):
            content = record(dice.randrange(1000))
            connection = engine.connect()
            transaction = connection.begin()
            connection.execute(insert(effect).values(id=str(identity(content))))
            append(connection, AUDIT, [content], at=NOW)
            if dice.random() < 0.2:
                transaction.rollback()
            else:
                transaction.commit()
                kept += 1
            connection.close()
        return kept

    def run() -> int:
        moved = 0
        while not done.is_set():
            moved += move(engine, signer, limit=7)
            done.wait(0.002)
        return moved

    with ThreadPoolExecutor(writers + 2) as threads:
        sequencers = [threads.submit(run) for _ in range(2)]
        kept = sum(threads.map(write, range(writers)))
        done.set()
        moved = sum(sequencer.result() for sequencer in sequencers)
    while batch := move(engine, signer):
        moved += batch
    with engine.connect() as connection:
        effects = set(connection.execute(select(effect.c.id)).scalars())
        assert waiting(connection, AUDIT) == 0
        places = connection.execute(select(leaf.c.position).order_by(leaf.c.position)).scalars().all()
    leaves = stored(engine)
    assert moved == kept == len(leaves) == len(effects)
    assert {str(identity(content)) for content in leaves} == effects
    assert list(places) == list(range(kept))


def test_what_is_rolled_back_is_in_no_log(engine: Engine, signer: Signer):
    with pytest.raises(RuntimeError), engine.begin() as connection:
        append(connection, AUDIT, [record(1)], at=NOW)
        raise RuntimeError
    assert move(engine, signer) == 0
    assert stored(engine) == []


def test_the_stored_bytes_are_the_leaf_and_every_one_is_proved(engine: Engine, signer: Signer):
    records = [record(number) for number in range(600)]
    put(engine, *records[:1])
    put(engine, *records[1:400])
    assert move(engine, signer) == 400
    with engine.connect() as connection:
        older = latest(connection, AUDIT)
    put(engine, *records[400:])
    assert move(engine, signer) == 200
    assert stored(engine) == records
    frontier = Frontier()
    frontier.extend(map(leaf_hash, records))
    with engine.connect() as connection:
        found = latest(connection, AUDIT)
        assert found is not None
        assert older is not None
        note, head, _ = found
        tree = node_in(connection, AUDIT, 600)
        assert note.verified_by([signer.verifier])
        assert head == Checkpoint(signer.name, 600, frontier.root())
        for index in range(0, 600, 7):
            proof = inclusion_proof(index, 600, tree)
            assert verify_inclusion(index, 600, leaf_hash(records[index]), proof, head.root)
        steps = consistency_proof(400, 600, tree)
        assert verify_consistency(400, 600, steps, older[1].root, head.root)
        one = identity(records[123])
        assert one is not None
        assert positions(connection, AUDIT, one) == [123]
        assert positions(connection, AUDIT, new_id()) == []


def test_a_batch_takes_the_oldest_first_and_no_more_than_asked(engine: Engine, signer: Signer):
    records = [record(number) for number in range(10)]
    for one in records:
        put(engine, one)
    assert [move(engine, signer, limit=4) for _ in range(4)] == [4, 4, 2, 0]
    assert stored(engine) == records
    with engine.connect() as connection:
        sizes = connection.execute(select(checkpoint.c.size).order_by(checkpoint.c.size)).scalars().all()
    assert list(sizes) == [4, 8, 10]


def test_the_empty_log_is_signed_once(engine: Engine, signer: Signer):
    assert [move(engine, signer), move(engine, signer)] == [0, 0]
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(checkpoint)).scalar_one() == 1
        assert size_of(connection, AUDIT) == 0


def test_logs_do_not_touch_each_other(engine: Engine, signer: Signer):
    put(engine, record(1))
    put(engine, record(2), record(3), log=CALLS)
    assert move(engine, CALLS_SIGNER, log=CALLS) == 2
    with engine.connect() as connection:
        assert (waiting(connection, AUDIT), waiting(connection, CALLS)) == (1, 0)
    assert move(engine, signer) == 1
    assert (len(stored(engine, AUDIT)), len(stored(engine, CALLS))) == (1, 2)


def test_only_one_sequencer_works_at_a_time_on_postgresql(postgres: Engine, signer: Signer):
    put(postgres, *[record(number) for number in range(3)])
    with postgres.begin() as first:
        assert sequence(first, AUDIT, signer, now=NOW) == 3
        put(postgres, record(4))
        assert move(postgres, signer) == 0, "the first has not committed yet"
    assert move(postgres, signer) == 1
    assert len(stored(postgres)) == 4


@pytest.mark.parametrize(
    "harm", ["drop the last leaf", "drop the last checkpoint", "change the frontier", "sign elsewhere"]
)
def test_a_changed_history_is_not_signed_on(engine: Engine, signer: Signer, harm: str):
    for batch in range(2):
        put(engine, *[record(batch * 5 + number) for number in range(5)])
        move(engine, signer)
    with engine.begin() as connection:
        if harm == "drop the last leaf":
            connection.execute(delete(leaf).where(leaf.c.position == 9))
        elif harm == "drop the last checkpoint":
            connection.execute(delete(checkpoint).where(checkpoint.c.size == 10))
        elif harm == "change the frontier":
            connection.execute(update(checkpoint).where(checkpoint.c.size == 10).values(edge=b"\x00" * 64))
    put(engine, record(11))
    other = Signer("gdbos.450100/audit/2", signer.private) if harm == "sign elsewhere" else signer
    with pytest.raises(Diverged):
        move(engine, other)
    with engine.connect() as connection:
        assert waiting(connection, AUDIT) == 1, "what could not be sequenced is kept"


def test_a_rewritten_leaf_shows_in_the_roots(engine: Engine, signer: Signer):
    records = [record(number) for number in range(5)]
    put(engine, *records)
    move(engine, signer)
    with engine.begin() as connection:
        connection.execute(update(leaf).where(leaf.c.position == 2).values(hash=leaf_hash(b"other")))
    with engine.connect() as connection:
        found = latest(connection, AUDIT)
        assert found is not None
        proof = inclusion_proof(0, 5, node_in(connection, AUDIT, 5))
        assert not verify_inclusion(0, 5, leaf_hash(records[0]), proof, found[1].root)


def test_full_tiles_are_hashed_as_they_fill(engine: Engine, signer: Signer):
    put(engine, *[record(number) for number in range(300)])
    move(engine, signer)
    put(engine, *[record(number) for number in range(300)])
    move(engine, signer)
    with engine.connect() as connection:
        rows = connection.execute(select(node.c.level, node.c.position).order_by(node.c.position)).all()
        assert [tuple(row) for row in rows] == [(1, 0), (1, 1)]
        assert connection.execute(select(func.count()).select_from(pending)).scalar_one() == 0
        signed = connection.execute(select(checkpoint.c.note).where(checkpoint.c.size == 300)).scalar_one()
    assert Note.parse(signed).verified_by([signer.verifier])
