"""What Xero's refusals mean here. It gives no codes, so its words are read. Pure and total."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from seamline.errors import Failure, Problem, Refusal
from seamline.systems.xero import wire


def _meaning(code: str, field: str, reason: str = "") -> Callable[[Failure], Refusal]:
    """What a refusal is here: our code, and the field of ours. Xero's own words stand where we have no better."""

    def refusal(failure: Failure) -> Refusal:
        problem = Problem(field=field, reason=reason or failure.reason)
        return Refusal(code, failure.reason, problems=[problem], status=failure.status, request_id=failure.request_id)

    return refusal


_MEANINGS: tuple[tuple[str, Callable[[Failure], Refusal]], ...] = (
    (r"lock date", _meaning("closed-period", "issued", "is in a period that is closed: choose a later day")),
    (r"payment or credit note allocated", _meaning("has-payments", "invoice_id", "has payments or credits")),
    (r"no (valid )?email|email address", _meaning("no-address", "customer.email", "is missing or no mail address")),
    (r"contact name .* already", _meaning("name-taken", "customer.name", "is another contact's name in Xero")),
    (r"(contact|account) number .* already", _meaning("number-taken", "customer.reference", "is carried by another")),
    (r"contact is archived|archived contact", _meaning("customer-archived", "customer_id", "is archived")),
    (r"tax ?type", _meaning("tax-code-unknown", "lines.tax_code", "is no tax rate of these books")),
    (r"subscribed to currency", _meaning("currency-unknown", "currency", "is not set up in these books")),
)


def meaning(failure: Failure) -> Refusal | None:
    """What Xero's words mean here; None where they stand for themselves."""
    return next((told(failure) for words, told in _MEANINGS if re.search(words, failure.reason, re.I)), None)


def messages(found: wire.ApiException) -> Sequence[str]:
    """What a 400 says."""
    told = [error.Message for element in found.Elements for error in element.ValidationErrors if error.Message]
    return list(dict.fromkeys(told)) or ([found.Message] if found.Message else [])
