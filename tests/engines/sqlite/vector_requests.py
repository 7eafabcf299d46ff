"""Requests about vector indexes, and the service's refusals of them: for the embedded engine and for its peers."""

from typing import Any

INVALID = "One or more parameter values were invalid: "
REFUSED = "One or more parameter values were invalid. "
CONDITION = "Invalid SearchConditionExpression: "
ALL = {"ProjectionType": "ALL"}


def element(name: str, kind: str) -> dict[str, str]:
    """An element of a SearchSchema."""
    return {"AttributeName": name, "SearchSchemaElementType": kind}


HASH, FILTER = element("h", "HASH"), element("f", "INLINE_FILTER")


def index(name: str = "by_v", **members: Any) -> dict[str, Any]:
    """A vector index, with other members in place of its own, and without those that are None."""
    made = {
        "IndexName": name,
        "VectorAttribute": {"AttributeName": "v"},
        "Dimensions": 3,
        "DistanceFunction": "COSINE",
        "Projection": ALL,
        **members,
    }
    return {name: member for name, member in made.items() if member is not None}


def table(name: str, *indexes: dict[str, Any], defined: str = "pk:S", **members: Any) -> dict[str, Any]:
    """A CreateTable with these vector indexes."""
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": definitions(defined),
        "VectorIndexes": list(indexes),
        **members,
    }


def definitions(text: str) -> list[dict[str, str]]:
    """Definitions of attributes, from their names and types: `pk:S h:N`."""
    pairs = (one.split(":") for one in text.split())
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in pairs]


def added(defined: str, **members: Any) -> dict[str, Any]:
    """An UpdateTable with these members."""
    return {"AttributeDefinitions": definitions(defined), **members}


def numbers(*values: Any) -> list[dict[str, str]]:
    """Numbers in wire form."""
    return [{"N": str(value)} for value in values]


def search(name: str, *vector: Any, **members: Any) -> dict[str, Any]:
    """A SearchVectors."""
    return {"TableName": name, "IndexName": "by_v", "SearchVector": numbers(*vector), "TopK": 3, **members}


def where(text: str, **values: Any) -> dict[str, Any]:
    """The members of a search condition; the values are named as in `text`, without the colon."""
    return {
        "SearchConditionExpression": text,
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


KEY = [{"AttributeName": "g", "KeyType": "HASH"}]
VECTOR_KEY = [{"AttributeName": "v", "KeyType": "HASH"}]
VECTOR_SORT = [{"AttributeName": "v", "KeyType": "RANGE"}]
GSI = {"IndexName": "ggg", "KeySchema": KEY, "Projection": ALL}
CONFLICT = INVALID + "Conflicting attribute definition for 'v'. "

# Tables that are refused: what is asked for, and the text.
DEFINITIONS: list[tuple[dict[str, Any], str]] = [
    (
        table(
            "T",
            index(),
            BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        ),
        INVALID + "Vector indexes are only supported for PAY_PER_REQUEST tables",
    ),
    (table("T"), INVALID + "List of VectorIndexes is empty"),
    (table("T", index(Dimensions=4097)), INVALID + "Number of dimensions must be between 1 and 4096 inclusive."),
    (
        table("T", index(Dimensions=0)),
        "1 validation error detected: Value '0' at 'vectorIndexes.1.member.dimensions' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1",
    ),
    (
        table("T", index(VectorAttribute=None)),
        "1 validation error detected: Value null at 'vectorIndexes.1.member.vectorAttribute' failed to satisfy "
        "constraint: Member must not be null",
    ),
    (
        table("T", index(DistanceFunction="EUCLID")),
        "1 validation error detected: Value 'EUCLID' at 'vectorIndexes.1.member.distanceFunction' failed to satisfy "
        "constraint: Member must satisfy enum value set: [COSINE, DOT_PRODUCT, EUCLIDEAN]",
    ),
    (
        table("T", index(SearchSchema=[element("h", "RANGE")]), defined="pk:S h:S"),
        "1 validation error detected: Value 'RANGE' at 'vectorIndexes.1.member.searchSchema.1.member."
        "searchSchemaElementType' failed to satisfy constraint: Member must satisfy enum value set: "
        "[HASH, INLINE_FILTER]",
    ),
    (
        table("T", index(SearchSchema=[HASH])),
        INVALID + "One element in SearchSchema is not defined in attribute definitions",
    ),
    (
        table("T", index(SearchSchema=[HASH, element("f", "HASH")]), defined="pk:S h:S f:S"),
        INVALID + "Value '2' at 'SearchSchema' failed to satisfy constraint: Member must have HASH count less than or "
        "equal to 1",
    ),
    (
        table("T", index(SearchSchema=[HASH, element("h", "INLINE_FILTER")]), defined="pk:S h:S"),
        INVALID + "SearchSchema contains a duplicate AttributeName",
    ),
    (
        table("T", index(), index("b", VectorAttribute={"AttributeName": "v"}, Dimensions=2), index("ccc")),
        "1 validation error detected: Value 'b' at 'vectorIndexes.2.member.indexName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3",
    ),
    (
        table("T", index(), index("bbb", Dimensions=2)),
        CONFLICT + "All VectorIndexes on the same vector attribute must use the same dimensions.",
    ),
    (
        table("T", *(index(f"by_{number}") for number in range(6))),
        INVALID + "VectorIndex count exceeds the per-table limit of 5",
    ),
    (table("T", index(), index()), INVALID + "Duplicate index name: by_v"),
    (
        table("T", index("ggg"), GlobalSecondaryIndexes=[GSI], defined="pk:S g:S"),
        INVALID + "Duplicate index name: ggg",
    ),
    (
        table("T", index(), index(Dimensions=2)),
        INVALID + "Duplicate index name: by_v",
    ),
    (
        table("T", *(index(f"by_{number}", Dimensions=number + 2) for number in range(6))),
        INVALID + "VectorIndex count exceeds the per-table limit of 5",
    ),
    (
        table("T", index(), defined="pk:S v:B"),
        CONFLICT + "An attribute cannot be defined in AttributeDefinitions when used as a VectorAttribute.",
    ),
    (
        table("T", index(), defined="pk:S v:B w:S"),
        CONFLICT + "An attribute cannot be defined in AttributeDefinitions when used as a VectorAttribute.",
    ),
    (
        table("T", index(), GlobalSecondaryIndexes=[GSI | {"KeySchema": VECTOR_KEY}], defined="pk:S v:S"),
        CONFLICT + "An attribute cannot be defined in AttributeDefinitions when used as a VectorAttribute.",
    ),
]

# Changes of a table with an index of its own that are refused.
REDEFINED = (
    INVALID + "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
    "defined. Existing schema: VectorIndexSchema:[VectorAttribute: key{v:L:3}] "
    "New schema: Schema:[SchemaElement: key{v:%s:%s}]"
)
ALTERATIONS: list[tuple[dict[str, Any], str]] = [
    (
        added("v:S", GlobalSecondaryIndexUpdates=[{"Create": GSI | {"KeySchema": VECTOR_KEY}}]),
        REDEFINED % ("S", "HASH"),
    ),
    (
        added("g:S v:B", GlobalSecondaryIndexUpdates=[{"Create": GSI | {"KeySchema": KEY + VECTOR_SORT}}]),
        REDEFINED % ("B", "RANGE"),
    ),
    (
        added("", VectorIndexUpdates=[{"Create": index("other"), "Delete": {"IndexName": "by_v"}}]),
        INVALID + "Only one vector index action is allowed per VectorIndexUpdate object",
    ),
    (
        added("", VectorIndexUpdates=[{"Create": index("other", Dimensions=2)}]),
        CONFLICT + "All VectorIndexes on the same vector attribute must use the same dimensions.",
    ),
    (
        added("", VectorIndexUpdates=[{"Create": index("other", VectorAttribute={"AttributeName": "pk"})}]),
        CONFLICT.replace("'v'", "'pk'")
        + "An attribute cannot be defined in AttributeDefinitions when used as a VectorAttribute.",
    ),
    (
        added("", VectorIndexUpdates=[{"Create": index("other", SearchSchema=[HASH])}]),
        INVALID + "One element in SearchSchema is not defined in attribute definitions",
    ),
    (added("", VectorIndexUpdates=[{"Create": index()}]), "Attempting to create an index which already exists"),
]

# Items that a table with `INDEXED` refuses.
INDEXED = (index(SearchSchema=[HASH, FILTER]),)
KINDS = "pk:S h:S f:N"
ITEMS: list[tuple[dict[str, Any], str]] = [
    ({"v": {"S": "x"}}, "Invalid type for parameter v, Expected: 32-bit floating point number list IndexName: by_v"),
    ({"v": {"L": numbers(1, 2)}}, "Invalid size for parameter v, Expected: 3, Actual: 2 IndexName: by_v"),
    (
        {"v": {"L": [{"N": "1"}, {"S": "2"}, {"N": "3"}]}},
        "Invalid type for parameter v[1], Expected: 32-bit floating point number, Actual: S. IndexName: by_v",
    ),
    (
        {"v": {"L": numbers("1e39", 2, 3)}},
        "Invalid value for parameter v[0], Value: 1e39 is outside valid range "
        "[-3.4028235E38, 3.4028235E38]. IndexName: by_v",
    ),
    ({"h": {"N": "1"}}, "Attribute 'h' type mismatch. Expected: S, Actual: N. IndexName: by_v"),
    ({"f": {"S": "1"}}, "Attribute 'f' type mismatch. Expected: N, Actual: S. IndexName: by_v"),
]

# Searches of that table that are refused.
H = where("h = :h", h={"S": "a"})
SEARCHES: list[tuple[dict[str, Any], str]] = [
    (
        search("T", 1, 2, 3, TopK=101, **H),
        "Provided TopK value '101' is out of valid range. The value must be between 1 and 100 inclusive",
    ),
    (
        search("T", TopK=0, IndexName="x"),
        "3 validation errors detected: Value at 'IndexName' failed to satisfy constraint: Member must have length "
        "greater than or equal to 3; Value at 'SearchVector' failed to satisfy constraint: Member must have length "
        "greater than or equal to 1; Value at 'TopK' failed to satisfy constraint: Member must have value greater "
        "than or equal to 1",
    ),
    (
        search("T", 1, 2, 3, **H) | {"SearchVector": [{"S": "1"}, *numbers(2, 3)]},
        "Search vector contains invalid values. All values in the search vector must be a 32-bit floating-point "
        "number attribute",
    ),
    (search("T", 1, 2, 3, ExpressionAttributeNames={}, **H), "ExpressionAttributeNames must not be empty"),
    (search("T", 1, 2, 3, **where("", h={"S": "a"})), CONDITION + "The expression can not be empty;"),
    (
        search("T", 1, 2, 3, **where("h = :h AND f > :f", h={"S": "a"}, f={"N": "1"})),
        CONDITION + "Invalid comparator used in SearchConditionExpression",
    ),
    (
        search("T", 1, 2, 3, **where("h = :h OR f = :f", h={"S": "a"}, f={"N": "1"})),
        CONDITION + "Invalid comparator used in SearchConditionExpression",
    ),
    (
        search("T", 1, 2, 3, **where("h = :h AND f.a = :f", h={"S": "a"}, f={"N": "1"})),
        CONDITION + "SearchConditionExpression cannot have conditions on nested attributes",
    ),
    (
        search("T", 1, 2, 3, **where("h = :h AND h = :f", h={"S": "a"}, f={"S": "1"})),
        CONDITION + "SearchConditionExpression must only contain one condition per attribute",
    ),
    (search("T", 1, 2, 3, IndexName="nope", **H), "The table does not have the specified index: nope"),
    (search("T", 1, 2, **H), "Input search vector dimension 2 does not match vector index dimension 3"),
    (
        search("T", 1, 2, 3, **where("h = :h AND x = :x", h={"S": "a"}, x={"S": "a"})),
        "SearchConditionExpression must not contain any attributes that is not in SearchSchema. Invalid attribute: x",
    ),
    (search("T", 1, 2, 3), "SearchConditionExpression must be provided when SearchSchema has a HASH key"),
    (
        search("T", 1, 2, 3, **where("h = :h", h={"N": "1"})),
        "Type of 'h' attribute in SearchConditionExpression (N) does not match type in search schema (S)",
    ),
    (
        search("T", 1, 2, 3, **where("h = :h", h={"S": ""})),
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
        "string value. Key: h",
    ),
    (
        search("T", 1, 2, 3, **where("h = :h", h={"S": "a"}, unused={"S": "b"})),
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}",
    ),
]

# Members of a search that are refused by how they are written, with the code and text of the error.
PLAIN = search("Tab", 1, 2, 3)
WRONG_TYPE, REFUSAL = "SerializationException", "ValidationException"
KNOWN = (
    "`B`, `BOOL`, `BS`, `DECIMAL`, `DECIMALSET`, `DOUBLE`, `DOUBLESET`, `INT`, `INTSET`, `L`, `M`, `N`, `NS`, `NULL`, "
)
KNOWN += "`S`, `SS`"
NO_VECTOR = (
    "Search vector contains invalid values. All values in the search vector must be a 32-bit floating-point number "
    "attribute"
)


def values(value: Any) -> dict[str, Any]:
    """The members of a search whose condition has this value."""
    return {"ExpressionAttributeValues": {":h": value}, "SearchConditionExpression": "h = :h"}


BODIES: list[tuple[dict[str, Any], str, str]] = [
    ({"TableName": None}, WRONG_TYPE, "invalid type: null, expected a string at line 1 column 18"),
    ({"TableName": 3.5}, WRONG_TYPE, "invalid type: floating point `3.5`, expected a string at line 1 column 17"),
    ({"TableName": ["é"]}, WRONG_TYPE, "invalid type: sequence, expected a string at line 1 column 14"),
    ({"TopK": "é"}, WRONG_TYPE, 'invalid type: string "é", expected i32 at line 1 column 108'),
    ({"TopK": True}, WRONG_TYPE, "invalid type: boolean `true`, expected i32 at line 1 column 108"),
    ({"TopK": {}}, WRONG_TYPE, "invalid type: map, expected i32 at line 1 column 104"),
    ({"TopK": 10**20}, WRONG_TYPE, "invalid type: floating point `1e+20`, expected i32 at line 1 column 125"),
    ({"TopK": 3 * 10**9}, REFUSAL, "invalid value: integer `3000000000`, expected i32 at line 1 column 114"),
    ({"SearchVector": {}}, WRONG_TYPE, "invalid type: map, expected a sequence at line 1 column 58"),
    ({"SearchVector": [1]}, WRONG_TYPE, ""),
    ({"SearchVector": [{}]}, WRONG_TYPE, ""),
    ({"SearchVector": [{"N": "1", "S": "2"}]}, WRONG_TYPE, ""),
    ({"SearchVector": [{"L": [1]}]}, WRONG_TYPE, ""),
    (
        {"SearchVector": [{"N": "1"}, {"N": 2}]},
        WRONG_TYPE,
        "invalid type: integer `2`, expected a string at line 1 column 78",
    ),
    (
        {"SearchVector": [{"M": {"a": {"B": False}}}]},
        WRONG_TYPE,
        "invalid type: boolean `false`, expected a Base64-encoded string at line 1 column 82",
    ),
    (
        {"SearchVector": [{"X": "1"}]},
        REFUSAL,
        f"unknown variant `X`, expected one of {KNOWN} at line 1 column 63",
    ),
    ({"SearchVector": ["x"]}, REFUSAL, f"unknown variant `x`, expected one of {KNOWN} at line 1 column 62"),
    (
        {"SearchVector": ["N"]},
        WRONG_TYPE,
        "invalid type: unit variant, expected newtype variant at line 1 column 62",
    ),
    *(
        ({"SearchVector": [{"N": text}, *numbers(2, 3)]}, REFUSAL, NO_VECTOR)
        for text in ("x", "", "NaN", "Infinity", " 1", "0x1", "1_0", "3.4028236E38")
    ),
    ({"SearchVector": [{"DOUBLE": "1"}, *numbers(2, 3)]}, REFUSAL, NO_VECTOR),
    (
        {"ProjectionExpression": 1, "ExpressionAttributeNames": 2},
        WRONG_TYPE,
        "invalid type: integer `1`, expected a string at line 1 column 132",
    ),
    (
        {"ExpressionAttributeNames": {"#h": 1}},
        WRONG_TYPE,
        "invalid type: integer `1`, expected a string at line 1 column 143",
    ),
    (values(1), WRONG_TYPE, ""),
    (values({"DOUBLE": "1"}), REFUSAL, "This type mapping is not supported"),
    (values({"N": "x"}), REFUSAL, "The parameter cannot be converted to a numeric value: x"),
    (values({"SS": []}), REFUSAL, "One or more parameter values were invalid: An string set  may not be empty"),
    ({"ExpressionAttributeNames": {}}, REFUSAL, "ExpressionAttributeNames must not be empty"),
    (
        {"ExpressionAttributeNames": {"h": "h"}},
        REFUSAL,
        'ExpressionAttributeNames contains invalid key: Syntax error; key: "h"',
    ),
    (
        {"ExpressionAttributeNames": {"#h": "h"}},
        REFUSAL,
        "ExpressionAttributeNames can only be specified when using expressions",
    ),
    (
        {"ExpressionAttributeValues": {":h": {"S": "x"}}, "ProjectionExpression": "h"},
        REFUSAL,
        "ExpressionAttributeValues can only be specified when using expressions",
    ),
    (
        {"TableName": "x"},
        REFUSAL,
        "Value 'x' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
    ),
    (
        {"ReturnConsumedCapacity": "x", "TopK": 101},
        REFUSAL,
        "Value 'x' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: "
        "[INDEXES, TOTAL, NONE]",
    ),
    (
        {"IndexName": "x" * 256},
        REFUSAL,
        "1 validation error detected: Value at 'IndexName' failed to satisfy constraint: Member must have length less "
        "than or equal to 255",
    ),
    # What is wrong with a condition is said before a placeholder that nobody uses, and that before a wrong table.
    *(
        ({**where(text, h={"S": "a"}), "ExpressionAttributeNames": {"#u": "u"}, "TableName": "Nope"}, REFUSAL, refusal)
        for text, refusal in (
            ("h > :h", CONDITION + "Invalid comparator used in SearchConditionExpression"),
            ("h.a = :h", CONDITION + "SearchConditionExpression cannot have conditions on nested attributes"),
            (
                "h = :h AND h = :h",
                CONDITION + "SearchConditionExpression must only contain one condition per attribute",
            ),
            ("h = :h", "Value provided in ExpressionAttributeNames unused in expressions: keys: {#u}"),
        )
    ),
]

# Whole bodies.
TEXTS: list[tuple[str, str, str]] = [
    ("{}", REFUSAL, "missing field `IndexName` at line 1 column 2"),
    (
        '{\n "TableName": "Tab",\r\n "IndexName": "by_v" }\n',
        REFUSAL,
        "missing field `SearchVector` at line 3 column 22",
    ),
    (
        '{\n "TableName": "Tab",\n "TopK" : "é" }',
        WRONG_TYPE,
        'invalid type: string "é", expected i32 at line 3 column 14',
    ),
    (
        '{"SearchVector": [\n{"N": "1"},\n {"X" :"1"}]}',
        REFUSAL,
        f"unknown variant `X`, expected one of {KNOWN} at line 3 column 6",
    ),
]
