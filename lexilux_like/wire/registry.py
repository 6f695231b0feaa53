"""Finding a provider's row, by name or by host, and adding rows of one's own."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..values.errors import ValidationError
from .engines import LOCAL, UNKNOWN
from .profile import Profile
from .profiles import PROFILES

_registered: dict[str, Profile] = {}


def register_provider(profile: Profile) -> None:
    """Make a row known to this process, by its name and by its hosts; it wins over ours.

    Clients that are made from now on find it. Registering a name again replaces it.

    Raises:
        ValidationError: It has no name, or no field for the most tokens.
    """
    if not profile.name:
        raise ValidationError("a provider needs a name")
    if not profile.limit:
        raise ValidationError(f"provider {profile.name!r}: limit= must name at least one field")
    _registered[profile.name] = profile  # a single step, also for other threads


def providers() -> tuple[Profile, ...]:
    """Every row that is known: the registered ones first, then ours."""
    own = {**_registered}
    return (*own.values(), *(each for each in PROFILES if each.name not in own))


def find_provider(name: str) -> Profile:
    """The row of a provider, registered or ours.

    Raises:
        ValidationError: No provider has that name; the message lists those that are known.
    """
    known = {each.name: each for each in (UNKNOWN, LOCAL, *providers())}
    if name in known:
        return known[name]
    import difflib  # noqa: PLC0415 - only for the hint

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    raise ValidationError(f"provider={name!r} is not known; {hint}")


def find_profile(base_url: str, name: str | None = None) -> Profile:
    """The row of a provider, by its name or else by the host of `base_url`.

    Raises:
        ValidationError: No provider has that name; the message lists those that are known.
    """
    if name is not None:
        return find_provider(name)
    place = urlsplit(base_url)
    host = place.hostname or ""
    hosts = (host, place.netloc.rpartition("@")[2].lower())
    for profile in providers():
        for end in map(str.lower, profile.hosts):
            if any(each == end or each.endswith(f".{end}") for each in hosts):
                return profile
    return LOCAL if _is_loopback(host) else UNKNOWN


def check_api_version(api_version: str | None, profile: Profile) -> None:
    """Refuse an `api_version` where it means nothing.

    Raises:
        ValidationError: It is given, and the provider has no such thing.
    """
    if api_version is not None and profile.urls != "azure":
        raise ValidationError(
            f"api_version={api_version!r} is for Azure, not for provider {profile.name!r}: leave it"
            ' out, or pass provider="azure"'
        )


def _is_loopback(host: str) -> bool:
    import ipaddress  # noqa: PLC0415 - only for who is in no row

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
