"""What a Seamline on one machine is set to: every connection of the simulator, quick looks, short patience."""

from __future__ import annotations

SHOP, WAREHOUSE, CARRIER, LOCATION = "shop-uk", "erp-main", "shippo-main", "Main warehouse"
SHOP_ABROAD, WAREHOUSE_NORTH, CARRIER_NORTH, LOCATION_NORTH = "shop-de", "erp-north", "shippo-north", "North warehouse"
"""The second warehouse stands in Hamburg and has an account of its own with the carrier."""
CRM, MARKETING = "crm-main", "hub-main"
BOOKS, BOOKS_ABROAD = "xero-main", "xero-gmbh"
COMPANY_ABROAD = "Seamline Supplies GmbH"
"""The legal entity that keeps `BOOKS_ABROAD`, by the CRM's name for it; `BOOKS` are those of all other deals."""

_TOML = """\
temporal_ui_url = "{temporal_ui}"

[connections.shop-uk]
system = "shopify"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-shop-uk"
[connections.shop-uk.account]
url = "{simulator}/shopify/shop-uk"
client_id = "client-shop-uk"
client_secret = "secret-shop-uk"
payment_mode = "ours"
page = "{simulator}/objects/shop-uk/order/{{id}}"

[connections.shop-de]
system = "shopify"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-shop-de"
[connections.shop-de.account]
url = "{simulator}/shopify/shop-de"
client_id = "client-shop-de"
client_secret = "secret-shop-de"
page = "{simulator}/objects/shop-de/order/{{id}}"

[connections.erp-main]
system = "tryton"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
[connections.erp-main.account]
url = "{simulator}/tryton/erp-main"
database = "demo"
key = "tryton-test-erp-main"
page = "{simulator}/objects/erp-main/sale.sale/{{id}}"

[connections.erp-north]
system = "tryton"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
[connections.erp-north.account]
url = "{simulator}/tryton/erp-north"
database = "demo"
key = "tryton-test-erp-north"
page = "{simulator}/objects/erp-north/sale.sale/{{id}}"

[connections.shippo-main]
system = "shippo"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-shippo-main"
[connections.shippo-main.account]
url = "{simulator}/shippo/shippo-main"
token = "shippo-test-shippo-main"
test = true
[connections.shippo-main.account.sender]
name = "Seamline Supplies"
street1 = "1 Dock Road"
city = "Bristol"
postcode = "BS1 6XN"
country = "GB"
phone = "+441170000000"
email = "warehouse@supplies.example"

[connections.shippo-north]
system = "shippo"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-shippo-north"
[connections.shippo-north.account]
url = "{simulator}/shippo/shippo-north"
token = "shippo-test-shippo-north"
test = true
[connections.shippo-north.account.sender]
name = "Seamline Supplies GmbH"
street1 = "Kaistrasse 3"
city = "Hamburg"
postcode = "20457"
country = "DE"
phone = "+494000000000"
email = "lager@supplies.example"

[connections.crm-main]
system = "salesforce"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-crm-main"
[connections.crm-main.account]
url = "{simulator}/salesforce/crm-main"
client_id = "client-crm-main"
client_secret = "secret-crm-main"

[connections.xero-main]
system = "xero"
rate_per_second = 50
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-xero-main"
[connections.xero-main.account]
url = "{simulator}/xero/xero-main"
identity_url = "{simulator}/xero/xero-main"
client_id = "client-xero-main"
client_secret = "secret-xero-main"
calls_per_second_max = 60

[connections.xero-gmbh]
system = "xero"
rate_per_second = 50
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-xero-gmbh"
[connections.xero-gmbh.account]
url = "{simulator}/xero/xero-gmbh"
identity_url = "{simulator}/xero/xero-gmbh"
client_id = "client-xero-gmbh"
client_secret = "secret-xero-gmbh"
calls_per_second_max = 60

[connections.hub-main]
system = "hubspot"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
webhook_secret = "secret-hub-main"
[connections.hub-main.account]
url = "{simulator}/hubspot/hub-main"
token = "hubspot-test-hub-main"
prospect_subscription = "101"

[connections.mail-main]
system = "smtp"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
[connections.mail-main.account]
host = "{smtp_host}"
port = {smtp_port}
security = "plain"
sender = "orders@supplies.example"
sender_name = "Seamline Supplies"

[connections.chat-main]
system = "slack"
breaker.open_seconds = 1
breaker.open_seconds_max = 5
[connections.chat-main.account]
url = "{simulator}/slack/chat-main/services/T0SIMULATED/B0SIMULATED/slack-test-chat-main"

[routes]
inventory = "erp-main"
carrier = "shippo-main"

[teams.operations]
title = "Warehouse"
email = "operations@supplies.example"
chat = "chat-main"
[teams.it]
email = "it@supplies.example"
[teams.fraud]
email = "fraud@supplies.example"
[teams.finance]
title = "Accounts"
email = "finance@supplies.example"
[teams.sales-ops]
title = "Sales operations"
email = "sales-ops@supplies.example"
[teams.marketing]
email = "marketing@supplies.example"

[notifier]
interval_seconds = 5

# On a laptop nobody wants to wait: short patience, quick looks, quick healing; and see the breakers above.
[policy]
patience_seconds = 6
attempt_seconds_max = 10
healing_interval_max_seconds = 3
poll_seconds = 1
poll_max_seconds = 2
tracking_poll_seconds = 1
tracking_poll_max_seconds = 2

# What leaves the second warehouse leaves by its own account with the carrier, and from another country.
[policy.locations."{location}"]
inventory = "erp-main"
carrier = "shippo-main"
[policy.locations."{location_north}"]
inventory = "erp-north"
carrier = "shippo-north"
ship_from = "DE"

# The second shop mails its customers by itself.
[policy.shops.shop-de]
mails = "shop"

[policy.approvals.invoice]
four_eyes = true

# Two legal entities, each with books of its own. A reminder's day is a second, to see in a minute what takes weeks.
[policy.billing]
settle_seconds = 1
day_seconds = 1
payment_poll_seconds = 30
payment_poll_max_seconds = 120
new_customers_asked = false
group_terms = {{ prompt = "net-7", large = "net-60" }}
entities = {{ "" = "xero-main", "{company_abroad}" = "xero-gmbh" }}
seller_countries = {{ "" = "GB", "{company_abroad}" = "DE" }}
tax_rules = [
    {{ seller = "GB", customer = "GB", category = "standard", code = "OUTPUT2", percent = 20 }},
    {{ seller = "GB", customer = "EU", business = true, code = "ECZROUTPUTSERVICES", percent = 0 }},
    {{ seller = "GB", customer = "elsewhere", code = "ZERORATEDOUTPUT", percent = 0 }},
    {{ seller = "DE", customer = "DE", category = "standard", code = "OUTPUT", percent = 19 }},
]

[api]
port = {api_port}
"""


def settings_text(**places: object) -> str:
    """The settings file of a stack whose parts are at these places."""
    named = {"company_abroad": COMPANY_ABROAD, "location": LOCATION, "location_north": LOCATION_NORTH}
    return _TOML.format(**places, **named)
