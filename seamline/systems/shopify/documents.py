"""The GraphQL documents sent to Shopify.

Page sizes keep the requested cost of every document below Shopify's limit of 1000 points for one query.
Source: https://shopify.dev/docs/api/admin-graphql/2026-07
"""

from __future__ import annotations

LINE_PAGE_SIZE = 50
PART_PAGE_SIZE = 5
PART_LINE_PAGE_SIZE = 30
FULFILMENT_PAGE_SIZE = 50
TRANSACTION_SIZE_MAX = 100
TRACKING_SIZE_MAX = 20
LEVEL_PAGE_SIZE = 50
LOCATION_SIZE_MAX = 20

_LINES = """
pageInfo { hasNextPage endCursor }
nodes {
  id sku title currentQuantity requiresShipping isGiftCard
  originalUnitPriceSet { shopMoney { amount currencyCode } }
  discountedUnitPriceAfterAllDiscountsSet { shopMoney { amount currencyCode } }
  variant { inventoryItem { harmonizedSystemCode countryCodeOfOrigin } }
}"""

_PART_LINES = """
pageInfo { hasNextPage endCursor }
nodes { id sku remainingQuantity requiresShipping weight { unit value } lineItem { id isGiftCard } }"""

_PARTS = f"""
pageInfo {{ hasNextPage endCursor }}
nodes {{
  id status
  assignedLocation {{ name location {{ isFulfillmentService }} }}
  deliveryMethod {{ methodType }}
  internationalDuties {{ incoterm }}
  fulfillmentHolds {{ id handle heldByRequestingApp }}
  lineItems(first: {PART_LINE_PAGE_SIZE}) {{ {_PART_LINES} }}
}}"""

# The customer's currency: it is what captures and refunds are counted in.
_TRANSACTION = """
id kind status errorCode gateway authorizationExpiresAt
amountSet { presentmentMoney { amount currencyCode } }
parentTransaction { id }"""

_TRANSACTIONS = f"transactions(first: {TRANSACTION_SIZE_MAX}) {{ {_TRANSACTION} }}"

ORDER = f"""
query Order($id: ID!) {{
  order(id: $id) {{
    id name createdAt currencyCode presentmentCurrencyCode displayFinancialStatus test cancelledAt email customerLocale
    taxesIncluded dutiesIncluded
    shippingLine {{ code title }}
    shippingAddress {{ name company address1 address2 city provinceCode zip countryCodeV2 phone }}
    currentSubtotalPriceSet {{ shopMoney {{ amount currencyCode }} }}
    currentShippingPriceSet {{ shopMoney {{ amount currencyCode }} }}
    currentTotalDutiesSet {{ shopMoney {{ amount currencyCode }} }}
    currentTotalTaxSet {{ shopMoney {{ amount currencyCode }} }}
    currentTotalPriceSet {{ shopMoney {{ amount currencyCode }} presentmentMoney {{ amount currencyCode }} }}
    currentTotalAdditionalFeesSet {{ shopMoney {{ amount currencyCode }} }}
    refundDiscrepancySet {{ shopMoney {{ amount currencyCode }} }}
    totalTipReceivedSet {{ shopMoney {{ amount currencyCode }} }}
    paymentTerms {{ id }}
    risk {{ recommendation assessments {{ riskLevel facts {{ description sentiment }} }} }}
    {_TRANSACTIONS}
    lineItems(first: {LINE_PAGE_SIZE}) {{ {_LINES} }}
    fulfillmentOrders(first: {PART_PAGE_SIZE}) {{ {_PARTS} }}
  }}
}}"""

MORE_LINES = f"""
query MoreLines($id: ID!, $after: String!) {{
  order(id: $id) {{ lineItems(first: {LINE_PAGE_SIZE}, after: $after) {{ {_LINES} }} }}
}}"""

MORE_PARTS = f"""
query MoreFulfillmentOrders($id: ID!, $after: String!) {{
  order(id: $id) {{ fulfillmentOrders(first: {PART_PAGE_SIZE}, after: $after) {{ {_PARTS} }} }}
}}"""

MORE_PART_LINES = f"""
query MoreFulfillmentOrderLines($id: ID!, $after: String!) {{
  fulfillmentOrder(id: $id) {{ lineItems(first: {PART_LINE_PAGE_SIZE}, after: $after) {{ {_PART_LINES} }} }}
}}"""

_FULFILMENT = f"id status trackingInfo(first: {TRACKING_SIZE_MAX}) {{ number url company }}"

FULFILMENTS = f"""
query Fulfillments($id: ID!) {{
  fulfillmentOrder(id: $id) {{
    fulfillments(first: {FULFILMENT_PAGE_SIZE}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_FULFILMENT} }} }}
  }}
}}"""

CREATE_FULFILMENT = f"""
mutation CreateFulfillment($fulfillment: FulfillmentInput!) {{
  fulfillmentCreate(fulfillment: $fulfillment) {{
    fulfillment {{ {_FULFILMENT} }}
    userErrors {{ field message }}
  }}
}}"""

HOLDINGS = f"""
query Holdings($id: ID!) {{
  order(id: $id) {{
    id displayFinancialStatus displayFulfillmentStatus cancelledAt
    currentTotalPriceSet {{ shopMoney {{ amount currencyCode }} }}
    fulfillments(first: {FULFILMENT_PAGE_SIZE}) {{ {_FULFILMENT} }}
    {_TRANSACTIONS}
  }}
}}"""

TRANSACTIONS = f"query Transactions($id: ID!) {{ order(id: $id) {{ {_TRANSACTIONS} }} }}"

CAPTURE = f"""
mutation Capture($input: OrderCaptureInput!) {{
  orderCapture(input: $input) {{
    transaction {{ {_TRANSACTION} }}
    userErrors {{ field message }}
  }}
}}"""

REFUND = f"""
mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{
    refund {{ transactions(first: 5) {{ nodes {{ {_TRANSACTION} }} }} }}
    userErrors {{ field message }}
  }}
}}"""

HOLDS = """
query Holds($id: ID!) {
  fulfillmentOrder(id: $id) { status fulfillmentHolds { id handle heldByRequestingApp } }
}"""

HOLD = """
mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id handle heldByRequestingApp }
    userErrors { field message }
  }
}"""

RELEASE_HOLD = """
mutation ReleaseHold($id: ID!, $holds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) { userErrors { field message } }
}"""

CANCEL = """
mutation Cancel($id: ID!, $reason: OrderCancelReason!, $note: String) {
  orderCancel(
    orderId: $id, reason: $reason, staffNote: $note, notifyCustomer: false, restock: true,
    refundMethod: {originalPaymentMethodsRefund: true}
  ) {
    job { id done }
    orderCancelUserErrors { field message }
  }
}"""

CANCELLED = "query Cancelled($id: ID!) { order(id: $id) { id cancelledAt } }"

JOB = "query Job($id: ID!) { job(id: $id) { id done } }"

NAMED = "query Named($query: String!) { orders(first: 10, query: $query) { nodes { id name } } }"

IDENTIFIED = """
query Identified($order: ID!, $fulfillment: ID!) {
  order(id: $order) { id }
  fulfillment(id: $fulfillment) { order { id } }
}"""

SHOP = "query Shop { shop { name myshopifyDomain currencyCode plan { partnerDevelopment } } }"

SETUP = """
query Setup {
  locations(first: 250) { nodes { name fulfillsOnlineOrders isFulfillmentService } }
  orders(first: 20, sortKey: CREATED_AT, reverse: true) { nodes { test paymentGatewayNames } }
}"""

SPLIT = """
mutation Split($splits: [FulfillmentOrderSplitInput!]!) {
  fulfillmentOrderSplit(fulfillmentOrderSplits: $splits) { userErrors { field message } }
}"""

LOCATION = "query Location($id: ID!) { fulfillmentOrder(id: $id) { assignedLocation { location { id } } } }"

NOTE = "query Note($id: ID!) { order(id: $id) { note } }"

SET_NOTE = """
mutation SetNote($input: OrderInput!) {
  orderUpdate(input: $input) { userErrors { field message } }
}"""

LEVELS = f"""
query Levels($after: String) {{
  inventoryItems(first: {LEVEL_PAGE_SIZE}, after: $after) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      id sku tracked
      inventoryLevels(first: {LOCATION_SIZE_MAX}) {{
        pageInfo {{ hasNextPage }}
        nodes {{ location {{ id name }} quantities(names: ["on_hand", "committed"]) {{ name quantity }} }}
      }}
    }}
  }}
}}"""

SET_LEVELS = """
mutation SetLevels($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code field message } }
}"""
