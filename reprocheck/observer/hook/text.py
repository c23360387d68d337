# Part of the hook, after threads.py: text and JSON.

def _text(value):
    """Text that JSON can hold; undecodable bytes become \\xNN, and a backslash doubles then."""
    if type(value) is not bytes:
        try:
            value = value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            value = value.encode("utf-8", "backslashreplace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _json(value):
    """Write JSON without the json module: importing it now would show in what is reported."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int:
        return str(value)
    if type(value) is str:
        pieces = []
        for letter in value:
            code = ord(letter)
            if letter in '"\\':
                pieces.append("\\" + letter)
            elif 32 <= code < 127:
                pieces.append(letter)
            elif code < 0x10000:
                pieces.append("\\u%04x" % code)
            else:
                code -= 0x10000
                pieces.append("\\u%04x\\u%04x" % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF)))
        return '"' + "".join(pieces) + '"'
    if type(value) is dict:
        return "{" + ",".join(_json(key) + ":" + _json(value[key]) for key in sorted(value)) + "}"
    return "[" + ",".join(_json(item) for item in value) + "]"
