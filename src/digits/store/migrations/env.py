"""What Alembic runs: the steps, on the connection that ``digits.store.database`` hands over."""

from alembic import context

from digits.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
