"""The variables of the environment that the program reads."""

ENGINE = "FLYEXPR_ENGINE"  # the URL of the engine
COMPLETING = "_FLYEXPR_COMPLETE"  # a shell asks for completions
