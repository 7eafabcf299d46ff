"""The list of the adapters, one module a library: `jobs(url, argument)` gives the jobs that it can do, by name."""

ADAPTERS: dict[str, tuple[str, str]] = {
    "flyexpr": ("ours", "direct"),
    "flyexpr-botocore": ("ours", "botocore"),
    "flyexpr-aio": ("ours_awaited", ""),
    "boto3-resource": ("boto3_resource", ""),
    "boto3-client": ("boto3_client", ""),
    "pynamodb": ("of_pynamodb", ""),
    "aiodynamo": ("of_aiodynamo", ""),
    "dyntastic": ("of_dyntastic", ""),
    "pydynox": ("of_pydynox", ""),
    "dynamoxy": ("of_dynamoxy", ""),
    "aws-sdk": ("of_aws_sdk", ""),
    "floor-json": ("floor", "json"),
    "floor-orjson": ("floor", "orjson"),
}
"""By the name that the command line and the tables use: the module in this folder, and the argument of its `jobs`."""
