"""The kinds of databases, what a connection to each is made of, and the form in which a person fills it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Shown in the place of a secret, and accepted for: the one that is stored.
MASK = "***"
#: Keys of a config that hold a secret, in any spelling.
SECRET_KEYS = ("password", "Password", "pass")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of connection. `engine` is the word of descriptors and plans, `scheme` the driver's; empty for one that is not served."""

    type: str
    engine: str = ""
    scheme: str = ""
    port: int = 0
    module: str = ""
    about: str = ""


KINDS: dict[str, Kind] = {
    kind.type: kind
    for kind in (
        Kind("MySQL", "mysql", "mysql+pymysql", 3306, "pymysql", "MySQL 8 or MariaDB 10.6 and later."),
        Kind("PostgreSQL", "postgresql", "postgresql+psycopg", 5432, "psycopg", "PostgreSQL 13 and later."),
        Kind("MSSQL", "mssql", "mssql+pymssql", 1433, "pymssql", "SQL Server 2017 and later."),
        Kind("SQLite", "sqlite", "sqlite", 0, "sqlite3", "A file on the machine of the databeacon."),
        *map(Kind, ("Oracle", "MongoDB", "Solr", "RocksDB", "RetoldDataBeacon", "MeadowEndpoints", "Bibliograph")),
    )
}

#: What else a type may be called.
_ALIASES = {"mariadb": "MySQL", "postgres": "PostgreSQL", "sqlserver": "MSSQL"}


def kind_named(type: str) -> Kind | None:
    """The kind of that type, whatever its case; None when it is unknown or not served."""
    wanted = _ALIASES.get(type.lower(), type).lower()
    return next((kind for kind in KINDS.values() if kind.type.lower() == wanted and kind.engine), None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is: a file, or host, port, user, name. `socket` is a path (MySQL) or folder (PostgreSQL) instead of a host."""

    file: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    database: str = ""
    socket: str = ""
    pool: int = 0
    schema: str = ""


def split_secrets(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A config without its secrets, and the secrets. A mask is left out of both: it stands for what is stored."""
    plain = {key: value for key, value in config.items() if key not in SECRET_KEYS}
    given = [config[key] for key in SECRET_KEYS if config.get(key) not in (MASK, "", None)]
    return plain, {"password": given[0]} if given else {}


def keeps_secrets(config: Mapping[str, Any]) -> bool:
    """Whether the config says that the stored secret is still the one."""
    return any(config.get(key) == MASK for key in SECRET_KEYS)


def place_of(kind: Kind, config: Mapping[str, Any]) -> Place | str:
    """Where the config leads to; a text says what is wrong with it. Keys are known in the spellings that clients use."""
    if kind.engine == "sqlite":
        file = _text(config, "SQLiteFilePath", "file", "path")
        return Place(file=file) if file and "\0" not in file else "SQLite needs SQLiteFilePath."
    port = _number(config, kind.port, "port", "Port")
    database = _text(config, "database", "Database")
    pool = _number(config, 0, "connectionLimit", "ConnectionPoolLimit")
    if port is None or not 0 < port < 65_536:
        return "port must be a whole number from 1 to 65535."
    if pool is None or not 0 <= pool <= 100:
        return "connectionLimit must be a whole number from 0 to 100."
    host, socket = _text(config, "host", "server", "Host", "Server"), _text(config, "socketPath", "socket")
    if not database:
        return f"{kind.type} needs a database."
    if not host and not socket:
        return f"{kind.type} needs a host."
    user, schema = _text(config, "user", "User"), _text(config, "schema", "Schema")
    return Place(host=host, port=port, user=user, database=database, socket=socket, pool=pool, schema=schema)


def _text(config: Mapping[str, Any], *names: str) -> str:
    return next((str(config[name]).strip() for name in names if config.get(name)), "")


def _number(config: Mapping[str, Any], default: int, *names: str) -> int | None:
    given = next((config[name] for name in names if config.get(name) not in (None, "")), default)
    if isinstance(given, bool):
        return None
    try:
        return int(given)
    except (TypeError, ValueError):
        return None


def form_of(kind: Kind) -> dict[str, Any]:
    """The form in which a person describes a connection of this kind, as clients draw it."""
    if kind.engine == "sqlite":
        where = "A file in one of the folders of UV_GATEWAY_FILES."
        fields = [_field("SQLiteFilePath", "File", "Path", Required=True, Placeholder="orders.db", Help=where)]
    else:
        fields = [
            _field("host", "Host", "String", Default="127.0.0.1", Required=True),
            _field("port", "Port", "Number", Default=kind.port, Min=1, Max=65_535),
            _field("user", "User", "String"),
            _field("password", "Password", "Password"),
            _field("database", "Database", "String", Required=True),
            _field("connectionLimit", "Connections at most", "Number", Default=5, Min=1, Max=100, Group="Advanced"),
        ]
    return {"Provider": kind.type, "DisplayName": kind.type, "Description": kind.about, "Fields": fields}


def _field(name: str, label: str, type: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Label": label, "Type": type, "Group": "Basic", **more}
