"""How a work item says to whom its end is to be reported."""

from __future__ import annotations

#: The key in an item's metadata, with node, execution and attempt; submitters may not use it.
REPLY = "uv.reply"
