import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from bus.delivery.signature import Signer, new_secret

BODY = b'{"specversion":"1.0","data":{"nama":"Siti Fiktif \xc3\xa9"}}'


def test_the_library_accepts_what_was_signed():
    secret = new_secret()
    headers = Signer([secret]).headers("dlv_1", BODY, datetime.now(UTC))
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_while_a_secret_is_being_replaced_the_receiver_may_know_either():
    old, new = new_secret(), new_secret()
    headers = Signer([new, old]).headers("dlv_1", BODY, datetime.now(UTC))
    Webhook(old).verify(BODY, headers)
    Webhook(new).verify(BODY, headers)


def test_another_secret_does_not_verify():
    headers = Signer([new_secret()]).headers("dlv_1", BODY, datetime.now(UTC))
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(new_secret()).verify(BODY, headers)


@pytest.mark.parametrize("change", [{"webhook-id": "dlv_2"}, {"webhook-timestamp": "{later}"}])
def test_neither_id_nor_time_can_be_changed_on_the_way(change: dict[str, str]):
    secret, now = new_secret(), datetime.now(UTC)
    later = str(int((now + timedelta(seconds=9)).timestamp()))
    headers = Signer([secret]).headers("dlv_1", BODY, now)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secret).verify(BODY, headers | {name: value.format(later=later) for name, value in change.items()})


def test_a_repetition_has_the_same_id_and_a_new_time():
    signer, now = Signer([new_secret()]), datetime.now(UTC)
    first = signer.headers("dlv_1", BODY, now)
    second = signer.headers("dlv_1", BODY, now + timedelta(hours=1))
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3600


def test_a_secret_has_256_bits_and_is_never_the_same():
    assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32
    assert new_secret() != new_secret()


@given(st.binary(min_size=24, max_size=64), st.text(), st.integers(0, 2**32))
def test_the_signature_is_the_hmac_that_the_standard_describes(key: bytes, text: str, seconds: int):
    now, body = datetime.fromtimestamp(seconds, UTC), text.encode("utf-8", "replace")
    headers = Signer([f"whsec_{base64.b64encode(key).decode()}"]).headers("dlv_1", body, now)
    signed = b"dlv_1.%d.%b" % (seconds, body)
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
