"""The offline verifier: checkpoints, proofs, exports. Needs only the standard library and `cryptography`.

Nothing here trusts the log: not the keys it tells, not the manifest it writes. Every answer rests
on a key, and best on a checkpoint, that the auditor kept elsewhere.
"""
