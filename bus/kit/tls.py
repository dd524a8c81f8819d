"""TLS for outgoing connections: one context for the whole process, with the authorities that the bus trusts."""

import os
import ssl
from functools import lru_cache


def get_tls_context() -> ssl.SSLContext:
    """The context that trusts the system's certificate authorities, or those in SSL_CERT_FILE or SSL_CERT_DIR.

    All callers share one context, since making one takes memory and blocks all threads.
    """
    return _make_tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(4)
def _make_tls_context(file: str | None, folder: str | None) -> ssl.SSLContext:
    # OpenSSL reads the two variables itself; here they are the cache's key.
    context = ssl.create_default_context()
    # The Python of some distributions allows older versions.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
