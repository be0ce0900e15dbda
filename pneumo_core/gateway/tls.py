"""TLS contexts of the files that a configuration names."""

import ssl
from typing import Any

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Tls

__all__ = ["client_context", "server_context"]


class _LateHandshake(ssl.SSLContext):
    """Shakes hands when something is read, in the thread of that connection.

    pynetdicom would do it while it accepts connections, where a silent client stops all others.
    """

    def wrap_socket(self, *given: Any, **told: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*given, **(told | {"do_handshake_on_connect": False}))


def server_context(tls: Tls) -> ssl.SSLContext:
    """A server's context, TLS 1.2 or later; with authorities, clients must show a certificate."""
    context = _LateHandshake(ssl.PROTOCOL_TLS_SERVER)
    _load(context, tls)
    if tls.authorities:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """A client's context: it shows its certificate, and believes the authorities alone.

    DICOM calls an archive by an address that its certificate need not name: whoever has one of the
    authorities' certificates is believed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    """Raises PneumoError for files that are missing or no certificates."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.authorities:
            context.load_verify_locations(tls.authorities)
    except (OSError, ssl.SSLError) as error:
        raise PneumoError(
            f"The TLS files beside '{tls.certificate}' can't be used: {error}. They must be PEM "
            "files that this user may read."
        ) from error
