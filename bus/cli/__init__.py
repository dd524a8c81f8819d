"""The command line: `bus …`."""

import sys

import typer

from bus.cli import (
    codegen,
    contract,
    contract_apply,
    contract_docs,
    contract_lint,
    contract_moves,
    contract_new,
    init,
    participant,
    serve,
    simulate,
)
from bus.problem import Refused

contracts = typer.Typer(
    no_args_is_help=True, help="Contracts: what is exchanged, and who may get which fields and why."
)
contracts.command("new")(contract_new.new_document)
contracts.command("lint")(contract_lint.lint_documents)
contracts.command("diff")(contract_apply.diff_documents)
contracts.command("apply")(contract_apply.apply_documents)
contracts.command("list")(contract.list_contracts)
contracts.command("show")(contract.show_contract)
contracts.command("propose")(contract_moves.propose_version)
contracts.command("activate")(contract_moves.activate_version)
contracts.command("deprecate")(contract_moves.deprecate_version)
contracts.command("retire")(contract_moves.retire_version)
contracts.command("docs")(contract_docs.write_pages)
contracts.command("codegen")(codegen.generate_models)

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
app.add_typer(contracts, name="contract")


def main() -> None:
    """Run a command: exit 0 done, 1 refused (the reason on standard error), 2 wrong usage."""
    try:
        app()
    except Refused as refusal:
        typer.echo(refusal.detail, err=True)
        for error in refusal.errors:
            typer.echo(f"  {error.pointer or '(document)'}: {error.detail}", err=True)
        sys.exit(1)
