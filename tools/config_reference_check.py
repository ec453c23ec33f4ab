#!/usr/bin/env python3
"""Holds the reference documents to the source.

    tools/config_reference_check.py [PROJECT_ROOT]

Fails (1) when docs/CONFIGURATION.md lacks a table, a key or a feature operation that the program reads, or has a key that it does
not read, and when docs/OPERATIONS.md lacks an event of the program's log or names a metric that it does not have. The keys are
found in src/app/config.cc, src/intake/schema.cc and src/features/feature.cc as they are written there; where nothing is found the
program has changed its manner, and that is a failure too.
"""

import pathlib
import re
import sys

READ_KEY = re.compile(r'\bs\.(?:text|texts|text_map|flag|number|whole|span|bytes|choice|ignore)\(\s*"(\w+)"')


class Failed(Exception):
    pass


def words_of_array(source: str, name: str) -> list[str]:
    """The quoted words of `constexpr std::array<...> NAME = {...};`."""
    found = re.search(rf"\b{name} = \{{(.*?)\}};", source, re.S)
    if not found:
        raise Failed(f"the source has no array {name}")
    return re.findall(r'"([\w.]+)"', found[1])


def keys_of_config(source: str) -> dict[str, set[str]]:
    """Table -> keys, from the functions `Status read_X(...)` of the loader."""
    lists = {reader: path for path, reader in re.findall(r'each\("([\w.]+)", &Loader::(\w+)\)', source)}
    keys: dict[str, set[str]] = {}
    for name, body in re.findall(r"^  Status (read_\w+)\([^)]*\) \{\n(.*?)^  \}\n", source, re.S | re.M):
        own = re.search(r'section\("([\w.]+)"\)', body)
        table = f"[{own[1]}]" if own else f"[[{lists[name]}]]" if name in lists else None
        if table is None:
            raise Failed(f"src/app/config.cc: which table does {name} read?")
        keys[table] = set(READ_KEY.findall(body))
        if not keys[table]:
            raise Failed(f"src/app/config.cc: {name} reads no key")
    if len(keys) < 10:
        raise Failed("src/app/config.cc: its functions are not found")
    return keys


def read_keys(root: pathlib.Path) -> dict[str, set[str]]:
    config = (root / "src/app/config.cc").read_text()
    schema = (root / "src/intake/schema.cc").read_text()
    feature = (root / "src/features/feature.cc").read_text()
    keys = keys_of_config(config)
    keys["[schema]"] = set(words_of_array(schema, "kSchemaKeys"))
    keys["[[schema.field]]"] = set(words_of_array(schema, "kFieldKeys"))
    keys["[[feature]]"] = set(words_of_array(feature, "kKeys"))
    keys["[features]"] = set(re.findall(r'\bkey == "(\w+)"', feature))
    tables = {table.strip("[]").split(".")[0] for table in keys}
    for table in words_of_array(config, "kTables"):
        if table not in tables:
            raise Failed(f"src/app/config.cc takes the table [{table}], and nothing reads it")
    return keys


def documented_keys(text: str) -> dict[str, set[str]]:
    """Table -> keys, from the rows below each heading "### `[table]`"."""
    keys: dict[str, set[str]] = {}
    table = None
    for line in text.splitlines():
        if line.startswith("#"):
            heading = re.fullmatch(r"### `(\[+[\w.]+\]+)`", line)
            table = heading[1] if heading else None
            if table:
                keys[table] = set()
        elif table and (row := re.match(r"\| `(\w+)` \|", line)):
            if row[1] in keys[table]:
                raise Failed(f"docs/CONFIGURATION.md: {table} has the key {row[1]} twice")
            keys[table].add(row[1])
    return keys


def check_configuration(root: pathlib.Path) -> list[str]:
    text = (root / "docs/CONFIGURATION.md").read_text()
    read, documented = read_keys(root), documented_keys(text)
    problems = []
    for table in sorted(read.keys() | documented.keys()):
        if table not in documented:
            problems.append(f"docs/CONFIGURATION.md: the table {table} is missing: {', '.join(sorted(read[table]))}")
            continue
        for key in sorted(read.get(table, set()) - documented[table]):
            problems.append(f"docs/CONFIGURATION.md: {table} lacks the key {key}")
        for key in sorted(documented[table] - read.get(table, set())):
            problems.append(f"docs/CONFIGURATION.md: {table} has the key {key}, which nothing reads")
    _, _, operations = text.partition("\n## Feature operations\n")
    operations = operations.partition("\n## ")[0]
    named = {word for row in re.findall(r"^\| (`[^|]*) \|", operations, re.M) for word in re.findall(r"`(\w+)`", row)}
    for operation in words_of_array((root / "src/features/feature.cc").read_text(), "kOperationNames"):
        if operation not in named:
            problems.append(f"docs/CONFIGURATION.md: the operation {operation} is missing")
    return problems


def log_events(root: pathlib.Path) -> set[str]:
    """The names that are given to OperatorLog::write, by whichever name it goes, and to Alerting's complain()."""
    events = set()
    for path in sorted((root / "src").rglob("*.cc")):
        if path.stem.endswith(("_test", "_bench", "_fuzz")):
            continue
        source = path.read_text()
        for call in re.findall(r"log_?\.write\((.*?)\{\{", source, re.S):
            if "LogLevel::" in call:
                events.update(re.findall(r'"(\w+)"', call))
        events.update(re.findall(r'\bcomplain\("(\w+)"', source))
    if len(events) < 10:
        raise Failed("the log's events are not found in src")
    return events


def check_operations(root: pathlib.Path) -> list[str]:
    text = (root / "docs/OPERATIONS.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \| (?:info|warning|error)", text, re.M))
    events = log_events(root)
    problems = [f"docs/OPERATIONS.md: the event {event} is missing" for event in sorted(events - documented)]
    problems += [f"docs/OPERATIONS.md: nothing writes the event {event}" for event in sorted(documented - events)]
    metrics = {name for path in (root / "src/app").glob("*.cc") for name in re.findall(r'"(paywarden_\w+)"', path.read_text())}
    for name in sorted(set(re.findall(r"\bpaywarden_[a-z_]+", text))):
        if re.sub(r"_(bucket|sum|count)$", "", name) not in metrics and name not in metrics:
            problems.append(f"docs/OPERATIONS.md: there is no metric {name}")
    return problems


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    try:
        problems = check_configuration(root) + check_operations(root)
    except (Failed, OSError) as error:
        problems = [str(error)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
