"""A foreign database with a few tables, made with plain SQL in each engine's own words."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.app.gateway.conftest import served
from tests.tasks.gateway.targets import opened

KEY = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "SERIAL PRIMARY KEY",
    "mysql": "INT AUTO_INCREMENT PRIMARY KEY",
}
TIME = {"sqlite": "DATETIME", "postgresql": "TIMESTAMP", "mysql": "DATETIME(3)"}
DOCUMENT = {"sqlite": "JSON", "postgresql": "JSONB", "mysql": "JSON"}


def tables(engine: str) -> list[str]:
    q = "`" if engine == "mysql" else '"'
    book = f"""CREATE TABLE {q}Book{q} ({q}IDBook{q} {KEY[engine]}, {q}GUIDBook{q} VARCHAR(36), {q}Title{q} VARCHAR(64) NOT NULL,
        {q}Isbn{q} VARCHAR(20) NOT NULL, {q}Pages{q} INT, {q}Price{q} DECIMAL(10,2),
        {q}Lent{q} BOOLEAN NOT NULL DEFAULT {"0" if engine == "sqlite" else "FALSE"},
        {q}Extra{q} {DOCUMENT[engine]}, {q}CreateDate{q} {TIME[engine]}, {q}CreatingIDUser{q} INT NOT NULL DEFAULT 0,
        {q}UpdateDate{q} {TIME[engine]}, {q}Deleted{q} {"BOOLEAN NOT NULL DEFAULT FALSE" if engine == "postgresql" else "INT NOT NULL DEFAULT 0"},
        {q}DeleteDate{q} {TIME[engine]}, UNIQUE ({q}Isbn{q}))"""
    page = f"""CREATE TABLE {q}Page{q} ({q}Book{q} VARCHAR(20) NOT NULL, {q}Number{q} INT NOT NULL, {q}Body{q} TEXT,
        PRIMARY KEY ({q}Book{q}, {q}Number{q}))"""
    view = f"CREATE VIEW {q}LentBook{q} AS SELECT {q}IDBook{q}, {q}Title{q} FROM {q}Book{q} WHERE {q}Pages{q} > 100"
    return [book, page, view]


class Library:
    """The tables of a library, served."""

    def __init__(self, client: FlaskClient, url: str) -> None:
        self.client = client
        self.engine = opened(url, "build")
        with self.engine.begin() as connection:
            for statement in tables("mysql" if self.engine.dialect.name == "mariadb" else self.engine.dialect.name):
                connection.exec_driver_sql(statement)
        self.id = served(client, url, "Library")
        for name in ("Book", "Page", "LentBook"):
            enabled = client.post(f"/beacon/endpoint/{self.id}/{name}/enable")
            assert enabled.status_code == 200, enabled.json
            assert enabled.json["Endpoint"]["EndpointBase"] == f"/1.0/library/{name}", enabled.json

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request below the connection's path."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(f"/1.0/library/{path}", method=method, json=body, headers=named)

    def get(self, path: str) -> Any:
        response = self.ask("GET", path)
        assert response.status_code == 200, response.json
        return response.json

    def add(self, **book: Any) -> dict[str, Any]:
        response = self.ask("POST", "Book", {"Title": "T", "Isbn": book.get("Title", "T"), **book})
        assert response.status_code == 200, response.json
        return dict(response.json)

    def rows(self, statement: str) -> list[Any]:
        """What plain SQL says; names in double quotes."""
        text = statement.replace('"', "`") if self.engine.dialect.name in ("mysql", "mariadb") else statement
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(text))]
