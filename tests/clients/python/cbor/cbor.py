"""The part of CBOR (RFC 8949) that Java's AWS SDKs write and read."""

import struct

BREAK = object()


class Time(int):
    """A moment in milliseconds since 1970: tag 1 and a whole number."""


def encode(value):
    """Writes as Jackson does: maps and lists are closed by a break, the rest has its length."""
    match value:
        case bool():
            return b"\xf5" if value else b"\xf4"
        case Time():
            return b"\xc1" + head(0, int(value))
        case int():
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            text = value.encode()
            return head(3, len(text)) + text
        case list():
            return b"\x9f" + b"".join(map(encode, value)) + b"\xff"
        case dict():
            return b"\xbf" + b"".join(encode(k) + encode(v) for k, v in value.items()) + b"\xff"
    raise TypeError(f"no member of a request is a {type(value)}")


def head(major, argument):
    """A major type and its argument, in the fewest bytes."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for code, form in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if argument < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | code]) + struct.pack(form, argument)
    raise OverflowError(argument)


def decode(data):
    """Reads one value that is all of `data`."""
    value, end = item(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the value")
    return value


def item(data, at):
    """The value at `at`, and where the next one begins."""
    first = data[at]
    major, code = first >> 5, first & 31
    at += 1
    if major == 7:
        known = {20: False, 21: True, 22: None, 31: BREAK}
        if code not in known:
            raise ValueError(f"0x{first:02x}: Kinesis has no floats and no such simple value")
        return known[code], at
    if code == 31:
        argument = None
    elif code < 24:
        argument = code
    else:
        size = 1 << code - 24
        argument, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major in (0, 1):
        return (argument if major == 0 else -1 - argument), at
    if major == 6:
        value, at = item(data, at)
        if argument != 1 or type(value) is not int:
            raise ValueError(f"tag {argument} of {value!r}: times are tag 1 and a whole number")
        return Time(value), at
    if major in (2, 3):
        if argument is None:
            raise ValueError("strings in pieces")
        value = bytes(data[at:at + argument])
        if len(value) != argument:
            raise ValueError("cut short")
        return (value if major == 2 else value.decode()), at + argument
    values = []
    count = None if argument is None else argument * (major - 3)
    while count is None or len(values) < count:
        value, at = item(data, at)
        if value is BREAK:
            break
        values.append(value)
    return (values if major == 4 else dict(zip(values[::2], values[1::2]))), at
