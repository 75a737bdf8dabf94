"""Where things are, from whichever folder the command is given."""

from __future__ import annotations

from pathlib import Path

#: The folder with the rooms.
PROJECT = Path(__file__).resolve().parents[2]

#: What runs, one line each.
PROCFILE = PROJECT / "Procfile"
