"""The header that Stripe's own SDK makes for a body."""

import sys

from stripe import WebhookSignature

body, secret, now_s = sys.argv[1:]
print(f"t={now_s},v1={WebhookSignature._compute_signature(f'{now_s}.{body}', secret)}")
