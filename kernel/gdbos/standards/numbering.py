"""Numbers whose parts a pack prescribes (编号规则): minted and checked by the same rule, so that the two cannot disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Annotated, Literal

import msgspec
from stdnum.iso7064 import mod_37_36

from gdbos.errors import Conflict

LONGEST = 50
"""Characters a case number may have (GB/T 39046-2020: an..50)."""
FIXED = {"division": 6, "day": 8}
"""Parts whose digits are not the pack's to choose: GB/T 2260, and year, month, day."""


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of a number, in digits, with zeros before it."""

    part: Literal["division", "day", "department", "serial"]
    digits: Annotated[int, msgspec.Meta(ge=1, le=20)]


def mint(made_of: Sequence[Segment], check: str, parts: Mapping[str, str], serial: Callable[[str], int]) -> str:
    """A new number of ``parts``, its last being the serial that ``serial`` gives behind the others.

    Raises:
        Conflict: a part has more digits than the rule gives it.
    """
    *before, last = made_of
    prefix = "".join(_filled(one, parts[one.part]) for one in before)
    number = prefix + _filled(last, str(serial(prefix)))
    return number + mod_37_36.calc_check_digit(number) if check else number


def _filled(segment: Segment, digits: str) -> str:
    if len(digits) > segment.digits:
        raise Conflict(
            "No number can be made: the part “{part}” has more than {digits} digits; let the standards pack give it more.",
            part=segment.part,
            digits=segment.digits,
        )
    return digits.rjust(segment.digits, "0")


def length(made_of: Sequence[Segment], check: str) -> int:
    """How many characters a number has."""
    return sum(one.digits for one in made_of) + bool(check)


def split(made_of: Sequence[Segment], value: str) -> dict[str, str]:
    """The parts of a number of the right length."""
    ends = accumulate((one.digits for one in made_of), initial=0)
    return {one.part: value[a:b] for one, (a, b) in zip(made_of, pairwise(ends), strict=True)}


def faults(made_of: Sequence[Segment], check: str) -> Iterator[str]:
    """What is wrong with a rule."""
    names = [one.part for one in made_of]
    if len(set(names)) < len(names):
        yield "a part stands twice"
    if names[-1] != "serial":
        yield "the last part must be the serial, or no two numbers would differ"
    for one in made_of:
        if FIXED.get(one.part, one.digits) != one.digits:
            yield f"{one.part} has {FIXED[one.part]} digits"
    if length(made_of, check) > LONGEST:
        yield f"a number would have more than {LONGEST} characters"
