"""What staff is refused, by what the caller can do about it."""

from bus.problem import Conflict, Forbidden, Invalid, NotFound, Refused, Unavailable


class StaffNameRefused(Invalid):
    """An account's name has 2 to 63 small letters, digits and hyphens, and begins with a letter."""

    slug = "staff-name"


class StaffExists(Conflict):
    """An account with this name exists already; choose another name, or make a new link for that account."""

    slug = "staff-exists"


class StaffUnknown(NotFound):
    """No account has this name; `bus staff list` shows the accounts."""

    slug = "staff-unknown"


class StaffDisabled(Conflict):
    """The account is disabled; add another account."""

    slug = "staff-disabled"


class ParticipantMismatch(Invalid):
    """The roles pemilik-aplikasi and pemilik-kontrak need a participant. The other roles have none."""

    slug = "staff-participant"


class LinkUnusable(NotFound):
    """This link was used, has ended or never existed; ask the operator for a new link (`bus staff link`)."""

    slug = "link-unusable"


class PasswordRefused(Invalid):
    """The password breaks a rule; choose one with 12 to 128 characters that is not made from the account's name."""

    slug = "password-refused"


class CodeRefused(Invalid):
    """The code of the authenticator app is wrong; check the phone's clock, and type the code that it shows now."""

    slug = "code-refused"


class SignInRefused(Refused):
    """Name, password or code are wrong; nobody is told which one."""

    # Not 401, which would have to name a scheme of HTTP authentication (RFC 9110, section 15.5.2).
    status = 403
    slug = "sign-in-refused"


class SessionUnknown(NotFound):
    """You have no session with this id; it may have ended already."""

    slug = "session-unknown"


class RoleMissing(Forbidden):
    """Your role does not include this page or act; ask the operator who may do it for you."""

    slug = "role-missing"


class PasskeyRefused(Invalid):
    """The browser's answer does not fit; load the page again, and try once more with the device that has the passkey."""

    slug = "passkey-refused"


class ChallengeUnusable(PasskeyRefused):
    """This answer is not for a question of this page, or came too late; load the page again, and try once more."""


class PasskeyUnknown(NotFound):
    """You have no passkey with this id; you may have removed it already."""

    slug = "passkey-unknown"


class LastProof(Conflict):
    """This passkey is the only thing that proves your account; add another passkey first."""

    slug = "last-proof"


class StaffProvided(Conflict):
    """An identity provider proves this account; the member signs in there, and takes no link."""

    slug = "staff-provided"


class ClaimRefused(Forbidden):
    """The identity provider gives you no role of the bus; ask its administrator to fill the claims that BUS_OIDC_… names."""

    slug = "claim-refused"
    lacks_authority = False


class ProviderUnavailable(Unavailable):
    """The identity provider does not answer as it should; try again, or sign in another way."""

    slug = "provider-unavailable"
