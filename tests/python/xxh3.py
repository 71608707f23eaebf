"""XXH3_64 with seed 0 in pure Python: a second implementation to check by.

Written from the algorithm's description, for inputs of every length:
https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
"""

import struct

M64 = (1 << 64) - 1
P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
# The secret as u64le at each byte offset.
S = [struct.unpack_from("<Q", SECRET, i)[0] for i in range(185)]
U32 = struct.Struct("<I").unpack_from
U64 = struct.Struct("<Q").unpack_from
STRIPE = struct.Struct("<8Q").unpack_from


def _fold(a, b):
    p = a * b
    return (p ^ (p >> 64)) & M64


PRIME_MX1 = 0x165667919E3779F9
PRIME_MX2 = 0x9FB21C651E98DF25


def _avalanche3(h):
    h ^= h >> 37
    h = (h * PRIME_MX1) & M64
    return h ^ (h >> 32)


def _avalanche64(h):
    h ^= h >> 33
    h = (h * P64[1]) & M64
    h ^= h >> 29
    h = (h * P64[2]) & M64
    return h ^ (h >> 32)


def _mix16(b, at, secret):
    lo, hi = U64(b, at)[0], U64(b, at + 8)[0]
    return _fold(lo ^ S[secret], hi ^ S[secret + 8])


def _short(b, n):
    if n > 8:
        lo = U64(b, 0)[0] ^ S[24] ^ S[32]
        hi = U64(b, n - 8)[0] ^ S[40] ^ S[48]
        swapped = int.from_bytes(lo.to_bytes(8, "little"), "big")
        return _avalanche3((n + swapped + hi + _fold(lo, hi)) & M64)
    if n >= 4:
        first, last = U32(b, 0)[0], U32(b, n - 4)[0]
        h = (last + (first << 32)) ^ S[8] ^ S[16]
        h ^= ((h << 49 | h >> 15) ^ (h << 24 | h >> 40)) & M64
        h = (h * PRIME_MX2) & M64
        h ^= (h >> 35) + n
        h = (h * PRIME_MX2) & M64
        return h ^ (h >> 28)
    if n > 0:
        c = b[0] << 16 | b[n >> 1] << 24 | b[n - 1] | n << 8
        flip = U32(SECRET, 0)[0] ^ U32(SECRET, 4)[0]
        return _avalanche64(c ^ flip)
    return _avalanche64(S[56] ^ S[64])


def _medium(b, n):
    acc = n * P64[0]
    if n <= 128:
        for i in reversed(range((n - 1) // 32 + 1)):
            acc += _mix16(b, 16 * i, 32 * i)
            acc += _mix16(b, n - 16 * (i + 1), 32 * i + 16)
        return _avalanche3(acc & M64)
    for i in range(8):
        acc += _mix16(b, 16 * i, 16 * i)
    acc = _avalanche3(acc & M64)
    for i in range(8, n // 16):
        acc += _mix16(b, 16 * i, 16 * (i - 8) + 3)
    acc += _mix16(b, n - 16, 136 - 17)
    return _avalanche3(acc & M64)


def _accumulate(acc, b, at, secret):
    words = STRIPE(b, at)
    for i in range(8):
        w = words[i]
        k = w ^ S[secret + 8 * i]
        acc[i ^ 1] = (acc[i ^ 1] + w) & M64
        acc[i] = (acc[i] + (k & 0xFFFFFFFF) * (k >> 32)) & M64


def _long(b, n):
    acc = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]
    block = 1024
    for start in range(0, n - 1, block):
        last = start + block > n - 1
        stripes = (n - 1 - start) // 64 if last else 16
        for i in range(stripes):
            _accumulate(acc, b, start + 64 * i, 8 * i)
        if not last:
            for i in range(8):
                a = acc[i] ^ (acc[i] >> 47) ^ S[128 + 8 * i]
                acc[i] = (a * P32[0]) & M64
    _accumulate(acc, b, n - 64, 192 - 64 - 7)
    h = n * P64[0]
    for i in range(4):
        h += _fold(acc[2 * i] ^ S[11 + 16 * i], acc[2 * i + 1] ^ S[19 + 16 * i])
    return _avalanche3(h & M64)


def xxh3_64(b):
    n = len(b)
    if n <= 16:
        return _short(b, n)
    if n <= 240:
        return _medium(b, n)
    return _long(b, n)
