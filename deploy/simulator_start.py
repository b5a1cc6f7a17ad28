"""Let the simulated warehouse and carrier move by themselves, and shop, CRM, books and marketing tell the API.

Reads SIMULATOR_URL and API_URL. Running it again changes nothing.
"""

from __future__ import annotations

import json
import os
import urllib.request

ANSWER_SECONDS_MAX = 10


def send(method: str, url: str, body: object) -> None:
    """One call to the simulator; an answer that is an error ends the program with its status."""
    request = urllib.request.Request(  # noqa: S310 the address is ours, from the environment
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )
    urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX).close()  # noqa: S310


def main() -> None:
    """Set the world going."""
    control = f"{os.environ['SIMULATOR_URL']}/_simulator"
    webhooks = f"{os.environ['API_URL']}/webhooks"
    send("PUT", f"{control}/settings", {"autopilot": True})
    send("POST", f"{control}/shops/shop-uk/subscriptions", {"topic": "orders/paid", "url": f"{webhooks}/shop-uk"})
    send("POST", f"{control}/crms/crm-main/subscriptions", {"url": f"{webhooks}/crm-main"})
    send("POST", f"{control}/books/xero-main/subscriptions", {"url": f"{webhooks}/xero-main"})
    consent = {"event": "contact.propertyChange", "property": "hs_email_optout", "url": f"{webhooks}/hub-main"}
    send("POST", f"{control}/audiences/hub-main/account/subscriptions", consent)


if __name__ == "__main__":
    main()
