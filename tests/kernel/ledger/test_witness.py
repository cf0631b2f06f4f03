"""A witness cosigns one history of each log, whoever holds the log's key."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from gdbos.crypto import STANDARD
from gdbos.ledger.merkle import Node, consistency_proof, leaf_hash, node_hash, root
from gdbos.ledger.note import COSIGNATURE, Checkpoint, Note, Signer
from gdbos.ledger.policy import Policy
from gdbos.ledger.witness import SIZE_TYPE, Answer, Known, Submission, add_checkpoint, known_of

from .conftest import NOW, PROVE

ORIGIN = "gdbos.450103/calls/1"
LOG = Signer(ORIGIN, STANDARD.new_private())
WITNESS = Signer("gdbos.450100/witness", STANDARD.new_private(), COSIGNATURE)
LOGS = {ORIGIN: [LOG.verifier]}
Post = Callable[[bytes], Answer]


def tree(*records: bytes) -> Node:
    hashes = [leaf_hash(content) for content in records]

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return hashes[index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def body(old: int, size: int, node: Node, signer: Signer = LOG, origin: str = ORIGIN) -> bytes:
    note = Checkpoint(origin, size, root(size, node)).signed(signer)
    return bytes(Submission(old, tuple(consistency_proof(min(old, size), size, node)), note))


HONEST = tree(*(bytes([number]) for number in range(60)))
FORGED = tree(*(bytes([number if number != 20 else 99]) for number in range(60)))


@pytest.fixture
def post(engine: Engine) -> Post:
    def send(content: bytes) -> Answer:
        with engine.begin() as connection:
            return add_checkpoint(connection, content, LOGS, WITNESS, now=NOW)

    return send


def test_what_continues_is_cosigned(post: Post):
    policy = Policy((LOG.verifier,), {"city": WITNESS.verifier}, {}, "city")
    for old, size in ((0, 0), (0, 7), (7, 7), (7, 8), (8, 60)):
        content = body(old, size, HONEST)
        answer = post(content)
        assert answer.status == 200
        note = Note.parse(str(Submission.parse(content).note) + answer.body)
        assert policy.accepts(note) is not None
        assert policy.cosigned(note) == ["city"]


def test_another_past_is_refused(post: Post):
    assert post(body(0, 30, HONEST)).status == 200
    assert post(body(30, 40, FORGED)).status == 422
    assert post(body(30, 30, FORGED)) == Answer(409, "30\n", SIZE_TYPE)
    assert post(body(0, 40, FORGED)) == Answer(409, "30\n", SIZE_TYPE)
    assert post(body(20, 40, HONEST)) == Answer(409, "30\n", SIZE_TYPE)
    assert post(body(30, 20, HONEST)).status == 400
    assert post(body(30, 40, HONEST)).status == 200


def test_no_rewritten_history_is_ever_cosigned(post: Post):
    """An operator who holds database and log key tries; 300 ways when proving."""
    dice, cosigned = random.Random(3), 0
    assert post(body(0, 40, HONEST)).status == 200
    for _ in range(300 if PROVE else 60):
        altered = dice.randrange(40)
        records = [bytes([number]) for number in range(60)]
        kind = dice.randrange(3)
        if kind == 0:
            records[altered] = b"forged"
        elif kind == 1:
            del records[altered]
        else:
            records[altered], records[(altered + 1) % 40] = records[(altered + 1) % 40], records[altered]
        size = dice.randint(40, len(records))
        cosigned += post(body(dice.choice([0, 40, altered]), size, tree(*records))).status == 200
    assert cosigned == 0
    assert post(body(40, 60, HONEST)).status == 200


def test_strangers_are_refused(post: Post):
    assert post(body(0, 5, HONEST, origin="gdbos.000000/calls/1")).status == 404
    assert post(body(0, 5, HONEST, Signer(ORIGIN, STANDARD.new_private()))).status == 403


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"old 0",
        b"old 00\n\n",
        b"new 0\n\n",
        b"old -1\n\n",
        b"\xff",
        b"old 0\nAAAA\n\n",
        b"old 0\n" + b"A\n" * 70 + b"\n",
    ],
)
def test_what_cannot_be_read_is_refused(post: Post, content: bytes):
    assert post(content).status == 400
    assert post(content + str(Checkpoint(ORIGIN, 1, leaf_hash(b"")).signed(LOG)).encode()).status == 400


def test_of_two_that_race_one_is_cosigned(postgres: Engine):
    def send(content: bytes) -> Answer:
        with postgres.begin() as connection:
            return add_checkpoint(connection, content, LOGS, WITNESS, now=NOW)

    known = Known()
    for _ in range(3):
        racing = [body(known.size, known.size + ahead, HONEST) for ahead in range(3, 11)]
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(send, racing))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 7
        won = Checkpoint.parse(Submission.parse(racing[[answer.status for answer in answers].index(200)]).note.text)
        with postgres.connect() as connection:
            found = known_of(connection, ORIGIN)
        assert found == Known(won.size, won.root)
        known = found
