"""Ceremonies of WebAuthn: what a browser is asked, and whether its answer is right. `py_webauthn` reads and verifies.

The device itself asks for a finger, a face or a PIN (user verification). So a passkey is two factors at once.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

import webauthn
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bus.staff.digest import digest
from bus.staff.errors import PasskeyRefused
from bus.staff.relying_party import RelyingParty

NAME: Final = "Bus data Lamongan"
_MILLISECONDS: Final = 300_000
_WRONG: Final = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
"""The library reads some broken answers without a look at their form."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that a browser made, and that was verified."""

    id: str
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser says that proves an account; nothing of it is verified yet.

    Attributes:
        id: the passkey that it names.
        challenge: the challenge that it answers.
        text: the whole answer, JSON as browsers write it.
    """

    id: str
    challenge: bytes
    text: str


def write_creation(account: str, known: list[str], challenge: bytes, party: RelyingParty) -> str:
    """What a browser needs to make a passkey, as JSON.

    Args:
        account: the name of the account.
        known: the ids of the account's passkeys; a device with one of them makes no second one.
    """
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=NAME,
        user_name=account,
        user_id=bytes.fromhex(digest(f"passkey of {account}")),
        challenge=challenge,
        timeout=_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[_describe(one) for one in known],
    )
    return options_to_json(options)


def write_request(known: list[str], challenge: bytes, party: RelyingParty) -> str:
    """What a browser needs to use a passkey, as JSON.

    Args:
        known: the ids of the passkeys that count; empty: the browser offers every passkey of this bus.
    """
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_MILLISECONDS,
        allow_credentials=[_describe(one) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def read_creation(text: str) -> Answer:
    """What a browser says after it made a passkey.

    Raises:
        PasskeyRefused: it is not as browsers write it.
    """
    try:
        made = parse_registration_credential_json(text)
        return Answer(made.id, parse_client_data_json(made.response.client_data_json).challenge, text)
    except _WRONG:
        raise PasskeyRefused("The browser's answer cannot be read.") from None


def read_proof(text: str) -> Answer:
    """What a browser says after it used a passkey.

    Raises:
        PasskeyRefused: it is not as browsers write it.
    """
    try:
        used = parse_authentication_credential_json(text)
        return Answer(used.id, parse_client_data_json(used.response.client_data_json).challenge, text)
    except _WRONG:
        raise PasskeyRefused("The browser's answer cannot be read.") from None


def verify_creation(answer: Answer, party: RelyingParty) -> NewPasskey:
    """The passkey that a browser made.

    Raises:
        PasskeyRefused: the answer is for another site, or was changed.
    """
    try:
        made = webauthn.verify_registration_response(
            credential=answer.text,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except _WRONG:
        raise PasskeyRefused("The passkey was made for another site, or without a check of its owner.") from None
    return NewPasskey(_encode(made.credential_id), made.credential_public_key, made.sign_count)


def verify_proof(answer: Answer, party: RelyingParty, public_key: bytes, sign_count: int) -> int:
    """The new sign count of a passkey that was used.

    Raises:
        PasskeyRefused: the signature or the sign count is wrong, or the answer is for another site.
    """
    try:
        used = webauthn.verify_authentication_response(
            credential=answer.text,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except _WRONG:
        raise PasskeyRefused("The passkey's answer is wrong.") from None
    return used.new_sign_count


def _describe(id: str) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(id))


def _encode(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
