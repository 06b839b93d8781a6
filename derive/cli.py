"""The command line; imports click and errors at the top, everything heavier inside the command that needs it."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any

import click

from derive import __version__
from derive.errors import CertificateError, DeriveError, KernelError

if TYPE_CHECKING:
    from derive.proof import Proof

DECIDED, DOES_NOT_HOLD, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
MOST_READ = 2_000_000  # bytes of a file; longer than any certificate may be
FORMATS = {"text": ".txt", "latex": ".tex", "markdown": ".md", "json": ".json"}
EXAMPLES = """\b
Examples:
  derive bce-sigmoid                     the proof that dJ/dz = h - y
  derive mse-sigmoid                     why it does not cancel, and what remains
  derive cce-softmax --average           J averaged over m examples, any K
  derive mse-tanh --format latex -o sheet.tex
  derive list                            all pairs with their verdicts
  derive verify proofs/certificates/*.json
"""


class _Group(click.Group):
    """A group in which a word that is no command is the name of a pair."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args or args[0] in self.commands or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        if "-" not in args[0]:
            _suggest_command(args[0], list(self.commands))
        return "PAIR", pair, args

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from derive.certificate import shipped

        pairs = [click.shell_completion.CompletionItem(p) for p in shipped() if p.startswith(incomplete)]
        return super().shell_complete(ctx, incomplete) + pairs


def _suggest_command(word: str, commands: list[str]) -> None:
    from difflib import get_close_matches

    near = get_close_matches(word, commands, n=1)
    if near:
        raise DeriveError(f"no command or pair is called {word!r}; did you mean 'derive {near[0]}'?")


@click.group(
    cls=_Group,
    subcommand_metavar="PAIR | COMMAND [OPTIONS]",
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="derive")
def app() -> None:
    """Prove what dJ/dz^(L) is for a loss and an output activation, step by step.

    PAIR is <loss>-<activation>, such as bce-sigmoid. Its stored proof is re-checked by the kernel, every step of it,
    before it is printed. "derive PAIR --help" lists the options.

    Exit codes: 0 decided (yes or no), 1 a certificate does not hold, 2 bad input, 3 undecided.
    """


@click.command("PAIR", epilog=EXAMPLES)
@click.argument("name", metavar="")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: text, or by the suffix of FILE.")
@click.option("-o", "--output", "file", metavar="FILE", help="Write to FILE (- is standard output).")
@click.option(
    "--average", is_flag=True, help="J averaged over m examples and summed over K outputs; by z_j of example i."
)
@click.option("--fresh", is_flag=True, help="Derive it anew with SymPy instead of re-checking the stored proof.")
def pair(name: str, as_json: bool, form: str | None, file: str | None, average: bool, fresh: bool) -> None:
    """Print the derivation of dJ/dz^(L) for a pair, step by step, and the verdict."""
    from derive.library import load_proof

    form = "json" if as_json else form or _by_suffix(file)
    try:
        proof = load_proof(name, average, fresh)
    except KernelError as problem:
        _undecided(name, form, file, str(problem))
    _write(_render(proof, form, file), file)


def _undecided(name: str, form: str, file: str | None, reason: str) -> None:
    """No statement: the answer is undecided, with the reason, and exit code 3."""
    if form == "json":
        from derive.proof import undecided

        _write(_dump(undecided(name, reason)), file)
    click.echo(f"derive: {name} is undecided: {reason}", err=True)
    sys.exit(UNDECIDED)


def _by_suffix(file: str | None) -> str:
    if file in (None, "-"):
        return "text"
    suffix = os.path.splitext(str(file))[1].lower()
    found = next((form for form, s in FORMATS.items() if s == suffix), None)
    if found is None:
        raise DeriveError(f"cannot tell the format of {file!r} by its suffix; add --format {'|'.join(FORMATS)}")
    return found


def _render(proof: Proof, form: str, file: str | None) -> str:
    if form == "json":
        return _dump(proof.to_json())
    if form == "latex":
        from derive.report.latex import sheet

        return sheet(proof)
    if form == "markdown":
        from derive.report.markdown import markdown

        return markdown(proof)
    from derive.report.text import text

    if file not in (None, "-"):
        return text(proof)
    return text(proof, width=_width(), unicode=_speaks_unicode(sys.stdout), colour=_shows_colour(sys.stdout))


def _dump(data: Any) -> str:
    import json

    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def _width() -> int:
    from shutil import get_terminal_size

    return max(40, min(100, get_terminal_size((80, 24)).columns))


def _speaks_unicode(stream: IO[str]) -> bool:
    return (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")


def _shows_colour(stream: IO[str]) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _write(content: str, file: str | None) -> None:
    """To standard output, or to a file that is replaced only once the new content is safely on disk."""
    if file in (None, "-"):
        click.echo(content, nl=False)
        return
    path, beside = str(file), f"{file}.{os.getpid()}.part"
    try:
        with open(beside, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except OSError as problem:
        if os.path.exists(beside):
            os.unlink(beside)
        raise DeriveError(f"cannot write {path}: {problem.strerror or problem}") from problem


@app.command("list", short_help="List the pairs with their verdicts.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list and nothing else.")
def list_pairs(as_json: bool) -> None:
    """List the pairs with their verdicts; every proof is re-checked first."""
    from derive.certificate import load, shipped
    from derive.proof import Proof

    proofs = [Proof(load(p)) for p in shipped()]
    if as_json:
        click.echo(_dump([proof.to_json(steps=False) for proof in proofs]), nl=False)
        return
    from derive.report.text import table

    click.echo(table(proofs, width=_width(), colour=_shows_colour(sys.stdout)), nl=False)


@app.command(short_help="Re-check stored certificates with the kernel alone.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("-q", "--quiet", is_flag=True, help="Print only what does not hold.")
def verify(files: tuple[str, ...], quiet: bool) -> None:
    """Re-check stored certificates with the kernel alone; SymPy is never imported.

    A certificate proves the statement that it prints. FILE may be - for standard input.
    """
    from derive.certificate import loads

    failed = 0
    for file in files:
        content = _read(file)
        try:
            checked = loads(content)
        except CertificateError as problem:
            failed += 1
            click.echo(f"{file}: does not hold: {problem}", err=True)
            continue
        if not quiet:
            found, steps = checked.verdict, len(checked.theorems)
            click.echo(f"{file}: holds, {steps} steps: {found.answer}, {found.kind}")
    if not quiet:
        click.echo(f"{len(files) - failed} of {len(files)} certificates hold")
    sys.exit(DOES_NOT_HOLD if failed else DECIDED)


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.buffer.read(MOST_READ).decode("ascii", "surrogateescape")
        with open(file, "rb") as stream:
            return stream.read(MOST_READ).decode("ascii", "surrogateescape")
    except OSError as problem:
        raise DeriveError(f"cannot read {file}: {problem.strerror or problem}") from problem


def main() -> None:
    """Run the command line; errors are one plain line on standard error."""
    try:
        app(sys.argv[1:] or ["--help"], prog_name="derive", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as problem:
        _complain(problem.format_message(), problem)
    except DeriveError as problem:
        _complain(str(problem))


def _complain(message: str, problem: click.ClickException | None = None) -> None:
    context = getattr(problem, "ctx", None)
    hint = f" (see '{context.command_path} --help')" if context is not None else ""
    click.echo(f"derive: {message}{hint}", err=True)
    sys.exit(BAD_INPUT)
