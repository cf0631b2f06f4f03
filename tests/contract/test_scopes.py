"""What a plugin declares of whose its data are is whole: of every service who may ask it, of every table what its rows are for."""

from __future__ import annotations

from gdbos import canary

from .demo import City

OWN = {
    "kernel.bus.receipts": "a person's own receipts, and nobody else's",
    "kernel.identity.applicant": "a person's own identity, and nobody else's",
    "kernel.files.file": "each file says by itself which right it takes",
}
"""Services that show somebody's data and ask no right of officials, and why."""
CITED = {"catalogue_mount": "the matter that its probe cites; the data resource is of every matter"}
"""Tables with a matter that does not say whose their rows are, and why."""


def test_every_service_about_somebody_says_what_right_officials_need(city: City) -> None:
    offers = [offered.offer for offered in city.site.kernel.directory.all() if offered.offer is not None]
    about = {one.code for one in offers if one.sharing != "unconditional" and one.permission is None}
    assert about == set(OWN)
    assert len(offers) > 12


def test_every_table_with_a_matter_is_kept_from_posts_and_mandates_for_others(city: City) -> None:
    tables = list(canary.scoped(city.site.kernel))
    open_to_all = {table.name for table, scope in tables if "matter" in table.c and scope.matter != "matter"}
    assert open_to_all == set(CITED)
    assert len(tables) > 20
