"""What a webhook is about, if Stripe's own SDK believes it."""

import sys

import stripe

body, signature, secret = sys.argv[1:]
print(stripe.Webhook.construct_event(body, signature, secret).type)
