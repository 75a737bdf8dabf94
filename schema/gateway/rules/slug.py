"""The part of a path that a connection's name becomes."""

from __future__ import annotations

import re
import unicodedata

#: Longest slug.
LONGEST = 64


def slug_of(name: str) -> str:
    """Lower case letters and digits, every other run of characters one hyphen, none at the ends. Empty when nothing is left.

    >>> slug_of("Acme, Inc. / Prod")
    'acme-inc-prod'
    >>> slug_of("Größe à la carte")
    'grosse-a-la-carte'
    >>> slug_of("***")
    ''
    """
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
