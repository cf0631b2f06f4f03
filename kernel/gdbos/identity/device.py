"""What a browser says of itself, in two words: enough to know one's own devices again, too little to follow anybody."""

from __future__ import annotations

from typing import Final

_BROWSERS: Final = (
    # The first that is named counts: most browsers name those they resemble, too.
    ("MicroMessenger/", "WeChat"),
    ("AlipayClient/", "Alipay"),
    ("Edg", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
_SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("UOS", "UOS"),
    ("Kylin", "Kylin"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """``Firefox · Windows`` of a User-Agent header; empty where it says neither."""
    found = (next((name for sign, name in known if sign in user_agent), "") for known in (_BROWSERS, _SYSTEMS))
    return " · ".join(name for name in found if name)
