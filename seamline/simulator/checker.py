"""The independent checker: do the vendors' ledger and Temporal's closed runs agree with the promises?

It shares no code with the engine. It reads the ledger over HTTP and lists the runs of the processes with their results.
`check` is pure; `audit` reads and checks; `python -m seamline.simulator.checker --simulator URL` prints the verdict and
exits 0 when green, 1 when red, 2 when it could not read (Temporal from TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE).

The rules, by the name a finding carries:

    twice               one effect key has two live reservations, labels, fulfilments or holds; one reference has two
                        live reservations, labels or captures, whoever captured; a deal has two posted invoices or
                        drafts; an invoice was posted or sent twice; a customer, note, task or reminder is there twice
    count               a completed order or deal lacks an effect or has one too many; an invoice was followed to its
                        payment and is not paid
    money               a completed order that was authorised is not captured, once, for what it cost; invoice, credit
                        note and CRM do not name the same sum, or not what the deal came to
    left-over           an undone process has a live effect, or a completed one a hold or a draft; of a deal that was
                        reversed an invoice, its note in the CRM, or the stage in marketing still stands
    rejected-untold     a refund was rejected and no process follows it
    money-pending       (only when settled) a refund was asked for and neither confirmed nor rejected
    ignored-acted       an ignored order or deal has any effect
    observed-acted      what a process only observes, or observed, has an effect of ours
    failed-with-effects a failed, terminated or timed-out run has live effects
    no-process          an effect's reference belongs to no process
    over-refunded       more money came back than was spent; something was credited that was not there
    undone-nothing      an effect was taken back that was not there, or was taken back already
    remedy              for goods of a parcel that did not arrive, or of a return, more or less went back than was told
    customs             a parcel passes customs undeclared, or declared with too little; goods were reserved for an
                        order that nobody told what customs ask of
    mailed              of a completed order the customer was mailed by us and by the shop, or by nobody
    held                something was done for an order that others held since it was made
    unshipped           (only when settled) all of an order's processes completed, and the shop has goods left to send
    unreadable          a completed run's result is not an outcome
    oversold            (only when settled) a shop that was told what is in stock offers more than there is
    unsettled           (only when settled) a process is still running, and follows no unpaid invoice
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal

import httpx
from pydantic import BaseModel, ConfigDict, Field
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from seamline.signals import leave
from seamline.simulator.checker_customs import Consignment, Undeclared, reserved_early, undeclarable, undeclared
from seamline.simulator.checker_deals import Deals, Document, Worth, reminded_twice
from seamline.simulator.checker_invoices import Ledger, is_about_deal
from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_mails import mailed
from seamline.simulator.checker_money import Authorization
from seamline.simulator.checker_observed import observed_acted
from seamline.simulator.checker_orders import Orders, Unsent, unshipped
from seamline.simulator.checker_process import Process, process_ids, read_answers, read_processes
from seamline.simulator.checker_stock import Shelves, is_about_stock, oversold
from seamline.simulator.checker_world import read_facts


class PendingMoney(BaseModel):
    """A refund that was asked for and neither confirmed nor rejected."""

    model_config = ConfigDict(hide_input_in_errors=True)

    reference: str
    object_id: str
    amount: Decimal | None
    currency: str | None


class Verdict(BaseModel):
    """What the checker says: green (`ok`) when there is no finding. `counts` is system -> operation -> number."""

    model_config = ConfigDict(hide_input_in_errors=True)

    ok: bool
    findings: list[Finding]
    pending: list[PendingMoney]
    unsettled: list[str]
    counts: dict[str, dict[str, int]]
    processes: dict[str, int] = Field(description="How many processes ended how.")


def check(
    effects: Sequence[Effect],
    processes: Sequence[Process],
    authorizations: Sequence[Authorization] = (),
    *,
    worth: Sequence[Worth] = (),
    documents: Sequence[Document] = (),
    shelves: Shelves | None = None,
    unsent: Sequence[Unsent] = (),
    reachable: Collection[str] = (),
    consignments: Sequence[Consignment] = (),
    lacking: Sequence[Undeclared] = (),
    settled: bool = False,
) -> Verdict:
    """Judge the whole ledger against all processes. `settled` says that everything should be over by now."""
    billing = [one for one in effects if is_about_deal(one)]
    orders = Orders(
        [one for one in effects if not is_about_deal(one) and not is_about_stock(one)], processes, authorizations
    )
    deals = Deals(Ledger.read(billing), processes, worth, documents)
    findings = [*orders.findings(), *deals.findings(), *reminded_twice(effects)]
    findings += mailed(effects, processes, reachable)
    findings += observed_acted(effects, processes)
    findings += [*undeclared(consignments), *reserved_early(effects, processes, lacking)]
    pending = orders.pending()
    running = [one.id for one in processes if one.ending == "running" and not deals.awaits_payment(one)]
    if settled:
        findings += [_finding(process_id.partition(":")[2], "unsettled", process_id) for process_id in running]
        findings += oversold(processes, shelves) if shelves else []
        findings += unshipped(processes, unsent)
        findings += [_finding(e.reference, "money-pending", f"refund of {e.object_id} not confirmed") for e in pending]
    return Verdict(
        ok=not findings,
        findings=findings,
        pending=[PendingMoney(**effect.model_dump(include=set(PendingMoney.model_fields))) for effect in pending],
        unsettled=running,
        counts=_counts(effects),
        processes=dict(Counter(process.ending for process in processes)),
    )


def _finding(reference: str, rule: str, detail: str) -> Finding:
    return Finding(reference=reference, rule=rule, detail=detail)


def _counts(effects: Sequence[Effect]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for effect in effects:
        counts[effect.system][effect.operation] += 1
    return {system: dict(counter) for system, counter in sorted(counts.items())}


async def audit(simulator: str, client: Client, *, settled: bool = False) -> Verdict:
    """Read the ledger at the simulator's URL and the processes in Temporal, and check them.

    Processes are read first, so that what ends meanwhile counts as running. Raises httpx.HTTPError or RPCError.
    """
    processes = {process.id: process for process in await read_processes(client)}
    facts = await read_facts(simulator)
    for process_id in await process_ids(client) - processes.keys():
        processes[process_id] = Process(id=process_id, status="RUNNING")
    for process in undeclarable(facts.effects, list(processes.values()), facts.lacking):
        processes[process.id] = process.model_copy(update={"answers": await read_answers(client, process.id)})
    return check(
        facts.effects,
        list(processes.values()),
        facts.authorizations,
        worth=facts.worth,
        documents=facts.documents,
        shelves=facts.shelves,
        unsent=facts.unsent,
        reachable=facts.reachable,
        consignments=facts.consignments,
        lacking=facts.lacking,
        settled=settled,
    )


def report(verdict: Verdict) -> str:
    """The verdict in words, one line a finding."""
    lines = [f"{finding.rule:20} {finding.reference or '-':24} {finding.detail}" for finding in verdict.findings]
    lines += [f"pending refund       {e.reference:24} {e.amount} {e.currency}, {e.object_id}" for e in verdict.pending]
    lines += [f"still running        {process_id}" for process_id in verdict.unsettled]
    for system, counts in verdict.counts.items():
        lines.append(f"{system:20} {', '.join(f'{count} {operation}' for operation, count in sorted(counts.items()))}")
    ended = ", ".join(f"{count} {ending}" for ending, count in sorted(verdict.processes.items())) or "none"
    lines.append(f"processes            {ended}")
    lines.append("GREEN: the ledger keeps the promises" if verdict.ok else f"RED: {len(verdict.findings)} findings")
    return "\n".join(lines)


async def _main(options: argparse.Namespace) -> int:
    try:
        profile = ClientConfig.load_client_connect_config()
        profile.setdefault("target_host", "localhost:7233")
        client = await Client.connect(**profile)
        verdict = await audit(options.simulator, client, settled=options.settled)
    except (httpx.HTTPError, RPCError, RuntimeError, TimeoutError) as error:
        sys.stderr.write(f"cannot read the ledger or Temporal: {type(error).__name__}: {error}\n")
        return 2
    sys.stdout.write((verdict.model_dump_json() if options.json else report(verdict)) + "\n")
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m seamline.simulator.checker", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--simulator", required=True, help="the simulator's URL")
    parser.add_argument("--settled", action="store_true", help="everything should be over: running processes are red")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    leave(asyncio.run(_main(parser.parse_args())))
