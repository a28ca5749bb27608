"""What Flowberth itself keeps in Postgres: schema `flowberth`, beside DBOS's own schema `dbos`.

The tables are made and changed by the migrations in `runner.migrations` only; a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

SCHEMA = "flowberth"
HEAD = "0006"
"""The newest migration. Known without reading the migrations, so that opening an up-to-date database stays quick."""

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    },
)


def _moment(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False, unique=True),  # the order runs were asked for
    Column("repo", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("workflow_sha256", Text, nullable=False),
    Column("workflow", LargeBinary, nullable=False),  # the submitted file
    Column("request", JSONB, nullable=False),  # `RunRequest` without the file
    Column("protocol", Text, nullable=False),  # `RUN_PROTOCOL` the run was started under
    Column("state", Text, nullable=False),
    Column("step", Text),
    Column("cancel_reason", Text),  # set by whoever wants the run to end; its owner watches this
    Column("result", JSONB),
    Column("reason", Text),
    _moment("created_at"),
    _moment("updated_at"),
    Column("kind", Text, nullable=False, server_default="propose"),
    Column("environment", Text, nullable=False, server_default="preview"),  # with repo and name: one active run each
    Column("progress", JSONB, nullable=False, server_default="{}"),  # `RunProgress`
    Column("revision", BigInteger, nullable=False, server_default="0"),  # grows with all there is to tell
    Column("not_before", DateTime(timezone=True)),  # parked until then: the forge has asked for patience
    CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'over-budget', 'cancelled')", name="state"),
    Index("ix_run_repo_name", "repo", "name"),
    Index("ix_run_unfinished", "repo", "name", postgresql_where=text("state IN ('queued', 'running')")),
)

pull_request = Table(
    "pull_request",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("head", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("head_sha", Text),
    Column("merge_sha", Text),
    _moment("created_at"),
    _moment("updated_at"),
    CheckConstraint("state IN ('open', 'merged', 'closed')", name="state"),
    Index("ux_pull_request_open_head", "repo", "head", unique=True, postgresql_where=text("state = 'open'")),
)

telling = Table(
    "telling",
    metadata,
    Column("run_id", Text, ForeignKey("flowberth.run.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Text, primary_key=True, server_default="forge"),  # where people are told of it
    Column("told", BigInteger, nullable=False, server_default="-1"),  # the revision of the run that people see
    Column("state", JSONB, nullable=False, server_default="{}"),  # what was made there: comment, checks, message, …
    Column("settled", Boolean, nullable=False, server_default=text("false")),  # the run has ended, and all is told
    Column("not_before", DateTime(timezone=True)),
    Column("error", Text),  # why the last try failed
    _moment("updated_at"),
    CheckConstraint("place IN ('forge', 'slack')", name="place"),
    Index("ix_telling_open", "run_id", postgresql_where=text("NOT settled")),
)

slack_thread = Table(
    "slack_thread",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("issue", BigInteger, primary_key=True),  # opened for somebody on Slack
    Column("channel", Text, nullable=False),
    Column("ts", Text),  # of the message that asked for it; a command leaves none
    _moment("created_at"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("action", Text),
    Column("installation", BigInteger),
    Column("payload", LargeBinary, nullable=False),  # as GitHub signed it
    Column("state", Text, nullable=False, server_default="received"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", DateTime(timezone=True)),
    Column("error", Text),
    _moment("received_at"),
    _moment("updated_at"),
    CheckConstraint("state IN ('received', 'handled', 'ignored', 'failed')", name="state"),
    Index("ix_delivery_open", "received_at", postgresql_where=text("state = 'received'")),
)

installation = Table(
    "installation",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="active"),
    # Buckets of what GitHub lets an installation write (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api)
    Column("creations", Float, nullable=False, server_default="0"),  # used up, draining with time
    Column("points", Float, nullable=False, server_default="0"),
    Column("drained_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("blocked_until", DateTime(timezone=True)),  # GitHub has said so
    _moment("updated_at"),
    CheckConstraint("state IN ('active', 'suspended', 'removed')", name="state"),
)

ledger_line = Table(
    "ledger_line",
    metadata,
    Column("run_id", Text, ForeignKey("flowberth.run.id"), primary_key=True),  # no cascade: money is not forgotten
    Column("key", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False, unique=True),  # the order of reservations
    Column("repo", Text, nullable=False),
    Column("installation", BigInteger),  # of the GitHub App; none on one machine
    Column("month", Date, nullable=False),  # its first day, UTC, when the money was reserved: that month pays
    Column("what", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="reserved"),
    Column("reserved", Numeric(12, 6), nullable=False),  # US dollars, as all amounts: the worst case
    Column("estimated", Numeric(12, 6)),
    Column("actual", Numeric(12, 6)),  # of a bill, perhaps not yet the whole of it
    Column("usd_per_second", Numeric(14, 9)),  # what it costs while it runs
    Column("detail", JSONB, nullable=False, server_default="{}"),
    _moment("reserved_at"),
    Column("started_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("billed_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('reserved', 'spent', 'released', 'billed')", name="state"),
    CheckConstraint("reserved >= 0 AND estimated >= 0 AND actual >= 0 AND usd_per_second >= 0", name="amounts"),
    CheckConstraint("state <> 'spent' OR estimated IS NOT NULL", name="spent"),
    CheckConstraint("state <> 'billed' OR actual IS NOT NULL", name="billed"),
    Index("ix_ledger_line_repo_month", "repo", "month"),
    Index("ix_ledger_line_installation_month", "installation", "month"),
    Index("ix_ledger_line_open", "run_id", postgresql_where=text("state = 'reserved'")),
)

ledger_alert = Table(
    "ledger_alert",
    metadata,
    Column("scope", Text, primary_key=True),  # `limits.Scope.key`: which limit of whom, and in which month
    Column("percent", Integer, primary_key=True),
    Column("run_id", Text, ForeignKey("flowberth.run.id"), nullable=False),  # whose spending has passed it
    Column("limit_name", Text, nullable=False),
    Column("limit_usd", Numeric(12, 6), nullable=False),
    Column("used_usd", Numeric(12, 6), nullable=False),
    _moment("reached_at"),
    Column("told_at", DateTime(timezone=True)),
    CheckConstraint("limit_name IN ('run', 'repository', 'installation')", name="limit_name"),
    Index("ix_ledger_alert_run_id", "run_id"),
)

# The index of repositories' knowledge bases: made from their files, and made again whenever that is wanted. What
# entries mean, as vectors, is beside them only where Postgres has the extension: `runner.knowledge.meanings`.

knowledge_index = Table(
    "knowledge_index",
    metadata,
    Column("repo", Text, primary_key=True),
    Column("commit", Text, nullable=False),  # whose files are indexed
    Column("format", Integer, nullable=False),  # `runner.knowledge.index.FORMAT` they were read with
    _moment("indexed_at"),
)

knowledge_file = Table(
    "knowledge_file",
    metadata,
    Column("repo", Text, ForeignKey("flowberth.knowledge_index.repo", ondelete="CASCADE"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("blob", Text, nullable=False),  # git's name of the content
)

knowledge_entry = Table(
    "knowledge_entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("repo", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("part", Text, nullable=False),  # of the file; empty for all of it
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("facts", JSONB, nullable=False),  # identifiers and errors of a `Document`
    Column("prose", Text, nullable=False),
    Column("words", TSVECTOR, nullable=False),  # A: title and name, B: identifiers, C: errors, D: prose
    Column("titled", TSVECTOR, nullable=False),  # A alone, where words that most entries have are looked for
    ForeignKeyConstraint(
        ["repo", "path"], ["flowberth.knowledge_file.repo", "flowberth.knowledge_file.path"], ondelete="CASCADE"
    ),
    Index("ix_knowledge_entry_repo_path", "repo", "path"),
    Index("ix_knowledge_entry_words", "words", postgresql_using="gin"),
    Index("ix_knowledge_entry_titled", "titled", postgresql_using="gin"),
)

knowledge_word = Table(
    "knowledge_word",
    metadata,
    Column("repo", Text, ForeignKey("flowberth.knowledge_index.repo", ondelete="CASCADE"), primary_key=True),
    Column("word", Text(collation="C"), primary_key=True),  # as stemmed; in byte order, so that beginnings are found
    Column("entries", Integer, nullable=False),  # that have it
)
