"""What requests for schedules have in common: the key's name, and what generated ones stay within."""

KEY = "deduplicationKey"
UTC = "UTC"
# Patterns and zones have hand-written checks.
GENERATED_ZONES = (UTC, "Europe/Paris", "Asia/Kolkata")
LONGEST_GENERATED_KEY = 200
LONGEST_EXTERNAL_ID = 255
