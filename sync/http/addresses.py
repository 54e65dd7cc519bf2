"""Where we go: to public addresses over TLS, and in the demo to this machine."""

import ipaddress
from typing import Final
from urllib.parse import urljoin, urlsplit

from sync.errors import Refused

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_NO_TLS: Final = "{host} is asked for without TLS; the address has to begin with https://"


def demand_address(url: str, *, loopback: bool) -> None:
    """Refuse what is no plain web address; a password in it would end in logs on the way."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if not usable:
        raise Refused("the address of the MIS is not a web address such as https://mis.example")
    if parts.scheme == "http" and not loopback:
        raise Refused(_NO_TLS.format(host=parts.hostname))


def demand_allowed(address: str, host: str, *, loopback: bool, plain: bool = False) -> None:
    """Refuse the address that a host's name stands for, unless it is public, or this machine and `loopback` is set."""
    ip = _embedded(ipaddress.ip_address(address))
    if loopback and ip.is_loopback:
        return
    if plain:
        raise Refused(_NO_TLS.format(host=host))
    if not ip.is_global or ip.is_multicast:
        raise Refused(f"{host} is a private address, and requests only go to public ones")


def _embedded(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of the old kind that one of the new kind stands for, if it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def host_of(url: str) -> str:
    """The host of an address, for messages."""
    try:
        return urlsplit(url).hostname or "the MIS"
    except ValueError:
        return "the MIS"


def at_home(url: str, location: str) -> str | None:
    """Where a redirect leads; None if that is another scheme, host or port, or no address at all."""
    try:
        target = urljoin(url, location)
        return target if _origin(target) == _origin(url) else None
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
