"""The GraphQL documents for what was sold: refunds, returns, and another tracking number.

Source: https://shopify.dev/docs/api/admin-graphql/2026-07
"""

from __future__ import annotations

REFUND_SIZE_MAX = 15
REFUND_LINE_SIZE_MAX = 40
RETURN_LINE_SIZE_MAX = 50
SENT_SIZE_MAX = 10
SENT_LINE_SIZE_MAX = 40

_MOVED = """
id kind status errorCode gateway authorizationExpiresAt
amountSet { presentmentMoney { amount currencyCode } }
parentTransaction { id }"""

_REFUND = f"""
id note
refundLineItems(first: {REFUND_LINE_SIZE_MAX}) {{
  pageInfo {{ hasNextPage endCursor }}
  nodes {{ quantity lineItem {{ id }} }}
}}
transactions(first: 5) {{ nodes {{ {_MOVED} }} }}"""

REFUNDS = f"query Refunds($id: ID!) {{ order(id: $id) {{ refunds(first: {REFUND_SIZE_MAX}) {{ {_REFUND} }} }} }}"

WORTH = """
query Worth($id: ID!, $lines: [RefundLineItemInput!], $shipping: Boolean) {
  order(id: $id) {
    suggestedRefund(refundLineItems: $lines, refundShipping: $shipping) {
      amountSet { presentmentMoney { amount currencyCode } }
    }
  }
}"""

REFUND_GOODS = f"""
mutation RefundGoods($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{
    refund {{ {_REFUND} }}
    userErrors {{ field message }}
  }}
}}"""

RETRACK = """
mutation Retrack($id: ID!, $tracking: FulfillmentTrackingInput!) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: false) {
    fulfillment { id }
    userErrors { field message }
  }
}"""

RETURN = f"""
query Return($id: ID!) {{
  return(id: $id) {{
    id name status createdAt
    order {{
      id
      fulfillments(first: {SENT_SIZE_MAX}) {{
        location {{ name }}
        fulfillmentLineItems(first: {SENT_LINE_SIZE_MAX}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ id }} }}
      }}
    }}
    returnLineItems(first: {RETURN_LINE_SIZE_MAX}) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{
        ... on ReturnLineItem {{
          id quantity returnReason returnReasonNote
          fulfillmentLineItem {{ id lineItem {{ id sku title }} }}
        }}
      }}
    }}
  }}
}}"""

APPROVE_RETURN = """
mutation ApproveReturn($id: ID!) {
  returnApproveRequest(input: {id: $id, notifyCustomer: false}) { return { id status } userErrors { field message } }
}"""

DECLINE_RETURN = """
mutation DeclineReturn($id: ID!, $note: String) {
  returnDeclineRequest(input: {id: $id, declineReason: OTHER, declineNote: $note, notifyCustomer: true}) {
    return { id status }
    userErrors { field message }
  }
}"""

CLOSE_RETURN = (
    "mutation CloseReturn($id: ID!) { returnClose(id: $id) { return { id status } userErrors { field message } } }"
)
