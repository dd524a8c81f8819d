"""The command line: `bus …`."""

import sys

import typer

from bus.cli import codegen, contract, contract_docs, init, participant, serve, simulate
from bus.problem import Refused

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The data-exchange bus of Kabupaten Lamongan.",
)
app.command()(init.init)
app.command()(serve.serve)
app.command()(simulate.simulate)
app.add_typer(participant.participant, name="participant")
app.add_typer(participant.client, name="client")
app.add_typer(contract.contract, name="contract")
contract.contract.command("docs")(contract_docs.write_pages)
contract.contract.command("codegen")(codegen.generate_models)


def main() -> None:
    """Run a command: exit 0 done, 1 refused (the reason on standard error), 2 wrong usage."""
    try:
        app()
    except Refused as refusal:
        typer.echo(refusal.detail, err=True)
        for error in refusal.errors:
            typer.echo(f"  {error.pointer or '(document)'}: {error.detail}", err=True)
        sys.exit(1)
