"""The tables of the index. Columns that hold JSON are text: what is in them is told in ``digits.store.entities``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _job_id() -> Column[str]:
    return Column("job_id", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)


JOBS = Table(
    "jobs",
    METADATA,
    # As submitted (job.json).
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    _text("extension"),
    _text("title"),
    _text("username"),
    _text("parent"),
    _text("depends_on"),
    _text("worker"),
    Column("num_gpus", Integer, nullable=False, server_default="0"),
    _text("wanted_gpus"),
    _text("spec"),
    Column("created", Float, nullable=False),
    # What people and the runner did (journal.jsonl).
    _text("name"),
    _text("group_name"),
    _text("notes"),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    _text("reason"),
    Column("started", Float),
    Column("finished", Float),
    _text("error"),
    _text("handle"),
    Column("stop_asked", Float),
    Column("deleted", Boolean, nullable=False, server_default="0"),
    # What the worker said (events.jsonl).
    Column("progress", Float, nullable=False, server_default="0"),
    _text("text"),
    Column("rate", Float),
    _text("facts"),
    _text("latest"),
    _text("previews"),
    _text("warnings"),
    _text("outcome"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    # Kept by the index itself.
    Column("queue_place", Integer),
    Column("journal_offset", BigInteger, nullable=False, server_default="0"),
    Column("events_offset", BigInteger, nullable=False, server_default="0"),
)
Index("jobs_by_kind", JOBS.c.deleted, JOBS.c.kind, JOBS.c.created, JOBS.c.id)
Index("jobs_by_time", JOBS.c.deleted, JOBS.c.created, JOBS.c.id)
Index("jobs_by_state", JOBS.c.deleted, JOBS.c.state)
Index("jobs_by_parent", JOBS.c.parent)
Index("jobs_by_dataset", JOBS.c.depends_on)

# What lists show, sort and search: a narrow row for each job that is not deleted (see digits.store.listing).
LISTED = Table(
    "listed",
    METADATA,
    _job_id(),
    Column("kind", String(32), nullable=False),
    Column("running", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("progress", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_order", Integer, nullable=False),
    *(_text(name) for name in (
        "extension", "title", "name", "sort_name", "group_name", "username", "depends_on", "device", "framework", "backend")),
    Column("pictures", BigInteger),
    Column("classes", Integer),
    Column("bytes", BigInteger),
    Column("epochs", Float),
    Column("total_epochs", Integer),
    Column("has_labels", Boolean, nullable=False),
    _text("haystack"),
    _text("spark"),
    _text("series"),
)  # fmt: skip
Index("listed_by_kind", LISTED.c.kind, LISTED.c.created, LISTED.c.job_id)
Index("listed_by_dataset", LISTED.c.depends_on, LISTED.c.kind)

# The last, least and greatest value of each curve: models are sorted by them.
SUMMARIES = Table(
    "summaries",
    METADATA,
    _job_id(),
    Column("name", String(255), primary_key=True),
    Column("last", Float, nullable=False),
    Column("min", Float, nullable=False),
    Column("max", Float, nullable=False),
)

# One row, one number: how often something was written. Equal numbers, equal lists.
CHANGES = Table("changes", METADATA, Column("number", BigInteger, nullable=False))

TASKS = Table(
    "tasks",
    METADATA,
    _job_id(),
    Column("name", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    _text("title"),
    Column("state", String(16), nullable=False),
    Column("progress", Float, nullable=False, server_default="0"),
    Column("done", Float, nullable=False, server_default="0"),
    Column("total", Float, nullable=False, server_default="0"),
    _text("unit"),
    _text("text"),
    Column("rate", Float),
    Column("started", Float),
    Column("finished", Float),
    _text("facts"),
)

HISTORY = Table(
    "history",
    METADATA,
    _job_id(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("time", Float, nullable=False),
    _text("reason"),
)

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    _job_id(),
    Column("file", String(255), primary_key=True),
    Column("epoch", Float, nullable=False),
    Column("step", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    _text("metrics"),
    Column("created", Float, nullable=False),
)

SERVICES = Table(
    "services",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("job_id", String(32), nullable=False, server_default=""),
    Column("epoch", Float, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    _text("address"),
    _text("token"),
    _text("error"),
    _text("handle"),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("last_used", Float, nullable=False),
)
Index("services_by_work", SERVICES.c.kind, SERVICES.c.job_id, SERVICES.c.epoch)

GPUS = Table(
    "gpus",
    METADATA,
    Column("index", Integer, primary_key=True, autoincrement=False),
    _text("name"),
    Column("memory_bytes", BigInteger, nullable=False),
    _text("job_id"),
)
