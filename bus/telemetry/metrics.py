"""Metrics: Prometheus counters, gauges and histograms of one process. No label holds personal data.

What is read from the database when somebody asks, such as the deliveries that wait, is in `status/metrics.py`.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ACCEPTED: Final = Counter("bus_events_accepted_total", "Events committed to the journal")
DUPLICATES: Final = Counter("bus_events_duplicate_total", "Events that the journal had already")
REFUSED: Final = Counter("bus_events_refused_total", "Requests and events refused at the gate", ["contract", "reason"])
REQUESTS: Final = Counter("bus_http_requests_total", "Requests by route", ["method", "route", "status"])
CONNECTIONS: Final = Gauge("bus_connections_open", "Connections to the front door", multiprocess_mode="livesum")
CONNECTIONS_ENDED: Final = Counter(
    "bus_connections_ended_total", "Connections that the front door refused or ended early", ["reason"]
)
TOKENS: Final = Counter("bus_tokens_issued_total", "Access tokens issued", ["participant"])
WAITING_READERS: Final = Gauge(
    "bus_waiting_readers", "Long-polls and streams that are open", multiprocess_mode="livesum"
)
LIMITED: Final = Counter("bus_limited_total", "Requests refused by a limit", ["limit", "participant"])
DELIVERIES: Final = Counter("bus_deliveries_total", "Attempts to deliver", ["sink", "outcome"])
SUBSCRIPTION_ATTEMPTS: Final = Counter(
    "bus_subscription_attempts_total",
    "Attempts to deliver, by subscription",
    ["participant", "subscription", "outcome"],
)
DELIVERY_SECONDS: Final = Histogram(
    "bus_delivery_seconds",
    "From the journal to the sink's answer",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600),
)
HANDED_OVER: Final = Counter("bus_handed_over_total", "Deliveries handed to the broker")
CIRCUITS_OPEN: Final = Gauge("bus_circuits_open", "Sinks that are taken to be down", multiprocess_mode="livesum")
DISCLOSED: Final = Counter("bus_disclosures_total", "Answers and deliveries with personal data", ["channel"])
UNEXPECTED: Final = Counter("bus_unexpected_errors_total", "Errors that nobody expected; each is in the log", ["part"])
POLLED: Final = Counter("bus_polled_events_total", "Events polled from agencies", ["adapter", "operation", "outcome"])
ROWS_SET_ASIDE: Final = Gauge(
    "bus_rows_set_aside", "Rows of a poll that the gate refused", ["adapter", "operation"], multiprocess_mode="livemax"
)
DELETIONS_HELD: Final = Gauge(
    "bus_poll_deletions_held",
    "Deletions that a poll holds back until the operator releases them",
    ["adapter", "operation"],
    multiprocess_mode="livemax",
)

HEAVY_JOBS: Final = Counter("bus_heavy_jobs_total", "Heavy pieces of work, by how they ended", ["outcome"])
LOOP_DELAY: Final = Histogram(
    "bus_loop_delay_seconds",
    "How late the event loop does what is due",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
