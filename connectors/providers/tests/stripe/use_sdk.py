"""A payment by Stripe's own SDK: reserved, taken, given back in part, refused, listed."""

import sys

import stripe

base, key = sys.argv[1:]
client = stripe.StripeClient(key, base_addresses={"api": base})
intent = client.v1.payment_intents.create({
    "amount": 4150000, "currency": "cop", "customer": "cus_1", "payment_method": "pm_card_visa",
    "payment_method_types": ["card"], "capture_method": "manual", "confirm": True,
    "return_url": "https://comanda.test/back", "metadata": {"order_id": "1"},
}, {"idempotency_key": "first"})
captured = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 4150000})
refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000000})
found = client.v1.payment_intents.list({"customer": "cus_1"})
refused = "nothing"
try:
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 99999999})
except stripe.InvalidRequestError as error:
    refused = error.code
transactions = client.v1.balance_transactions.list({"limit": 10})
assert found.data[0].metadata["order_id"] == "1"
print(intent.status, captured.status, refund.status, len(found.data), refused, len(transactions.data))
