"""Who is known: users, their tokens, and the secrets with which beacons join. No secret is stored, only what tells it again."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import UtcDateTime, table

#: People. A name is never given to somebody else: it stands in the audit.
user = table(
    "access_user",
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(128), nullable=False, unique=True),
    #: argon2id with its own salt and costs.
    sa.Column("password_hash", sa.String(256), nullable=False),
    #: `reader`, `operator` or `admin`.
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("full_name", sa.String(256), nullable=False),
    sa.Column("email", sa.String(256), nullable=False),
    #: Grows with each new password; sessions of an earlier one are over.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    #: Since when the user may not log in any more.
    sa.Column("removed_at", UtcDateTime),
)

#: Tokens of programs, which act for a user.
token = table(
    "access_token",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.Integer, nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    #: SHA-256 of the token, which is 256 random bits: there is nothing to guess.
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.UniqueConstraint("user_id", "name"),
)

#: Secrets with which beacons join. One name has one secret that stays, and those before it until they end.
join_secret = table(
    "access_join_secret",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False, index=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    #: When a secret that has been replaced is over.
    sa.Column("ends_at", UtcDateTime),
)

#: The token that makes the first admin, while there is no user.
bootstrap = table(
    "access_bootstrap",
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("offered_at", UtcDateTime, nullable=False),
)
