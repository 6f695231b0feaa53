"""Finding a provider's row, by name or by host, and adding rows of one's own."""

from __future__ import annotations

import difflib
import ipaddress
from urllib.parse import urlsplit

from ..values.errors import ValidationError
from .profile import Profile
from .profiles import LOCAL, PROFILES, UNKNOWN

_registered: dict[str, Profile] = {}


def register_provider(profile: Profile) -> None:
    """Make a row known to this process, by its name and by its hosts; it wins over ours.

    Clients that are made from now on find it. Registering a name again replaces it.

    Raises:
        ValidationError: It has no name.
    """
    if not profile.name:
        raise ValidationError("a provider needs a name")
    _registered[profile.name] = profile


def providers() -> tuple[Profile, ...]:
    """Every row that is known: the registered ones first, then ours."""
    own = tuple(_registered.values())
    return own + tuple(each for each in PROFILES if each.name not in _registered)


def find_profile(base_url: str, name: str | None = None) -> Profile:
    """The row of a provider, by its name or else by the host of `base_url`.

    Raises:
        ValidationError: No provider has that name; the message lists those that are known.
    """
    if name is not None:
        return _named(name)
    place = urlsplit(base_url)
    hosts = (place.hostname or "", place.netloc.rpartition("@")[2])
    for profile in providers():
        for end in profile.hosts:
            if any(host == end or host.endswith(f".{end}") for host in hosts):
                return profile
    return LOCAL if _is_loopback(hosts[0]) else UNKNOWN


def _named(name: str) -> Profile:
    known = {each.name: each for each in providers()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    raise ValidationError(f"provider={name!r} is not known; {hint}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
