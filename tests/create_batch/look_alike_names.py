"""Names that look like the request's properties, and are unknown ones: letter case and spelling count."""

OF_RUN_COUNT = (
    "RunCount", "RUNCOUNT", "runcount", "run_count", "runCount ", " runCount", "run-count", "ｒｕｎＣｏｕｎｔ",
)  # fmt: skip
OF_THE_KEY = (
    "idempotencykey", "IdempotencyKey", "IDEMPOTENCYKEY", "idempotency_key", "idempotency-key", "Idempotency-Key",
    "idempotencyKey ", " idempotencyKey", "idempotency key", "idempotencyKeys", "idempotency", "key", "requestId",
    "idempotency\u212aey",
)  # fmt: skip
# The Kelvin sign and the long s are a k and an s where letter case is folded as Unicode has it.
OF_OTHERS = (
    "idempotency_key", "IdempotencyKey", "idempotencykey", "idempotency\u212aey", "parent_run_id", "ParentRunId",
    "resume_parent_on_completion", "re\u017fumeParentOnCompletion", "ResumeParentOnCompletion",
)  # fmt: skip


def are_in(request):
    """Whether a request has any of them: what comes of those is the affair of the checks that send them."""
    return bool({*OF_RUN_COUNT, *OF_THE_KEY, *OF_OTHERS} & set(request.document or {}))
