"""UpdateTimeToLive.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from flyexpr.engines.sqlite.faults import validation_errors
from flyexpr.engines.sqlite.request.intents import ExpiryAsked
from flyexpr.engines.sqlite.request.member_rules import Rule, boolean_rule, map_rule, sized_text_rule, table_rule
from flyexpr.engines.sqlite.request.members import Members, check_table_name, gather

_RULES: dict[str, Rule] = {"TableName": table_rule, "TimeToLiveSpecification": map_rule}
_SPECIFICATION: dict[str, Rule] = {"AttributeName": sized_text_rule(1, 255), "Enabled": boolean_rule}


def read_update_time_to_live(request: Members) -> ExpiryAsked:
    """What an UpdateTimeToLive asks for."""
    check_table_name(request)
    problems: list[str] = []
    members = gather(request, _RULES, _RULES, "", problems)
    specification = gather(
        members.get("TimeToLiveSpecification", {}),
        _SPECIFICATION,
        _SPECIFICATION,
        "timeToLiveSpecification.",
        problems,
    )
    if problems:
        raise validation_errors(problems)
    return ExpiryAsked(
        members["TableName"], specification["AttributeName"], specification["Enabled"], wire=specification
    )
