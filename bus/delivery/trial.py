"""A trial: one signed example event, sent to a webhook at once, so that its developer sees whether it works."""

import time
from dataclasses import dataclass

from bus import clock, json
from bus.adapter import Outcome
from bus.delivery.signature import Signer
from bus.delivery.sinks.webhook import WebhookSink
from bus.delivery.subscriptions import Subscription, Webhook
from bus.event import Event
from bus.ids import new_id
from bus.problem import Conflict

TYPE = "bus.test"


class NoTrial(Conflict):
    """Only a webhook can be tried out; an agency would take the example for real."""

    slug = "no-trial"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a sink said; `seconds` until it did."""

    outcome: Outcome
    seconds: float


def tried_webhook(subscription: Subscription) -> Webhook:
    """The webhook that a trial of a subscription is sent to.

    Raises:
        NoTrial: the sink is an agency's.
    """
    if not isinstance(subscription.sink, Webhook):
        raise NoTrial(f"{subscription.id} goes to the adapter {subscription.sink.adapter}.")
    return subscription.sink


async def try_out(subscription: Subscription, webhooks: WebhookSink) -> Trial:
    """Send an example to a subscription's webhook. It is of type `bus.test`, in no journal, and about nobody.

    Raises:
        NoTrial: the sink is an agency's.
    """
    webhook = tried_webhook(subscription)
    now = clock.now()
    event = Event(
        id=new_id("test"),
        source="urn:bus:lamongan",
        type=TYPE,
        data={"subscription": subscription.id},
        time=clock.rfc3339(now),
        datacontenttype="application/json",
    )
    body = json.dumps(event.document())
    headers = Signer(subscription.secrets).headers(f"msg_{event.id}", body, now)
    begun = time.perf_counter()
    outcome = await webhooks.send(webhook.url, body, headers)
    return Trial(outcome, time.perf_counter() - begun)
