"""The rules for what is done after a parcel has left: sent again as often as chosen, refunded once, taken back once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_process import PARCEL_PROCESS, RETURN_PROCESS, Process

GOODS = "refund-goods"
_ASKED, _BACK, _REJECTED = "request-payment-refund", "refund-payment", "payment-refund-rejected"


def is_for_goods(effect: Effect) -> bool:
    """Whether money goes back for goods, not to undo a capture."""
    return effect.operation in (_ASKED, _BACK, _REJECTED) and purpose_of(effect.key) == GOODS


def is_of_cancelled_goods(effect: Effect) -> bool:
    """Whether money goes back for lines that came off an order before they were sent."""
    return purpose_of(effect.key) == "cancel-goods"


def is_of_return(reference: str) -> bool:
    """Whether it names a return: `shop-uk:5001-R9`."""
    return "-R" in reference.partition(":")[2]


def purpose_of(key: str) -> str:
    """`refund-goods` of `shop-uk:5001/refund-goods#1`."""
    return key.partition("/")[2].partition("#")[0]


def shipped_as(parcel: str) -> str:
    """What a parcel is of: `shop-uk:5001` of `shop-uk:5001.0.2`, `shop-uk:5001.2` of `shop-uk:5001.2.3`."""
    whole, *numbers = parcel.split(".")
    return whole if not numbers or numbers[0] == "0" else f"{whole}.{numbers[0]}"


class Remedies:
    """What staff chose, by the processes' own word, and what the ledger has of it."""

    def __init__(self, effects: Sequence[Effect], processes: Sequence[Process]) -> None:
        self._effects = effects
        self._processes = processes
        self._refunds = _settled(one for one in effects if is_for_goods(one))
        ended = [one for one in processes if one.type == PARCEL_PROCESS and one.ending == "completed"]
        self.reships = Counter(shipped_as(one.reference) for one in ended if one.told("remedy") == "reship")
        """How often the goods of an order, or of a part of it, were to be sent again."""

    def retracked(self, reference: str) -> int:
        """How often the shop was told that goods of an order travel under another number."""
        return sum(one.operation == "retrack" and one.reference == reference for one in self._effects)

    def pending(self) -> Iterator[Effect]:
        """What was asked back and is neither there nor rejected."""
        for asked, state in self._refunds.values():
            if state == _ASKED:
                yield asked

    def findings(self, live: Sequence[Effect]) -> Iterator[Finding]:
        """What is wrong, by what stands in the ledger."""
        yield from self._refunded_once()
        for process in self._processes:
            if process.type == PARCEL_PROCESS:
                yield from self._mended(process)
            elif process.type == RETURN_PROCESS:
                yield from self._returned(process)
                yield from _labelled(process, live)

    def _refunded_once(self) -> Iterator[Finding]:
        live = Counter(asked.key for asked, state in self._refunds.values() if state != _REJECTED)
        started = {one.reference for one in self._processes if one.type in (PARCEL_PROCESS, RETURN_PROCESS)}
        for key, count in live.items():
            reference = key.partition("/")[0]
            # One refund can come from several captures; of each it comes once.
            parents = Counter(
                one.undoes for one, state in self._refunds.values() if one.key == key and state != _REJECTED
            )
            if any(number > 1 for number in parents.values()):
                yield _finding(reference, "twice", f"{count} refunds for goods under the key {key}")
            if reference not in started:
                yield _finding(reference, "no-process", f"{count} {GOODS}")

    def _refunded(self, reference: str) -> Decimal:
        """What went back, or is on its way, for goods of a parcel or a return."""
        amounts = (
            asked.amount or Decimal(0)
            for asked, state in self._refunds.values()
            if state != _REJECTED and asked.key.partition("/")[0] == reference
        )
        return sum(amounts, Decimal(0))

    def _mended(self, process: Process) -> Iterator[Finding]:
        """Money went back where that was chosen, as much as was told, and nowhere else."""
        if process.ending != "completed":
            return
        back = self._refunded(process.reference)
        chosen = process.told("remedy") == "refund" and GOODS not in process.by_hand
        told = _amount(process.told("refunded")) if chosen else Decimal(0)
        if back != told:
            yield _finding(process.reference, "remedy", f"{back} went back for its goods where {told} was told")
        prefix = f"{process.reference}/receive#"
        taken = [one for one in self._effects if one.operation == "receive-return" and one.key.startswith(prefix)]
        yield from _taken_in(process, taken)

    def _returned(self, process: Process) -> Iterator[Finding]:
        """A return that ended has given back what it tells, and taken in what it tells, once; else nothing is left."""
        mine = [one for one in self._effects if one.reference == process.reference]
        counts = Counter(one.operation for one in mine)
        back = self._refunded(process.reference)
        taken = [one for one in mine if one.operation == "receive-return"]
        match process.ending:
            case "completed":
                told = Decimal(0) if GOODS in process.by_hand else _amount(process.told("refunded"))
                if back != told:
                    yield _finding(process.reference, "remedy", f"{back} went back where {told} was told")
                yield from _taken_in(process, taken)
                if counts["close-return"] > 1:
                    yield _finding(process.reference, "twice", f"{counts['close-return']} close-return for one return")
            case "undone" | "ignored" if back or taken:
                yield _finding(process.reference, "left-over", f"{back} refunded, {len(taken)} receive-return")


def _labelled(process: Process, live: Sequence[Effect]) -> Iterator[Finding]:
    """A return that was sent back has one label; one that was taken back or declined has none."""
    labels = sum(one.operation == "buy-label" and one.reference == process.reference for one in live)
    sent = process.ending == "completed" and bool(process.told("tracking_number"))
    if process.ending in ("undone", "ignored") and labels:
        yield _finding(process.reference, "left-over", f"{labels} buy-label of a return that is over")
    elif process.ending == "completed" and labels != sent and "buy-label" not in process.by_hand:
        yield _finding(process.reference, "count", f"completed with {labels} buy-label instead of {int(sent)}")


def _taken_in(process: Process, taken: Sequence[Effect]) -> Iterator[Finding]:
    """What came back went on the shelf once where that is told, and else not."""
    wanted = 1 if process.told("restocked") and "receive" not in process.by_hand else 0
    if len(taken) != wanted:
        yield _finding(process.reference, "count", f"{len(taken)} receive-return instead of {wanted}")


def _settled(effects: Iterable[Effect]) -> dict[tuple[str, str], tuple[Effect, str]]:
    """Each refund as it was first told, and how far it is, by its own id."""
    refunds: dict[tuple[str, str], tuple[Effect, str]] = {}
    for one in sorted(effects, key=lambda effect: effect.id):
        first, _ = refunds.get((one.connection, one.object_id), (one, ""))
        refunds[one.connection, one.object_id] = first, one.operation
    return refunds


def _amount(told: object) -> Decimal:
    return Decimal(str(told).split(" ")[0]) if told else Decimal(0)


def _finding(reference: str, rule: str, detail: str) -> Finding:
    return Finding(reference=reference, rule=rule, detail=detail)
