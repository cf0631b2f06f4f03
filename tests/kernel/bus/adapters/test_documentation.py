"""What docs/adapters.md shows can be copied: every example is a service document that is read without a fault."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from gdbos.bus.adapters import KINDS, faults
from gdbos.bus.service import Service

TEXT = (Path(__file__).parents[4] / "docs" / "adapters.md").read_text("utf-8")
EXAMPLES = {
    table["id"]: table
    for block in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    for table in [tomllib.loads(block)]
}


def test_every_adapter_has_an_example():
    assert {table["adapter"] for table in EXAMPLES.values()} == set(KINDS)


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_is_read_without_a_fault_and_a_misspelt_key_is_named(code):
    made = msgspec.convert(EXAMPLES[code], Service)
    assert list(faults(made, None)) == []
    misspelt = msgspec.structs.replace(made, settings={**made.settings, "respons": {}})
    assert [fault for fault in faults(misspelt, None) if 'did you mean "response"' in fault]
