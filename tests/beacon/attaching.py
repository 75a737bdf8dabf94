"""A provider that hands files out."""

from __future__ import annotations

from typing import Any

from beacon.providers import Action, Context, Outputs


class Attaching:
    """Writes two files and attaches them under names of their own."""

    capability = "Attaching"
    actions = (Action("Do", "Writes files."),)

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        for number in (1, 2):
            path = context.work_folder / f"{number}.txt"
            path.write_text(f"file {number}")
            context.attach(path, name=f"Übung/{number}.txt")
        if settings.get("Missing"):
            context.attach(context.work_folder / "missing")
        return {"Done": True}
