"""Tests of what becomes of outcomes: settling, findings, waivers, exit statuses."""
