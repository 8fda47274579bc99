"""What the user says, before a run and in the middle of it: options, conformance.toml, waivers, signals.

Here texts become a validated target and settings. Nothing here sends, or knows how a run goes.
"""
