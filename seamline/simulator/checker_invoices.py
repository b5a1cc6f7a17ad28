"""The ledgers of the CRM, of accounting and of marketing: which invoices stand, and who knows of them.

An invoice is drafted, posted, and taken back by voiding or crediting it. What people do there ends in `-by-hand` or
`-by-customer`: it is no effect of a process, but it counts: a draft that finance posts is posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from seamline.simulator.checker_ledger import Effect, Finding

SYSTEMS = ("salesforce", "xero", "hubspot")
ALLOCATE = "/allocate"
"""What the key of setting a credit against its invoice has beyond the credit's own."""
_OTHERS = ("-by-hand", "-by-customer")
_TAKES_BACK = {
    "archive-customer": "create-customer",
    "delete-draft": "draft-invoice",
    "void-invoice": "post-invoice",
    "mark-reversed": "write-invoice",
    "restore-stage": "become-customer",
    "resume-prospect-mail": "stop-prospect-mail",
    "archive-company": "create-company",
    "archive-contact": "create-contact",
    "archive-customer-by-hand": "create-customer",
    "delete-by-hand": "draft-invoice",
    "void-by-hand": "post-invoice",
    "stage-by-hand": "become-customer",
    "subscription-by-hand": "stop-prospect-mail",
    "archive-company-by-hand": "create-company",
    "archive-contact-by-hand": "create-contact",
}
"""What takes back what, on the same object."""

_Place = tuple[str, str, str]
"""Connection, operation, object."""


@dataclass
class Credit:
    """A credit note, and the invoice that it was set against."""

    effect: Effect
    invoice_id: str = ""


@dataclass
class Invoice:
    """A posted invoice. `ended` is the effect that voided or credited it."""

    effect: Effect
    drafted: Effect | None = None
    ended: Effect | None = None

    @property
    def reversed(self) -> bool:
        """Whether `reverse-deal`, or somebody else, took it back; a process that is undone takes back its own."""
        return self.ended is not None and (is_by_others(self.ended) or purpose_of(self.ended.key) == "reverse-invoice")


@dataclass
class Ledger:
    """What stands, by the ledger read from its start."""

    standing: dict[_Place, Effect] = field(default_factory=dict)
    invoices: list[Invoice] = field(default_factory=list)
    tasks: list[Effect] = field(default_factory=list)
    made: list[Effect] = field(default_factory=list)
    """All that we ever made, taken back or not."""
    findings: list[Finding] = field(default_factory=list)
    _credits: list[Credit] = field(default_factory=list)

    @classmethod
    def read(cls, effects: Iterable[Effect]) -> Ledger:
        """The ledger of these entries."""
        ledger = cls()
        for effect in sorted(effects, key=lambda effect: effect.id):
            ledger._enter(effect)
        for credit in ledger._credits:
            ledger._credit(credit)
        return ledger

    def live(self) -> Iterator[Effect]:
        """What stands and can be taken back: drafts, posted invoices, customers, notes, stages, stopped mail."""
        yield from (one for (_, name, _), one in self.standing.items() if name not in ("send-invoice", "link-customer"))
        yield from (one.effect for one in self.invoices if one.ended is None)

    def standing_of(self, operation: str, reference: str) -> list[Effect]:
        """What stands of one operation for one reference."""
        return [one for (_, name, _), one in self.standing.items() if name == operation and one.reference == reference]

    def invoices_of(self, reference: str) -> list[Invoice]:
        """Every invoice ever posted for one reference."""
        return [one for one in self.invoices if one.effect.reference == reference]

    def _enter(self, effect: Effect) -> None:
        match effect.operation:
            case "post-invoice" | "post-by-hand":
                self._post(effect)
            case "void-invoice" | "void-by-hand" | "allocate-by-hand":
                self._void(effect)
            case "credit-invoice":
                self.made.append(effect)
                self._credits.append(Credit(effect))
            case "allocate-credit":
                self._allocate(effect)
            case "create-task":
                self.made.append(effect)
                if any(one.key == effect.key for one in self.tasks):
                    self._find(effect, "twice", f"two tasks under the key {effect.key}")
                self.tasks.append(effect)
            case name if name in _TAKES_BACK:
                self._take_back(effect)
            case _ if not is_by_others(effect):
                self._stand(effect)

    def _stand(self, effect: Effect) -> None:
        self.made.append(effect)
        place = (effect.connection, effect.operation, effect.object_id)
        if place in self.standing:
            self._find(effect, "twice", f"{effect.operation} of {effect.object_id}, which stands already")
        self.standing[place] = effect

    def _take_back(self, effect: Effect) -> None:
        place = (effect.connection, _TAKES_BACK[effect.operation], effect.undoes or "")
        if self.standing.pop(place, None) is None and not is_by_others(effect):
            self._find_nothing(effect)

    def _post(self, effect: Effect) -> None:
        """Post a draft; a stranger's invoice that a person posts is none of ours."""
        drafted = self.standing.pop((effect.connection, "draft-invoice", effect.object_id), None)
        if is_by_others(effect):
            if drafted is not None:
                told = {"reference": drafted.reference, "key": drafted.key}
                self.invoices.append(Invoice(effect.model_copy(update=told), drafted))
            return
        self.made.append(effect)
        if self._posted(effect.connection, effect.object_id):
            self._find(effect, "twice", f"{effect.object_id} was posted twice")
        self.invoices.append(Invoice(effect, drafted))

    def _void(self, effect: Effect) -> None:
        invoice = self._posted(effect.connection, effect.undoes or "")
        if invoice is not None:
            invoice.ended = effect
        elif not is_by_others(effect):
            self._find_nothing(effect)

    def _allocate(self, effect: Effect) -> None:
        for credit in self._credits:
            if (credit.effect.connection, credit.effect.key) == (effect.connection, effect.key.removesuffix(ALLOCATE)):
                credit.invoice_id = effect.undoes or ""
                return
        self._find(effect, "undone-nothing", f"{effect.object_id} sets no credit of ours against {effect.undoes}")

    def _credit(self, credit: Credit) -> None:
        """End the invoice that the credit is for: where it was paid, nothing is set against it, and its sum tells."""
        effect = credit.effect
        same = (invoice for invoice in self.invoices if invoice.ended is None and self._is_for(credit, invoice))
        invoice = next(same, None)
        if invoice is None:
            told = f"{effect.amount} {effect.currency} credited by {effect.object_id} where no such invoice stands"
            self._find(effect, "over-refunded", told)
            return
        invoice.ended = effect
        if (invoice.effect.amount, invoice.effect.currency) != (effect.amount, effect.currency):
            told = (
                f"{invoice.effect.amount} {invoice.effect.currency} posted, {effect.amount} {effect.currency} credited"
            )
            self._find(effect, "money", told)

    def _is_for(self, credit: Credit, invoice: Invoice) -> bool:
        one, other = credit.effect, invoice.effect
        if one.connection != other.connection or deal_of(one.reference) != deal_of(other.reference):
            return False
        if credit.invoice_id:
            return credit.invoice_id == other.object_id
        return (one.amount, one.currency) == (other.amount, other.currency)

    def _posted(self, connection: str, invoice_id: str) -> Invoice | None:
        for one in self.invoices:
            if (one.effect.connection, one.effect.object_id) == (connection, invoice_id) and one.ended is None:
                return one
        return None

    def _find_nothing(self, effect: Effect) -> None:
        self._find(effect, "undone-nothing", f"{effect.operation} of {effect.undoes}, which does not stand")

    def _find(self, effect: Effect, rule: str, detail: str) -> None:
        self.findings.append(Finding(reference=effect.reference, rule=rule, detail=detail))


def is_about_deal(effect: Effect) -> bool:
    """Whether an entry of the ledger is of a system that deals are billed in."""
    return effect.system in SYSTEMS


def is_by_others(effect: Effect) -> bool:
    """Whether people or customers did it."""
    return effect.operation.endswith(_OTHERS)


def deal_of(reference: str) -> str:
    """The deal of an instalment: `crm-main:006X` of `crm-main:006X.2`."""
    return reference.partition(".")[0]


def purpose_of(key: str) -> str:
    """`post-invoice` of `crm-main:006X/post-invoice#1`, and of `crm-main:006X/post-invoice#1/void`."""
    return key.partition("/")[2].partition("#")[0]


def number_of(key: str) -> str:
    """`1` of `crm-main:006X/post-invoice#1`, and of `crm-main:006X/post-invoice#1/void`."""
    return key.partition("#")[2].partition("/")[0]
