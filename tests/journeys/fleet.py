"""What the beacons of the library's operations can do: everything in a tenth of a second at most, and a model that summarizes by cutting."""

from __future__ import annotations

from typing import Any

from beacon.providers.contract import Action, Context, Outputs, Setting
from beacon.providers.synthetic import Synthetic


class _Quick(Synthetic):
    """Synthetic work, a fiftieth of the time that the graph asks for."""

    of: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__(self.of[0], self.of[1:], duration_ms=20)

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        return super().execute(action, {**settings, "DurationMs": float(settings.get("DurationMs") or 20) / 50}, context)


class Parser(_Quick):
    """Parses."""

    of = ("Parser", "Parse", "ParseStrict")


class Transformer(_Quick):
    """Transforms."""

    of = ("Transformer", "Transform", "Enrich")


class Validator(_Quick):
    """Validates."""

    of = ("Validator", "Validate", "ValidateStrict")


class Loader(_Quick):
    """Loads."""

    of = ("Loader", "Load", "LoadIncremental")


class DataIntegration(_Quick):
    """Integrates."""

    of = ("DataIntegration", "Process")


class VideoTranscode(_Quick):
    """Encodes."""

    of = ("VideoTranscode", "Encode")


class FileTransfer(_Quick):
    """Transfers."""

    of = ("FileTransfer", "Transfer")


class PollOnly(_Quick):
    """Processes."""

    of = ("PollOnly", "Process")


class Model:
    """A language model of little wit: it answers with the first words of what it is asked."""

    capability = "LLM"
    actions = (Action("ChatCompletion", "Answers.", (Setting("UserPrompt", "String", "What it is asked.", required=True),)),)

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        return {"Content": " ".join(str(settings["UserPrompt"]).split()[:2]), "Model": "scissors", "FinishReason": "stop"}


PROVIDERS = (Parser, Transformer, Validator, Loader, DataIntegration, VideoTranscode, FileTransfer, PollOnly, Model)
