"""Which verb carries out which command about users, tokens and join secrets."""

from __future__ import annotations

from collections.abc import Mapping

from schema.access.commands import (
    AddUser,
    Bootstrap,
    ChangeUser,
    DropJoinSecret,
    DropToken,
    OfferBootstrap,
    RemoveUser,
    RotateJoinSecret,
    SetToken,
)
from tasks.access.add_user import add_user
from tasks.access.bootstrap import bootstrap, offer_bootstrap
from tasks.access.change_user import change_user
from tasks.access.join_secrets import drop_join_secret, rotate_join_secret
from tasks.access.remove_user import remove_user
from tasks.access.tokens import drop_token, set_token
from tasks.frame import Verb

VERBS: Mapping[str, Verb] = {
    OfferBootstrap.name: offer_bootstrap,
    Bootstrap.name: bootstrap,
    AddUser.name: add_user,
    ChangeUser.name: change_user,
    RemoveUser.name: remove_user,
    SetToken.name: set_token,
    DropToken.name: drop_token,
    RotateJoinSecret.name: rotate_join_secret,
    DropJoinSecret.name: drop_join_secret,
}
