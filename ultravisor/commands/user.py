"""`ultravisor user`: who may log in, and as what."""

from __future__ import annotations

import sys
from typing import Any

import click
import sqlalchemy as sa
from marshmallow import ValidationError

from app import passwords
from schema.access.commands import AddUser, ChangeUser, RemoveUser
from schema.access.forms import PASSWORD, USERNAME
from schema.access.rules import PEOPLE
from schema.errors import Unavailable
from ultravisor import console, database, here

_ROLE = click.Choice(PEOPLE)
_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")


@click.group()
def user() -> None:
    """Make, change and remove users. A running worker carries it out."""


@user.command()
@click.argument("name")
@click.option("--role", type=_ROLE, default="reader", show_default=True, help="What the user may do.")
@click.option("--full-name", default="", help="For people.")
@click.option("--email", default="")
@_STDIN
def add(name: str, role: str, full_name: str, email: str, password_stdin: bool) -> None:
    """Make a user known."""
    _check(USERNAME, name)
    hidden = passwords.hashed(_password(password_stdin))
    console.done(here.settings(), AddUser(username=name, password_hash=hidden, role=role, full_name=full_name, email=email))
    click.echo(f"{name} may log in as {role}.")


@user.command()
@click.argument("name")
@_STDIN
def password(name: str, password_stdin: bool) -> None:
    """Give a user another password; all sessions of the user end."""
    id = _id_of(name)
    console.done(here.settings(), ChangeUser(user_id=id, password_hash=passwords.hashed(_password(password_stdin))))
    click.echo(f"{name} has another password.")


@user.command()
@click.argument("name")
@click.argument("role", type=_ROLE)
def role(name: str, role: str) -> None:
    """Give a user another role."""
    console.done(here.settings(), ChangeUser(user_id=_id_of(name), role=role))
    click.echo(f"{name} is {role} from now on.")


@user.command()
@click.argument("name")
def remove(name: str) -> None:
    """Let a user log in no more. The name stays taken, for the audit knows it."""
    console.done(here.settings(), RemoveUser(user_id=_id_of(name)))
    click.echo(f"{name} may not log in any more.")


@user.command(name="list")
def listed() -> None:
    """Show who may log in."""
    for row in _rows("SELECT name, role, full_name FROM access_user WHERE removed_at IS NULL ORDER BY id"):
        click.echo("\t".join(map(str, row)))


def _password(stdin: bool) -> str:
    """Never an argument: those stand in the list of processes and in the shell's history."""
    given: str = sys.stdin.readline().rstrip("\n") if stdin else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    _check(PASSWORD, given)
    return given


def _check(rule: Any, given: str) -> None:
    try:
        rule(given)
    except ValidationError as error:
        raise click.UsageError(str(error.messages[0])) from error


def _id_of(name: str) -> int:
    for (id,) in _rows("SELECT id FROM access_user WHERE removed_at IS NULL AND name = :name", name=name):
        return int(id)
    raise click.ClickException(f"There is no user {name}.")


def _rows(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    try:
        with database.reading(here.settings()) as connection:
            return database.values(connection, statement, **parameters)
    except sa.exc.SQLAlchemyError as trouble:
        raise Unavailable("The database does not answer, or has not been migrated yet; start the hub.") from trouble
