"""Tests of the reference server, by the vendor's own clients too."""
