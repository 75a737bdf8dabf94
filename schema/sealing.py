"""Secrets on their way to rest: sealed by whoever receives them, opened in `tasks/vault.py` alone."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@lru_cache(maxsize=8)
def derived(key: str, purpose: str) -> bytes:
    """32 bytes for one purpose, from the operator's key, which may be any text."""
    return HKDF(SHA256(), 32, None, f"ultravisor {purpose}".encode()).derive(key.encode())


def cipher(key: str) -> Fernet:
    """What seals and opens with the operator's key."""
    return Fernet(urlsafe_b64encode(derived(key, "secrets at rest")))


def seal(key: str, secrets: Mapping[str, Any]) -> str:
    """The secrets as a token, another one each time; empty without secrets."""
    return cipher(key).encrypt(orjson.dumps(secrets)).decode() if secrets else ""


def mark(key: str, secrets: Mapping[str, Any]) -> str:
    """Tells these secrets from others, and to nobody without the key what they are; empty without secrets."""
    if not secrets:
        return ""
    return hmac.new(derived(key, "marks of secrets"), orjson.dumps(secrets, option=orjson.OPT_SORT_KEYS), "sha256").hexdigest()[:32]
