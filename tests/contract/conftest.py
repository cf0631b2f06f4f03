"""One served demo city per file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .demo import City, demo_city


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with demo_city(tmp_path_factory.mktemp("city")) as found:
        yield found
