"""The signature of CloudStack's API once more, by another hand: for the vectors in signature-vectors.json.

Reads {"secretKey": ..., "requests": [[query, form], ...]} and prints one boolean for each request.
"""

import base64
import hashlib
import hmac
import itertools
import json
import sys
from urllib.parse import parse_qsl, quote

# What one client encodes and the next leaves as it is.
DISPUTED = ["*", "~", "!'()", "[]"]


def encode(text, bare):
    # Python never encodes a tilde.
    encoded = quote(text, safe="-_." + bare)
    return encoded if "~" in bare else encoded.replace("~", "%7E")


def texts(parameters):
    for count in range(len(DISPUTED) + 1):
        for left in itertools.combinations(DISPUTED, count):
            bare = "".join(left)
            for key in (lambda pair: pair[0], lambda pair: pair[0].lower()):
                ordered = sorted(parameters, key=key)
                yield "&".join(f"{name}={encode(value, bare)}" for name, value in ordered)
                yield "&".join(f"{encode(name, bare)}={encode(value, bare)}" for name, value in ordered)


def is_signed(secret, query, form):
    sent = parse_qsl(query, keep_blank_values=True) + parse_qsl(form, keep_blank_values=True)
    given = [value for name, value in sent if name.lower() == "signature"]
    rest = [(name, value) for name, value in sent if name.lower() != "signature"]
    for text in texts(rest):
        digest = hmac.new(secret.encode(), text.lower().encode(), hashlib.sha1).digest()
        if given and hmac.compare_digest(base64.b64encode(digest).decode(), given[0]):
            return True
    return False


asked = json.load(sys.stdin)
print(json.dumps([is_signed(asked["secretKey"], query, form) for query, form in asked["requests"]]))
