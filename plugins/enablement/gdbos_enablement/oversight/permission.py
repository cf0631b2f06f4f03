"""Who may do what with cards; roles of the standards packs hand these out."""

from __future__ import annotations

from gdbos import N_, Permission

READ = Permission("enablement.oversight.read", N_("See the cards within one's reach"))
EXPLAIN = Permission("enablement.oversight.explain", N_("Explain the cards of one's body"))
REVIEW = Permission("enablement.oversight.review", N_("Review the cards of other bodies"))
WITHDRAW = Permission("enablement.oversight.withdraw", N_("Withdraw cards, with reasons"))

PERMISSIONS = [READ, EXPLAIN, REVIEW, WITHDRAW]
