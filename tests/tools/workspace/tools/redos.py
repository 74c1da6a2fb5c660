"""Two hundred patterns that take a backtracking engine for ever, and lines that make them: of our own, from a small grammar."""

# Of each its name, and the text that it runs on: `x` stands for a letter, `{n}` for a number.
EXPONENTIAL = {
    "plus in plus": "(x+)+$",
    "star in star": "(x*)*$",
    "star in plus": "(x*)+$",
    "either of two alike": "(x|x)+$",
    "one or two": "(x|xx)+$",
    "one or none": "(x|x?)+$",
    "three deep": "((x+)+)+$",
    "any in any": "(.*)*=x$",
    "words": r"(\w+\s?)+=x$",
    "a list": r"^(\w+,?)*;x$",
    "class in class": "([x-]+)*!!$",
    "many and one": "(.*x){20}$",
    "two pluses": "(x+x+)+y$",
    "counted": "(x{1,20}){1,20}$",
    "optional tail": "((x+)y?)+$",
    "an address": r"^([\w.]+)*@x[\w.]+$",
    "lazy": "(x+?)+?$",
    "letters of any case": "^(([x-x])+.)+[A-Z]([x-x])+$",
}
POLYNOMIAL = {
    "five stars": "x*x*x*x*x*=$",
    "anything four times": ".*.*.*.*=x$",
    "optional five hundred times": "(?:x?){500}=$",
    "spaces at the end": r"x*\s*x*\s*x*\s*=$",
}
BEYOND_RE2 = {
    "looked ahead": "(?=(x+)+=)x",
    "named again": r"(x+)+\1=",
    "looked behind": "(?<=x)(x+)+=$",
}
DRESSES = (
    ("a", ""),
    ("0", ""),
    ("é", ""),
    ("_", ""),
    ("a", "(?i)"),
    ("b", "(?s)"),
    ("字", ""),
    ("z", "(?:)"),
)


def redos_patterns():
    """The patterns with a line for each, as (pattern, line): 25 forms in 8 dresses."""
    cases = []
    for forms, length in ((EXPONENTIAL, 60), (POLYNOMIAL, 20_000), (BEYOND_RE2, 60)):
        for form in forms.values():
            for letter, flags in DRESSES:
                cases.append((flags + form.replace("x", letter), letter * length + "!"))
    return cases
