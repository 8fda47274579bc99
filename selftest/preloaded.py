"""What every run in a forked process would read and make anew, and is the same in all of them."""

from trigger_conformance.report import html

html._template()  # noqa: SLF001  (it is one of ours)
