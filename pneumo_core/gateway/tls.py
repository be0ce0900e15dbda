"""TLS contexts from a configuration's files."""

import ssl
from typing import Any

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Tls

__all__ = ["client_context", "server_context"]


class _LateHandshake(ssl.SSLContext):
    """Does the TLS handshake on the first read, in the thread of that connection.

    pynetdicom would do it in the thread that accepts connections, where one silent client would
    stop all others.
    """

    def wrap_socket(self, *given: Any, **told: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*given, **(told | {"do_handshake_on_connect": False}))


def server_context(tls: Tls) -> ssl.SSLContext:
    """Return a server's context, TLS 1.2 or later; authorities require a client certificate."""
    context = _LateHandshake(ssl.PROTOCOL_TLS_SERVER)
    _load(context, tls)
    if tls.authorities:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """Return a client's TLS context: it presents the certificate and trusts only these authorities.

    Host names are not checked: archives are addressed by IP, which many certificates lack.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    """Load the certificates. Raises PneumoError if a file is missing or not a certificate."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.authorities:
            context.load_verify_locations(tls.authorities)
    except (OSError, ssl.SSLError) as error:
        raise PneumoError(
            f"The TLS files of '{tls.certificate}' can't be used: {error}. Give PEM files that "
            "this user may read."
        ) from error
