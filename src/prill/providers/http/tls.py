"""The TLS settings of connections: certificates are always verified."""

from __future__ import annotations

import os
import ssl
import sys
from functools import lru_cache

from prill.errors import ConfigError


def get_context(ca_file: str | None) -> ssl.SSLContext:
    """The TLS context that trusts ``ca_file``, else ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else the system.

    It is made once: reading the certificates takes some milliseconds.

    Raises:
        ConfigError: the certificates cannot be read.
    """
    return _make_context(ca_file, os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None)


@lru_cache(16)
def _make_context(ca_file: str | None, env_file: str | None, env_dir: str | None) -> ssl.SSLContext:
    try:
        context = _trusting(ca_file or env_file, None if ca_file else env_dir)
    except (OSError, ssl.SSLError) as error:
        source = "ca_file" if ca_file else "SSL_CERT_FILE or SSL_CERT_DIR"
        raise ConfigError(f"the certificates that {source} names cannot be read: {error}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting(file: str | None, folder: str | None) -> ssl.SSLContext:
    if file or folder:
        return ssl.create_default_context(cafile=file, capath=folder)
    if sys.platform in ("darwin", "win32"):
        # There the certificates that a computer trusts are not in files that OpenSSL reads.
        import truststore  # noqa: PLC0415 - installed on these systems only

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context()
