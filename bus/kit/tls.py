"""TLS towards others: whom the bus trusts, in one context for a whole process."""

import os
import ssl
from functools import lru_cache


def get_tls_context() -> ssl.SSLContext:
    """The context that trusts the system's certificate authorities, or those that SSL_CERT_FILE or SSL_CERT_DIR name.

    To make one takes memory, and time in which nothing else goes on.
    """
    return _make_tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(4)
def _make_tls_context(file: str | None, folder: str | None) -> ssl.SSLContext:
    # OpenSSL reads both names itself.
    context = ssl.create_default_context()
    # Some distributions' Python allows older versions.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
