"""An event may be about several persons: a text that begins with `[` is now an array, also that of one odd identifier."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ARRAY_OF_ONE = {"sqlite": "json_array(person)", "postgresql": "json_build_array(person)::text"}


def upgrade() -> None:
    array = _ARRAY_OF_ONE[op.get_bind().dialect.name]
    op.execute(f"UPDATE journal SET person = {array} WHERE substr(person, 1, 1) = '['")  # noqa: S608
