"""The variables of the environment that the program reads, and what `--help` says of them."""

ENGINE = "FLYEXPR_ENGINE"  # the URL of the engine
ENGINE_HELP = f"sqlite:PATH, dynamodb://REGION or http://HOST:PORT; else {ENGINE}, else AWS's configuration."
COMPLETING = "_FLYEXPR_COMPLETE"  # a shell asks for completions
