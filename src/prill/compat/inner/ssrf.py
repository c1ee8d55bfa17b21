"""``langchain_core._security``: addresses that a model names must not lead into the network around it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from prill.io.executor import run_in_executor

_METADATA_HOSTS = frozenset({"metadata", "instance-data", "metadata.google.internal", "metadata.amazonaws.com"})
_METADATA_ADDRESSES = frozenset(
    {"169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "fd00:ec2::254", "fd00:ec2::23"}
)
_LOCAL_HOSTS = frozenset({"localhost", "localhost.localdomain", "host.docker.internal"})


class SSRFBlockedError(Exception):
    """A request was refused because its address is not a public one."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"SSRF blocked: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class SSRFPolicy:
    """Which addresses are refused."""

    allowed_schemes: frozenset[str] = frozenset({"http", "https"})
    block_private_ips: bool = True
    block_localhost: bool = True
    block_cloud_metadata: bool = True
    block_k8s_internal: bool = True
    allowed_hosts: frozenset[str] = frozenset()
    additional_blocked_cidrs: tuple[Any, ...] = ()


DEFAULT_SSRF_POLICY = SSRFPolicy()


def validate_resolved_ip(ip_str: str, policy: SSRFPolicy) -> None:
    """Raise ``SSRFBlockedError`` for an address that the policy refuses."""
    try:
        address = ipaddress.ip_address(ip_str)
    except ValueError:
        raise SSRFBlockedError("invalid IP address") from None
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    for each in (address, inner) if inner is not None else (address,):
        if policy.block_cloud_metadata and str(each) in _METADATA_ADDRESSES:
            raise SSRFBlockedError("cloud metadata endpoint")
        if policy.block_localhost and each.is_loopback:
            raise SSRFBlockedError("localhost address")
        if policy.block_private_ips and not each.is_loopback and not each.is_global:
            raise SSRFBlockedError("private IP range")
        if any(each in network for network in policy.additional_blocked_cidrs):
            raise SSRFBlockedError("blocked CIDR")


def validate_hostname(hostname: str, policy: SSRFPolicy) -> None:
    """Raise ``SSRFBlockedError`` for a name that the policy refuses."""
    name = hostname.lower().rstrip(".")
    if policy.block_localhost and (name in _LOCAL_HOSTS or name.endswith(".localhost")):
        raise SSRFBlockedError("localhost")
    if policy.block_cloud_metadata and name in _METADATA_HOSTS:
        raise SSRFBlockedError("cloud metadata endpoint")
    if policy.block_k8s_internal and name.endswith(".svc.cluster.local"):
        raise SSRFBlockedError("Kubernetes internal DNS")


def validate_url_sync(url: str, policy: SSRFPolicy = DEFAULT_SSRF_POLICY) -> None:
    """Raise ``SSRFBlockedError`` for an address whose scheme or name the policy refuses; nothing is looked up."""
    parts = urlsplit(url)
    if parts.scheme.lower() not in policy.allowed_schemes:
        raise SSRFBlockedError(f"scheme '{parts.scheme}' not allowed")
    if not parts.hostname:
        raise SSRFBlockedError("missing hostname")
    if parts.hostname.lower() in policy.allowed_hosts:
        return
    try:
        ipaddress.ip_address(parts.hostname)
    except ValueError:
        validate_hostname(parts.hostname, policy)
    else:
        validate_resolved_ip(parts.hostname, policy)


def _resolve(url: str, policy: SSRFPolicy) -> str:
    """The address of a URL's host, all of whose addresses the policy allows."""
    validate_url_sync(url, policy)
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(
            host, parts.port or (443 if parts.scheme == "https" else 80), type=socket.SOCK_STREAM
        )
    except OSError:
        raise SSRFBlockedError("DNS resolution failed") from None
    addresses = [str(each[4][0]) for each in found]
    if host.lower() not in policy.allowed_hosts:
        for address in addresses:
            validate_resolved_ip(address, policy)
    return addresses[0]


async def validate_url(url: str, policy: SSRFPolicy = DEFAULT_SSRF_POLICY) -> None:
    """The same, and for each address that the name leads to."""
    await run_in_executor(None, _resolve, url, policy)
