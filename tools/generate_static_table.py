"""Write the static table of RFC 7541 as C: ``python tools/generate_static_table.py > src/fasth2/hpack/static_table.h``."""
from __future__ import annotations

# RFC 7541 Appendix A, in order from index 1: a line a field, the value after the blank.
FIELDS = tuple(
    tuple(line.partition(" ")[::2])
    for line in """\
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
""".splitlines()
)


def render() -> str:
    """Return the text of ``hpack/static_table.h``."""
    lines = [
        "/* Made by tools/generate_static_table.py: the static table of RFC 7541 Appendix A.",
        "   Do not edit. */",
        "#ifndef FASTH2_STATIC_TABLE_H",
        "#define FASTH2_STATIC_TABLE_H",
        "",
        "#include <stdint.h>",
        "",
        f"#define STATIC_TABLE_LENGTH {len(FIELDS)}",
        "",
        "typedef struct {",
        "    const char *name;",
        "    const char *value;",
        "    uint8_t name_len;",
        "    uint8_t value_len;",
        "    uint8_t last;       /* highest index with this name; equal names stand together */",
        "} static_field_t;",
        "",
        "/* By index; there is no field 0. */",
        "static const static_field_t static_table[STATIC_TABLE_LENGTH + 1] = {",
        '    {"", "", 0, 0, 0},',
    ]
    names = [name for name, _ in FIELDS]
    for name, value in FIELDS:
        last = len(names) - names[::-1].index(name)
        lines.append(f'    {{"{name}", "{value}", {len(name)}, {len(value)}, {last}}},')
    lines += ["};", "", "#endif", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(render(), end="")
