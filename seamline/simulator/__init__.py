"""The vendors' APIs stood in for: their own dialects, a ledger of effects, faults on demand, an independent checker.

The adapters speak the vendors' real APIs; the simulator is nothing but another base URL. All it holds is one SQLite
file, so it survives restarts and SIGKILL.

    python -m seamline.simulator --port 0 --smtp-port 0 --state PATH --ready-file PATH [--host 0.0.0.0]
    python -m seamline.simulator.checker --simulator URL [--settled] [--json]

The ready file gets {url, smtp_host, smtp_port, pid} once both ports listen; SIGTERM stops it cleanly. In a test:
`async with seamline.simulator.server.running(path) as simulator` (attributes url, smtp_host, smtp_port, world).

Vendors are at `/{system}/{connection}/...`. Any connection name works and is made on first use; a wrong credential
gets the vendor's own 401.

    system   base URL                                       credential
    shopify  /shopify/shop-uk/admin/...                     see `seamline.simulator.shopify`
    tryton   /tryton/erp-main/{database}/rest/model/...     see `seamline.simulator.tryton`
    shippo   /shippo/shippo-main                            ShippoToken shippo-test-<connection>
    salesforce  /salesforce/crm-main/services/...           see `seamline.simulator.salesforce`
    xero     /xero/xero-main/api.xro/2.0/...                see `seamline.simulator.xero`
    slack    /slack/chat-main/services/...                  see `seamline.simulator.slack`
    hubspot  /hubspot/hubspot-main                          Bearer hubspot-test-<connection>
    smtp     the SMTP port                                  user <connection>, password smtp-test-<connection>;
                                                            mail without login is of connection mail-main

The control API, JSON, wrong input answered with 422 and {detail: [{field, reason}]}:

    GET /_simulator/health                             {status, connections}
    GET /_simulator/effects?reference=&connection=&operation=
                                                       the ledger: {id, at, connection, system, operation, reference,
                                                       key, object_id, amount, currency, undoes}
    POST /_simulator/effects                           enters what happened in a system that is not simulated
    GET /_simulator/calls?connection=&operation=&since=
                                                       every call of a vendor: {id, at (Unix time), connection, system,
                                                       operation, outcome: done, refused, unauthorised, error or the
                                                       kind of the fault that struck}
    GET /_simulator/mails?to=                          {message_id, to, subject, text, html, reference, key, at}
    GET /_simulator/messages?connection=               {id, connection, text, at}: what was written in chats
    POST, GET, DELETE /_simulator/faults               {connection, operation, kind, status, count, seconds,
                                                       probability, seed, delay_seconds, reason, field}: see `faults`
    DELETE /_simulator/faults/{id}                     ends one; the calls that it keeps waiting go on
    GET, PUT /_simulator/settings                      how fast the world moves: see `world.Settings`
    GET, PUT /_simulator/stock/{connection}            {sku: pieces}
    POST /_simulator/warehouse/{connection}/shipments/{id}   {state: picked, packed, done or cancelled;
                            packages: [{lines: {sku: pieces}, weight_grams, tracking_number}]}
    POST /_simulator/parcels/{number}                  {state: TRANSIT, DELIVERED, RETURNED or FAILURE}

With `autopilot` the warehouse packs and hands over, and parcels travel, by themselves; without it nothing moves but by
the last two. Pages for people: `/` (the ledger, `?reference=`) and `/objects/{connection}/{kind}/{id}`.

The ledger's operations: reserve, release, ship, pack-parcel, unpack-parcel, buy-label, request-refund, refund,
refund-rejected, post-fulfilment, cancel-fulfilment, shop-mail, send-mail, tell-team, write-invoice, mark-reversed,
create-task;
HubSpot's are in `seamline.simulator.hubspot`, Xero's in `seamline.simulator.xero`. `undoes` is the object_id of the
effect taken back; a rejected refund takes its request back. Reference and key are what the vendor's object carries, ''
when nothing.
"""
