"""The API reference shows every operation, finds by words, and survives shapes that hold themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.pages.frame import Frame, Site
from gdbos.pages.render import Pages
from gdbos.pages.schema import render_schema
from gdbos.text import Text

PAGES = Pages()
FRAME = Frame(
    site=Site(title=Text("站"), division=Text("市"), version="0"), path="/schema", may=lambda permission: True
)


def shown(document: dict[str, object], query: str = "") -> str:
    return render_schema(document, PAGES, "en", frame=FRAME, query=query)


def test_an_operation_shows_its_path_permission_parameters_and_shapes(openapi) -> None:
    page = shown(openapi)
    for words in (
        "2 operations",
        "/api/services/cases/{case_id}/accept",
        "services.cases.accept",
        "Accept a submitted case",
        "string (uuid)",
        "≥ 1 · ≤ 100",
        "default 20",
        'href="#schema-Tree"',
        "Fields of Address",
        "&#34;division&#34;",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("accept", ["/api/services/cases/{case_id}/accept"]),
        ("SERVICES.cases post", ["/api/services/cases/{case_id}/accept"]),
        ("list calls", ["/api/bus/calls"]),
        ("nothing like it", []),
    ],
)
def test_a_search_keeps_the_operations_that_hold_all_its_words(openapi, query: str, found: list[str]) -> None:
    page = shown(openapi, query)
    assert [path for path in openapi["paths"] if f"<code>{path}</code>" in page] == found
    assert ("No operation holds these words" in page) == (not found)


def test_a_search_is_shown_escaped(openapi) -> None:
    assert "<script>x" not in shown(openapi, "<script>x")


def test_a_search_shows_the_shapes_its_operations_are_built_of(openapi) -> None:
    assert 'id="schema-Address"' in shown(openapi, "list calls")
    assert 'id="schema-Address"' not in shown(openapi, "nothing like it")


def test_given_examples_come_before_made_up_ones_and_references_are_followed() -> None:
    page = shown(
        {
            "paths": {
                "/a": {
                    "parameters": [{"$ref": "#/components/parameters/Page"}],
                    "post": {
                        "requestBody": {"content": {"application/json": {"example": {"from": "the author"}}}},
                        "responses": {"404": {"$ref": "#/components/responses/Missing"}},
                    },
                }
            },
            "components": {
                "parameters": {"Page": {"name": "after", "in": "query", "schema": {"type": ["string", "null"]}}},
                "responses": {"Missing": {"description": "It is not there"}},
            },
            "info": {"title": "t", "version": "1"},
        }
    )
    for words in ("the author", "after", "string or null", "It is not there"):
        assert words in page


NAMES = st.sampled_from(["A", "B", "C"])
SCHEMAS = st.recursive(
    st.one_of(
        st.builds(lambda name: {"$ref": f"#/components/schemas/{name}"}, NAMES),
        st.sampled_from(
            [{}, True, {"type": "string", "format": "date"}, {"enum": [1, "x"]}, {"type": ["integer", "null"]}]
        ),
        st.just({"$ref": "#/components/schemas/Gone"}),
    ),
    lambda inner: st.one_of(
        st.builds(lambda of: {"type": "array", "items": of}, inner),
        st.builds(lambda of: {"type": "object", "properties": of}, st.dictionaries(NAMES, inner, max_size=3)),
        st.builds(lambda of: {"type": "object", "additionalProperties": of}, inner),
        st.builds(lambda key, of: {key: of}, st.sampled_from(["oneOf", "anyOf", "allOf"]), st.lists(inner, max_size=3)),
    ),
    max_leaves=8,
)


@given(schemas=st.dictionaries(NAMES, SCHEMAS, max_size=3), body=SCHEMAS)
def test_shapes_of_any_form_are_shown(schemas: dict[str, object], body: object) -> None:
    post = {"requestBody": {"content": {"application/json": {"schema": body}}}, "responses": {}}
    document = {
        "info": {"title": "t", "version": "1"},
        "paths": {"/x": {"post": post}},
        "components": {"schemas": schemas},
    }
    page = shown(document)
    assert "/x" in page
    assert page.count('class="schema"') == len(schemas)
