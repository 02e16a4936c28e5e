"""Tables of people: rights, invites, authenticators and strangers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Table, Text, select, text

from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import UtcTime
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata, partial
from core.domain.access import Authenticator, Invite, Person, Role
from core.domain.events.access import StrangerSeen

IS_LET_IN = text("revoked_at IS NULL")

IS_UNUSED = text("used_by IS NULL")

people = Table(
    "people",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("inviter", BigInteger),
    partial("ix_people_let_in", "user_id", where=IS_LET_IN),
)

invites = Table(
    "invites",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_by", BigInteger),
    Column("inviter", BigInteger),
    partial("ix_invites_unused", "digest", where=IS_UNUSED),
)

authenticators = Table(
    "authenticators",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("ended_at", UtcTime),
    Column("wrong", Integer),
    Column("locked_until", UtcTime),
)

strangers = Table(
    "strangers",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

_AUTHENTICATOR = tuple(Authenticator.__dataclass_fields__)


def stranger_row(event: StrangerSeen, at: datetime) -> Row:
    return {"user_id": event.user_id, "name": storable(event.name), "at": at}


def person_row(person: Person) -> Row:
    return {
        "user_id": person.user_id,
        "name": storable(person.name),
        "role": person.role.name.lower(),
        "invited_by": storable(person.invited_by),
        "since": person.since,
        "revoked_at": person.revoked_at,
        "inviter": person.inviter,
    }


def person_of(row: Mapping[str, Any]) -> Person:
    role = Role[row["role"].upper()]
    return Person(row["user_id"], row["name"], role, row["invited_by"], row["since"], row["revoked_at"], row["inviter"] or 0)


def invite_row(invite: Invite) -> Row:
    return {
        "digest": invite.digest,
        "role": invite.role.name.lower(),
        "invited_by": storable(invite.invited_by),
        "made_at": invite.made_at,
        "expires_at": invite.expires_at,
        "used_by": invite.used_by,
        "inviter": invite.inviter,
    }


def invite_of(row: Mapping[str, Any]) -> Invite:
    role = Role[row["role"].upper()]
    made = row["made_at"], row["expires_at"], row["used_by"]
    return Invite(row["digest"], role, row["invited_by"], *made, row["inviter"] or 0)


def authenticator_row(one: Authenticator) -> Row:
    return {name: getattr(one, name) for name in _AUTHENTICATOR}


def authenticator_of(row: Mapping[str, Any]) -> Authenticator:
    return Authenticator(**{name: row[name] for name in _AUTHENTICATOR} | {"wrong": row["wrong"] or 0})


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        people,
        Writing.REPLACE,
        person_row,
        person_of,
        batch="people",
        state="people",
        at_start=select(people).where(IS_LET_IN),
    ),
    LedgerTable(
        invites,
        Writing.REPLACE,
        invite_row,
        invite_of,
        batch="invites",
        state="invites",
        at_start=select(invites).where(IS_UNUSED),
    ),
    LedgerTable(
        authenticators,
        Writing.REPLACE,
        authenticator_row,
        authenticator_of,
        batch="authenticators",
        state="authenticators",
        at_start=select(authenticators).where(authenticators.c.ended_at.is_(None)),
    ),
    LedgerTable(strangers, Writing.APART),
)
