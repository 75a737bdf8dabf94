"""What can be asked about users, tokens and join secrets. No command carries a secret: hashes and digests are made where the secret is heard."""

from __future__ import annotations

from schema.base import Command, command, lane_kind

ACCESS = lane_kind("access")


class AccessCommand(Command):
    """A command of the lane `access`: one writer sees all of them in order, so no two of them race."""

    __slots__ = ()

    @property
    def lane(self) -> str:
        return ACCESS.of()


@command("access.offer_bootstrap")
class OfferBootstrap(AccessCommand):
    """Let whoever has the token of this digest become the first admin. Refused once there is a user."""

    digest: str


@command("access.bootstrap")
class Bootstrap(AccessCommand):
    """Make the first admin, with the token of this digest. It works once."""

    digest: str
    username: str
    password_hash: str
    full_name: str = ""
    email: str = ""


@command("access.add_user")
class AddUser(AccessCommand):
    """Make a user known."""

    username: str
    password_hash: str
    role: str
    full_name: str = ""
    email: str = ""


@command("access.change_user")
class ChangeUser(AccessCommand):
    """Change what is known of a user; None leaves it as it is. A new password ends all sessions."""

    user_id: int
    password_hash: str | None = None
    role: str | None = None
    full_name: str | None = None
    email: str | None = None


@command("access.remove_user")
class RemoveUser(AccessCommand):
    """Let a user log in no more; tokens and sessions end. The name stays taken."""

    user_id: int


@command("access.set_token")
class SetToken(AccessCommand):
    """Give a user a token; one of the same name is replaced. `expires_at` in ISO form, None for never."""

    username: str
    token_name: str
    digest: str
    role: str
    expires_at: str | None = None


@command("access.drop_token")
class DropToken(AccessCommand):
    """Forget a user's token."""

    username: str
    token_name: str


@command("access.rotate_join_secret")
class RotateJoinSecret(AccessCommand):
    """Let beacons join with the secret of this digest, under a name. Earlier secrets of the name end after the grace."""

    secret_name: str
    digest: str
    grace_seconds: int = 0


@command("access.drop_join_secret")
class DropJoinSecret(AccessCommand):
    """Forget all secrets of a name; beacons that joined with them are disconnected."""

    secret_name: str
