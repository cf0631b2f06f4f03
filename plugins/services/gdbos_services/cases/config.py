"""What a deployment may set about cases."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.services.cases]`` in the deployment's configuration."""

    draft_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 30
    """How long a draft is kept."""
    acceptance: str = "licence-correction"
    """Deadline rule for telling what is missing."""
    ask_again_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 5
    """How soon a department's system that did not answer is asked again; each time twice as long, up to a quarter of an hour."""
