"""The command line; imports click and errors at the top, everything heavier inside the command that needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import reduce
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from derive import __version__
from derive.errors import CertificateError, DeriveError, KernelError, missing

if TYPE_CHECKING:
    from derive.proof import Proof

DECIDED, DOES_NOT_HOLD, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
MOST_READ = 2_000_000  # bytes of a file; longer than any certificate may be
FORMATS = {"text": ".txt", "latex": ".tex", "markdown": ".md", "html": ".html", "json": ".json"}
DOCUMENTS = (".txt", ".derive", ".tex", ".md", ".ipynb")
KINDS = ("cancels", "multiple", "residual", "other")
TIMEOUT, FOR_GUESSES = 10.0, 0.7  # seconds of a search, and how much of them SymPy may have
PATIENCE = 1.0  # seconds until progress is shown
EXAMPLES = """\b
Examples:
  derive bce-sigmoid                     the proof that dJ/dz = h - y
  derive mse-sigmoid                     why it does not cancel, and what remains
  derive cce-softmax --average           J averaged over m examples, any K
  derive mse-tanh --format latex -o sheet.tex
  derive prove --loss "-y*log(h)" --activation "exp(z)/(1 + exp(z))"
  derive check --pair bce-sigmoid "dJ/dh = h - y"
  derive match --activation tanh         the loss for which dJ/dz = h - y
  derive list --kind cancels             pairs with their verdicts
  derive atlas                           every loss with every activation
  derive sheet bce-sigmoid -o sheet.pdf  a proof to print
  derive verify proofs/certificates/*.json
"""
PROVE_EXAMPLES = """\b
Examples:
  derive prove --loss "(h - y)^2/2" --activation "tanh(z)"
  derive prove --loss bce --activation "1/(1 + exp(-2z))"
  derive prove --loss "-w*y*log(h) - (1 - y)*log(1 - h)" --activation sigmoid --param "w > 0"
  derive prove --loss "y/h + log(h)" --activation "-1/z" --assume "z < 0"
  derive prove --loss "-sum(k, y[k]*log(h[k]))" --activation "exp(z[k])/sum(l, exp(z[l]))"
"""
MATCH_EXAMPLES = """\b
Examples:
  derive match --activation tanh
  derive match --activation "z/(1 + |z|)"
  derive match --activation "where(z > 0, z, a*z)" --param "a > 0"
  derive match --activation "z[k]^2/sum(l, z[l]^2)"
"""
CHECK_EXAMPLES = """\b
Examples:
  derive check --pair bce-sigmoid "h - y"
  derive check --pair mse-sigmoid "dJ/dz = (h - y)*f'(z)"
  derive check --pair cce-softmax "\\frac{\\partial J}{\\partial z_j} = \\hat{y}_j - y_j"
  derive check --pair bce-sigmoid --layer 2 "delta2_j = sum(k, Theta2_kj*delta3_k)"
  derive check homework.tex              a derivation: .txt, .tex, .md or .ipynb
"""
LIST_EXAMPLES = """\b
Examples:
  derive list --loss bce                 binary cross-entropy with every activation that fits
  derive list --activation softmax --kind cancels
  derive list --json
"""
ATLAS_EXAMPLES = """\b
Examples:
  derive atlas
  derive atlas --loss mse --json
  derive atlas -o site                   web pages: the matrix, and a page a pair
  derive atlas --fresh --jobs 4          derived anew with SymPy
"""
VERIFY_EXAMPLES = """\b
Examples:
  derive verify proofs/certificates/*.json
  derive verify --jobs 4 --quiet proofs/certificates/*.json
  derive verify proofs/theorems/*.json
  derive verify - < certificate.json
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


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in the order of the help."""
    return lambda command: reduce(lambda f, option: option(f), reversed(options), command)


def _pairs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from derive.certificate import shipped

    return [pair for pair in shipped() if pair.startswith(incomplete)]


def _slugs(axis: str) -> Callable[..., list[str]]:
    """Completion by the losses or the activations of the catalogue."""

    def found(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from derive.library import index

        return [slug for slug in getattr(index(), axis) if slug.startswith(incomplete)]

    return found


AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
REPORT = _options(
    AS_JSON,
    click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: text, or by the suffix of FILE."),
    click.option("-o", "--output", "file", metavar="FILE", help="Write to FILE (- is standard output)."),
)
BUDGET = click.option("--timeout", metavar="S", default=TIMEOUT, show_default=True, help="Seconds of the search.")
AVERAGE = click.option(
    "--average", is_flag=True, help="J averaged over m examples and summed over K outputs; by z_j of example i."
)
NAMES = _options(
    click.option("--param", "params", metavar="NAME", multiple=True, help='Declare a name: w, "w > 0" or "0 < t < 1".'),
    click.option("--assume", metavar="RELATION", multiple=True, help='What else holds, such as "z < 0".'),
)
SELECTION = _options(
    click.option("--loss", metavar="SLUG", shell_complete=_slugs("losses"), help="This loss only."),
    click.option("--activation", metavar="SLUG", shell_complete=_slugs("activations"), help="This activation only."),
)
JOBS = click.option("--jobs", metavar="N", type=click.IntRange(1, 256), help="Processes. Default: one a CPU.")


@click.command("PAIR", epilog=EXAMPLES)
@click.argument("name", metavar="")
@REPORT
@AVERAGE
@click.option("--fresh", is_flag=True, help="Derive it anew with SymPy instead of re-checking the stored proof.")
@BUDGET
def pair(
    name: str, as_json: bool, form: str | None, file: str | None, average: bool, fresh: bool, timeout: float
) -> None:
    """Print the derivation of dJ/dz^(L) for a pair, step by step, and the verdict."""
    from derive.library import load_proof

    form = "json" if as_json else form or _by_suffix(file)
    try:
        proof = load_proof(name, average, fresh, timeout)
    except KernelError as problem:
        _undecided(name, form, file, str(problem))
    _write(_render(proof, form, file), file)


@app.command(epilog=PROVE_EXAMPLES, short_help="Prove what dJ/dz is for a loss and an activation of your own.")
@click.option("--loss", metavar="E", required=True, help="J in h and y (and z), or a slug of the catalogue.")
@click.option("--activation", metavar="E", required=True, help="h as a function of z, or a slug; h[k] for a vector.")
@NAMES
@REPORT
@AVERAGE
@BUDGET
def prove(
    loss: str,
    activation: str,
    params: tuple[str, ...],
    assume: tuple[str, ...],
    as_json: bool,
    form: str | None,
    file: str | None,
    average: bool,
    timeout: float,
) -> None:
    """Print the derivation of dJ/dz^(L) for a loss and an activation of your own, step by step, and the verdict.

    The plain language: + - * / ^, h[k] or h_k, sum(k, e) over the K classes, where(z > 0, a, b), |x|, exp, log, sqrt,
    tanh, sigmoid and so on. Numbers are exact: 0.1 is 1/10.
    """
    from derive.library import derived

    form = "json" if as_json else form or _by_suffix(file)
    request = {"loss": loss, "activation": activation, "params": params, "assume": assume, "average": average}
    try:
        proof = derived(request, timeout)
    except KernelError as problem:
        _undecided(None, form, file, str(problem))
    _write(_render(proof, form, file), file)


def _undecided(name: str | None, form: str, file: str | None, reason: str) -> NoReturn:
    """No statement: the answer is undecided, with the reason, and exit code 3."""
    if form == "json":
        from derive.proof import undecided

        _write(_dump(undecided(name, reason)), file)
    _stop(f"{name or 'the pair'} is undecided: {reason}", UNDECIDED)


@app.command(epilog=MATCH_EXAMPLES, short_help="Find the loss for which dJ/dz = h - y, or prove that there is none.")
@click.option("--activation", metavar="E", required=True, help="h as a function of z, or a slug; h[k] for a vector.")
@NAMES
@REPORT
@BUDGET
def match(
    activation: str,
    params: tuple[str, ...],
    assume: tuple[str, ...],
    as_json: bool,
    form: str | None,
    file: str | None,
    timeout: float,
) -> None:
    """Print the loss J for which dJ/dz = h - y, whether it is convex in z, or the proof that there is none."""
    from derive.worker import bounded

    form = "json" if as_json else form or _by_suffix(file)
    request = {"activation": activation, "params": params, "assume": assume, "timeout": timeout * FOR_GUESSES}
    try:
        found = bounded("match", {**request, "form": form, "look": _look(file)}, timeout)
    except KernelError as problem:
        from derive.matched import Match

        if form == "json":
            _write(_dump(Match(activation, reason=str(problem)).to_json()), file)
        _stop(f"the matching loss is undecided: {problem}", UNDECIDED)
    _write(_dump(found["report"]) if form == "json" else found["report"], file)
    if found["exists"] is None:
        _stop(f"the matching loss is undecided: {found['reason']}", UNDECIDED)


@app.command(epilog=CHECK_EXAMPLES, short_help="Check a claim or a derivation of your own, line by line.")
@click.argument("claim", metavar="CLAIM|FILE")
@click.option("--pair", metavar="PAIR", shell_complete=_pairs, help="What the claim is about, such as bce-sigmoid.")
@click.option("--loss", metavar="E", help="J in h and y (and z), or a slug of the catalogue.")
@click.option("--activation", metavar="E", help="h as a function of z, or a slug; h[k] for a vector.")
@NAMES
@click.option("--layer", type=click.IntRange(2, 3), help="Of a network of 3 layers: with Theta1, b1, a2, z2 and so on.")
@click.option("--average", is_flag=True, help="J averaged over m examples and summed over K outputs.")
@click.option("--l2", is_flag=True, help="With weight decay: lambda/(2m) times the squares of all weights.")
@AS_JSON
@BUDGET
def check(claim: str, as_json: bool, timeout: float, **given: Any) -> None:
    """Is a claim right, and if not, which line is wrong and why?

    A bare expression is a claim about dJ/dz; an equation is one about its left side: dJ/dh, dh/dz, dJ/dz_j, dh_k/dz_j,
    d2J/dz2, or any identity. The plain language and LaTeX are both read. Of a FILE every line is judged twice: is it
    true, and does it follow from the line before? FILE may be - for standard input.

    Exit codes: 0 right, 1 wrong, 2 bad input, 3 undecided.
    """
    from derive.worker import bounded

    kind = _kind(claim)
    text = claim if kind is None else _read(claim, "utf-8")
    form = "json" if as_json else "text"
    try:
        found = bounded("judge", {**given, "claim": text, "kind": kind, "form": form, "look": _look(None)}, timeout)
    except KernelError as problem:
        if as_json:
            from derive.checking import undecided

            click.echo(_dump(undecided(str(problem))), nl=False)
        _stop(f"the claim is undecided: {problem}", UNDECIDED)
    click.echo(_dump(found["report"]) if as_json else found["report"], nl=False)
    if found["answer"] == "undecided":
        _stop("the claim is undecided", UNDECIDED)
    sys.exit(DECIDED if found["answer"] == "right" else DOES_NOT_HOLD)


def _kind(claim: str) -> str | None:
    """What kind of document a file is, by its suffix; None for a claim."""
    suffix = os.path.splitext(claim)[1].lower()
    return suffix if suffix in DOCUMENTS else "" if claim == "-" or os.path.isfile(claim) else None


def _by_suffix(file: str | None) -> str:
    if file in (None, "-"):
        return "text"
    suffix = os.path.splitext(str(file))[1].lower()
    found = next((form for form, s in FORMATS.items() if s == suffix), None)
    if found is None:
        other = "a PDF is made by 'derive sheet'" if suffix == ".pdf" else f"add --format {'|'.join(FORMATS)}"
        raise DeriveError(f"cannot tell the format of {file!r} by its suffix; {other}")
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
    if form == "html":
        from derive.report.html import page

        return page(proof)
    from derive.report.text import text

    return text(proof, **_look(file))


def _look(file: str | None) -> dict[str, Any]:
    """How text is shown: as the terminal can, or as it is best in a file."""
    if file not in (None, "-"):
        return {}
    return {"width": _width(), "unicode": _speaks_unicode(sys.stdout), "colour": _shows_colour(sys.stdout)}


def _dump(data: Any) -> str:
    import json

    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def _width() -> int:
    from shutil import get_terminal_size

    return max(40, min(100, get_terminal_size((80, 24)).columns))


def _speaks_unicode(stream: IO[str] | None) -> bool:
    return (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")


def _shows_colour(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _write(content: str | bytes, file: str | None) -> None:
    """To standard output, or to a file that is replaced only once the new content is safely on disk."""
    if file in (None, "-"):
        click.echo(content, nl=False)
        return
    from derive.files import replace

    replace(str(file), content.encode() if isinstance(content, str) else content)


@app.command("list", epilog=LIST_EXAMPLES, short_help="List the pairs with their verdicts.")
@click.option("--kind", type=click.Choice(KINDS), help="This kind of dJ/dz only.")
@SELECTION
@AS_JSON
@JOBS
def list_pairs(kind: str | None, loss: str | None, activation: str | None, as_json: bool, jobs: int | None) -> None:
    """List the pairs with their verdicts; every proof is re-checked before its line is printed."""
    from derive.survey import checked, stored

    pairs = stored(loss, activation, kind)
    if as_json:
        click.echo(_dump(list(checked(pairs, jobs, _watched))), nl=False)
        return
    from derive.report.table import listing

    for line in listing(checked(pairs, jobs), pairs, _width(), _shows_colour(sys.stdout)):
        click.echo(line)


@app.command(epilog=ATLAS_EXAMPLES, short_help="Show every loss with every activation.")
@SELECTION
@AS_JSON
@click.option("--fresh", is_flag=True, help="Derive everything anew with SymPy instead of re-checking stored proofs.")
@click.option("-o", "--output", "folder", metavar="DIR", help="Write a site of static web pages.")
@JOBS
def atlas(
    loss: str | None, activation: str | None, as_json: bool, fresh: bool, folder: str | None, jobs: int | None
) -> None:
    """Show every loss with every activation: does dJ/dz = h - y hold, what is it else, and where is it no pair?

    The stored proofs are re-checked by the kernel first, every one of them.
    """
    if folder is not None:
        _site(folder, loss, activation, as_json or fresh, jobs)
        return
    from derive.survey import survey

    found = survey(loss, activation, fresh, jobs, _watched)
    if as_json:
        click.echo(_dump(found.to_json()), nl=False)
        return
    from derive.report.table import matrix

    click.echo(matrix(found, _width(), _shows_colour(sys.stdout)), nl=False)


def _site(folder: str, loss: str | None, activation: str | None, is_other: bool, jobs: int | None) -> None:
    if is_other:
        raise DeriveError("a site is written from the stored proofs; leave out --json and --fresh")
    from derive.site import write

    written = write(folder, loss, activation, jobs, _watched)
    click.echo(_one_line(f"{os.path.join(folder, 'index.html')}: {written} pairs"))


def _watched(answers: Iterator[Any], total: int) -> Iterator[Any]:
    """The answers; counted on standard error where that is a terminal, and somebody waits."""
    from time import monotonic

    since, shown = monotonic(), ""
    for n, answer in enumerate(answers, 1):
        if monotonic() - since > PATIENCE and sys.stderr.isatty():
            shown = f"{n} of {total}"
            click.echo(f"\r{shown}", err=True, nl=False)
        yield answer
    if shown:
        click.echo(f"\r{' ' * len(shown)}\r", err=True, nl=False)


@app.command(epilog=VERIFY_EXAMPLES, short_help="Re-check stored certificates with the kernel alone.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("-q", "--quiet", is_flag=True, help="Print only what does not hold.")
@AS_JSON
@JOBS
def verify(files: tuple[str, ...], quiet: bool, as_json: bool, jobs: int | None) -> None:
    """Re-check stored certificates and theorems with the kernel alone; SymPy is never imported.

    A certificate proves the statement that it prints. FILE may be - for standard input.
    """
    answers = _checked([_read(file) for file in files], jobs)
    rows = []
    for file, answer in zip(files, answers, strict=True):
        rows.append(_verified(file, answer))
        if not as_json:
            _say_verified(rows[-1], quiet)
    failed, opened = (sum(row["holds"] is answer for row in rows) for answer in (False, None))
    if as_json:
        click.echo(_dump(rows), nl=False)
    elif not quiet:
        click.echo(f"{len(files) - failed - opened} of {len(files)} certificates hold")
    sys.exit(DOES_NOT_HOLD if failed else UNDECIDED if opened else DECIDED)


def _checked(texts: Sequence[str], jobs: int | None) -> Iterator[Any]:
    """For each text the row of what it proves, or the DeriveError by which it does not hold."""
    from derive.worker import cpus, parallel

    certificates = parallel("check", [{"text": text} for text in texts if not _is_theorem(text)], jobs or cpus())
    for text in texts:
        yield _checked_theorem(text) if _is_theorem(text) else next(certificates)
    yield from certificates  # none is left, and its processes end


def _is_theorem(text: str) -> bool:
    return '"schema": "derive-theorem/' in text[:100]


def _checked_theorem(text: str) -> dict[str, Any] | DeriveError:
    from derive.theorems import loads

    try:
        found = loads(text)
    except DeriveError as problem:
        return problem
    chains = [found.chain, *(instance.chain for instance in found.instances)]
    return {"theorem": found.name, "statement": found.chain.statement, "steps": sum(len(c.lines) for c in chains)}


def _verified(file: str, answer: Any) -> dict[str, Any]:
    if isinstance(answer, CertificateError | KernelError):  # the second says nothing: its process was ended, say
        holds = False if isinstance(answer, CertificateError) else None
        return {"file": file, "holds": holds, "reason": str(answer)}
    if isinstance(answer, DeriveError):
        raise answer
    names = ("theorem", "statement", "pair", "answer", "kind", "steps")
    return {"file": file, "holds": True, **{name: answer[name] for name in names if name in answer}}


def _say_verified(row: dict[str, Any], quiet: bool) -> None:
    if not row["holds"]:
        said = "is undecided" if row["holds"] is None else "does not hold"
        click.echo(_one_line(f"{row['file']}: {said}: {row['reason']}"), err=True)
    elif not quiet:
        said = f"{row['answer']}, {row['kind']}" if "answer" in row else f"theorem {row['theorem']}"
        click.echo(_one_line(f"{row['file']}: holds, {row['steps']} steps: {said}"))


def _read(file: str, encoding: str = "ascii") -> str:
    try:
        if file == "-":
            if sys.stdin is None:
                raise DeriveError("cannot read standard input: it is closed")
            return sys.stdin.buffer.read(MOST_READ).decode(encoding, "surrogateescape")
        with open(file, "rb") as stream:
            return stream.read(MOST_READ).decode(encoding, "surrogateescape")
    except OSError as problem:
        raise DeriveError(f"cannot read {file}: {problem.strerror or problem}") from problem


THEOREM_EXAMPLES = """\b
Examples:
  derive theorem
  derive theorem canonical-link
  derive theorem proper-composite --json
  derive theorem matching-loss -o sheet.tex
"""


def _theorem_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from derive.theorems import names

    return [name for name in names() if name.startswith(incomplete)]


@app.command(epilog=THEOREM_EXAMPLES, short_help="Prove a theorem about any activation and loss.")
@click.argument("name", required=False, shell_complete=_theorem_names)
@REPORT
def theorem(name: str | None, as_json: bool, form: str | None, file: str | None) -> None:
    """Prove a theorem about any activation and loss, and its instances; every step is checked before it is printed.

    Without NAME the theorems are listed.
    """
    form = "json" if as_json else form or _by_suffix(file)
    if name is None:
        if form not in ("text", "json"):
            raise DeriveError("only one theorem makes a sheet; 'derive theorem' lists their names")
        _write(_theorem_list(form), file)
        return
    from derive import theorems

    found = theorems.theorem(name)
    if form == "json":
        _write(_dump(found.to_json()), file)
        return
    if form == "html":
        from derive.report.html import theorem_page

        _write(theorem_page(found), file)
        return
    from derive.report import theorem as report

    render = {"latex": report.sheet, "markdown": report.markdown}.get(form)
    _write(render(found) if render else report.text(found, **_look(file)), file)


def _theorem_list(form: str) -> str:
    from derive.theorems import THEOREMS

    if form == "json":
        return _dump([{"theorem": name, "title": e.title, "source": e.source} for name, e in THEOREMS.items()])
    widest = max(map(len, THEOREMS))
    return "".join(f"{name:<{widest}}  {entry.title}\n" for name, entry in THEOREMS.items())


SHEET_EXAMPLES = """\b
Examples:
  derive sheet bce-sigmoid mse-sigmoid -o sheet.pdf
  derive sheet --compare bce-sigmoid mse-sigmoid -o sheet.pdf --paper letter
  derive sheet cce-softmax -o sheet.pdf --engine latex
  derive sheet --loss "(h - y)^4" --activation sigmoid > sheet.tex
"""
PLOT_EXAMPLES = """\b
Examples:
  derive plot bce-sigmoid mse-sigmoid --what size -o saturation.svg
  derive plot mse-sigmoid huber-sigmoid --what factor -o factor.png
  derive plot --loss "|h - y|" --activation tanh --what loss > loss.svg
"""
SHOWN = _options(
    click.argument("pairs", metavar="PAIR...", nargs=-1, shell_complete=_pairs),
    click.option("--loss", metavar="E", help="With --activation, a pair of your own, as in 'derive prove'."),
    click.option("--activation", metavar="E", help="h as a function of z, or a slug; h[k] for a vector."),
    NAMES,
    AVERAGE,
    BUDGET,
)


@app.command(epilog=SHEET_EXAMPLES, short_help="Make proof sheets, or put two proofs side by side.")
@SHOWN
@click.option(
    "-o", "--output", "file", metavar="FILE", help="A .tex, .pdf, .html or .md file. Default: LaTeX on standard output."
)
@click.option("--compare", "beside", is_flag=True, help="Two pairs side by side: where they part, and what that does.")
@click.option("--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True)
@click.option("--engine", type=click.Choice(["typst", "latex"]), default="typst", show_default=True, help="Of a PDF.")
def sheet(file: str | None, beside: bool, paper: str, engine: str, **given: Any) -> None:
    """Write the proofs of pairs as one document, a section a pair, by the suffix of FILE.

    Every proof is re-checked by the kernel first. A PDF needs no TeX: --engine latex runs latexmk if you have it.
    """
    from derive.files import by_suffix
    from derive.report.sheets import FORMATS as forms
    from derive.report.sheets import sheets

    form = "latex" if file in (None, "-") else by_suffix(str(file), forms)
    proofs = _shown(**given)
    _write(sheets(proofs, form, paper, engine, beside), file)


@app.command(epilog=PLOT_EXAMPLES, short_help="Plot dJ/dz, its factor or the loss along z.")
@SHOWN
@click.option(
    "-o", "--output", "file", metavar="FILE", help="A .svg, .png or .pdf file. Default: SVG on standard output."
)
@click.option("--what", type=click.Choice(["delta", "size", "factor", "loss"]), default="delta", show_default=True)
def plot(file: str | None, what: str, **given: Any) -> None:
    """Plot dJ/dz and its size along z (delta), the g of g (h - y) along the range of h (factor), or J along z (loss).

    Each pair for two targets; "size" is the size of dJ/dz for one target, with the place where h is most wrong.
    Parameters have the values that the title says. Of a vector z_1 changes, and K = 2.
    """
    from derive.files import by_suffix
    from derive.report.plot import SUFFIXES, figure, image

    form = "svg" if file in (None, "-") else by_suffix(str(file), SUFFIXES)
    proofs = _shown(**given)
    _write(image(figure(proofs, what), form), file)


def _shown(
    pairs: tuple[str, ...],
    loss: str | None,
    activation: str | None,
    params: tuple[str, ...],
    assume: tuple[str, ...],
    average: bool,
    timeout: float,
) -> list[Proof]:
    """The proofs of the pairs, and that of a loss and an activation of the user's own."""
    from derive.library import derived, load_proof

    if (loss is None) != (activation is None) or (loss is None and (params or assume or not pairs)):
        raise DeriveError("give pairs such as bce-sigmoid, or --loss and --activation")
    try:
        found = [load_proof(pair, average, timeout=timeout) for pair in pairs]
        if loss is None:
            return found
        request = {"loss": loss, "activation": activation, "params": params, "assume": assume, "average": average}
        return [*found, derived(request, timeout)]
    except KernelError as problem:
        _stop(f"the pair is undecided: {problem}", UNDECIDED)


def main() -> None:
    """Run the command line; errors are one plain line on standard error."""
    try:
        app(sys.argv[1:] or ["--help"], prog_name="derive", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as problem:
        _complain(problem.format_message(), problem)
    except KernelError as problem:
        _stop(f"undecided: {problem}", UNDECIDED)
    except DeriveError as problem:
        _complain(str(problem))
    except Exception as problem:  # Python would end with 1, which is a verdict
        _fail(problem)


def _fail(problem: Exception) -> NoReturn:
    """Say in one line what is wrong with the machine, or with this program; neither is an answer."""
    if isinstance(problem, ModuleNotFoundError):
        _complain(str(missing(problem)))
    if isinstance(problem, OSError):
        _give_up_output()
        _complain(f"the system refuses: {problem.strerror or problem}")
    if isinstance(problem, MemoryError):
        _stop("undecided: it takes more memory than there is", UNDECIDED)
    _stop(f"undecided: an error of this program: {type(problem).__name__}: {problem}", UNDECIDED)


def _give_up_output() -> None:
    """What could not be written must not be tried again when Python ends, which would say more, with another code."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, problem: click.ClickException | None = None) -> NoReturn:
    context = getattr(problem, "ctx", None)
    hint = f" (see '{context.command_path} --help')" if context is not None else ""
    _stop(message + hint, BAD_INPUT)


def _stop(message: str, code: int) -> NoReturn:
    click.echo(_one_line(f"derive: {message}"), err=True)
    sys.exit(code)


def _one_line(message: str) -> str:
    """The message with what would break the line, or the terminal, spelled out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)


AUDIT_EXAMPLES = """\b
Examples:
  derive audit torch                     pip install 'derive[torch]' first
  derive audit jax --json
  derive audit torch jax -o docs/audit.md
"""


@app.command(epilog=AUDIT_EXAMPLES, short_help="Compare the gradients of torch and jax with the proved dJ/dz.")
@click.argument("frameworks", metavar="torch|jax...", nargs=-1, required=True)
@AS_JSON
@click.option("--format", "form", type=click.Choice([f for f in FORMATS if f != "latex"]), help="Default: text.")
@click.option("-o", "--output", "file", metavar="FILE", help="Write to FILE, in the format of its suffix.")
def audit(frameworks: tuple[str, ...], as_json: bool, form: str | None, file: str | None) -> None:
    """Compare what a framework's autograd has for each of its losses with the dJ/dz that is proved.

    At ordinary and at extreme points, in float64 and float32: the worst error in units in the last place, where nan is
    found, and which value is picked at a kink. It takes a minute a framework.
    """
    from derive.audit import audit as audited

    form = "json" if as_json else form or _by_suffix(file)
    if form == "latex":
        raise DeriveError("an audit is text, Markdown or JSON; name the file .txt, .md or .json")
    try:
        found = [audited(name, watched=_watched) for name in dict.fromkeys(frameworks)]
    except KernelError as problem:
        _stop(f"the audit is undecided: {problem}", UNDECIDED)
    if form == "json":
        _write(_dump([each.to_json() for each in found]), file)
        return
    from derive.report import audit as report

    _write(report.markdown(found) if form == "markdown" else report.text(found, **_audit_width(file)), file)


def _audit_width(file: str | None) -> dict[str, int]:
    return {} if file not in (None, "-") else {"width": _width()}
