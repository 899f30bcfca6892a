"""Letters that do more than to be read."""

# An override, an embedding or an isolate lets a text turn around what stands beside it
# (unicode.org/reports/tr9, section 2).
DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
