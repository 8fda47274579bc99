"""From what the checks found to verdicts, and from verdicts to the run's own; what waivers change of that.

Pure rules over outcomes: nothing here reads files, sends, or looks at an answer.
"""
