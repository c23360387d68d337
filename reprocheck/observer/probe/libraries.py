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
            if needle == b"sm_" and not path.endswith("/libtorch_python.so"):
                continue  # kernels of other libraries have that in thousands of names
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
    names, base, strings, tables = [], 0, 0, {}
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
        elif 0x6FFFFFFC <= tag <= 0x6FFFFFFF:
            tables[tag] = value
    for tag in (0x6FFFFFFE, 0x6FFFFFFC):  # DT_VERNEED, DT_VERDEF
        for address, offset, length in loads:
            if tables.get(tag + 1) and address <= tables.get(tag, 0) < address + length:
                start = offset + tables[tag] - address
                try:
                    names += Versions(want, size, order, start).names(tag == 0x6FFFFFFE, tables[tag + 1])
                except (ValueError, IndexError, struct.error):
                    pass
                break
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


class Versions:
    # A table of symbol versions, brought in the pieces in which the reader asks for it.

    def __init__(self, want, size, order, start):
        self.want, self.size, self.order, self.start = want, size, order, start
        self.raw, self.left = b"", 4096

    def names(self, wanted, count):
        # Where the names stand in the string table.
        found, place = [], 0
        for _ in range(count):
            row = self.row("HHIII" if wanted else "HHHHIII", place)
            if not wanted:
                if not row[1] & 1 and row[3]:
                    found.append(self.row("II", place + row[5])[0])
            else:
                inner = place + row[3]
                for _ in range(row[1]):
                    self.count()
                    part = self.row("IHHII", inner)
                    if not part[1] & 2:
                        found += [row[2], part[3]]
                    inner += part[4]
            self.count()
            place += row[-1]
        return found

    def count(self):
        self.left -= 1
        if self.left < 0:
            raise ValueError("names too many symbol versions")

    def row(self, form, place):
        end = place + struct.calcsize(self.order + form)
        if end > len(self.raw):
            begin = self.start + len(self.raw)
            length = max(end - len(self.raw), min(1024, self.size - begin))
            if length > 65536:
                raise ValueError("leads far away")
            self.raw += self.want(begin, length)
        return struct.unpack_from(self.order + form, self.raw, place)
