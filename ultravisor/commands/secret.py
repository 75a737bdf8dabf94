"""`ultravisor secret`: the secrets with which beacons join."""

from __future__ import annotations

import click

from app import passwords
from schema.access.commands import DropJoinSecret, RotateJoinSecret
from ultravisor import console, here

NAME = click.argument("name", default="default")


@click.group()
def secret() -> None:
    """Make, replace and drop join secrets. Beacons of one secret cannot take the names of another's."""


@secret.command()
@NAME
@click.option("--grace", type=click.IntRange(0, 30 * 86_400), default=86_400, show_default=True, help="Seconds that the one before is still good.")
def rotate(name: str, grace: int) -> None:
    """Print a new join secret, in place of the one of that NAME. It is shown this once."""
    made = passwords.fresh(passwords.JOIN_MARK)
    console.done(here.settings(), RotateJoinSecret(secret_name=name, digest=passwords.digest(made), grace_seconds=grace))
    click.echo(made)


@secret.command()
@NAME
def drop(name: str) -> None:
    """Forget all secrets of a NAME; beacons that joined with them are disconnected."""
    console.done(here.settings(), DropJoinSecret(secret_name=name))
    click.echo(f"Nobody joins with {name} any more.")
