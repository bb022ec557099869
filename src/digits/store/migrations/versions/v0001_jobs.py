"""Jobs with their tasks, history and snapshots; services; GPUs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0001_jobs"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _job_id() -> sa.Column[str]:
    return sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    """Make the first tables."""
    _jobs()
    _parts_of_jobs()
    _processes()


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        *(_text(name) for name in ("extension", "title", "username", "parent", "depends_on", "worker")),
        sa.Column("num_gpus", sa.Integer, nullable=False, server_default="0"),
        *(_text(name) for name in ("wanted_gpus", "spec")),
        sa.Column("created", sa.Float, nullable=False),
        *(_text(name) for name in ("name", "group_name", "notes")),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("state", sa.String(16), nullable=False),
        _text("reason"),
        sa.Column("started", sa.Float),
        sa.Column("finished", sa.Float),
        *(_text(name) for name in ("error", "handle")),
        sa.Column("stop_asked", sa.Float),
        sa.Column("deleted", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("progress", sa.Float, nullable=False, server_default="0"),
        _text("text"),
        sa.Column("rate", sa.Float),
        *(_text(name) for name in ("facts", "latest", "previews", "warnings", "outcome")),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
        sa.Column("queue_place", sa.Integer),
        _text("curves"),
        sa.Column("journal_offset", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("events_offset", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_index("jobs_by_kind", "jobs", ["deleted", "kind", "created", "id"])
    op.create_index("jobs_by_time", "jobs", ["deleted", "created", "id"])
    op.create_index("jobs_by_state", "jobs", ["deleted", "state"])
    op.create_index("jobs_by_parent", "jobs", ["parent"])
    op.create_index("jobs_by_dataset", "jobs", ["depends_on"])


def _parts_of_jobs() -> None:
    op.create_table(
        "tasks",
        _job_id(),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        _text("title"),
        sa.Column("state", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Float, nullable=False, server_default="0") for name in ("progress", "done", "total")),
        *(_text(name) for name in ("unit", "text")),
        *(sa.Column(name, sa.Float) for name in ("rate", "started", "finished")),
        _text("facts"),
    )
    op.create_table(
        "history",
        _job_id(),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        _text("reason"),
    )
    op.create_table(
        "snapshots",
        _job_id(),
        sa.Column("file", sa.String(255), primary_key=True),
        sa.Column("epoch", sa.Float, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        _text("metrics"),
        sa.Column("created", sa.Float, nullable=False),
    )


def _processes() -> None:
    op.create_table(
        "services",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("job_id", sa.String(32), nullable=False, server_default=""),
        sa.Column("epoch", sa.Float, nullable=False, server_default="0"),
        sa.Column("state", sa.String(16), nullable=False),
        *(_text(name) for name in ("address", "token", "error", "handle")),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("created", "changed", "last_used")),
    )
    op.create_index("services_by_work", "services", ["kind", "job_id", "epoch"])
    op.create_table(
        "gpus",
        sa.Column("index", sa.Integer, primary_key=True, autoincrement=False),
        _text("name"),
        sa.Column("memory_bytes", sa.BigInteger, nullable=False),
        _text("job_id"),
    )
