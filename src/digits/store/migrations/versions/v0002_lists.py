"""What lists show and sort by, in narrow rows; a count of changes. The rows are filled by the reindex that follows a step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002_lists"
down_revision = "v0001_jobs"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _job_id() -> sa.Column[str]:
    return sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    """Make the tables; the curves of finished jobs move into the first."""
    op.create_table(
        "listed",
        _job_id(),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("running", sa.Boolean, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("finished", sa.Float),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_order", sa.Integer, nullable=False),
        *(_text(name) for name in (
            "extension", "title", "name", "sort_name", "group_name", "username", "depends_on", "device", "framework", "backend")),
        sa.Column("pictures", sa.BigInteger),
        sa.Column("classes", sa.Integer),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("epochs", sa.Float),
        sa.Column("total_epochs", sa.Integer),
        sa.Column("has_labels", sa.Boolean, nullable=False),
        _text("haystack"),
        _text("spark"),
        _text("series"),
    )  # fmt: skip
    op.create_index("listed_by_kind", "listed", ["kind", "created", "job_id"])
    op.create_index("listed_by_dataset", "listed", ["depends_on", "kind"])
    op.create_table(
        "summaries",
        _job_id(),
        sa.Column("name", sa.String(255), primary_key=True),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("last", "min", "max")),
    )
    changes = op.create_table("changes", sa.Column("number", sa.BigInteger, nullable=False))
    op.bulk_insert(changes, [{"number": 0}])
    op.drop_column("jobs", "curves")
