"""What compiled standards cost beside what one would write by hand, and how fast a province's worth of them loads."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from people import QUESTION

from gdbos.shipped import shipped
from gdbos.standards import Standards, load

from .conftest import Report, interleaved, ratios

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
ON = date(2026, 11, 23)
ROUNDS, TIMES = 9, 3_000


WORDS, SIGNS, DIGITS = r"\A(?:[^\x00]*)\Z", r"\A(?:[!-~]*)\Z", r"\A(?:[0-9]*)\Z"


class ByHand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``bench.question`` as one would write it who knew all of its rules."""

    citizen_id: Annotated[str, Meta(min_length=18, max_length=18, pattern=SIGNS)]
    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=WORDS)]
    sex: Annotated[str, Meta(min_length=1, max_length=1, pattern=DIGITS)]
    birth_date: date
    nation: Annotated[str, Meta(min_length=2, max_length=2, pattern=DIGITS)]
    nationality: Annotated[str, Meta(min_length=3, max_length=3, pattern=r"\A[A-Z]{3}\Z")]
    address: Annotated[str, Meta(min_length=1, max_length=300, pattern=WORDS)]
    mobile: Annotated[str, Meta(min_length=11, max_length=11, pattern=r"\A1[3-9][0-9]{9}\Z")]
    postal_code: Annotated[str, Meta(min_length=6, max_length=6, pattern=DIGITS)]
    case_number: Annotated[str, Meta(min_length=1, max_length=50, pattern=SIGNS)]
    case_name: Annotated[str, Meta(min_length=1, max_length=500, pattern=WORDS)]
    reason: Annotated[str, Meta(min_length=1, max_length=2000, pattern=WORDS)]


def took(work: Callable[[], object], times: int = TIMES) -> float:
    """Microseconds of processor time of one ``work()``."""
    started = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - started) * 1e6 / times


def test_standard_decode(report: Report, tmp_path: Path) -> None:
    """Decoding by a compiled standard ÷ by a struct written by hand; compiling; loading and searching 20,000 elements."""
    folders = [shipped("standards"), Path(__file__).parent]
    standards = load(folders, {}, ["national", "bench"])
    record, body = standards.record("bench.question", ON), msgspec.json.encode(QUESTION)
    by_hand = msgspec.json.Decoder(ByHand)
    record.read(body)  # the list of divisions is indexed on first use
    ours, theirs = interleaved(
        ROUNDS, lambda: took(lambda: record.decode(body)), lambda: took(lambda: by_hand.decode(body))
    )
    rates = ratios(ours, theirs)
    province(tmp_path)
    many, loading = _timed(lambda: load([tmp_path], {}, ["big"]))
    many.record("fifty", ON)
    compiling = median(_compiled_anew(many) for _ in range(9))
    many.search("要素", ON)  # the index is made on first use
    searching = median(_searched(many, words) for words in ("要素1234", "要素", "12") for _ in range(3))
    report(
        "standard_decode",
        rates["median"],
        1.2,
        ratios=rates,
        ours_us=round(median(ours), 2),
        by_hand_us=round(median(theirs), 2),
        with_check_digits_us=round(took(lambda: record.read(body), 300), 2),
        compile_50_fields_ms=round(compiling * 1000, 2),
        load_20000_elements_500_lists_s=round(loading, 2),
        search_ms=round(searching * 1000, 2),
        aims={"compile_ms": 1, "load_s": 2, "search_ms": 20},
    )


def _timed(work: Callable[[], Standards]) -> tuple[Standards, float]:
    started = time.perf_counter()
    made = work()
    return made, time.perf_counter() - started


def _searched(standards: Standards, words: str) -> float:
    started = time.perf_counter()
    standards.search(words, ON)
    return time.perf_counter() - started


def _compiled_anew(standards: Standards) -> float:
    standards._compiled.clear()
    return _timed(lambda: standards.record("fifty", ON))[1]  # type: ignore[arg-type,return-value]


def province(folder: Path) -> None:
    """A pack of 20,000 elements, 500 code lists of 20 rows, and a record of fifty fields."""
    pack = folder / "big"
    for part in ("elements", "codes", "records"):
        (pack / part).mkdir(parents=True)
    head = 'title = { zh = "大包", en = "Big" }\npublisher = { zh = "测试", en = "Test" }\n'
    (pack / "pack.toml").write_text(
        f'id = "big"\nversion = "1"\n{head}level = "national"\ndivision = "000000"\n', "utf-8"
    )
    for part in range(20):
        elements = "\n".join(_element(part * 1000 + number) for number in range(1000))
        (pack / "elements" / f"part{part}.toml").write_text(elements, "utf-8")
    for number in range(500):
        rows = "\n".join(f'[[code]]\ncode = "{row:02}"\ntitle = {{ zh = "值{row}" }}' for row in range(20))
        text = f'id = "list-{number}"\ntitle = {{ zh = "代码{number}" }}\n{rows}\n'
        (pack / "codes" / f"list-{number}.toml").write_text(text, "utf-8")
    fields = "\n".join(f'[[field]]\nname = "f{number}"\nelement = "element-{number}"' for number in range(50))
    (pack / "records" / "fifty.toml").write_text(f'id = "fifty"\ntitle = {{ zh = "五十" }}\n{fields}\n', "utf-8")


def _element(number: int) -> str:
    title = f'{{ zh = "要素{number}", en = "Element {number}" }}'
    return f'[[element]]\nid = "element-{number}"\ntitle = {title}\nform = "any..100"\ngrade = "general"\npersonal = "none"\n'
