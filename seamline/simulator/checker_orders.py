"""The rules for orders: one effect each, the money of what was shipped, nothing left of what was taken back.

An order in parts has a process for each, under the part's own reference. What the shop is told stands under the
order's, and one payment is for all of them: of an order in parts nobody takes it back but the shop and people. While a
process runs, only the warehouse's word counts for how many parcels there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from seamline.simulator.checker_ledger import Books, Effect, Finding
from seamline.simulator.checker_money import Authorization, Payments, is_about_payment, is_by_others
from seamline.simulator.checker_process import ORDER_PROCESS, REFUND_PROCESS, Process
from seamline.simulator.checker_remedies import Remedies

_ONCE = ("reserve", "buy-label", "post-fulfilment")
"""What a key is for once. A hold has the same for each fulfilment order, and the shop takes it once for one."""
_SHARED = ("capture", "post-fulfilment")
_HELD, _RELEASED = "hold-by-hand", "release-by-hand"


class Unsent(BaseModel):
    """Pieces of an order that its shop has left to send."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    reference: str
    pieces: int


class Orders:
    """The ledgers of shop, inventory, carrier and mail, and what is wrong with them."""

    def __init__(
        self, effects: Sequence[Effect], processes: Sequence[Process], authorizations: Sequence[Authorization]
    ) -> None:
        self._books = Books(one for one in effects if not is_about_payment(one))
        self._payments = Payments(effects)
        self._effects = [one for one in effects if not is_by_others(one)]
        # What staff tell the shop of a parcel need not be told again, and must not be.
        self._fulfilled_by_hand = [
            one.model_copy(update={"operation": "post-fulfilment"})
            for one in effects
            if one.operation == "post-fulfilment-by-hand"
        ]
        self._holds = [one for one in effects if one.operation in (_HELD, _RELEASED)]
        self._processes = processes
        self._remedies = Remedies(effects, processes)
        self._authorizations = authorizations

    def pending(self) -> list[Effect]:
        """What money was asked back for and neither confirmed nor rejected."""
        return [
            *(held.effect for held in self._books.pending.values()),
            *self._payments.pending(),
            *self._remedies.pending(),
        ]

    def findings(self) -> Iterator[Finding]:
        """What is wrong, process by process."""
        used = self._used_labels()
        live = [*self._books.live(), *used, *self._payments.live()]
        yield from self._books.findings
        yield from self._payments.findings
        yield from self._remedies.findings(live)
        yield from _held(self._effects, self._holds)
        yield from _twice(live, self._processes, self._remedies)
        yield from _without_process(self._effects, self._processes)
        completed = {_order(process.reference) for process in self._processes if _completed_order(process)}
        for kept in self._authorizations:
            if kept.reference in completed:
                yield from self._payments.uncollected(kept)
        orders: dict[str, list[Process]] = defaultdict(list)
        for process in self._processes:
            if process.type == ORDER_PROCESS:
                orders[_order(process.reference)].append(process)
        for process in self._processes:
            alone = len(orders[_order(process.reference)]) <= 1
            mine = [effect for effect in _of(process, live) if alone or effect.operation not in _SHARED]
            if process.ending == "completed" and alone:
                mine += [one for one in self._fulfilled_by_hand if one.reference == process.reference]
            yield from _ended_right(process, mine, _of(process, self._effects), self._remedies, alone=alone)
        for order, parts in orders.items():
            if len(parts) > 1:
                yield from _told_to_shop(order, parts, _told_of(order, live), _told_of(order, self._fulfilled_by_hand))
        yield from _untold([one for one in self._books.rejected() if one not in used], self._processes)

    def _used_labels(self) -> list[Effect]:
        """Labels that parcels travel with though somebody asked for their money back, which the carrier kept."""
        used = {label for process in self._processes for label in process.labels}
        return [one for one in self._books.rejected() if one.object_id in used]


def unshipped(processes: Sequence[Process], unsent: Sequence[Unsent]) -> Iterator[Finding]:
    """What a shop has left to send of an order that all say to be done with, unless that is left to people."""
    for left in unsent:
        parts = [one for one in processes if one.type == ORDER_PROCESS and _order(one.reference) == left.reference]
        done = [one for one in parts if one.ending == "completed" and "post-fulfilment" not in one.by_hand]
        if parts and len(done) == len(parts) and not any(one.tasks for one in parts):
            detail = f"completed, and the shop has {left.pieces} pieces left to send"
            yield _finding(left.reference, "unshipped", detail)


def _of(process: Process, effects: Sequence[Effect]) -> list[Effect]:
    """A process's effects; those that follow something are judged by the order's whole."""
    if process.type == ORDER_PROCESS:
        return [effect for effect in effects if effect.reference == process.reference]
    return [effect for effect in effects if _order(effect.reference) == _order(process.reference)]


def _told_of(order: str, effects: Sequence[Effect]) -> int:
    return sum(effect.operation == "post-fulfilment" and effect.reference == order for effect in effects)


def _told_to_shop(order: str, parts: Sequence[Process], ours: int, by_hand: int) -> Iterator[Finding]:
    """The fulfilments of an order in parts: one for each that completed; one that runs may have told its own.

    People's can stand for those of parts, and be of parts that are none of ours any more.
    """
    completed = [part for part in parts if part.ending == "completed"]
    running = sum(part.ending == "running" for part in parts)
    if any("post-fulfilment" in part.by_hand for part in completed):
        return
    if ours > len(completed) + running or ours + by_hand < len(completed):
        yield _finding(
            order, "count", f"{len(completed)} parts completed with {ours} post-fulfilment, and {by_hand} by hand"
        )


def _held(ours: Sequence[Effect], holds: Sequence[Effect]) -> Iterator[Finding]:
    """Nothing is done for an order that others hold since it was made, until they release it."""
    first: dict[str, Effect] = {}
    for one in sorted(holds, key=lambda effect: effect.id):
        first.setdefault(one.reference, one)
    for order, release in first.items():
        early = [one for one in ours if _order(one.reference) == order and one.id < release.id]
        if release.operation == _RELEASED and early:
            yield _finding(order, "held", f"held by others, and {_names(early)}")


def _parcels(process: Process, effects: Sequence[Effect]) -> int:
    """How many parcels left: as the warehouse told, else by the run's own word, else one."""
    packed = sum(effect.operation == "pack-parcel" for effect in effects)
    return packed or 1 + len(process.told("others") or ())


def _twice(live: Sequence[Effect], processes: Sequence[Process], remedies: Remedies) -> Iterator[Finding]:
    for operation in _ONCE:
        some = [effect for effect in live if effect.operation == operation]
        for key, count in Counter(effect.key for effect in some if effect.key).items():
            if count > 1:
                reference = next(effect.reference for effect in some if effect.key == key)
                yield _finding(reference, "twice", f"{count} live {operation} under the key {key}")
    allowed = {one.reference: _parcels(one, _of(one, live)) for one in processes if one.type == ORDER_PROCESS}
    for operation in ("reserve", "buy-label"):
        some = [effect for effect in live if effect.operation == operation and effect.reference]
        for reference, count in Counter(effect.reference for effect in some).items():
            parcels = allowed.get(reference, 1) if operation == "buy-label" else 1
            if count > parcels + remedies.reships[reference]:
                yield _finding(reference, "twice", f"{count} live {operation} for one reference")


def _untold(rejected: Sequence[Effect], processes: Sequence[Process]) -> Iterator[Finding]:
    """A rejected refund is followed: by the process that was taken back, or by one of its own."""
    following = {
        _order(process.reference)
        for process in processes
        if process.type == REFUND_PROCESS or process.ending in ("undone", "running")
    }
    for effect in rejected:
        if _order(effect.reference) not in following:
            yield _finding(effect.reference, "rejected-untold", f"the refund of {effect.object_id} was rejected")


def _without_process(effects: Sequence[Effect], processes: Sequence[Process]) -> Iterator[Finding]:
    known = {process.reference for process in processes}
    unknown = [effect for effect in effects if effect.reference not in known and not _to_staff(effect)]
    strays = Counter((effect.reference, effect.operation) for effect in unknown)
    for (reference, operation), count in strays.items():
        yield _finding(reference, "no-process", f"{count} {operation}")


def _ended_right(
    process: Process, live: Sequence[Effect], ever: Sequence[Effect], remedies: Remedies, *, alone: bool
) -> Iterator[Finding]:
    if process.ending == "failed" and live:
        yield _finding(process.reference, "failed-with-effects", f"{process.id} is {process.status}: {_names(live)}")
    if process.type != ORDER_PROCESS:
        return
    match process.ending:
        case "completed":
            yield from _counted(process, live, remedies, alone=alone)
            yield from _contradicted(process, live, ever)
            yield from _needless(process, live)
        case "undone" if live:
            yield _finding(process.reference, "left-over", _names(live))
        case "ignored" if ever:
            yield _finding(process.reference, "ignored-acted", _names(ever))
        case "unreadable":
            yield _finding(process.reference, "unreadable", f"the result of {process.id} names no known kind")


def _counted(process: Process, live: Sequence[Effect], remedies: Remedies, *, alone: bool) -> Iterator[Finding]:
    """One of each, of labels one for each parcel; and one more each time that staff had goods sent again.

    What is shared with other parts is counted over all of them.
    """
    counts = Counter(effect.operation for effect in live)
    reships = remedies.reships[process.reference]
    again = remedies.retracked(process.reference) if alone else reships
    if alone and again > counts["ship"] - 1:
        yield _finding(process.reference, "count", f"the shop knows of {again} parcels sent again, and fewer left")
    mailed = int(_mailed(process))
    wanted = {
        "reserve": (1, reships),
        "ship": (1, reships),
        "buy-label": (_parcels(process, live), reships),
        "send-mail": (mailed, again * mailed),
    }
    if alone:
        wanted["post-fulfilment"] = (1, 0)
    for operation, (count, more) in wanted.items():
        if not count <= counts[operation] <= count + more and operation not in process.by_hand:
            told = f"completed with {counts[operation]} {operation} instead of {count}"
            yield _finding(process.reference, "count", told)


def _contradicted(process: Process, live: Sequence[Effect], ever: Sequence[Effect]) -> Iterator[Finding]:
    """What a completed order must not have: a hold that is still on, or being cancelled by us."""
    for effect in live:
        if effect.operation == "hold":
            yield _finding(process.reference, "left-over", _names([effect]))
    if any(effect.operation == "cancel-order" for effect in ever):
        yield _finding(process.reference, "count", "completed, though the order was cancelled")


def _needless(process: Process, live: Sequence[Effect]) -> Iterator[Finding]:
    """Labels of ours where parcels travel with those that others bought: by the run's word, under their numbers."""
    ours = [effect for effect in live if effect.operation == "buy-label" and effect.object_id not in process.labels]
    if process.labels_of_others and ours:
        yield _finding(process.reference, "left-over", f"others bought the labels, and we {_names(ours)}")


def _mailed(process: Process) -> bool:
    """Whether the customer was mailed, by the run's own word: an order can lack an address for it."""
    return bool(process.told("message_id") != "")


def _completed_order(process: Process) -> bool:
    return process.type == ORDER_PROCESS and process.ending == "completed"


def _to_staff(effect: Effect) -> bool:
    """Whether it tells staff of a cause, which is about no single order."""
    return effect.operation == "tell-team" or (not effect.reference and effect.key.startswith("notices/"))


def _order(reference: str) -> str:
    """The reference without its part: `shop-uk:5001` of `shop-uk:5001.2`."""
    return reference.partition(".")[0]


def _finding(reference: str, rule: str, detail: str) -> Finding:
    return Finding(reference=reference, rule=rule, detail=detail)


def _names(effects: Sequence[Effect]) -> str:
    return ", ".join(f"{effect.operation} {effect.object_id} at {effect.connection}" for effect in effects)
