"""The one place that opens the database: SQLite in WAL mode, or whatever ``database_url`` names.

SQLite: every acknowledged row is on the disk (synchronous FULL: about 4 ms a commit), a writer takes its lock when it
begins (BEGIN IMMEDIATE), and waits up to 30 s for it: with 16 writing processes one was seen to wait 5 s.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from filelock import FileLock
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, inspect, select, text, update
from sqlalchemy.exc import OperationalError

from digits.core.errors import SetupError
from digits.core.settings import Settings
from digits.store import migrations
from digits.store.schema import CHANGES

WAIT_S = 30.0
_log = logging.getLogger(__name__)


class Database:
    """Connections, and the two ways to use one: ``read`` and ``write``."""

    def __init__(self, settings: Settings) -> None:
        """Open the database, and bring it to the present form.

        Raises:
            SetupError: it cannot be opened, or a newer version of the program wrote it.
        """
        try:
            settings.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path = settings.root / "digits.db"
            self.engine = _engine(settings.database_url or f"sqlite:///{self._path}")
            self.is_sqlite = self.engine.dialect.name == "sqlite"
            self._migrate(settings)
        except (OSError, OperationalError) as error:
            raise SetupError(
                f"The database cannot be opened: {getattr(error, 'orig', error)}.",
                where=str(settings.root),
                hint="The folder must exist on a local disk with room, and be yours to write.",
            ) from error
        self._watch: SqliteConnection | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that alone may write (SQLite); committed at the end and counted, undone on an error."""
        with self._write() as connection:
            yield connection
            connection.execute(update(CHANGES).values(number=CHANGES.c.number + 1))

    def changes(self) -> int:
        """Return how often something was written: as long as this stays the same, so does every answer."""
        with self.read() as connection:
            return int(connection.execute(select(CHANGES.c.number)).scalar_one())

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self.engine.connect().execution_options(digits_write=True) as connection, connection.begin():
            yield connection

    def version(self) -> int | None:
        """Return a number that changes with every commit of another connection; None where that cannot be known."""
        if not self.is_sqlite:
            return None
        if self._watch is None:
            self._watch = _plain_connection(self._path)
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close every connection."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self.engine.dispose()

    def _migrate(self, settings: Settings) -> None:
        root = settings.root
        if self._form() == migrations.head():
            return
        # Whoever comes second waits here, then finds the work done.
        with FileLock(root / "migrate.lock"):
            form = self._form()
            if form == migrations.head():
                return
            if form is not None and form > migrations.head():
                raise SetupError(
                    f"The database was written by a newer version ({form}; this one knows {migrations.head()}).",
                    where=str(root),
                    hint="Install that version again, or name another folder with --root.",
                )
            if self.is_sqlite:
                with self.engine.connect() as connection:
                    connection.connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]  # sqlite3's
            self._upgrade(settings)
            _log.info("database is now at %s", migrations.head())

    def _form(self) -> str | None:
        with self.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def _upgrade(self, settings: Settings) -> None:
        """Bring tables and rows to the present form in one step: the tables by the migrations, the rows from the job folders."""
        # Alembic takes a fifth of a second to load; a database that is up to date does without.
        from alembic import command
        from alembic.config import Config

        from digits.store.reindex import rebuild_all

        config = Config()
        config.set_main_option("script_location", str(migrations.FOLDER).replace("%", "%%"))
        with self._write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            rebuild_all(connection, settings)


def _plain_connection(path: Path) -> SqliteConnection:
    import sqlite3

    return sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=8, max_overflow=56, connect_args={"timeout": WAIT_S}, echo=False
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: SqliteConnection, record: Any) -> None:
        del record
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("digits_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
