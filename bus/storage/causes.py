"""Why a database cannot be reached, for the operator at a command: host, port, login and database fail in different ways.

Clients of the bus are never told this: it names the operator's machines.
"""

import socket

import psycopg
from sqlalchemy.engine import URL, make_url

from bus.storage.errors import StorageUnavailable

_SECONDS = 5
_WHERE = "BUS_DATABASE_URL"
_PERCENT = "In an address, write / as %2F, # as %23 and @ as %40."


class DatabaseUnreachable(StorageUnavailable):
    """The database cannot be reached; correct the part of the address that the message names, or start the server."""

    slug = "database-unreachable"


def explain_unreachable(address: str) -> DatabaseUnreachable:
    """The refusal that names the cause. It tries to connect once more."""
    url = make_url(address)
    if url.get_backend_name() != "postgresql":
        return DatabaseUnreachable(
            f"The database file {url.database} cannot be opened; is it there, and yours to write?"
        )
    return DatabaseUnreachable(_explain(url))


def _explain(url: URL) -> str:
    host, port = url.host or "localhost", url.port or 5432
    if "@" in host:
        # The host would be the end of the password, which no message may repeat.
        return f"The user or the password in {_WHERE} has an @. {_PERCENT} Or give it apart as BUS_DATABASE_PASSWORD."
    if not host.startswith("/"):
        try:
            socket.getaddrinfo(host, port)
        except OSError:
            return f"There is no host {host} (the name does not resolve); correct the host in {_WHERE}."
    try:
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(False), connect_timeout=_SECONDS):
            return f"The database at {host}:{port} answers now; try again."
    except psycopg.Error as error:
        return _name_cause(str(error).lower(), url, f"{host}:{port}")


def _name_cause(said: str, url: URL, place: str) -> str:
    """The cause in what libpq says. Its texts are English unless the server is set to another language."""
    user, name = url.username or "", url.database or ""
    if "connection refused" in said:
        return f"Nothing listens at {place}; start PostgreSQL, or correct host or port in {_WHERE}."
    if "timeout" in said or "timed out" in said:
        return f"{place} does not answer; a firewall may be between, or the host in {_WHERE} is wrong."
    if "password authentication failed" in said or "no password supplied" in said:
        return f"PostgreSQL at {place} refuses the password of {user}; correct it in {_WHERE}. {_PERCENT}"
    if "not permitted to log in" in said:
        return (
            f"PostgreSQL at {place} lets {user} not log in; `ALTER ROLE {user} LOGIN`, or correct the user in {_WHERE}."
        )
    if "does not exist" in said and "role" in said:
        return f"PostgreSQL at {place} has no user {user}; correct the user in {_WHERE}, or create it."
    if "does not exist" in said:
        return f"PostgreSQL at {place} has no database {name}; create it, or correct the name in {_WHERE}."
    if "no pg_hba.conf entry" in said:
        return f"PostgreSQL at {place} does not let {user} in from here; add a line to its pg_hba.conf."
    if "too many" in said or "connection slots" in said:
        return f"PostgreSQL at {place} has no connection left; raise max_connections, or end others."
    if "certificate" in said or "ssl" in said:
        return f"TLS with PostgreSQL at {place} fails; check sslmode and sslrootcert in {_WHERE}."
    return f"PostgreSQL at {place} does not answer; is it starting, or shutting down? Its log says more."
