"""The expression members of a request, read into the nodes that flyexpr.expressions works on.

The text is parsed in the service's own dialect and checked before any table is looked up. The checks have the service's
order: which members go together, the placeholder maps, each expression, and at last the placeholders that are not used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flyexpr.engines.sqlite.faults import invalid, invalid_constant
from flyexpr.engines.sqlite.request.member_rules import text_rule
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.engines.sqlite.request.templates import fill, find_template
from flyexpr.engines.sqlite.request.wire import MAX_NAME, NAME_TOO_LARGE, read_sized
from flyexpr.errors import DynamoError, ExpressionError
from flyexpr.expressions.check import check
from flyexpr.expressions.nodes import PLACES, Condition, Path, Update, Value
from flyexpr.expressions.parse import Scope, read_condition, read_projection, read_update
from flyexpr.values.freeze import freeze
from flyexpr.values.numbers import WHOLE

MEMBERS = (
    "KeyConditionExpression",
    "FilterExpression",
    "SearchConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
    "ConditionExpression",
)
LEGACY_MEMBERS = (
    "AttributesToGet",
    "QueryFilter",
    "ScanFilter",
    "AttributeUpdates",
    "Expected",
    "ConditionalOperator",
    "KeyConditions",
)
MAX_BYTES = 4096
NAMES, VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"
_OF_EXPRESSIONS = frozenset((*MEMBERS, NAMES, VALUES))
MAX_KEY, MAX_MAPS = 255, 2 * 1024 * 1024  # bytes of a placeholder, and of all of both maps
_NAME_KEY, _VALUE_KEY = re.compile(r"#[A-Za-z0-9_]{1,254}"), re.compile(r":[A-Za-z0-9_]{1,254}")

_PARSERS: dict[str, Callable[[str, Scope], Any]] = {
    "KeyConditionExpression": read_condition,
    "FilterExpression": read_condition,
    "SearchConditionExpression": read_condition,
    "ProjectionExpression": read_projection,
    "UpdateExpression": read_update,
    "ConditionExpression": read_condition,
}


def read_expressions(request: Members, named: tuple[str, ...] = (), level: int = 1) -> dict[str, Any]:
    """The nodes of a request's expressions, by member.

    `named` are the members that the refusal of ExpressionAttributeValues without an expression names, `level` is the
    one at which constants stand.

    >>> nodes = read_expressions({"ProjectionExpression": "a[0].b"})
    >>> nodes["ProjectionExpression"][0].parts
    ('a', 0, 'b')
    >>> read_expressions({"ProjectionExpression": ""})
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: Invalid ProjectionExpression: The expression can not be empty;
    """
    if _OF_EXPRESSIONS.isdisjoint(request):
        return {}
    _check_combination(request, [member for member in MEMBERS if member in request], named)
    nodes, unused = parse_expressions(request, level)
    if unused is not None:
        raise unused
    return nodes


def parse_expressions(request: Members, level: int = 1) -> tuple[dict[str, Any], DynamoError | None]:
    """The nodes of a request's expressions, by member; and the refusal of placeholders that none of them uses.

    >>> nodes, unused = parse_expressions({"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "b"}})
    >>> nodes["ProjectionExpression"], unused
    ((F.b,), None)
    """
    present = [member for member in MEMBERS if member in request]
    if not present:
        return {}, None
    names, size = _read_names(request.get(NAMES))
    values, more = read_values(request.get(VALUES), level)
    if size + more > MAX_MAPS:
        raise invalid(f"Combined size of {NAMES} and {VALUES} exceeds max size")
    scope = Scope(names, values, verify=check)
    nodes = {member: _parse(member, request[member], scope) for member in present}
    return nodes, _unused(NAMES, names, scope.used) or _unused(VALUES, values, scope.used)


def attribute_names(*expressions: Condition | Update | None) -> frozenset[str]:
    """The attributes of an item that expressions name.

    >>> attribute_names(read_condition("a.b = c", Scope({}, {})), None) == {"a", "c"}
    True
    """
    paths = named_paths(*expressions)
    return top_names(paths) if paths else _NO_NAMES


_NO_NAMES: frozenset[str] = frozenset()


def named_paths(*expressions: Condition | Update | None) -> tuple[Path, ...]:
    """The paths that expressions name, in no order.

    >>> named_paths(read_condition("a.b = c", Scope({}, {})))
    (F.c, F.a.b)
    """
    # Its own walk, not that of expressions.paths, which sorts out doubles: 5 us against 20, for each request.
    paths: list[Path] = []
    waiting: list[Any] = [expression for expression in expressions if expression is not None]
    while waiting:
        node = waiting.pop()
        node_class = type(node)
        if node_class is Path:
            paths.append(node)
        elif node_class is tuple:
            waiting += node
        else:
            waiting += [getattr(node, field) for field in PLACES.get(node_class, ())]
    return tuple(paths)


def top_names(paths: Iterable[Path]) -> frozenset[str]:
    """The attributes of an item that paths begin with.

    >>> top_names([Path(("a", "b")), Path(("a", "c"))])
    frozenset({'a'})
    """
    return frozenset([str(path.parts[0]) for path in paths])


def _check_combination(request: Members, present: list[str], named: tuple[str, ...]) -> None:
    """Expressions and the older parameters exclude each other; the placeholder maps need an expression.

    KeyConditions is excluded by KeyConditionExpression alone, which came half a year after the other expressions: until
    then FilterExpression and ProjectionExpression had nothing else to go with.
    """
    legacy = [member for member in LEGACY_MEMBERS if member in request]
    if "KeyConditionExpression" not in request and "KeyConditions" in legacy:
        legacy.remove("KeyConditions")
    if present and legacy:
        raise mixed(legacy, present)
    for member in (NAMES, VALUES):
        if member in request and not present:
            absent = f": {' and '.join(named)} {'is' if len(named) == 1 else 'are'} null"
            reason = absent if named and member == VALUES else ""
            raise invalid(f"{member} can only be specified when using expressions{reason}")
        if request.get(member) == {}:
            raise invalid(f"{member} must not be empty")


def mixed(legacy: list[str], expressions: list[str]) -> DynamoError:
    """The refusal of a request with both kinds of parameters.

    >>> mixed(["Expected"], ["ConditionExpression"]).message.partition(": ")[0]
    'Can not use both expression and non-expression parameters in the same request'
    """
    return invalid(
        "Can not use both expression and non-expression parameters in the same request: "
        f"Non-expression parameters: {{{', '.join(legacy)}}} "
        f"Expression parameters: {{{', '.join(sorted(expressions, key=_ORDER.index))}}}"
    )


# The order in which a refusal lists the expressions.
_ORDER = (
    "ProjectionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "SearchConditionExpression",
    "UpdateExpression",
    "ConditionExpression",
)


def check_placeholders(names: Iterable[str], values: Iterable[str]) -> None:
    """None for placeholders that are written as such.

    >>> check_placeholders(["#a", "b"], [])
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: ValidationException: ...invalid key: Syntax error; key: "b"
    """
    for member, keys, rule in ((NAMES, names, _NAME_KEY), (VALUES, values, _VALUE_KEY)):
        for key in keys:
            if not rule.fullmatch(key):
                raise _invalid_key(member, key)


def _read_names(names: Any) -> tuple[Mapping[str, str], int]:
    """The names behind the placeholders, and the bytes of both."""
    size = 0
    for key, name in (names or {}).items():
        if not _NAME_KEY.fullmatch(key):
            raise _invalid_key(NAMES, key)
        if not text_rule(name)[0]:
            raise invalid(f"{NAMES} contains invalid value: Empty attribute name for key {key}")
        length = len(name.encode())
        if length > MAX_NAME:
            raise invalid(f"{NAMES} contains invalid value: {NAME_TOO_LARGE} for key {key}")
        size += len(key) + length
    return names or {}, _within(NAMES, size)


def read_values(values: Any, level: int = 1) -> tuple[Mapping[str, Value], int]:
    """The constants behind the placeholders, and the bytes of both."""
    read, size = {}, 0
    for key, wire in (values or {}).items():
        if not _VALUE_KEY.fullmatch(key):
            raise _invalid_key(VALUES, key)
        try:
            read[key], length = read_constant(wire, level)
        except DynamoError as error:
            if error.code != "ValidationException":
                raise
            raise invalid_constant(key, error) from None
        size += len(key) + length
    return read, _within(VALUES, size)


def read_constant(wire: Any, level: int = 1) -> tuple[Value, int]:
    """A wire value as a constant, and its bytes.

    >>> read_constant({"N": "1.0"})
    (Value(kind='N', body=1), 2)
    """
    value, size = read_sized(wire, level)
    if type(value) is str and value.isascii():  # most are, or whole numbers, and mean themselves
        return Value("S", value), size
    if type(value) is int and -WHOLE < value < WHOLE:
        return Value("N", value), size
    return Value(*freeze(value, level=level)), size


def _invalid_key(member: str, key: str) -> DynamoError:
    if len(key.encode()) > MAX_KEY:
        problem = f"The expression attribute map contains a key that is too long; size of key: {len(key.encode())}"
    else:
        problem = f'Syntax error; key: "{key}"'
    return invalid(f"{member} contains invalid key: {problem}")


def _within(member: str, size: int) -> int:
    if size > MAX_MAPS:
        raise invalid(f"{member} exceeds max size")
    return size


def _parse(member: str, text: str, scope: Scope) -> Any:
    try:
        if len(text) > MAX_BYTES // 4 and len(text.encode()) > MAX_BYTES:
            raise ExpressionError("Expression size has exceeded the maximum allowed size;")
        template = find_template(_PARSERS[member], text, scope.names, scope.values)
        if template is not None:
            scope.used |= template.used
            nodes = fill(template.nodes, scope.values)
        else:
            nodes = _PARSERS[member](text, scope)
        check(nodes)
    except ExpressionError as error:
        raise invalid(f"Invalid {member}: {error.message}") from None
    return nodes


def find_nodes(member: str, request: Members) -> Any:
    """The nodes of an expression of a request that was read, with slots for its values; None where it has none.

    >>> find_nodes("ConditionExpression", {"ConditionExpression": "a = :v", VALUES: {":v": {"N": "1"}}}).right
    Value(kind='PYTHON', body=':v')
    """
    text = request.get(member)
    if text is None:  # absent, or null
        return None
    template = find_template(_PARSERS[member], text, request.get(NAMES) or {}, request.get(VALUES) or {})
    return template and template.nodes


def _unused(member: str, placeholders: Mapping[str, Any], used: set[str]) -> DynamoError | None:
    unused = [key for key in placeholders if key not in used]
    if not unused:
        return None
    return invalid(f"Value provided in {member} unused in expressions: keys: {{{', '.join(unused)}}}")
