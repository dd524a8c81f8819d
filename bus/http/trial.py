"""The trial of a webhook: one signed example event, sent now. The API and the console offer it."""

import asyncio

from bus.actions import Actor, Verb
from bus.delivery import Trial, find_tried_webhook, make_subscription_act
from bus.http.rooms import Rooms
from bus.limits import Limit


async def try_sink(rooms: Rooms, by: Actor, id: str) -> Trial:
    """Send an example event to the webhook of a subscription that the actor reaches, and tell what it said.

    Raises:
        Limited: the actor's participant tried too many sinks.
        SubscriptionUnknown: the actor reaches no such subscription.
        NothingSigned: the subscription has no webhook.
    """
    rooms.limits.take(by.participant, Limit.SINK_TESTS)
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, by.reach)
    url = find_tried_webhook(subscription).told()
    tried = make_subscription_act(Verb.SUBSCRIPTION_TEST, subscription.id, subscription.participant, by, details=url)
    # Before it is sent: nothing undoes what the sink has seen.
    await asyncio.to_thread(rooms.actions.record, [tried])
    settings = rooms.settings
    allowed, hosts = settings.sink_networks, settings.sink_hosts
    return await rooms.trials.run(subscription, by.participant, allowed, settings.sink_timeout_seconds, hosts=hosts)
