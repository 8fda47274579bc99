"""An operation that nobody publishes: notes are taken, read and thrown away, for tests of what any operation has."""
