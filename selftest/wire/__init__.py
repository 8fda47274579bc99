"""Tests of the one way out: servers that break every rule, proxies and certificates, waits, and secrets."""
