"""`ultravisor`: every command, by name."""

from __future__ import annotations

import click

from schema.errors import UltravisorError
from ultravisor.commands.beacon import beacon
from ultravisor.commands.databeacon import databeacon
from ultravisor.commands.demo import demo
from ultravisor.commands.doctor import doctor
from ultravisor.commands.exercise import command as exercise
from ultravisor.commands.secret import secret
from ultravisor.commands.settings import settings
from ultravisor.commands.status import status
from ultravisor.commands.token import token
from ultravisor.commands.up import up
from ultravisor.commands.user import user


class Door(click.Group):
    """Says what cannot be done in one line and exits with 1; a traceback is for mistakes of ours."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except UltravisorError as trouble:
            raise click.ClickException(trouble.text) from trouble


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="ultravisor")
def cli() -> None:
    """A self-hosted automation hub. `ultravisor up` serves it; settings come from the environment, see `ultravisor settings`."""


for command in (up, status, settings, user, token, secret, beacon, databeacon, doctor, demo, exercise):
    cli.add_command(command)

if __name__ == "__main__":
    cli(prog_name="ultravisor")
