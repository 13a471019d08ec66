"""Ed25519 (RFC 8032 §5.1) in Python alone: for who checks the trail and installs nothing. Pure.

The service itself asks `cryptography` (`signatures`), which is faster; a test holds both equal. A
check works on public values only, so it may take longer for one than for another. It takes about a
millisecond: the multiples of a key's point are remembered, so no doubling is left.
"""

import hashlib
from functools import lru_cache

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
BASE = (4 * pow(5, -1, P) % P).to_bytes(32, "little")
DIGIT = 4  # bits; a scalar has 64 of these digits

# X, Y, Z, T in extended homogeneous coordinates: x = X/Z, y = Y/Z, xy = T/Z (RFC 8032 §5.1.4).
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def made_by(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether the owner of this public key made this signature over this text.

    Each value must be written the one right way (§5.1.3, §5.1.7), and a key of small order, for
    which anybody can sign, is none.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    base, minus_key = _multiples(BASE), _multiples(public[:31] + bytes([public[31] ^ 0x80]))
    scalar = int.from_bytes(signature[32:], "little")
    if base is None or minus_key is None or scalar >= ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + public + text).digest()
    k = int.from_bytes(challenge, "little") % ORDER
    # R = S·B - k·A, compared as it is written: no point of the signature is decoded. Minus A, not
    # minus k: the order of a stranger's A may be a multiple of ORDER.
    found = _sum_of(base, scalar, _sum_of(minus_key, k, NEUTRAL))
    return _bytes_of(found) == signature[:32]


@lru_cache(maxsize=64)
def _multiples(raw: bytes) -> list[list[Point]] | None:
    """A point times every digit at every place of a scalar; None where these bytes name no point
    whose order is large."""
    point = _point_of(raw)
    if point is None or _bytes_of(_times_8(point)) == _bytes_of(NEUTRAL):
        return None
    table = []
    for _ in range(0, 256, DIGIT):
        row = [NEUTRAL]
        for _ in range((1 << DIGIT) - 1):
            row.append(_added(row[-1], point))
        table.append(row)
        point = _added(row[-1], point)
    return table


def _sum_of(multiples: list[list[Point]], scalar: int, total: Point) -> Point:
    for row in multiples:
        total = _added(total, row[scalar & ((1 << DIGIT) - 1)])
        scalar >>= DIGIT
    return total


def _times_8(point: Point) -> Point:
    for _ in range(3):
        point = _added(point, point)
    return point


def _added(one: Point, other: Point) -> Point:
    """The sum; the formula is complete, so it doubles as well."""
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a = (y1 - x1) * (y2 - x2) % P
    b = (y1 + x1) * (y2 + x2) % P
    c = 2 * t1 * t2 * D % P
    d = 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _bytes_of(point: Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _point_of(raw: bytes) -> Point | None:
    value = int.from_bytes(raw, "little")
    y, odd = value & ((1 << 255) - 1), value >> 255
    if y >= P:
        return None
    # x² = (y² - 1) / (d·y² + 1); the root as in §5.1.3.
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * ROOT_OF_MINUS_1 % P
    if v * x * x % P != u or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = P - x
    return x, y, 1, x * y % P


def public_of(seed: bytes) -> bytes:
    """The public key of a secret seed of 32 bytes (§5.1.5)."""
    return _bytes_of(_base_times(_halves(seed)[0]))


def signature_of(seed: bytes, text: bytes) -> bytes:
    """The signature over a text (§5.1.6). How long it takes tells something of the seed to who can
    measure it: sign on a machine of your own, as a witness does once a minute."""
    scalar, prefix = _halves(seed)
    public = public_of(seed)
    r = int.from_bytes(hashlib.sha512(prefix + text).digest(), "little") % ORDER
    point = _bytes_of(_base_times(r))
    k = int.from_bytes(hashlib.sha512(point + public + text).digest(), "little") % ORDER
    return point + ((r + k * scalar) % ORDER).to_bytes(32, "little")


def _halves(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return scalar, digest[32:]


def _base_times(scalar: int) -> Point:
    return _sum_of(_multiples(BASE) or [], scalar, NEUTRAL)
