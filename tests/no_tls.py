"""HTTP without TLS, for addresses on this machine.

httpx reads every certificate authority for each client, and for each call without a client. That takes longer than the call.
"""

import ssl
from functools import partial
from typing import Final

import httpx

NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A TLS context that trusts nobody."""

get = partial(httpx.get, verify=NOBODY)
post = partial(httpx.post, verify=NOBODY)
Client = partial(httpx.Client, verify=NOBODY)
AsyncClient = partial(httpx.AsyncClient, verify=NOBODY)
