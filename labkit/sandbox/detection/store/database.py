"""The detection service's database: one sqlite3 file that survives a kill of the process at any moment."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from labkit.sandbox.ids import Ids

Row = sqlite3.Row
After = tuple[int, str]
"""The last row of a page: its time in milliseconds and its id."""

_PRAGMAS = "PRAGMA journal_mode = wal; PRAGMA synchronous = normal; PRAGMA foreign_keys = on;"


class NoSuch(LookupError):
    """The organization has nothing with that id; the API answers 404."""

    def __init__(self, noun: str, identifier: str) -> None:
        super().__init__(f"{noun} {identifier} was not found")


def to_json(value: object) -> str:
    """A value as JSON, for a text column."""
    return orjson.dumps(value).decode()


class _Handle:
    """A thread's connection. It closes with its thread, or with the database, whichever ends first."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
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
            handle = self._threads.handle = _Handle(self._path)
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

    def newest_first(
        self, table: str, conditions: Mapping[str, object], after: After | None, limit: int
    ) -> tuple[list[Row], After | None]:
        """A page of rows by falling `created_at`, ties by falling id, and where the next page starts, if there is one.

        conditions: SQL with one `?`, and its value; None leaves a condition out. `after` is a position, not a count, so
        rows added meanwhile shift nothing from page to page.
        """
        chosen = {sql: value for sql, value in conditions.items() if value is not None}
        values: list[Any] = list(chosen.values())
        clauses = list(chosen)
        if after is not None:
            clauses.append("(created_at, id) < (?, ?)")
            values += after
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        sql = f"SELECT * FROM {table} {where} ORDER BY created_at DESC, id DESC LIMIT ?"
        rows = self.rows(sql, *values, limit + 1)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], (last["created_at"], last["id"])


def marks(values: Sequence[object]) -> str:
    """Question marks for an SQL `IN`.

    >>> marks(["a", "b"])
    '(?, ?)'
    """
    return f"({', '.join('?' * len(values))})"
