"""Processes kept warm, as rows: the web asks for one, the runner starts it and says where it listens."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict

from sqlalchemy import delete, insert, select, update

from digits.core.errors import NotFoundError
from digits.core.executor import Handle
from digits.store import rows
from digits.store.database import Database
from digits.store.entities import Service, ServiceKind, ServiceState, Trouble
from digits.store.schema import SERVICES

TOUCH_S = 2.0  # how old "last used" may be: a commit for each request would cost more than it tells


class Services:
    """The rows of services."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, kind: ServiceKind, job_id: str, epoch: float) -> Service:
        """Return the service for this work; one that failed is passed over, so that asking again tries again."""
        now = time.time()
        wanted = (SERVICES.c.kind == kind, SERVICES.c.job_id == job_id, SERVICES.c.epoch == epoch)
        query = select(SERVICES).where(*wanted, SERVICES.c.state != "failed")
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is not None and now - row["last_used"] < TOUCH_S:
            return rows.to_service(row)
        with self._database.write() as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                name = f"{kind}-{secrets.token_hex(6)}"
                row_values = {"id": name, "kind": kind, "job_id": job_id, "epoch": epoch, "state": "wanted"}
                times = {"created": now, "changed": now, "last_used": now}
                connection.execute(insert(SERVICES), row_values | times)
            else:
                name = row["id"]
                connection.execute(update(SERVICES).where(SERVICES.c.id == name), {"last_used": now})
        return self.get(name)

    def get(self, service_id: str) -> Service:
        """Return the service.

        Raises:
            NotFoundError: it has gone.
        """
        with self._database.read() as connection:
            row = connection.execute(select(SERVICES).where(SERVICES.c.id == service_id)).mappings().first()
        if row is None:
            raise NotFoundError(f"The service {service_id} has gone.")
        return rows.to_service(row)

    def all(self) -> list[Service]:
        """Return every service, the one used longest ago first."""
        with self._database.read() as connection:
            found = connection.execute(select(SERVICES).order_by(SERVICES.c.last_used)).mappings()
            return [rows.to_service(row) for row in found]

    def set(
        self,
        service_id: str,
        state: ServiceState,
        *,
        address: str = "",
        token: str = "",
        handle: Handle | None = None,
        error: Trouble | None = None,
    ) -> None:
        """Say what became of a service (the runner does)."""
        values = {
            "state": state,
            "address": address,
            "token": token,
            "handle": handle.model_dump_json() if handle else "",
            "error": json.dumps(asdict(error)) if error else "",
            "changed": time.time(),
        }
        with self._database.write() as connection:
            connection.execute(update(SERVICES).where(SERVICES.c.id == service_id), values)

    def remove(self, service_id: str) -> None:
        """Forget a service that has ended."""
        with self._database.write() as connection:
            connection.execute(delete(SERVICES).where(SERVICES.c.id == service_id))
