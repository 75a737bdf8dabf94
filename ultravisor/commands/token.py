"""`ultravisor token`: tokens for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from app import passwords
from schema.access.commands import DropToken, SetToken
from schema.access.rules import PEOPLE
from ultravisor import console, here


@click.group()
def token() -> None:
    """Make and drop tokens, which programs send as `Authorization: Bearer <token>`."""


@token.command()
@click.argument("user")
@click.argument("name")
@click.option("--role", type=click.Choice(PEOPLE), default="reader", show_default=True, help="What the program may do; never more than its user.")
@click.option("--days", type=click.IntRange(1, 3650), help="For how long; without it, until it is dropped.")
def add(user: str, name: str, role: str, days: int | None) -> None:
    """Print a token that acts for USER, in place of the one of that NAME. It is shown this once."""
    made = passwords.fresh(passwords.TOKEN_MARK)
    until = None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat()
    console.done(here.settings(), SetToken(username=user, token_name=name, digest=passwords.digest(made), role=role, expires_at=until))
    click.echo(made)


@token.command()
@click.argument("user")
@click.argument("name")
def drop(user: str, name: str) -> None:
    """Take a token back."""
    console.done(here.settings(), DropToken(username=user, token_name=name))
    click.echo(f"{user}/{name} opens nothing any more.")
