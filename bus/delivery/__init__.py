"""Delivery: from the journal to every subscription, at least once.

What the room offers:

- Subscriptions: `Subscriptions` keeps them. `NewSubscription` makes one, `Webhook` and `AgencySink` are its sinks.
- Admission: `check_contracts`, `check_filters`, `check_order` and `check_sink` refuse what may not be subscribed to.
- Deliveries: `Deliveries` lists, retries, discards and redrives them. `Trials` sends an example to a webhook.
- Grants: `GrantStops` suspends a grant and lifts the suspension, with the deliveries that wait under it.
- Pulls: `Pulls` gives deliveries under a `PullLease`. `Settlements` takes what their puller says. `Seeks` moves to another
  position. `PullBell` wakes pulls that wait.
- The relay: `Relay` makes deliveries and hands them over. `FanOut`, `Turn`, `AlongAppends` and `Reclaim` are its parts.
- The handover: `Here` within one process, `Broker` between processes. `ChangesBell` tells processes of changes.
- The worker: `Worker` sends. `RunLoader`, `Room`, `OutcomeWriter`, `WebhookSink`, `Claims` and `Heartbeat` are its parts.
- Signatures: `Signer` signs webhooks with secrets that `new_webhook_secret` makes.
- Answers: `Answers` opens what sinks answered.
- State: `read_tallies` counts what waits, by subscription, and has the `Health` of each. `list_living` tells who lives.
- Results: `read_results` gives what came of attempts, for a counter; `delete_results` takes it away.
- State of the whole: `find_failing`, `read_beats`, `measure_lag`, `find_unattended`, `look_for`.
"""

from bus.delivery.acts import make_subscription_act
from bus.delivery.admission import (
    check_contracts,
    check_filter_size,
    check_filters,
    check_order,
    check_sink,
    find_views,
    find_withheld,
)
from bus.delivery.along import AlongAppends
from bus.delivery.answers import Answers, SinkAnswer
from bus.delivery.claims import Claims, NoClaims, WrittenClaims
from bus.delivery.deliveries import Deliveries, Delivery, DeliveryUnknown
from bus.delivery.dispatch import HandoverPolicy
from bus.delivery.failing import Failing, find_failing
from bus.delivery.fan_out import FanOut
from bus.delivery.handover import (
    Broker,
    BrokerAddress,
    ChangesBell,
    Handover,
    Here,
    Reach,
    find_broker,
    look_for,
    ring_once,
)
from bus.delivery.health import Health
from bus.delivery.heartbeat import Heartbeat, Living, find_unattended, list_living, read_beats
from bus.delivery.leases import Leases
from bus.delivery.ledger import DeliveryState, Ledger
from bus.delivery.names import Names
from bus.delivery.outcome import OutcomeWriter
from bus.delivery.preview import Preview, preview_replay
from bus.delivery.pull_bell import Ear, PullBell
from bus.delivery.pull_lease import PullLease
from bus.delivery.pulls import Pulled, Pulls
from bus.delivery.reclaim import Reclaim
from bus.delivery.reencrypt import check_secrets, reencrypt_secrets
from bus.delivery.relay import Lag, Relay, measure_lag
from bus.delivery.results import Result, TakenNote, delete_results, read_results
from bus.delivery.retry import RetryPolicy
from bus.delivery.room import Room
from bus.delivery.run import Item, RunLoader
from bus.delivery.seek import Seeks
from bus.delivery.settlement import Named, Return, Settled, SettlementResult, Settlements
from bus.delivery.signature import Signer
from bus.delivery.signature import new_secret as new_webhook_secret
from bus.delivery.sinks.webhook import WebhookSink
from bus.delivery.standing import ensure_standing_subscriptions
from bus.delivery.subscription import AgencySink, NewSubscription, Pull, Sink, Subscription, SubscriptionState, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.suspended import GrantStops
from bus.delivery.tally import MOST, Tally, read_tallies
from bus.delivery.trial import Trial, Trials, find_tried_webhook
from bus.delivery.turn import Turn
from bus.delivery.worker import Worker, WorkerPolicy

__all__ = [
    "MOST",
    "AgencySink",
    "AlongAppends",
    "Answers",
    "Broker",
    "BrokerAddress",
    "ChangesBell",
    "Claims",
    "Deliveries",
    "Delivery",
    "DeliveryState",
    "DeliveryUnknown",
    "Ear",
    "Failing",
    "FanOut",
    "GrantStops",
    "Handover",
    "HandoverPolicy",
    "Health",
    "Heartbeat",
    "Here",
    "Item",
    "Lag",
    "Leases",
    "Ledger",
    "Living",
    "Named",
    "Names",
    "NewSubscription",
    "NoClaims",
    "OutcomeWriter",
    "Preview",
    "Pull",
    "PullBell",
    "PullLease",
    "Pulled",
    "Pulls",
    "Reach",
    "Reclaim",
    "Relay",
    "Result",
    "RetryPolicy",
    "Return",
    "Room",
    "RunLoader",
    "Seeks",
    "Settled",
    "SettlementResult",
    "Settlements",
    "Signer",
    "Sink",
    "SinkAnswer",
    "Subscription",
    "SubscriptionState",
    "Subscriptions",
    "TakenNote",
    "Tally",
    "Trial",
    "Trials",
    "Turn",
    "Webhook",
    "WebhookSink",
    "Worker",
    "WorkerPolicy",
    "WrittenClaims",
    "check_contracts",
    "check_filter_size",
    "check_filters",
    "check_order",
    "check_secrets",
    "check_sink",
    "delete_results",
    "ensure_standing_subscriptions",
    "find_broker",
    "find_failing",
    "find_tried_webhook",
    "find_unattended",
    "find_views",
    "find_withheld",
    "list_living",
    "look_for",
    "make_subscription_act",
    "measure_lag",
    "new_webhook_secret",
    "preview_replay",
    "read_beats",
    "read_results",
    "read_tallies",
    "reencrypt_secrets",
    "ring_once",
]
