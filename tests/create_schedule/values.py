"""What requests for schedules have in common: the key's name, and what generated ones stay within."""

KEY = "deduplicationKey"
UTC = "UTC"
LONGEST_GENERATED_KEY = 200
LONGEST_EXTERNAL_ID = 255
