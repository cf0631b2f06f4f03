"""A case from the draft to the result, over HTTP."""

from __future__ import annotations

from .conftest import City


def test_a_case_goes_from_draft_to_result(city: City) -> None:
    made = city.submitted()
    assert city.state(made) == "submitted"
    city.done("clerk", "POST", f"/{made}/accept")
    city.done("head", "POST", f"/{made}/approve", {"reason": "符合条件"})
    city.settle()
    shown = city.done("anna", "GET", f"/{made}")
    assert (shown["state"], shown["outcome"]) == ("closed", "granted")
