"""`python -m consumerapp_operator.cli`: the same as `consumerapp`."""

from consumerapp_operator.cli.commands import run

run()
