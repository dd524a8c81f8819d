"""A client certificate for the TLS connections of one adapter."""

import os
import ssl
from tempfile import TemporaryDirectory

from bus.declared.document import Mtls
from bus.declared.vault import Vault
from bus.settings import SettingsWrong


def make_tls_context(told: Mtls, vault: Vault, host: str) -> ssl.SSLContext:
    """A context that trusts what other adapters trust, and shows the certificate.

    Args:
        host: the server that gets to see the certificate.

    Raises:
        SettingsWrong: certificate and key are no pair in PEM.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The standard library reads both from files alone. The folder is the owner's, and gone after the call.
    with TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("certificate.pem", "key.pem")]
        for path, name in zip(paths, (told.certificate, told.key), strict=True):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
                file.write(vault.reveal(name, host))
        try:
            context.load_cert_chain(paths[0], paths[1], password="")
        except (ssl.SSLError, OSError, ValueError):
            raise SettingsWrong(
                f"The secrets {told.certificate} and {told.key}: should be a certificate and its key in PEM, without password"
            ) from None
    return context
