"""Reachability: which of a beacon's addresses may be tried, and what the last try still says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

#: Addresses of one beacon that are tried; it may announce any number.
MOST_TARGETS = 4
#: How long the result of a try is worth telling.
GOOD_FOR = timedelta(minutes=15)
#: How long a try that was asked for and is not answered still counts as under way; then its message was lost.
UNDER_WAY = timedelta(seconds=60)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Target:
    """Where a beacon says that it listens."""

    protocol: str
    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}/"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator lets the hub probe: networks by address, hosts by the name under which they are announced."""

    networks: tuple[Network, ...]
    hosts: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.networks or self.hosts)

    def admits(self, host: str, address: str) -> bool:
        """Whether a host that means this address may be called. An IPv4 address in IPv6's clothes is the IPv4 address."""
        if host.lower() in self.hosts:
            return True
        number = ip_address(address.partition("%")[0])
        number = getattr(number, "ipv4_mapped", None) or number
        return any(number.version == network.version and number in network for network in self.networks)


def allowed(text: str) -> Allowed:
    """The operator's list: networks and hosts, separated by commas. Raises ValueError for a network that is none.

    >>> allowed("10.0.0.0/8, db.example").admits("db.example", "192.0.2.1")
    True
    """
    networks: list[Network] = []
    hosts = set()
    for entry in filter(None, (part.strip().lower() for part in text.split(","))):
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError:
            if "/" in entry:
                raise ValueError(f"{entry} is no IP network") from None
            hosts.add(entry)
    return Allowed(tuple(networks), frozenset(hosts))


def targets_of(announced: Iterable[Any]) -> list[Target]:
    """What can be tried of the addresses that a beacon announces. They are what the beacon says, so they may be anything."""
    found = [target for one in announced if isinstance(one, Mapping) and (target := _target(one))]
    return list(dict.fromkeys(found))[:MOST_TARGETS]


def _target(one: Mapping[Any, Any]) -> Target | None:
    host, port, protocol = one.get("IP"), one.get("Port"), one.get("Protocol") or "http"
    if not (isinstance(host, str) and isinstance(protocol, str) and protocol.lower() in ("http", "https")):
        return None
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65_536:
        return None
    name = host.strip("[]")
    plain = 0 < len(name) <= 253 and all(character.isalnum() or character in ".-:_%" for character in name)
    return Target(protocol.lower(), name, port) if plain else None


def standing(listens: bool, row: Mapping[str, Any] | None, now: datetime) -> str:
    """The word of the matrix for a beacon: what the last try says while it is worth something, else what the announcement does."""
    if not listens:
        return "no-listener"
    if row is None or row["probed_at"] is None or now - row["probed_at"] > GOOD_FOR or row["status"] == "refused":
        return "untested"
    return str(row["status"])


def under_way(row: Mapping[str, Any] | None, now: datetime) -> bool:
    """Whether a try has been asked for that may still be answered."""
    return row is not None and now - row["asked_at"] < UNDER_WAY and (row["probed_at"] is None or row["probed_at"] < row["asked_at"])


def outcome(tried: Sequence[tuple[Target, str, str]]) -> tuple[str, Target | None, str]:
    """Status, address and detail of a beacon whose addresses were tried: the first that answered, else the first that did not."""
    for wanted in ("reachable", "unreachable", "refused"):
        for target, status, detail in tried:
            if status == wanted:
                return status, target, detail
    return "unreachable", None, "It announces no address that could be called."
