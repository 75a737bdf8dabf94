"""How a work item says which execution of which node it belongs to."""

from __future__ import annotations

#: The key in an item's metadata; submitters may not use it.
REPLY = "uv.reply"
