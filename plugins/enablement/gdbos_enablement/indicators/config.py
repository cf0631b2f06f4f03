"""What a deployment may set about indicators."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .speed import Aggregation


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.enablement.indicators]`` in the deployment's configuration."""

    aggregation: Aggregation = "ratio-of-sums"
    """How speed-ups are put together (口径); the page names it beside each figure."""
    on_application: tuple[Annotated[str, msgspec.Meta(max_length=2)], ...] = ("01", "05", "07", "08", "09", "10", "20")
    """Matter types (``gbt39046.matter-type``) that begin with an application (依申请): only these have a speed-up."""
    months: Annotated[int, msgspec.Meta(ge=1, le=24)] = 6
    """How many months the chart of received and closed cases goes back."""
