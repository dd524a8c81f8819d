"""`bus contract`: the group of commands."""

import typer

from bus.cli import (
    codegen,
    contract,
    contract_apply,
    contract_docs,
    contract_exchange,
    contract_lint,
    contract_moves,
    contract_new,
)

contracts = typer.Typer(
    no_args_is_help=True, help="Contracts: which data offices exchange, and who may get which fields and why."
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
contracts.command("export")(contract_exchange.export_document)
contracts.command("import")(contract_exchange.import_document)
