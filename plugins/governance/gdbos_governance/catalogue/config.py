"""What a deployment may set about the catalogue."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.governance.catalogue]`` in the deployment's configuration."""

    stale_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 24
    """How long a successful probe counts; after that the resource is not mounted."""
    probe_minutes: Annotated[int, msgspec.Meta(ge=5, le=10080)] = 60
    """How often each mount is probed."""
