"""The dialects: how the ways to write an expression differ. The grammar is the same for all."""

from __future__ import annotations

from flyexpr.expressions.reserved import RESERVED
from flyexpr.records import record


@record
class Dialect:
    """A way to write expressions.

    >>> WIRE.literals, TEXT.literals, "STATUS" in WIRE.reserved, "STATUS" in TEXT.reserved
    (False, True, True, False)

    `tokens` is a verbose regular expression with a named group for each kind of token. With `literals`, constants stand
    in place, and TRUE and FALSE are conditions. `reserved` words cannot be attribute names. `strict` refuses
    parentheses directly inside parentheses. With `hints`, an error says what to write instead. With `statements`, the
    text is PartiQL: it has IS, MISSING, NOT IN, NOT BETWEEN and IN [..], names of functions may be in capitals, and
    what is wrong is said in the words of ExecuteStatement.
    """

    tokens: str
    literals: bool
    reserved: frozenset[str]
    strict: bool
    hints: bool
    statements: bool = False


_PLACEHOLDERS = r"""
      (?P<space>[ \t\r\n]+)
    | (?P<name>\#[A-Za-z0-9_]+)
    | (?<!['"])(?P<value>:[A-Za-z0-9_]+)
    """
_WIRE = r"""
    | (?P<word>[A-Za-z][A-Za-z0-9_]*)
    | (?P<whole>0|[1-9][0-9]*)
    | (?P<mark><>|<=|>=|.)
    """
_TEXT = r"""
    | (?P<bytes>[xX]'(?:[0-9a-fA-F]{2})*')
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<string>'(?:[^']|'')*')
    | (?P<number>[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+|[0-9]*\.[0-9]+)
    | (?P<whole>[0-9]+)
    | (?P<mark><<|>>|<>|<=|>=|.)
    """

# A comment is space. What begins no token is wrong: a comment without an end, an exponent without digits, a character
# that is not of ASCII.
_PARTIQL = r"""
      (?P<space>[ \t\r\n]+|--[^\n]*|/\*.*?\*/)
    | (?P<wrong>/\*.*|\#|[^\x00-\x7f]|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE](?![+-]?[0-9]))
    | (?P<value>\?)
    | (?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<string>'(?:[^']|'')*')
    | (?P<ion>`[^`]*`?)
    | (?P<number>[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.[0-9]*)
    | (?P<whole>[0-9]+)
    | (?P<mark><<|>>|<>|!=|<=|>=|.)
    """
OPERATORS = frozenset({"AND", "OR", "NOT", "IS", "IN", "LIKE", "BETWEEN"})
KEYWORDS = frozenset(
    """
    SELECT FROM WHERE INSERT INTO VALUE VALUES UPDATE DELETE SET REMOVE ORDER BY GROUP HAVING LIMIT AS AT ON RETURNING
    UNION CASE WHEN THEN ELSE END ASC DESC EXISTS TRUE FALSE NULL MISSING
    """.split()
)
"""The words of PartiQL that have to be in double quotes where they are names, as have the OPERATORS."""
NOT_AFTER_DOT = (OPERATORS | KEYWORDS).union(
    """
    ABSOLUTE ACTION ADD ALL ALLOCATE ALTER ANY ARE ASSERTION AUTHORIZATION AVG BAG BEGIN BIGINT BIT BIT_LENGTH
    BLOB BOOL BOOLEAN CAN_CAST CAN_LOSSLESS_CAST CASCADE CASCADED CAST CATALOG CHAR CHARACTER CHARACTER_LENGTH
    CHAR_LENGTH CHECK CLOB CLOSE COALESCE COLLATE COLLATION COLUMN COMMIT CONFLICT CONNECT CONNECTION CONSTRAINT
    CONSTRAINTS CONTINUE CONVERT CORRESPONDING COUNT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME
    CURRENT_TIMESTAMP CURRENT_USER CURSOR DATE DATE_ADD DATE_DIFF DEALLOCATE DEC DECIMAL DECLARE DEFAULT
    DEFERRABLE DEFERRED DESCRIBE DESCRIPTOR DIAGNOSTICS DISCONNECT DISTINCT DO DOMAIN DOUBLE DROP ESCAPE EXCEPT
    EXCEPTION EXEC EXECUTE EXTERNAL EXTRACT FETCH FIRST FLOAT FOR FOREIGN FOUND FULL GET GLOBAL GO GOTO GRANT
    IDENTITY IMMEDIATE INDEX INDICATOR INITIALLY INNER INPUT INSENSITIVE INT INTEGER INTEGER2 INTEGER4 INTEGER8
    INTERSECT INTERVAL ISOLATION JOIN KEY LANGUAGE LAST LEFT LET LEVEL LIST LOCAL LOWER MATCH MAX MIN MODIFIED
    MODULE NAMES NATIONAL NATURAL NCHAR NEW NEXT NO NOTHING NULLIF NULLS NUMERIC OCTET_LENGTH OF OFFSET OLD ONLY
    OPEN OPTION OUTER OUTPUT OVERLAPS PAD PARTIAL PIVOT POSITION PRECISION PREPARE PRESERVE PRIMARY PRIOR
    PRIVILEGES PROCEDURE PUBLIC READ REAL REFERENCES RELATIVE RESTRICT REVOKE RIGHT ROLLBACK ROWS SCHEMA SCROLL
    SECTION SESSION SESSION_USER SEXP SIZE SMALLINT SOME SPACE SQL SQLCODE SQLERROR SQLSTATE STRING STRUCT
    SUBSTRING SUM SYMBOL SYSTEM_USER TABLE TEMPORARY TIME TIMESTAMP TO TRANSACTION TRANSLATE TRIM TUPLE UNIQUE
    UNKNOWN UNPIVOT UPPER USAGE USER USING VARCHAR VARYING VIEW WHENEVER WITH WORK WRITE ZONE
    """.split()
)
"""The words of PartiQL that have to be in double quotes after a dot."""

WIRE = Dialect(_PLACEHOLDERS + _WIRE, literals=False, reserved=RESERVED, strict=True, hints=False)
TEXT = Dialect(_PLACEHOLDERS + _TEXT, literals=True, reserved=frozenset(), strict=False, hints=True)
PARTIQL = Dialect(_PARTIQL, literals=True, reserved=OPERATORS | KEYWORDS, strict=False, hints=False, statements=True)
