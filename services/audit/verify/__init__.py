"""The offline verifier: checkpoints, proofs, exports. As one file it needs only the standard library.

Nothing here trusts the log: not the keys it tells, not the manifest it writes. Every answer rests
on a key, and best on a checkpoint, that the auditor kept elsewhere.
"""
