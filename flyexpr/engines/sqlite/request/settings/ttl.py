"""UpdateTimeToLive.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from flyexpr.engines.sqlite.request.definitions import read_object
from flyexpr.engines.sqlite.request.intents.settings import ExpiryAsked
from flyexpr.engines.sqlite.request.member_rules import ObjectRules, boolean_rule, map_rule, sized_text_rule, table_rule
from flyexpr.engines.sqlite.request.members import Members, check_table_name
from flyexpr.engines.sqlite.request.shapes import UPDATE_TIME_TO_LIVE

_RULES = ObjectRules(
    {"TableName": table_rule, "TimeToLiveSpecification": map_rule},
    ("TableName", "TimeToLiveSpecification"),
    {
        "TimeToLiveSpecification": ObjectRules(
            {"AttributeName": sized_text_rule(1, 255), "Enabled": boolean_rule}, ("AttributeName", "Enabled")
        )
    },
)


def read_update_time_to_live(request: Members) -> ExpiryAsked:
    """What an UpdateTimeToLive asks for."""
    check_table_name(request)
    members = read_object(request, UPDATE_TIME_TO_LIVE, _RULES)
    specification = members["TimeToLiveSpecification"]
    return ExpiryAsked(
        members["TableName"], specification["AttributeName"], specification["Enabled"], wire=specification
    )
