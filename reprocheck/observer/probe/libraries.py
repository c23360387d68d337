# Part of the probe, after files.py: what a reader of ELF files asks for of a shared object.

def library(path, file, size):
    # Of a shared object: what a reader of its dynamic section asks for, its digest, and where version strings
    # stand. Seen are its first and last WINDOW bytes only, as through every other source.
    row = {"size": size, "pieces": [], "sha256": "", "strings": []}

    def want(offset, length, anywhere=False):
        end = offset + length
        inside = end <= WINDOW or size <= 2 * WINDOW or offset >= size - WINDOW
        inside = inside or (anywhere and length <= 65536)
        if offset < 0 or length < 0 or end > size or not inside:
            raise ValueError("names bytes that are not looked at")
        file.seek(offset)
        raw = file.read(length)
        row["pieces"].append([offset, packed(raw)])
        return raw

    try:
        dynamic_section(want, size)
    except (ValueError, IndexError, struct.error):
        pass  # the reader finds out the same from the pieces
    if size <= WHOLE and NUMERIC.search(path):
        file.seek(0)
        content = file.read()
        row["sha256"] = hashlib.sha256(content).hexdigest()
        for needle in NEEDLES:
            at = content.find(needle)
            while at >= 0 and len(row["strings"]) < 256:
                row["strings"].append(packed(content[at : at + 256]))
                at = content.find(needle, at + 1)
    return row


def dynamic_section(want, size):
    ident = want(0, min(size, 64))
    if ident[:4] != b"\x7fELF" or len(ident) < 64:
        return
    wide, order = ident[4:5] == b"\2", "<" if ident[5:6] == b"\1" else ">"
    fields = struct.unpack_from(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), ident, 16)
    table = want(fields[4], fields[8] * min(fields[9], 512))
    loads, dynamic = [], None
    row = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    for start in range(0, len(table) - row.size + 1, row.size):
        cells = row.unpack_from(table, start)
        offset, address, length = (cells[2], cells[3], cells[5]) if wide else (cells[1], cells[2], cells[4])
        if cells[0] == 1:
            loads.append((address, offset, length))
        elif cells[0] == 2 and dynamic is None:
            dynamic = (offset, length)
        elif cells[0] == 4:
            want(offset, min(length, 65536), True)
    if dynamic is None:
        return
    entry = struct.Struct(order + ("qQ" if wide else "iI"))
    raw = want(dynamic[0], min(dynamic[1], 4096 * entry.size) // entry.size * entry.size, True)
    names, base, strings = [], 0, 0
    for start in range(0, len(raw), entry.size):
        tag, value = entry.unpack_from(raw, start)
        if tag == 0:
            break
        if tag in (1, 14, 15, 29):
            names.append(value)
        elif tag == 5:
            base = value
        elif tag == 10:
            strings = value
    for address, offset, length in loads:
        if names and address <= base < address + length:
            string_clusters(want, size, offset + base - address, strings, sorted(set(names)))
            break


def string_clusters(want, size, table, strings, names):
    while names:
        first = names[0]
        cluster = [name for name in names if name - first < 65536]
        names = names[len(cluster) :]
        end = min(cluster[-1] + 4096, strings, max(size - table, 0))
        want(table + first, end - first)
