"""The detection service's database: one sqlite3 file that survives a kill of the process at any moment."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from labkit.sandbox.ids import Ids

Row = sqlite3.Row
After = tuple[int, str]
"""The last row of a page: its time in milliseconds and its id."""

Page = tuple[list[dict[str, Any]], After | None]
"""A page of rows as the API shows them, and where the next page starts, if there is one."""

_PRAGMAS = "PRAGMA journal_mode = wal; PRAGMA synchronous = normal; PRAGMA foreign_keys = on;"


class NoSuch(LookupError):
    """The organization has nothing with that id; the API answers 404."""

    def __init__(self, noun: str, identifier: str) -> None:
        super().__init__(f"{noun} {identifier} was not found")


@dataclass(frozen=True)
class Selection:
    """Selects rows by the values of columns, None for any value, and by `created_at` in milliseconds, ends included."""

    columns: Mapping[str, object]
    from_ms: int | None = None
    until_ms: int | None = None

    def of(self, organization_id: str) -> Selection:
        """Only the rows of an organization."""
        return replace(self, columns={"organization_id": organization_id, **self.columns})

    def where(self) -> tuple[str, list[Any]]:
        """The SQL condition and its values."""
        conditions = {f"{name} = ?": value for name, value in self.columns.items()}
        conditions |= {"created_at >= ?": self.from_ms, "created_at <= ?": self.until_ms}
        chosen = {sql: value for sql, value in conditions.items() if value is not None}
        return " AND ".join(chosen), list(chosen.values())


def to_json(value: object) -> str:
    """A value as JSON, for a text column."""
    return orjson.dumps(value).decode()


class _Handle:
    """A thread's connection. It closes with its thread, or with the database, whichever ends first."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.connection.row_factory = Row
        self.connection.executescript(_PRAGMAS)

    def close(self) -> None:
        self.connection.close()

    __del__ = close


class Database:
    """One file, a connection per thread, one writer at a time. After a kill a transaction is complete or absent.

    ids: where the ids of new rows come from.
    """

    def __init__(self, path: Path, ids: Ids | None = None) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # sqlite gives its -wal and -shm files the same permissions: the file holds keys.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._path, self.ids = path, ids or Ids()
        self._threads = threading.local()
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._writing = threading.Lock()

    def close(self) -> None:
        """Close every thread's connection."""
        for handle in list(self._handles):
            handle.close()

    def _connection(self) -> sqlite3.Connection:
        handle = getattr(self._threads, "handle", None)
        if handle is None:
            opened = sqlite3.connect(self._path, isolation_level=None, timeout=60, check_same_thread=False)
            handle = self._threads.handle = _Handle(opened)
            self._handles.add(handle)
        return handle.connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside one commit; an inner transaction joins the outer one."""
        connection = self._connection()
        if connection.in_transaction:
            yield
            return
        # The lock replaces sqlite's own way of waiting, which is to sleep and try again.
        with self._writing, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def create(self, schema: str) -> None:
        """Run the statements of a schema, each ended by a semicolon."""
        # Not executescript: it would commit the transaction that it is called in.
        with self.transaction():
            for statement in schema.split(";"):
                self._connection().execute(statement)

    def write(self, sql: str, *values: object) -> int:
        """Run one changing statement; returns the number of rows changed."""
        with self.transaction():
            return self._connection().execute(sql, values).rowcount

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Add one row. Raises sqlite3.IntegrityError if its id is taken."""
        names = ", ".join(row)
        self.write(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", *row.values())

    def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        return self._connection().execute(sql, values).fetchall()

    def row(self, noun: str, identifier: str, sql: str, *values: object) -> Row:
        """The row of a query. Raises NoSuch, with this noun and id, if there is none."""
        for row in self.rows(sql, *values):
            return row
        raise NoSuch(noun, identifier)

    def page(
        self, table: str, show: Callable[[Row], dict[str, Any]], selection: Selection, after: After | None, limit: int
    ) -> Page:
        """A page of rows, newest first. `after` is a position, not a count, so new rows shift nothing between pages."""
        where, values = selection.where()
        if after is not None:
            where, values = f"{where} AND (created_at, id) < (?, ?)", [*values, *after]
        sql = f"SELECT * FROM {table} WHERE {where} ORDER BY created_at DESC, id DESC LIMIT ?"
        rows = self.rows(sql, *values, limit + 1)
        rest = None if len(rows) <= limit else (rows[limit - 1]["created_at"], rows[limit - 1]["id"])
        return [show(row) for row in rows[:limit]], rest
