"""`bus adapter`: makes a package for an agency's adapter."""

import typer

from bus.cli.adapter_new import new_adapter

adapter = typer.Typer(no_args_is_help=True, help="Adapters to agencies.")
adapter.callback()(lambda: None)
adapter.command("new")(new_adapter)
