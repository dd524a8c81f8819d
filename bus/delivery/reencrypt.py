"""Stored webhook secrets: whether these keys open them, and the same secrets encrypted again with the newest key."""

import sqlalchemy as sa

from bus.delivery.tables import SUBSCRIPTIONS
from bus.identity import Keys
from bus.storage import Transaction


def reencrypt_secrets(transaction: Transaction, keys: Keys) -> int:
    """Encrypt the secrets of all subscriptions with the newest key. Returns how many were not encrypted so before.

    The secrets stay the same, so no process must be told.

    Raises:
        Undecryptable: a secret fits none of the keys.
    """
    rows = transaction.rows(sa.select(SUBSCRIPTIONS.c.number, SUBSCRIPTIONS.c.secrets))
    count = 0
    for number, stored in rows:
        if keys.encryption.is_current(stored):
            continue
        # On PostgreSQL another process may have stored a new secret meanwhile: that one stays.
        same = (SUBSCRIPTIONS.c.number == number, SUBSCRIPTIONS.c.secrets == stored)
        transaction.execute(sa.update(SUBSCRIPTIONS).where(*same).values(secrets=keys.encrypt(keys.decrypt(stored))))
        count += 1
    return count


def check_secrets(transaction: Transaction, keys: Keys) -> None:
    """Refuse keys that do not open the secrets of all subscriptions.

    Raises:
        Undecryptable: a secret fits none of the keys.
    """
    for (stored,) in transaction.rows(sa.select(SUBSCRIPTIONS.c.secrets)):
        keys.decrypt(stored)
