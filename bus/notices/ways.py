"""The ways that the settings open, and the senders behind them."""

from collections.abc import Mapping

from bus.delivery import Names
from bus.notices.mail import MailSender, MailServer
from bus.notices.recipients import Recipient, Way, list_recipients
from bus.notices.sender import Sender
from bus.notices.webhook import WebhookSender
from bus.settings import Settings


def list_ways(settings: Settings) -> list[Way]:
    """The ways by which notices can leave; empty: nobody is told anything."""
    found = {Way.MAIL: settings.smtp_host, Way.WEBHOOK: settings.notice_webhook.get_secret_value()}
    return [way for way, address in found.items() if address]


def make_senders(settings: Settings, names: Names) -> Mapping[Way, Sender]:
    """A sender for each way. Call it on the event loop that will send."""
    ways = list_ways(settings)
    senders: dict[Way, Sender] = {}
    if Way.MAIL in ways:
        password = settings.smtp_password.get_secret_value()
        senders[Way.MAIL] = MailSender(
            MailServer(
                settings.smtp_host,
                settings.smtp_port,
                settings.smtp_security,
                settings.smtp_user,
                password,
                settings.notice_from,
            )
        )
    if Way.WEBHOOK in ways:
        address, secret = settings.notice_webhook.get_secret_value(), settings.notice_webhook_secret.get_secret_value()
        senders[Way.WEBHOOK] = WebhookSender(address, secret, names)
    return senders


def find_recipients(settings: Settings, contacts: Mapping[str, str]) -> list[Recipient]:
    """Who gets notices by the ways that the settings open.

    Args:
        contacts: the mail addresses of participants, by the participant's name.
    """
    ways = list_ways(settings)
    by_mail = contacts if Way.MAIL in ways else {}
    return list_recipients(settings.notice_to, by_mail, has_webhook=Way.WEBHOOK in ways)
