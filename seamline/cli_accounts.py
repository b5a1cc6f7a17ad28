"""What the systems say of our accounts, held against the settings: each finding with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seamline import catalog
from seamline.errors import ConfigurationError
from seamline.records.parts import ROLES
from seamline.records.system import Card
from seamline.settings import Settings, route_for


def real_and_test(settings: Settings, cards: Sequence[Card]) -> list[str]:
    """Where an object of a live account would be worked on by a test account, or the reverse."""
    live = {card.connection: card.live for card in cards if card.live is not None}
    told = set()
    for process in catalog.processes().values():
        for own in settings.filling(process.origin or "shop"):
            try:
                used = {own, *route_for(process, own, settings).values()}
            except ConfigurationError:
                continue  # told as a wrong route
            used |= {name for role in process.chosen for name in settings.filling(role)}
            told |= {
                f"{own} is {_account(live[own])} and {name} is {_account(live[name])}: set connections.{name}.account "
                f"to one that fits, or routes to another connection"
                for name in used & live.keys()
                if own in live and live[name] is not live[own]
            }
    return sorted(told)


def unpaid(cards: Sequence[Card]) -> list[str]:
    """Live shops in which customers can order without paying."""
    return [
        f"{card.connection} is a live account and took orders of late that were paid for a test, by "
        f"{', '.join(card.test_payments)}: switch test mode off in the shop's payment settings"
        for card in cards
        if card.live and card.test_payments
    ]


def misplaced(settings: Settings, cards: Sequence[Card]) -> list[str]:
    """Locations that are set and no shop has, and those of a shop that nobody is set to serve."""
    shops = {card.connection: card.locations for card in cards if card.locations is not None}
    there = sorted({name for names in shops.values() for name in names})
    told = []
    if shops.keys() >= {*settings.filling("shop")}:
        told += [
            f'policy.locations."{name}": no shop has a location of this name that fulfils online orders; '
            f"there are: {', '.join(there) or 'none'}: correct the name, here or in the shop"
            for name in settings.policy.locations
            if name not in there
        ]
    for shop, names in shops.items():
        for name in names:
            lacking = [role for role in ROLES if not _serving(role, name, settings)]
            if lacking:
                where = " and ".join(f"routes.{role}" for role in lacking)
                told.append(
                    f"{shop} ships from {name!r}, of which no {' and no '.join(lacking)} is known: "
                    f'set policy.locations."{name}", or {where} for all that is not named there'
                )
    return told


def by_default(settings: Settings, cards: Sequence[Card]) -> str:
    """The locations of shops that are not named, and are served by whatever the routes say."""
    named = settings.policy.locations
    names = sorted({name for card in cards for name in card.locations or () if name not in named})
    return f"by the default: {', '.join(names)}" if names and named else ""


def sent_from_elsewhere(settings: Settings, cards: Sequence[Card]) -> list[str]:
    """Where customs would be told another country than the labels are printed with."""
    countries = {card.connection: card.country for card in cards if card.country}
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for name in _places(settings, cards):
        carrier, ours = _serving("carrier", name, settings), settings.policy.ships_from(name)
        theirs = countries.get(carrier, ours)
        if theirs != ours:
            own = settings.policy.location(name).ship_from
            setting = f'policy.locations."{name}".ship_from' if own else "policy.ship_from"
            found.setdefault((setting, ours, carrier, theirs), []).append(name or "other locations")
    return [
        f"{setting} is {ours} and {carrier} sends from {theirs} what leaves from {', '.join(names)}: correct one of "
        f"them, or set ship_from for the location; customs are told the first, labels are printed with the second"
        for (setting, ours, carrier, theirs), names in found.items()
    ]


def _places(settings: Settings, cards: Sequence[Card]) -> Iterator[str]:
    """All locations that goods leave from; an empty name where no shop tells any."""
    told = [name for card in cards for name in card.locations or ()]
    yield from dict.fromkeys(told or [*settings.policy.locations, ""])


def _serving(role: str, location: str, settings: Settings) -> str:
    """The connection that fills a role for what leaves there; empty where nobody is set to."""
    candidates = settings.filling(role)
    only = candidates[0] if len(candidates) == 1 else ""
    named: str = getattr(settings.policy.location(location), role)
    return named or settings.routes.get(role, only)


def _account(live: bool) -> str:
    return "a live account" if live else "a test account"
