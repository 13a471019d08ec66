"""Audit: the trail of every event, in order, append-only, and provable by whoever kept a checkpoint.

Owns: the trail (entries, tiles, checkpoints), the questions put to it, the faults found in it, its
keys and exports. Emits: `trail.*`. Listens to: everything, through the feed `audit`, whose offset
is stored with the trail. `docs/auditing.md` says what it proves and how to check it.

A question comes in through `trail_query` (recorded whatever becomes of it) and `access` (who may ask).
log: the writer, the tree, checkpoints · search: entries, in words · reports: disclosures, gaps,
patterns · exports · integrity: the self-check · verify: the offline verifier.
"""
