"""What users of the interface may say about users, tokens and join secrets: shapes only."""

from __future__ import annotations

from marshmallow import EXCLUDE, fields, validate

from schema.access.rules import PEOPLE
from schema.wire import Wire

#: A name may stand in addresses, logs and actors.
USERNAME = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$", error="1 to 128 letters, digits, dots, dashes, underscores, @ or +.")
#: The shortest password that is taken, and the longest that is looked at.
PASSWORD = validate.Length(min=8, max=1_024)
TEXT = validate.Length(max=256)
ROLE = validate.OneOf(PEOPLE)


class LoginWire(Wire):
    """Name and password, in either spelling."""

    class Meta:
        unknown = EXCLUDE

    UserName = fields.String(load_default="", allow_none=True, validate=TEXT)
    username = fields.String(load_default="", allow_none=True, validate=TEXT)
    Password = fields.Raw(load_default=None, load_only=True)
    password = fields.Raw(load_default=None, load_only=True)


class UserWire(Wire):
    """A new user. One role in a list is as good as the role."""

    Username = fields.String(required=True, validate=USERNAME)
    Password = fields.String(required=True, load_only=True, validate=PASSWORD)
    Role = fields.String(load_default=None, allow_none=True, validate=ROLE)
    Roles = fields.List(fields.String(validate=ROLE), load_default=None, allow_none=True, validate=validate.Length(equal=1))
    FullName = fields.String(load_default="", validate=TEXT)
    Email = fields.String(load_default="", validate=TEXT)


class UserChangeWire(Wire):
    """What changes of a user."""

    Role = fields.String(load_default=None, allow_none=True, validate=ROLE)
    Roles = fields.List(fields.String(validate=ROLE), load_default=None, allow_none=True, validate=validate.Length(equal=1))
    FullName = fields.String(load_default=None, allow_none=True, validate=TEXT)
    Email = fields.String(load_default=None, allow_none=True, validate=TEXT)


class SetPasswordWire(Wire):
    """A password that somebody else sets."""

    NewPassword = fields.String(required=True, load_only=True, validate=PASSWORD)


class ChangePasswordWire(Wire):
    """A password that its owner changes."""

    CurrentPassword = fields.String(required=True, load_only=True, validate=validate.Length(max=1_024))
    NewPassword = fields.String(required=True, load_only=True, validate=PASSWORD)


class BootstrapWire(Wire):
    """The first admin, and the token that makes one."""

    Token = fields.String(required=True, load_only=True, validate=validate.Length(min=1, max=256))
    UserSpec = fields.Nested(UserWire, required=True)


class TokenWire(Wire):
    """What a token may do, and for how long."""

    Role = fields.String(load_default="reader", validate=ROLE)
    ExpiresInSeconds = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(min=1, max=10 * 366 * 86_400))


class JoinSecretWire(Wire):
    """How long the secrets before the new one are still good."""

    GraceSeconds = fields.Integer(load_default=86_400, validate=validate.Range(min=0, max=30 * 86_400))
