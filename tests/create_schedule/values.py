"""What requests for schedules have in common: the key's name, and what generated ones stay within."""

KEY = "deduplicationKey"
UTC = "UTC"
LONGEST_GENERATED_KEY = 200
LONGEST_EXTERNAL_ID = 255
# Names that look like a request's properties, or are those of an answer, and are unknown ones.
OF_THE_ZONE = ("timeZone", "TimeZone", "time_zone", "tz")
OF_THE_PATTERN = ("Cron", "CRON", "cronExpression", "schedule")
OF_TEXTS = ("external_id", "ExternalId", "deduplication_key", "DeduplicationKey", "taskId", "Task")
OF_ANSWERS = ("active", "type", "id", "nextRun")
OF_PARTS = ("generator", "data", "body", "options", "params")
LOOK_ALIKES = {*OF_PARTS, *OF_THE_ZONE, *OF_THE_PATTERN, *OF_TEXTS, *OF_ANSWERS}
